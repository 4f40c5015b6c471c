//! `hanse init`

use super::{LedgerArgs, quiet_logs, say};
use crate::{NodeError, chain_spec, launch::Rooms};
use hanse_primitives::BaseFee;

/// Creates the ledger; harmless when it is there already with the same genesis.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let config = args.ledger.config();
    let rooms = Rooms::open(chain_spec(&config, BaseFee::Eip1559)?, &args.ledger.datadir, &config)?;
    let (genesis, head) = (rooms.spec.genesis_reference(), rooms.ledger.head());
    rooms.ledger.checkpoint()?;
    say(&format!(
        "chain {} with genesis {} is in {}, head {}",
        rooms.spec.chain_id(),
        genesis.hash,
        args.ledger.datadir.display(),
        head.height
    ));
    Ok(())
}
