//! The write-ahead log, as the engine uses it.

use crate::{
    Chain, Host, Wal, WalError,
    bft::rules::{context::Input, record::Record},
};
use hanse_primitives::Height;
use std::collections::BTreeSet;

/// The height whose votes a log of validators holds, if any.
///
/// # Errors
/// When the disk fails, or it is no such log.
pub fn logged_height(wal: &mut dyn Wal) -> Result<Option<Height>, WalError> {
    let records = wal.records()?;
    let Some(first) = records.first() else { return Ok(None) };
    match Record::decode(first) {
        Ok(Record::Height(height)) => Ok(Some(height)),
        _ => Err(WalError("it does not begin with a height".to_owned())),
    }
}

/// What the engine knows of its log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The height whose records it holds, if any.
    pub(super) height: Option<Height>,
    /// Records were added since the last sync.
    dirty: bool,
    /// A signature is among the effects.
    owed: bool,
    /// While a log is replayed: what it says, so that it is not written again.
    replayed: Option<BTreeSet<Vec<u8>>>,
}

impl Log {
    /// Adds a record of `height`.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn append<C: Chain>(
        &mut self,
        height: Height,
        record: &Record,
        host: &mut Host<'_, C>,
    ) -> Result<(), WalError> {
        let Some(bytes) = record.encode() else { return Ok(()) };
        if self.replayed.as_ref().is_some_and(|known| known.contains(&bytes)) {
            return Ok(());
        }
        if self.height != Some(height) {
            assert!(self.height.is_none(), "a log holds the records of one height");
            let first = Record::Height(height).encode().expect("heights are written");
            host.wal.append(&first)?;
            self.height = Some(height);
        }
        host.wal.append(&bytes)?;
        self.dirty = true;
        Ok(())
    }

    /// Remembers that what was appended must be durable when this call of the engine ends.
    pub(super) fn owe(&mut self) {
        self.owed = true;
    }

    /// Makes all records durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn sync<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), WalError> {
        if self.dirty {
            host.wal.sync()?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Makes all records durable if a signature is about to leave.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn sync_if_owed<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<(), WalError> {
        if std::mem::take(&mut self.owed) { self.sync(host) } else { Ok(()) }
    }

    /// Forgets the records of heights up to `decided`.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn forget<C: Chain>(
        &mut self,
        decided: Height,
        host: &mut Host<'_, C>,
    ) -> Result<(), WalError> {
        if self.height.is_some_and(|height| height <= decided) {
            host.wal.reset()?;
            *self = Self::default();
        }
        Ok(())
    }

    /// Says that the log is being replayed, and what it holds. It may hold records that were never
    /// synced, and what is derived from them may leave: so they are synced now.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn begin_replay<C: Chain>(
        &mut self,
        inputs: &[Input],
        host: &mut Host<'_, C>,
    ) -> Result<(), WalError> {
        let known = inputs.iter().filter_map(|input| Record::Input(input.clone()).encode());
        self.replayed = Some(known.collect());
        host.wal.sync()
    }

    /// Says that the log has been replayed.
    pub(super) fn end_replay(&mut self) {
        self.replayed = None;
    }
}
