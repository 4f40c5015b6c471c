use super::Pow;
use crate::pow::{
    limits::{ANSWER_MS, BENCH_DOUBLINGS_MAX, BENCH_MS, REST_MS, UNEXECUTED_MAX},
    rules::Message,
};
use crate::{Chain, Effect, Host, Urgency};
use hanse_primitives::PeerId;

/// A question that is out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) peer: PeerId,
    pub(super) id: u64,
    pub(super) deadline_ms: u64,
}

impl Pow {
    /// Asks the peer that claims the most work for blocks, if that is more than we know of. One
    /// question is out at a time; who does not answer in time is left aside for a while.
    pub(super) fn ask<C: Chain>(&mut self, host: &mut Host<'_, C>) {
        if let Some(late) = self.request.take_if(|request| request.deadline_ms <= host.now_ms) {
            self.behind = false;
            self.bench(late.peer, host.now_ms);
        }
        let (tip, work) = self.tree.heaviest().unwrap_or((self.head.hash, self.head_work));
        if self.request.is_some() || self.tree.unexecuted(tip).len() >= UNEXECUTED_MAX {
            return;
        }
        let free = |ready_ms: u64| ready_ms <= host.now_ms;
        let ahead = self
            .peers
            .iter_mut()
            .filter(|(_, peer)| peer.claim.work > work && free(peer.benched_until_ms))
            .max_by_key(|(_, peer)| peer.claim.work);
        let Some((id, peer)) = ahead else {
            self.behind = false;
            return;
        };
        // Go on where its last answer ended, or else from the best that we know.
        let tree = &self.tree;
        let from = peer.cursor.take().filter(|cursor| tree.contains(cursor)).unwrap_or(tip);
        self.request_id += 1;
        let request = Message::GetBlocks { id: self.request_id, locator: tree.locator(from) };
        let deadline_ms = host.now_ms.saturating_add(ANSWER_MS);
        self.request = Some(Request { peer: *id, id: self.request_id, deadline_ms });
        host.effects.push_back(Effect::Send(*id, Urgency::Sync, request.encode()));
    }

    /// Leaves a peer aside until the next block that waits for its time can be judged.
    pub(super) fn rest(&mut self, peer: PeerId, now_ms: u64) {
        let due_ms = self.waiting.due_ms().unwrap_or(now_ms.saturating_add(BENCH_MS));
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.benched_until_ms = due_ms.max(now_ms.saturating_add(REST_MS));
            peer.cursor = None;
        }
    }

    /// Leaves a peer aside for a while; longer each time.
    pub(super) fn bench(&mut self, peer: PeerId, now_ms: u64) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            let factor = 1 << peer.failures.min(BENCH_DOUBLINGS_MAX);
            peer.benched_until_ms = now_ms.saturating_add(BENCH_MS * factor);
            peer.failures = peer.failures.saturating_add(1);
            peer.cursor = None;
        }
    }
}
