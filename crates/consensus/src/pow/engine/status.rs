use super::Pow;
use alloy_primitives::U256;
use hanse_primitives::{BlockRef, PeerId};

impl Pow {
    /// A peer says where it stands. If that is further than we are, it will be asked.
    pub(super) fn on_status(&mut self, from: PeerId, head: BlockRef, work: U256) {
        self.note_claim(from, head.height, work);
        self.note_known(from, head.hash);
    }
}
