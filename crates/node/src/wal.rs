//! What an engine has for a write-ahead log.

use alloy_primitives::Bytes;
use hanse_consensus::{Wal, WalError};

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

    fn reset(&mut self) -> Result<(), WalError> {
        Ok(())
    }
}
