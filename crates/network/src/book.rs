//! Where peers are, and when to try to reach them next.

use crate::{
    Host, NetworkError, PeerAddress,
    limits::{
        ADDRESSES_PER_PEER_MAX, LEARNED_ATTEMPTS_MAX, PEERS_CONFIGURED_MAX, PEERS_LEARNED_MAX,
        REDIAL_MAX, REDIAL_MIN, REDIAL_MISMATCH, STABLE_TIME,
    },
};
use hanse_primitives::PeerId;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How soon to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Backing off.
    Soon,
    /// As late as backing off goes.
    Late,
    /// Only after the long wait for those who do not fit to us.
    Slowly,
}

#[derive(Clone, Debug)]
struct Place {
    host: Host,
    port: u16,
    configured: bool,
}

#[derive(Debug)]
struct Entry {
    /// Configured ones first.
    places: Vec<Place>,
    /// Which place the next attempt goes to, modulo their number.
    turn: usize,
    next: Instant,
    attempts: u32,
    dialling: bool,
    problem: Option<String>,
}

impl Entry {
    fn is_configured(&self) -> bool {
        self.places.iter().any(|place| place.configured)
    }

    fn address(&self, id: PeerId) -> PeerAddress {
        let place = &self.places[self.turn % self.places.len()];
        PeerAddress { id, host: place.host.clone(), port: place.port }
    }
}

/// A peer whose address is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// Which.
    pub id: PeerId,
    /// Where it is tried next.
    pub address: PeerAddress,
    /// False when the address was learned from others.
    pub configured: bool,
    /// Attempts in a row that failed.
    pub attempts: u32,
    /// Why the last one failed.
    pub problem: Option<String>,
}

/// Wait before the next attempt; `jitter` draws it from the upper half of its range.
fn wait(attempts: u32, retry: Retry, jitter: u32) -> Duration {
    let full = match retry {
        Retry::Soon => REDIAL_MIN.saturating_mul(1 << attempts.min(10)).min(REDIAL_MAX),
        Retry::Late => REDIAL_MAX,
        Retry::Slowly => REDIAL_MISMATCH,
    };
    let half = full / 2;
    (half + half.mul_f64(f64::from(jitter) / f64::from(u32::MAX))).max(REDIAL_MIN)
}

/// All addresses.
#[derive(Debug, Default)]
pub(crate) struct Book {
    peers: BTreeMap<PeerId, Entry>,
}

impl Book {
    /// Adds what the operator wants to be connected to.
    pub(crate) fn configure(
        &mut self,
        address: PeerAddress,
        now: Instant,
    ) -> Result<(), NetworkError> {
        let configured = self.peers.values().filter(|entry| entry.is_configured()).count();
        let entry = self.peers.get(&address.id);
        if configured >= PEERS_CONFIGURED_MAX && !entry.is_some_and(Entry::is_configured) {
            return Err(NetworkError::TooManyPeers(configured));
        }
        self.insert(address, true, now);
        Ok(())
    }

    /// Adds what somebody says of somebody; there is a bound to how much of that is kept.
    pub(crate) fn learn(&mut self, address: PeerAddress, now: Instant) {
        if !self.peers.contains_key(&address.id) {
            let learned = self.peers.values().filter(|entry| !entry.is_configured()).count();
            if learned >= PEERS_LEARNED_MAX {
                return;
            }
        }
        self.insert(address, false, now);
    }

    fn insert(&mut self, address: PeerAddress, configured: bool, now: Instant) {
        let PeerAddress { id, host, port } = address;
        let entry = self.peers.entry(id).or_insert_with(|| Entry {
            places: Vec::new(),
            turn: 0,
            next: now,
            attempts: 0,
            dialling: false,
            problem: None,
        });
        let same = |place: &&mut Place| place.host == host && place.port == port;
        if let Some(place) = entry.places.iter_mut().find(same) {
            place.configured |= configured;
        } else {
            if entry.places.len() >= ADDRESSES_PER_PEER_MAX {
                // The oldest that was only learned makes room; configured ones stay.
                match entry.places.iter().position(|place| !place.configured) {
                    Some(place) => drop(entry.places.remove(place)),
                    None => return,
                }
            }
            entry.places.push(Place { host, port, configured });
        }
        entry.places.sort_by_key(|place| !place.configured);
        if configured {
            entry.next = now;
            entry.turn = 0;
        }
    }

    /// Those to dial now, marked as being dialled, among those that `wanted` lets through.
    pub(crate) fn due(
        &mut self,
        now: Instant,
        mut room: usize,
        wanted: impl Fn(&PeerId) -> bool,
    ) -> Vec<PeerAddress> {
        let dialling = self.peers.values().filter(|entry| entry.dialling).count();
        room = room.saturating_sub(dialling);
        let mut due = Vec::new();
        for (id, entry) in &mut self.peers {
            if due.len() == room {
                break;
            }
            if !entry.dialling && entry.next <= now && wanted(id) {
                entry.dialling = true;
                due.push(entry.address(*id));
            }
        }
        due
    }

    /// When the next of those that `wanted` lets through is due.
    pub(crate) fn next_due(&self, wanted: impl Fn(&PeerId) -> bool) -> Option<Instant> {
        let waiting = self.peers.iter().filter(|(id, entry)| !entry.dialling && wanted(id));
        waiting.map(|(_, entry)| entry.next).min()
    }

    /// An attempt ended without a connection. True when the problem is new.
    pub(crate) fn failed(
        &mut self,
        peer: PeerId,
        retry: Retry,
        problem: String,
        now: Instant,
        jitter: u32,
    ) -> bool {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return true;
        };
        entry.dialling = false;
        entry.next = now + wait(entry.attempts, retry, jitter);
        entry.attempts = entry.attempts.saturating_add(1);
        entry.turn = entry.turn.wrapping_add(1);
        let news = entry.problem.as_ref() != Some(&problem);
        entry.problem = Some(problem);
        if !entry.is_configured() && entry.attempts >= LEARNED_ATTEMPTS_MAX {
            self.peers.remove(&peer);
        }
        news
    }

    /// An attempt is over, since there is a connection.
    pub(crate) fn connected(&mut self, peer: PeerId) {
        if let Some(entry) = self.peers.get_mut(&peer) {
            entry.dialling = false;
            entry.problem = None;
        }
    }

    /// A connection ended. One that lived long is dialled at once, others back off.
    pub(crate) fn lost(
        &mut self,
        peer: PeerId,
        lived: Duration,
        unexpected: bool,
        now: Instant,
        jitter: u32,
    ) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        entry.dialling = false;
        if lived >= STABLE_TIME {
            entry.attempts = 0;
        }
        if unexpected && entry.attempts == 0 {
            entry.next = now;
        } else {
            entry.next = now + wait(entry.attempts, Retry::Soon, jitter);
        }
        entry.attempts = entry.attempts.saturating_add(1);
    }

    /// Whatever kept those from being reached is over.
    pub(crate) fn retry_now(&mut self, now: Instant, of: impl Fn(&PeerId) -> bool) {
        for (id, entry) in &mut self.peers {
            if of(id) {
                entry.next = now;
            }
        }
    }

    /// Not dialled again: it is this very node.
    pub(crate) fn forget(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    pub(crate) fn known(&self) -> Vec<KnownPeer> {
        let known = |(id, entry): (&PeerId, &Entry)| KnownPeer {
            id: *id,
            address: entry.address(*id),
            configured: entry.is_configured(),
            attempts: entry.attempts,
            problem: entry.problem.clone(),
        };
        self.peers.iter().map(known).collect()
    }
}
