//! `hanse import`

use super::{LedgerArgs, quiet_logs, say};
use crate::{NodeError, blocks, chain_spec, rooms::Rooms};
use hanse_primitives::BaseFee;
use std::path::PathBuf;

/// Blocks that are in the ledger already are passed over, so an import can be run again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// File with RLP blocks one after another, as `geth export` and `hanse export` write them;
    /// gzipped or not.
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let config = args.ledger.config();
    let rooms = Rooms::open(chain_spec(&config, BaseFee::Eip1559)?, &args.ledger.datadir, &config)?;
    let mut chain = rooms.chain();
    let counts = blocks::import(&args.file, &mut chain);
    // What came in before an error stays.
    rooms.ledger.checkpoint()?;
    let counts = counts?;
    say(&format!(
        "imported {} blocks ({} were there already); the head is {} at height {}",
        counts.imported,
        counts.known,
        rooms.ledger.head().hash,
        rooms.ledger.head().height
    ));
    Ok(())
}
