//! `hanse genesis`

use super::{quiet_logs, say};
use crate::{NodeError, development};
use hanse_primitives::{BaseFee, ChainSpec};
use std::path::PathBuf;

/// Prints the development chain's genesis, to be edited and given to `--chain`; or checks a file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Check this file instead: say its chain id, hash and forks, or what is wrong with it.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// A base fee that stays: wei per gas, 0 for a consortium that does not charge for gas
    /// [default: moves as on Ethereum, EIP-1559].
    #[arg(long, value_name = "WEI")]
    base_fee: Option<u64>,
    /// Milliseconds between blocks; 0 seals as soon as a transaction waits.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    block_time: u64,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    if let Some(path) = &args.check {
        let json = std::fs::read(path).map_err(|e| NodeError::file("read", path, e))?;
        let spec = ChainSpec::parse(&json)?;
        say(&format!("chain id  {}", spec.chain_id()));
        say(&format!("genesis   {}", spec.genesis_reference().hash));
        say(&format!("accounts  {}", spec.genesis().alloc.len()));
        let engine = spec.hanse().map(|hanse| format!("{:?}", hanse.consensus));
        say(&format!("engine    {}", engine.as_deref().unwrap_or("none: a foreign chain")));
        for (fork, condition) in spec.forks() {
            say(&format!("fork      {fork}: {condition:?}"));
        }
        return Ok(());
    }
    let base_fee = args.base_fee.map_or(BaseFee::Eip1559, BaseFee::Fixed);
    let options = development::Options { block_time_ms: args.block_time, base_fee };
    let genesis = development::genesis(options)?;
    let json = serde_json::to_string_pretty(&genesis).map_err(|error| {
        NodeError::Failed(format!("the genesis cannot be written as JSON: {error}"))
    })?;
    say(&json);
    Ok(())
}
