use hanse_primitives::{BlockHash, Height};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What can go wrong with the record. `is_caller_fault` tells a wrong question from a broken disk.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// No such block, on any branch.
    #[error("block {0} is not known")]
    UnknownBlock(BlockHash),
    /// No canonical block at this height.
    #[error("there is no block at height {0}")]
    UnknownHeight(Height),
    /// The block does not descend from the final block, or is not on the head's branch.
    #[error("block {0} is not on the chain")]
    NotOnChain(BlockHash),
    /// The state of that block has been pruned or rolled back.
    #[error("the state at height {0} is not available: it has been pruned or taken back")]
    StateUnavailable(Height),
    /// Of that block something has been pruned.
    #[error(
        "block {0} has been pruned: not all of it is kept here; ask a node that keeps all history"
    )]
    Pruned(Height),
    /// A snapshot is not what it should be.
    #[error("the snapshot cannot be used: {0}")]
    Snapshot(String),
    /// The folder holds the ledger of another chain.
    #[error(
        "{path} holds a ledger with genesis {found}, not {expected}; use another --datadir or the right --chain"
    )]
    OtherGenesis {
        /// The folder.
        path: PathBuf,
        /// Genesis hash in the folder.
        found: BlockHash,
        /// Genesis hash that was asked for.
        expected: BlockHash,
    },
    /// Another process has the folder open.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The folder was written by a newer or foreign program.
    #[error("{path} has format version {found}; this program reads {expected}")]
    Format {
        /// The folder.
        path: PathBuf,
        /// Version on disk.
        found: u32,
        /// Version that this program writes.
        expected: u32,
    },
    /// Bytes on disk are not what was written.
    #[error(
        "the ledger is damaged: {0}; run `hanse db verify`, or restore it from a peer or an export"
    )]
    Corrupt(String),
    /// The disk or the file system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state is known, but a proof against it would take back more than is allowed.
    #[error(
        "no proof at height {height}: {reason}; ask a node that keeps the tries of past blocks"
    )]
    ProofTooOld {
        /// The height that was asked for.
        height: Height,
        /// Which limit stands in the way.
        reason: String,
    },
    /// Too many blocks wait for finality.
    #[error("{0} blocks are not final yet, which is the most that are kept")]
    TooManyBlocks(usize),
    /// A write failed before; nothing is written any more, because what the disk holds is unknown.
    #[error("the ledger stopped writing after an earlier failure: {0}")]
    Stopped(String),
    /// The key-value store failed.
    #[error("the key-value store failed: {0}")]
    Store(#[from] fjall::Error),
}

impl LedgerError {
    /// True when the question was wrong, false when our own disk or data is.
    #[must_use]
    pub const fn is_caller_fault(&self) -> bool {
        matches!(
            self,
            Self::UnknownBlock(_)
                | Self::UnknownHeight(_)
                | Self::NotOnChain(_)
                | Self::StateUnavailable(_)
                | Self::Pruned(_)
                | Self::Snapshot(_)
                | Self::ProofTooOld { .. }
                | Self::TooManyBlocks(_)
        )
    }

    pub(crate) fn io(what: &str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source }
    }
}
