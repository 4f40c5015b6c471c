//! What time our own blocks say it is.
//!
//! As a rule that is what our clock says. If it is so far ahead that the others take our blocks to come
//! from the future, each turn of ours costs everybody a round. Nobody's word tells us so, but that our
//! blocks are not taken does. From then on they bear the time of the final block, which a quorum has
//! agreed to, and the whole seconds that have passed since by our clock, whose pace is right even where
//! its time is wrong. Such a time is never too late, and hardly early; where the reason was another one
//! it costs nothing either.

use crate::bft::limits::{STAMP_PROBE_BLOCKS, STAMP_REFUSALS_MAX};

/// How it went with the blocks that we have proposed.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    /// So many in a row were not taken.
    refused: u32,
    /// So many were taken since we are careful.
    taken: u32,
}

impl Stamp {
    /// A height at which we proposed is decided: with our block, or with another.
    pub(crate) fn note(&mut self, is_ours: bool) {
        if !is_ours {
            self.refused = self.refused.saturating_add(1);
            self.taken = 0;
        } else if !self.is_careful() {
            self.refused = 0;
        } else {
            self.taken += 1;
            if self.taken >= STAMP_PROBE_BLOCKS {
                // Somebody may have set the clock: one more refusal and we are careful again.
                (self.refused, self.taken) = (STAMP_REFUSALS_MAX - 1, 0);
            }
        }
    }

    /// True while our blocks do not bear our clock's time.
    pub(crate) const fn is_careful(&self) -> bool {
        self.refused >= STAMP_REFUSALS_MAX
    }

    /// The time of a block of ours, in seconds since the Unix epoch, on a parent with a time, which was
    /// decided when our clock said `decided_ms`.
    pub(crate) fn seconds(&self, parent: u64, decided_ms: u64, now_ms: u64) -> u64 {
        let now = now_ms / 1_000;
        let passed = now_ms.saturating_sub(decided_ms) / 1_000;
        let time = if self.is_careful() { now.min(parent.saturating_add(passed)) } else { now };
        time.max(parent)
    }
}
