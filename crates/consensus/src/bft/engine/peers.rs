//! What the engine knows of its peers.

use super::Bft;
use crate::{
    Chain, Host, PeerFault,
    bft::limits::{
        AHEAD_BYTES_MAX, AHEAD_MESSAGES_MAX, MESSAGES_PER_SECOND_MAX, PEERS_MAX,
        REQUESTS_PER_SECOND_MAX, SPARE_RESPONSES_MAX,
    },
};
use alloy_primitives::Bytes;
use hanse_primitives::{Height, PeerId};
use std::collections::{BTreeMap, VecDeque};

/// The connected peers.
#[derive(Debug, Default)]
pub(super) struct Peers(BTreeMap<PeerId, Peer>);

/// A connected peer.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// The head that it claims to have.
    pub(super) claims: Height,
    /// It is asked for nothing before.
    pub(super) pause_until_ms: u64,
    /// How many times in a row it did not deliver what it was asked for.
    pub(super) failures: u32,
    /// Responses that it may send though nobody waits for them any more: late ones, repeated ones.
    pub(super) spare: u32,
    /// Messages for the next height.
    ahead: VecDeque<Bytes>,
    ahead_bytes: usize,
    second: u64,
    messages: u32,
    requests: u32,
}

impl Peers {
    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Peer> {
        self.0.get_mut(peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.0.iter()
    }

    /// Keeps a message for the next height, if there is room.
    pub(super) fn keep_ahead(&mut self, from: &PeerId, bytes: &Bytes) {
        let Some(peer) = self.0.get_mut(from) else { return };
        let size = peer.ahead_bytes.saturating_add(bytes.len());
        if peer.ahead.len() < AHEAD_MESSAGES_MAX && size <= AHEAD_BYTES_MAX {
            peer.ahead_bytes = size;
            peer.ahead.push_back(bytes.clone());
        }
    }

    /// Takes the messages for the next height, which has begun.
    pub(super) fn take_ahead(&mut self) -> Vec<(PeerId, Bytes)> {
        let mut all = Vec::new();
        for (id, peer) in &mut self.0 {
            peer.ahead_bytes = 0;
            all.extend(peer.ahead.drain(..).map(|bytes| (*id, bytes)));
        }
        all
    }

    /// Forgets the messages for a height that we do not decide.
    pub(super) fn forget_ahead(&mut self) {
        self.take_ahead();
    }
}

impl Bft {
    pub(super) fn on_connected<C: Chain>(&mut self, peer: PeerId, host: &mut Host<'_, C>) {
        if self.peers.0.len() >= PEERS_MAX && !self.peers.0.contains_key(&peer) {
            return;
        }
        // What we asked for before a connection broke, or before we crashed, may come over the next one.
        self.peers.0.insert(peer, Peer { spare: SPARE_RESPONSES_MAX, ..Peer::default() });
        self.greet(peer, host);
    }

    pub(super) fn on_disconnected(&mut self, peer: PeerId) {
        self.peers.0.remove(&peer);
        self.sync.forget(&peer);
        if let Some(deciding) = &mut self.deciding {
            deciding.assemblies.remove(&peer);
        }
    }

    /// Counts a message. False when there have been too many: it is not looked at.
    pub(super) fn count_message<C: Chain>(&mut self, from: PeerId, host: &mut Host<'_, C>) -> bool {
        let Some(peer) = self.peers.0.get_mut(&from) else { return false };
        let second = host.now_ms / 1_000;
        if peer.second != second {
            (peer.second, peer.messages, peer.requests) = (second, 0, 0);
        }
        peer.messages = peer.messages.saturating_add(1);
        if peer.messages == MESSAGES_PER_SECOND_MAX.saturating_add(1) {
            self.penalize(from, PeerFault::Excess("messages".to_owned()), host);
            return false;
        }
        peer.messages <= MESSAGES_PER_SECOND_MAX
    }

    /// Counts a request. False when there have been too many: it is not answered.
    pub(super) fn count_request<C: Chain>(&mut self, from: PeerId, host: &mut Host<'_, C>) -> bool {
        let Some(peer) = self.peers.0.get_mut(&from) else { return false };
        peer.requests = peer.requests.saturating_add(1);
        if peer.requests == REQUESTS_PER_SECOND_MAX.saturating_add(1) {
            self.penalize(from, PeerFault::Excess("requests for blocks".to_owned()), host);
            return false;
        }
        peer.requests <= REQUESTS_PER_SECOND_MAX
    }
}
