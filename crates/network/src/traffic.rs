//! What is counted, for people and metrics.

use crate::{Channel, Hello};
use hanse_primitives::PeerId;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// We.
    Outbound,
}

/// What went over one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages that we sent, as far as the kernel took them.
    pub messages_out: u64,
    /// Bytes of them.
    pub bytes_out: u64,
    /// Messages that came in.
    pub messages_in: u64,
    /// Bytes of them.
    pub bytes_in: u64,
    /// Messages that were dropped because the peer was too slow for them.
    pub dropped_out: u64,
    /// Messages that were dropped because the node was too slow for them.
    pub dropped_in: u64,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Which.
    pub id: PeerId,
    /// The other end of the connection.
    pub remote: SocketAddr,
    /// Where it listens, as far as that can be told.
    pub listens_at: Option<SocketAddr>,
    /// Who opened the connection.
    pub direction: Direction,
    /// How long it has lived.
    pub connected_for: Duration,
    /// What the peer says of itself.
    pub hello: Hello,
    /// By channel, in the order of [`Channel::ALL`].
    pub traffic: [Traffic; Channel::COUNT],
    /// Bytes that wait to be sent.
    pub queued_bytes: usize,
    /// Points of proven faults; a peer with 100 is banned.
    pub points: u32,
    /// Time that the last ping took, there and back.
    pub round_trip: Option<Duration>,
    /// Milliseconds by which its clock, as it says, is ahead of ours (negative: behind); `None` until it
    /// has told.
    pub clock_ahead_ms: Option<i64>,
}

/// Everything since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connected peers, now.
    pub peers: usize,
    /// By channel, in the order of [`Channel::ALL`].
    pub traffic: [Traffic; Channel::COUNT],
    /// Connections that came about.
    pub connections: u64,
    /// Attempts of ours to connect.
    pub dials: u64,
    /// Attempts of ours that failed.
    pub dials_failed: u64,
    /// Connections that we turned away: before the handshake, for their number; after it, for a reason.
    pub refused: u64,
    /// Proven faults of peers.
    pub faults: u64,
    /// Bans.
    pub bans: u64,
}

macro_rules! counters {
    ($name:ident: $($field:ident),+) => {
        #[derive(Debug, Default)]
        pub(crate) struct $name { $(pub(crate) $field: AtomicU64),+ }
    };
}

counters!(ChannelCounters: messages_out, bytes_out, messages_in, bytes_in, dropped_out, dropped_in);
counters!(HubCounters: connections, dials, dials_failed, refused, faults, bans);

impl ChannelCounters {
    pub(crate) fn read(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            messages_out: read(&self.messages_out),
            bytes_out: read(&self.bytes_out),
            messages_in: read(&self.messages_in),
            bytes_in: read(&self.bytes_in),
            dropped_out: read(&self.dropped_out),
            dropped_in: read(&self.dropped_in),
        }
    }
}

/// Counts in two places: for the connection and for the whole.
pub(crate) fn count(counters: [&AtomicU64; 2], amount: u64) {
    for counter in counters {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}
