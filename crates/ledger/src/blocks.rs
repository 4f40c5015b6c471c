//! Final blocks one after another.

use crate::{LedgerError, log::Cursor, remains::Past, shared::Shared};
use hanse_primitives::Height;
use std::sync::Arc;

/// Final blocks in order, each as far as it is still there. Reads the log from front
/// to back, past the caches.
#[derive(Debug)]
pub struct Blocks {
    shared: Arc<Shared>,
    cursor: Cursor,
    next: Height,
    last: Height,
}

impl Blocks {
    pub(crate) fn new(shared: Arc<Shared>, from: Height) -> Result<Self, LedgerError> {
        let last = shared.finalized().height;
        let cursor = match shared.flat().block(from)? {
            Some(found) => shared.log().cursor(found.position),
            None => shared.log().cursor_at_genesis(), // never read: `from` is above the last
        };
        Ok(Self { shared, cursor, next: from, last })
    }

    fn read(&mut self) -> Result<Option<Past>, LedgerError> {
        let Some(found) = self.cursor.next(self.shared.log())? else { return Ok(None) };
        let corrupt = |what| self.shared.log().corrupt(found.position, what);
        if found.record.height != self.next {
            return Err(corrupt("a block at another height than expected"));
        }
        let block = found.record.split();
        let block = block.and_then(|payload| Past::read(&payload));
        block.map(Some).map_err(|error| corrupt(error.0))
    }
}

impl Iterator for Blocks {
    type Item = Result<Past, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.last {
            return None;
        }
        let item = self.read().transpose();
        // After an error nothing more is read.
        self.next = if matches!(item, Some(Ok(_))) { self.next.next() } else { Height(u64::MAX) };
        item
    }
}
