use super::{Pow, consider::Outcome, penalize};
use crate::{Chain, Host, PeerFault};
use hanse_primitives::{PeerId, SealedBlock};

impl Pow {
    /// A peer answers.
    pub(super) fn on_blocks<C: Chain>(
        &mut self,
        from: PeerId,
        id: u64,
        blocks: Vec<SealedBlock>,
        host: &mut Host<'_, C>,
    ) {
        if id > self.request_id {
            let why = "an answer that was never asked for".to_owned();
            return penalize(host, from, PeerFault::Excess(why));
        }
        // An answer that comes too late has been given up; that is no fault.
        let answered = self.request.take_if(|request| request.peer == from && request.id == id);
        if answered.is_none() {
            return;
        }
        let full = blocks.len() >= crate::pow::limits::BLOCKS_MAX / 2;
        let (mut taken, mut refused, mut early) = (0, false, false);
        let mut last = None;
        for block in blocks {
            let hash = block.hash();
            self.note_known(from, hash);
            match self.consider(block, from, host) {
                Outcome::Taken => taken += 1,
                Outcome::Known => {}
                Outcome::Refused => {
                    refused = true;
                    break;
                }
                Outcome::Early => {
                    early = true;
                    break;
                }
                Outcome::Orphan => break,
            }
            last = Some(hash);
        }
        self.downloaded |= taken > 0;
        self.behind = full && taken > 0;
        if taken == 0 && early {
            // Only time can help, and it is no fault of the peer.
            self.rest(from, host.now_ms);
            return;
        }
        let best = self.tree.heaviest().map_or(self.head_work, |(_, work)| work);
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if refused || (taken == 0 && peer.claim.work > best) {
            // It had nothing for us, whatever it claims. Perhaps later.
            self.bench(from, host.now_ms);
            return;
        }
        peer.cursor = last;
        if taken > 0 {
            peer.failures = 0;
        }
    }
}
