//! `hanse export`

use super::{LedgerArgs, quiet_logs, say};
use crate::{NodeError, blocks, chain_spec, rooms::Rooms};
use hanse_primitives::{BaseFee, Height};
use std::path::PathBuf;

/// The file can be read by `hanse import` and `geth import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// File to write; gzipped when its name ends in `.gz`. It must not exist.
    file: PathBuf,
    /// First height.
    #[arg(default_value_t = 1)]
    first: u64,
    /// Last height [default: the head].
    last: Option<u64>,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let config = args.ledger.config();
    let rooms = Rooms::open(chain_spec(&config, BaseFee::Eip1559)?, &args.ledger.datadir, &config)?;
    let head = rooms.ledger.finalized().height;
    let last = args.last.map_or(head, Height);
    if last > head || args.first > last.0 {
        return Err(NodeError::Config(format!(
            "heights {} to {last} are not in the ledger; it ends at {head}",
            args.first
        )));
    }
    let written = blocks::export(&rooms.ledger, &args.file, Height(args.first), last)?;
    say(&format!("exported {written} blocks to {}", args.file.display()));
    Ok(())
}
