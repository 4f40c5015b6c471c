use super::{Pow, consider::Outcome, penalize};
use crate::{Chain, Host, PeerFault};
use alloy_primitives::U256;
use hanse_primitives::{PeerId, SealedBlock};

impl Pow {
    /// A peer has mined a block.
    pub(super) fn on_new_block<C: Chain>(
        &mut self,
        from: PeerId,
        work: U256,
        block: SealedBlock,
        host: &mut Host<'_, C>,
    ) {
        let reference = block.reference();
        self.note_known(from, reference.hash);
        match self.consider(block, from, host) {
            Outcome::Taken | Outcome::Known => {}
            // The claim stands: once asked, the peer has to show what the block is built on.
            Outcome::Orphan => return self.note_claim(from, reference.height, work),
            Outcome::Early | Outcome::Refused => return,
        }
        let Some(actual) = self.tree.work(&reference.hash) else { return };
        if actual != work {
            let why = format!("total work is {actual}, not {work}");
            penalize(host, from, PeerFault::Forged(why));
        }
        self.note_claim(from, reference.height, actual);
    }
}
