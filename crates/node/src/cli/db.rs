//! `hanse db`

use super::{LedgerArgs, quiet_logs, say};
use crate::{NodeError, chain_spec, rooms::Rooms, snapshots};
use clap::Subcommand;
use hanse_primitives::{BaseFee, BlockHash, Height};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// The node must not be running.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recompute every hash and root from genesis, and compare the indexes. Changes nothing.
    Verify(LedgerArgs),
    /// Take blocks off the end of the chain. Cannot be undone.
    Rollback {
        #[command(flatten)]
        ledger: LedgerArgs,
        /// Height of the new head.
        height: u64,
    },
    /// Write the ledger to a file, as far as it is kept, for somebody who joins.
    Snapshot {
        #[command(flatten)]
        ledger: LedgerArgs,
        /// The file, which must not be there; it is gzipped.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Make the ledger of a snapshot, and verify all of it.
    Restore {
        #[command(flatten)]
        ledger: LedgerArgs,
        /// The snapshot.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Hash of its last block, as somebody says who is trusted. Everything else follows from it.
        #[arg(long, value_name = "HASH")]
        trusted_hash: BlockHash,
    },
    /// Say how large the ledger is.
    Stats(LedgerArgs),
}

fn open(args: &LedgerArgs) -> Result<Rooms, NodeError> {
    let config = args.config();
    Rooms::open(chain_spec(&config, BaseFee::Eip1559)?, &args.datadir, &config)
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    match &args.command {
        Command::Verify(ledger) => verify(&open(ledger)?),
        Command::Rollback { ledger, height } => rollback(&open(ledger)?, Height(*height)),
        Command::Snapshot { ledger, to } => {
            let rooms = open(ledger)?;
            snapshots::write(&rooms.ledger, to)?;
            let last = rooms.ledger.finalized();
            say(&format!("block {} ({}) is the last in {}", last.height, last.hash, to.display()));
            Ok(())
        }
        Command::Restore { ledger, from, trusted_hash } => {
            let config = ledger.config();
            let spec = chain_spec(&config, BaseFee::Eip1559)?;
            let made = snapshots::restore(from, &ledger.datadir, &spec, &config, *trusted_hash)?;
            let (last, whole) = (made.finalized(), made.horizon().highest());
            let kept = match whole {
                Height::GENESIS => "all of it".to_owned(),
                whole => format!("whole from block {whole} on"),
            };
            say(&format!("verified: {} blocks up to {}, {kept}", last.height, last.hash));
            Ok(())
        }
        Command::Stats(ledger) => {
            let rooms = open(ledger)?;
            let usage = rooms.ledger.usage();
            let bytes = |bytes| indicatif::HumanBytes(bytes).to_string();
            say(&format!("head       {}", rooms.ledger.head().height));
            say(&format!("finalized  {}", rooms.ledger.finalized().height));
            say(&format!("block log  {}", bytes(usage.log_bytes)));
            say(&format!("store      {}", bytes(usage.store_bytes)));
            Ok(())
        }
    }
}

fn verify(rooms: &Rooms) -> Result<(), NodeError> {
    let head = rooms.ledger.finalized().height;
    let bar = ProgressBar::new(head.0).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} blocks, {eta} left")
            .expect("the template is well formed"),
    );
    let report = rooms.ledger.verify(&mut |height| bar.set_position(height.0))?;
    bar.finish_and_clear();
    for problem in &report.problems {
        say(problem);
    }
    let pruned = match report.pruned {
        0 => String::new(),
        pruned => format!(" ({pruned} of them pruned)"),
    };
    let summary = format!(
        "{} blocks{pruned}, {} transactions, {} accounts",
        report.blocks, report.transactions, report.accounts
    );
    if report.problems.is_empty() {
        say(&format!("clean: {summary}"));
        return Ok(());
    }
    let found = report.problems.len();
    Err(NodeError::Failed(format!("{found} problems in {summary}")))
}

fn rollback(rooms: &Rooms, height: Height) -> Result<(), NodeError> {
    let before = rooms.ledger.finalized().height;
    if height >= before {
        return Err(NodeError::Config(format!("the head is {before}; choose a height below it")));
    }
    rooms.ledger.rollback(height)?;
    say(&format!("took {} blocks off; the head is {height}", before.0 - height.0));
    Ok(())
}
