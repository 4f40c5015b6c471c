use super::Pow;
use alloy_primitives::U256;
use hanse_primitives::{BlockRef, PeerId};

impl Pow {
    /// A peer has a new head. If we do not have the block, the peer will be asked for it, and for what
    /// is missing below.
    pub(super) fn on_announce(&mut self, from: PeerId, head: BlockRef, work: U256) {
        self.note_known(from, head.hash);
        self.note_claim(from, head.height, work);
    }
}
