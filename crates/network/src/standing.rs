//! Who did what no honest peer does, and who may not come back for a while.

use crate::limits::{
    BAN_MAX, BAN_MIN, BAN_POINTS, BANS_FORGOTTEN_AFTER, FORGIVE_INTERVAL, STANDINGS_MAX,
};
use hanse_primitives::PeerId;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How bad a proven fault is. Slowness is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// More or more often than sensible. Many in a short time make a ban.
    Slight,
    /// Bytes that are no message. A few make a ban.
    Serious,
    /// A forged proof or an invalid block. One makes a ban.
    Grave,
}

impl Severity {
    /// What it counts; a peer with 100 points is banned, and loses one every six seconds.
    #[must_use]
    pub const fn points(self) -> u32 {
        match self {
            Self::Slight => 20,
            Self::Serious => 40,
            Self::Grave => BAN_POINTS,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    points: u32,
    /// When the points were counted last.
    at: Instant,
    bans: u32,
    banned_until: Option<Instant>,
}

impl Standing {
    fn forgive(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        let forgiven = passed.as_millis() / FORGIVE_INTERVAL.as_millis();
        if forgiven > 0 {
            self.points = self.points.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
            self.at = now;
        }
        if passed > BANS_FORGOTTEN_AFTER {
            self.bans = 0;
        }
    }

    fn is_banned(&self, now: Instant) -> bool {
        self.banned_until.is_some_and(|until| now < until)
    }
}

/// The standing of all peers that have none to be proud of.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    peers: BTreeMap<PeerId, Standing>,
}

impl Standings {
    /// Counts a fault; how long the peer is banned, if it now is.
    pub(crate) fn penalize(
        &mut self,
        peer: PeerId,
        severity: Severity,
        now: Instant,
    ) -> Option<Duration> {
        if !self.peers.contains_key(&peer) {
            self.make_room(now);
        }
        let fresh = Standing { points: 0, at: now, bans: 0, banned_until: None };
        let standing = self.peers.entry(peer).or_insert(fresh);
        standing.forgive(now);
        standing.points = standing.points.saturating_add(severity.points());
        if standing.points < BAN_POINTS || standing.is_banned(now) {
            return None;
        }
        let doubled = BAN_MIN.saturating_mul(1 << standing.bans.min(16));
        let ban = doubled.min(BAN_MAX);
        standing.bans += 1;
        // Whoever comes back is watched: half of the way to the next ban is gone.
        standing.points = BAN_POINTS / 2;
        standing.banned_until = Some(now + ban);
        standing.at = now + ban;
        Some(ban)
    }

    /// Forgets everything about a peer.
    pub(crate) fn pardon(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    pub(crate) fn is_banned(&self, peer: PeerId, now: Instant) -> bool {
        self.peers.get(&peer).is_some_and(|standing| standing.is_banned(now))
    }

    /// Points against the peer.
    pub(crate) fn points(&self, peer: PeerId, now: Instant) -> u32 {
        self.peers.get(&peer).map_or(0, |standing| {
            let mut standing = *standing;
            standing.forgive(now);
            standing.points
        })
    }

    /// Those who are banned, and for how long yet.
    pub(crate) fn banned(&self, now: Instant) -> Vec<(PeerId, Duration)> {
        let left = |(peer, standing): (&PeerId, &Standing)| {
            let left = standing.banned_until?.checked_duration_since(now)?;
            (!left.is_zero()).then_some((*peer, left))
        };
        self.peers.iter().filter_map(left).collect()
    }

    fn make_room(&mut self, now: Instant) {
        if self.peers.len() < STANDINGS_MAX {
            return;
        }
        self.peers.retain(|_, standing| {
            standing.forgive(now);
            standing.points > 0 || standing.bans > 0
        });
        if self.peers.len() >= STANDINGS_MAX {
            let mildest = self.peers.iter().min_by_key(|(_, standing)| standing.at);
            if let Some(peer) = mildest.map(|(peer, _)| *peer) {
                self.peers.remove(&peer);
            }
        }
    }
}
