//! `hanse genesis`

use super::{AbsenceArgs, quiet_logs, say};
use crate::{
    NodeError,
    development::{self, Charter, Consensus, Seat},
    localnet::{Choice, STAKE},
};
use alloy_primitives::Address;
use hanse_primitives::{BaseFee, ChainSpec, limits::VALIDATORS_MAX};
use std::{collections::BTreeSet, path::PathBuf, str::FromStr};

/// Prints a genesis with the development market, to be edited and given to `--chain`; or checks a file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Check this file instead: say its chain id, hash and forks, or what is wrong with it.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// A base fee that stays: wei per gas, 0 for a consortium that does not charge for gas
    /// [default: moves as on Ethereum, EIP-1559].
    #[arg(long, value_name = "WEI")]
    base_fee: Option<u64>,
    /// Least milliseconds between blocks; 0: as soon as a transaction waits.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    block_time: u64,
    /// The organizations that found the network, and its policies (TOML): then members decide who takes part.
    /// Without it everybody may do everything.
    #[arg(long, value_name = "FILE")]
    consortium: Option<PathBuf>,
    /// How blocks come about [default: one node seals them].
    #[arg(long, value_name = "ENGINE")]
    consensus: Option<Choice>,
    /// Who decides the blocks at first, comma-separated, each `<name>=<account>`, under proof of stake
    /// `<name>=<account>=<ether>` if it is not 10.
    #[arg(long, value_name = "VALIDATORS", value_delimiter = ',', requires = "consensus")]
    validators: Vec<Founder>,
    #[command(flatten)]
    absence: AbsenceArgs,
}

/// One of the first validators.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Founder(Seat);

impl FromStr for Founder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected <name>=<account> or <name>=<account>=<ether>".to_owned();
        let mut parts = text.split('=');
        let (name, account) = parts.next().zip(parts.next()).ok_or_else(expected)?;
        let account =
            account.parse::<Address>().map_err(|_| format!("'{account}' is no account"))?;
        let stake = match parts.next() {
            None => STAKE,
            Some(ether) => ether.parse().map_err(|_| format!("'{ether}' is no number of ether"))?,
        };
        match parts.next() {
            None if !name.is_empty() => Ok(Self(Seat { account, name: name.to_owned(), stake })),
            _ => Err(expected()),
        }
    }
}

impl Args {
    fn consensus(&self) -> Result<Consensus, NodeError> {
        let Some(choice) = self.consensus else {
            return Ok(Consensus::Solo { block_time_ms: self.block_time });
        };
        let seats: Vec<Seat> = self.validators.iter().map(|founder| founder.0.clone()).collect();
        let accounts: BTreeSet<Address> = seats.iter().map(|seat| seat.account).collect();
        let refuse = |why: String| Err(NodeError::Config(format!("--validators: {why}")));
        if choice == Choice::Pow && !seats.is_empty() {
            return refuse("under proof of work nobody votes; leave them away".to_owned());
        }
        if choice != Choice::Pow && !(1..=VALIDATORS_MAX).contains(&seats.len()) {
            return refuse(format!("give from 1 to {VALIDATORS_MAX} of them"));
        }
        if accounts.len() < seats.len() {
            return refuse("one account stands there twice".to_owned());
        }
        Ok(choice.consensus(seats, self.absence.settle()?, self.block_time))
    }
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
    let charter = args.consortium.as_deref().map(Charter::load).transpose()?;
    let genesis = development::market(&args.consensus()?, base_fee, charter.as_ref())?;
    let json = serde_json::to_string_pretty(&genesis).map_err(|error| {
        NodeError::Failed(format!("the genesis cannot be written as JSON: {error}"))
    })?;
    say(&json);
    Ok(())
}
