use super::Pow;
use crate::pow::{
    limits::{KNOWN_MAX, PEERS_MAX},
    rules::BoundedSet,
};
use crate::{Chain, Effect, Host, Urgency};
use alloy_primitives::U256;
use hanse_primitives::{BlockHash, Height, PeerId};

/// What another node says that it has. Nothing is proven by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) height: Height,
    pub(super) work: U256,
}

/// Another node.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) claim: Claim,
    /// Blocks that it certainly has.
    pub(super) known: BoundedSet,
    /// The last block of its branch that it sent and that we took.
    pub(super) cursor: Option<BlockHash>,
    /// It is not asked before.
    pub(super) benched_until_ms: u64,
    /// How often it did not help since it last did.
    pub(super) failures: u32,
    /// The second in which it last asked for something, and how often it did.
    pub(super) asked: (u64, u32),
}

impl Pow {
    pub(super) fn on_connected<C: Chain>(&mut self, peer: PeerId, host: &mut Host<'_, C>) {
        if self.peers.len() >= PEERS_MAX {
            return;
        }
        let known = BoundedSet::new(KNOWN_MAX);
        let claim = Claim::default();
        let fresh =
            Peer { claim, known, cursor: None, benched_until_ms: 0, failures: 0, asked: (0, 0) };
        self.peers.insert(peer, fresh);
        let status = self.status_message();
        host.effects.push_back(Effect::Send(peer, Urgency::Vote, status));
    }

    pub(super) fn on_disconnected(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        self.request.take_if(|request| request.peer == peer);
    }

    /// Notes what a peer says that it has.
    pub(super) fn note_claim(&mut self, peer: PeerId, height: Height, work: U256) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.claim = Claim { height, work };
        }
    }

    /// Notes that a peer has a block. False when that was known.
    pub(super) fn note_known(&mut self, peer: PeerId, hash: BlockHash) -> bool {
        self.peers.get_mut(&peer).is_some_and(|peer| peer.known.insert(hash))
    }
}
