//! Final blocks by height: the index and the log together.

use crate::{
    LedgerError,
    codec::Malformed,
    flat::Flat,
    log::{Log, Payload, RawRecord},
    recent::FinalBlock,
};
use hanse_primitives::{Header, Height};

/// Reads records of the log by height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a> {
    pub(crate) log: &'a Log,
    pub(crate) flat: &'a Flat,
}

impl Records<'_> {
    /// A final block that must be there.
    pub(crate) fn expect(&self, height: Height) -> Result<FinalBlock, LedgerError> {
        self.flat.block(height)?.ok_or_else(|| {
            LedgerError::Corrupt(format!("the index has no block at height {height}"))
        })
    }

    /// The record of a final block.
    pub(crate) fn record(&self, found: FinalBlock) -> Result<RawRecord, LedgerError> {
        let record = self.log.read(found.position)?;
        if record.height == found.block.height {
            return Ok(record);
        }
        let what = format!("block {} where {} belongs", record.height, found.block.height);
        Err(self.log.corrupt(found.position, &what))
    }

    /// Takes something out of the record of a final block, of which nothing must have been pruned.
    pub(crate) fn take<T>(
        &self,
        found: FinalBlock,
        take: impl FnOnce(&Payload<'_>) -> Result<T, Malformed>,
    ) -> Result<T, LedgerError> {
        let record = self.record(found)?;
        if record.is_pruned {
            return Err(LedgerError::Pruned(found.block.height));
        }
        self.take_of(found, &record, take)
    }

    /// Takes something out of the record of a final block, as far as it is still there.
    pub(crate) fn take_left<T>(
        &self,
        found: FinalBlock,
        take: impl FnOnce(&Payload<'_>) -> Result<T, Malformed>,
    ) -> Result<T, LedgerError> {
        let record = self.record(found)?;
        self.take_of(found, &record, take)
    }

    fn take_of<T>(
        &self,
        found: FinalBlock,
        record: &RawRecord,
        take: impl FnOnce(&Payload<'_>) -> Result<T, Malformed>,
    ) -> Result<T, LedgerError> {
        record
            .split()
            .and_then(|payload| take(&payload))
            .map_err(|error| self.log.corrupt(found.position, error.0))
    }

    /// The header of a final block.
    pub(crate) fn header(&self, found: FinalBlock) -> Result<Header, LedgerError> {
        let header = self.log.read_header(found.position)?;
        if header.hash_slow() != found.block.hash {
            return Err(self.log.corrupt(found.position, "a block with another hash"));
        }
        Ok(header)
    }
}
