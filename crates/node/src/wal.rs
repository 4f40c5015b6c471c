//! What an engine has for a write-ahead log.

use alloy_primitives::Bytes;
use hanse_consensus::{Wal, WalError};
use hanse_ledger::{Journal, LedgerError};
use std::path::Path;

/// A journal that an engine makes durable when it must be.
#[derive(Debug)]
pub(crate) struct FileWal(Journal);

impl FileWal {
    /// Opens the log, or makes an empty one.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        Journal::open(path).map(Self)
    }
}

fn failed(error: LedgerError) -> WalError {
    WalError(error.to_string())
}

impl Wal for FileWal {
    fn records(&mut self) -> Result<Vec<Bytes>, WalError> {
        let records = self.0.replay().map_err(failed)?;
        Ok(records.into_iter().map(Bytes::from).collect())
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WalError> {
        self.0.append(&[record]).map_err(failed)
    }

    fn sync(&mut self) -> Result<(), WalError> {
        self.0.sync().map_err(failed)
    }

    fn replace(&mut self, records: &[Bytes]) -> Result<(), WalError> {
        self.0.rewrite(records.iter().map(AsRef::as_ref)).map_err(failed)
    }

    /// Happens once a block: waits for no disk. Records that a crash brings back are of a height that
    /// the chain has, and the engine forgets them again.
    fn reset(&mut self) -> Result<(), WalError> {
        self.0.clear().map_err(failed)
    }
}

/// The log of an engine that has nothing to remember: a node that seals alone.
#[derive(Debug)]
pub(crate) struct NoWal;

impl Wal for NoWal {
    fn records(&mut self) -> Result<Vec<Bytes>, WalError> {
        Ok(Vec::new())
    }

    fn append(&mut self, _: &[u8]) -> Result<(), WalError> {
        Err(WalError("this engine keeps no log".to_owned()))
    }

    fn sync(&mut self) -> Result<(), WalError> {
        Ok(())
    }

    fn replace(&mut self, _: &[Bytes]) -> Result<(), WalError> {
        Ok(())
    }
}
