//! Memory for answers. A client that asks for much and reads slowly holds what it asked for in our
//! memory; all of them together may hold so much and no more.

use crate::limits::{ANSWER_BYTES_FREE, BUDGET_UNIT_BYTES};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all answers under way may take.
#[derive(Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// Bytes that give their share back when the last of them has been sent.
struct Held {
    bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let units = (bytes_max / BUDGET_UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(units)))
    }

    /// Takes a share for an answer; `None` when too much is under way. Small answers are free.
    pub(crate) fn hold(&self, bytes: Vec<u8>) -> Option<Bytes> {
        if bytes.len() <= ANSWER_BYTES_FREE {
            return Some(Bytes::from(bytes));
        }
        let units = u32::try_from(bytes.len() / BUDGET_UNIT_BYTES).ok()?;
        let share = Arc::clone(&self.0).try_acquire_many_owned(units).ok()?;
        Some(Bytes::from_owner(Held { bytes, _share: share }))
    }
}

#[cfg(test)]
mod tests;
