//! Catches up with those who are ahead.
//!
//! One peer at a time is asked for a range of final blocks; while they are applied, a few in each call,
//! the next range is on its way. Each block is checked by its certificate against the set that our own
//! state names, so a peer can delay us and never mislead us. Who does not deliver is left alone for
//! a while, and another is asked.

use super::{Bft, decide::Finished, inherit::Base, peers::Peer};
use crate::{
    Chain, ChainError, EngineError, Host, PeerFault, Verdict,
    bft::{
        limits::{
            RESPONSE_BLOCKS_MAX, SPARE_RESPONSES_MAX, SYNC_GRACE_MS, SYNC_PAUSE_DOUBLINGS_MAX,
            SYNC_PAUSE_MS, SYNC_QUEUE_MAX, SYNC_TIMEOUT_MS,
        },
        rules::message::{Message, Request},
    },
};
use hanse_primitives::{CommitCertificate, Height, PeerId, SealedBlock};
use std::collections::VecDeque;

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Sync {
    asked: Option<Asked>,
    /// Blocks that follow each other and the head.
    queue: VecDeque<Fetched>,
    /// Since when we know that somebody has the block of our height.
    behind_since_ms: Option<u64>,
    last: Option<PeerId>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    peer: PeerId,
    from: Height,
    count: u8,
    until_ms: u64,
}

/// A block as a peer sent it.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) peer: PeerId,
    pub(super) block: SealedBlock,
    pub(super) certificate: CommitCertificate,
}

impl Sync {
    /// True when no block waits to be applied.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Forgets a peer that is gone. What it has sent is as good as before.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        if self.asked.is_some_and(|asked| asked.peer == *peer) {
            self.asked = None;
        }
    }

    /// The number of blocks that were asked of `peer` from `from` on, if they were; it has answered.
    pub(super) fn answered(&mut self, peer: PeerId, from: Height) -> Option<u8> {
        let asked = self.asked.filter(|asked| asked.peer == peer && asked.from == from)?;
        self.asked = None;
        Some(asked.count)
    }

    /// Notes that another height is being decided.
    pub(super) fn move_on(&mut self) {
        self.behind_since_ms = None;
    }

    /// Adds what was fetched.
    pub(super) fn add(&mut self, fetched: Vec<Fetched>) {
        self.queue.extend(fetched);
    }
}

impl Bft {
    /// True while it makes no sense to start a height, since its block is on its way.
    pub(super) fn is_catching_up(&self, now_ms: u64) -> bool {
        let far = |asked: &Asked| {
            let peer = self.peers.iter().find(|(id, _)| **id == asked.peer);
            // Who has failed once cannot hold us up a second time.
            peer.is_some_and(|(_, peer)| peer.failures == 0 && peer.claims > self.here())
                && asked.until_ms > now_ms
        };
        !self.sync.is_idle() || self.sync.asked.as_ref().is_some_and(far)
    }

    /// The height that is being decided.
    fn here(&self) -> Height {
        self.parent.reference.height.next()
    }

    /// The first height that is neither here nor on its way.
    fn missing(&self) -> Height {
        self.sync.queue.back().map_or(self.here(), |last| last.block.height().next())
    }

    /// Who can be asked for the block at a height.
    fn is_source(peer: &Peer, height: Height, now_ms: u64) -> bool {
        peer.claims >= height && peer.pause_until_ms <= now_ms
    }

    /// Asks for blocks if somebody has more than we.
    pub(super) fn ask_if_behind<C: Chain>(&mut self, host: &mut Host<'_, C>) {
        self.give_up_waiting(host.now_ms);
        let height = self.missing();
        let after_last = self.last.is_some_and(|last| height > last);
        if self.deciding.is_none() || after_last {
            return;
        }
        let best = self.peers.iter().map(|(_, peer)| peer.claims).max().unwrap_or_default();
        if best < self.here() {
            self.sync.behind_since_ms = None;
        } else {
            self.sync.behind_since_ms.get_or_insert(host.now_ms);
        }
        let has_room = self.sync.queue.len() + RESPONSE_BLOCKS_MAX <= SYNC_QUEUE_MAX;
        let waits = self.ask_due_ms(height).is_none_or(|due_ms| due_ms > host.now_ms);
        if self.sync.asked.is_some() || !has_room || waits {
            return;
        }
        let Some(peer) = self.choose_source(height, host.now_ms) else { return };
        let most = RESPONSE_BLOCKS_MAX.try_into().expect("a response holds few blocks");
        let count = self.last.map_or(most, |last| {
            u8::try_from(last.0.saturating_sub(height.0).saturating_add(1))
                .unwrap_or(most)
                .min(most)
        });
        let until_ms = host.now_ms.saturating_add(SYNC_TIMEOUT_MS);
        self.sync.asked = Some(Asked { peer, from: height, count, until_ms });
        self.sync.last = Some(peer);
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.spare = SPARE_RESPONSES_MAX;
        }
        self.send(peer, &Message::Request(Request { from: height, count }), host);
    }

    /// When to ask for `height`, if anybody has it. The block that is being decided is most likely on
    /// its way by itself, if we hear of its votes at all.
    fn ask_due_ms(&self, height: Height) -> Option<u64> {
        let since_ms = self.sync.behind_since_ms?;
        let far = self.peers.iter().any(|(_, peer)| peer.claims > height);
        let deaf =
            self.deciding.as_ref().is_some_and(|deciding| !deciding.call.one && !deciding.signs);
        let at_once = far || deaf || height > self.here();
        Some(if at_once { since_ms } else { since_ms.saturating_add(SYNC_GRACE_MS) })
    }

    /// The next peer, in turn, that has the block.
    fn choose_source(&self, height: Height, now_ms: u64) -> Option<PeerId> {
        let sources = self.peers.iter().filter(|(_, peer)| Self::is_source(peer, height, now_ms));
        let sources: Vec<PeerId> = sources.map(|(id, _)| *id).collect();
        let next = sources.iter().find(|id| self.sync.last.is_none_or(|last| **id > last));
        next.or(sources.first()).copied()
    }

    /// When something about synchronization will be due.
    pub(super) fn sync_due_ms(&self, now_ms: u64) -> Option<u64> {
        if let Some(asked) = self.sync.asked {
            return Some(asked.until_ms);
        }
        let height = self.missing();
        let due_ms = self.ask_due_ms(height)?;
        let sources = self.peers.iter().filter(|(_, peer)| peer.claims >= height);
        let free_ms = sources.map(|(_, peer)| peer.pause_until_ms).min()?;
        let due_ms = due_ms.max(free_ms);
        // What is due and does not happen waits for room in the queue, not for time.
        (due_ms > now_ms).then_some(due_ms)
    }

    fn give_up_waiting(&mut self, now_ms: u64) {
        if let Some(asked) = self.sync.asked.filter(|asked| asked.until_ms <= now_ms) {
            self.sync.asked = None;
            self.let_rest(&asked.peer, now_ms);
        }
    }

    /// Asks a peer for nothing for a while, and for longer each time.
    pub(super) fn let_rest(&mut self, peer: &PeerId, now_ms: u64) {
        if let Some(peer) = self.peers.get_mut(peer) {
            let pause_ms = SYNC_PAUSE_MS << peer.failures.min(SYNC_PAUSE_DOUBLINGS_MAX);
            peer.pause_until_ms = now_ms.saturating_add(pause_ms);
            peer.failures = peer.failures.saturating_add(1);
        }
    }

    /// Applies the next fetched block.
    pub(super) fn apply_synced<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        let here = self.here();
        while self.sync.queue.front().is_some_and(|next| next.block.height() < here) {
            self.sync.queue.pop_front(); // decided meanwhile
        }
        let Some(deciding) = &self.deciding else {
            self.sync.queue.clear();
            return Ok(false);
        };
        let Some(next) = self.sync.queue.pop_front() else { return Ok(false) };
        let (block, certificate) = (next.block, next.certificate);
        if let Err(error) = certificate.verify(&self.domain, deciding.voters.set()) {
            self.refuse(next.peer, PeerFault::Forged(error.to_string()), host);
            return Ok(true);
        }
        if let Base::Unknown(parent) = self.base(&block, host.chain)? {
            // A quorum has decided on a branch that we do not have: it is fetched first.
            self.note_orphan(parent, next.peer);
            self.sync.queue.push_front(Fetched { peer: next.peer, block, certificate });
            return Ok(false);
        }
        match host.chain.import(block.clone()) {
            Verdict::Accept(_) => {}
            Verdict::Reject(_) if !block.is_whole() => {
                let why = "a block with the transactions of another".to_owned();
                self.refuse(next.peer, PeerFault::Forged(why), host);
                return Ok(true);
            }
            // A quorum vouches for it, so either they or we are wrong: a stopped node is safe.
            Verdict::Reject(error) => {
                return Err(EngineError::Broken(format!("a final block is invalid here: {error}")));
            }
            Verdict::Later => {
                let why = format!("the final block {} could not be kept", block.hash());
                return Err(ChainError::Storage(why).into());
            }
        }
        self.finalize(&block, certificate.clone(), host)?;
        if let Some(peer) = self.peers.get_mut(&next.peer) {
            peer.failures = 0;
        }
        let decided_ms = block.header().timestamp.saturating_mul(1_000).min(host.now_ms);
        self.finished = Some(Finished { block, certificate, decided_ms });
        Ok(true)
    }

    /// Throws away what a peer has sent, and says why.
    fn refuse<C: Chain>(&mut self, peer: PeerId, fault: PeerFault, host: &mut Host<'_, C>) {
        self.sync.queue.clear();
        if self.sync.asked.is_some_and(|asked| asked.peer == peer) {
            self.sync.asked = None;
        }
        self.let_rest(&peer, host.now_ms);
        self.penalize(peer, fault, host);
    }
}
