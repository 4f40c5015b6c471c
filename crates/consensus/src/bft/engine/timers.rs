//! The library's timeouts, as points in time.

use crate::bft::rules::context::round_number;
use arc_malachitebft_core_types::{Timeout, TimeoutKind};
use std::collections::BTreeMap;

/// Timeouts that run.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeMap<(u8, u32), (u64, Timeout)>);

impl Timers {
    /// Starts a timeout, again if it runs already.
    pub(super) fn set(&mut self, timeout: Timeout, due_ms: u64) {
        self.0.insert(key(timeout), (due_ms, timeout));
    }

    /// Stops a timeout.
    pub(super) fn cancel(&mut self, timeout: Timeout) {
        self.0.remove(&key(timeout));
    }

    /// Lets a timeout run out now, if it runs.
    pub(super) fn hurry(&mut self, timeout: Timeout, now_ms: u64) {
        if let Some((due_ms, _)) = self.0.get_mut(&key(timeout)) {
            *due_ms = now_ms.min(*due_ms);
        }
    }

    /// Stops all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// When the first runs out.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.0.values().map(|(due_ms, _)| *due_ms).min()
    }

    /// Takes the first that has run out.
    pub(super) fn fire(&mut self, now_ms: u64) -> Option<Timeout> {
        let (_, (due_ms, timeout)) = self.0.iter().min_by_key(|(_, (due_ms, _))| *due_ms)?;
        let (due_ms, timeout) = (*due_ms, *timeout);
        if due_ms > now_ms {
            return None;
        }
        self.cancel(timeout);
        Some(timeout)
    }
}

fn key(timeout: Timeout) -> (u8, u32) {
    let kind = match timeout.kind {
        TimeoutKind::Propose => 0,
        TimeoutKind::Prevote => 1,
        TimeoutKind::Precommit => 2,
        TimeoutKind::Rebroadcast => 3,
        TimeoutKind::FinalizeHeight(_) => 4,
    };
    (kind, round_number(timeout.round))
}
