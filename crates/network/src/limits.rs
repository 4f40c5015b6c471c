//! Bounds of this room. What an operator may tune is in [`NetworkLimits`]; the rest is part of the
//! protocol or fixed. They are checked against each other when compiling.

use crate::Channel;
use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Version of the protocol. Nodes with different versions do not speak to each other.
pub const PROTOCOL_VERSION: u16 = 2;

/// Bytes of a frame's content: what may stand before a vote, at most, once it is written.
pub const CHUNK_BYTES_MAX: usize = 16 * KIB;

/// Bytes of a frame's head.
pub const FRAME_HEAD_BYTES: usize = 4;

/// Bytes that are encrypted and handed to the kernel at once, before priorities are looked at again.
pub const BATCH_BYTES: usize = 32 * KIB;

/// Bytes that the kernel may hold unsent, where it can be told so.
pub const UNSENT_BYTES_MAX: usize = 64 * KIB;

/// Bytes that are read at once.
pub const READ_BYTES: usize = 64 * KIB;

/// Bytes of one message of the handshake.
pub const GREETING_BYTES_MAX: usize = 9 * KIB;

/// Bytes of a text within it.
pub const GREETING_TEXT_BYTES_MAX: usize = 200;

/// Bytes by which a node shows for whom it acts.
pub const CREDENTIAL_BYTES_MAX: usize = 8 * KIB;

/// Addresses of one `Peers` message.
pub const PEERS_SHARED_MAX: usize = 64;

/// Bytes of one address in it: key, kind, IPv6 address, port.
pub const PEER_ENTRY_BYTES_MAX: usize = 32 + 1 + 16 + 2;

/// Peers whose addresses were learned and not configured.
pub const PEERS_LEARNED_MAX: usize = 512;

/// Peers whose addresses are configured.
pub const PEERS_CONFIGURED_MAX: usize = 512;

/// Addresses of one peer.
pub const ADDRESSES_PER_PEER_MAX: usize = 4;

/// Attempts in a row after which a learned address is forgotten.
pub const LEARNED_ATTEMPTS_MAX: u32 = 8;

/// Attempts to connect at one time.
pub const DIALS_MAX: usize = 16;

/// Peers whose faults or problems are remembered.
pub const STANDINGS_MAX: usize = 4_096;

/// Bytes of a DNS name (RFC 1035, section 2.3.4).
pub const HOST_NAME_BYTES_MAX: usize = 253;

/// Bytes of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 256;

/// Control frames that may wait for one peer; they are few by nature.
pub const CONTROL_FRAMES_MAX: usize = 64;

/// Unit in which the memory of received messages is counted: no message is cheaper.
pub const CREDIT_UNIT_BYTES: usize = KIB;

/// Longest time for TCP to connect.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest time that a refusal or a farewell may take to be delivered.
pub const FAREWELL_TIME_MAX: Duration = Duration::from_secs(1);

/// Time between two pings.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Longest silence of a peer, which pings at least, before it counts as gone.
pub const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Longest time that a peer may take none of our bytes before it counts as gone.
pub const STALL_MAX: Duration = Duration::from_secs(60);

/// Time between two messages about other peers' addresses.
pub const SHARE_INTERVAL: Duration = Duration::from_secs(30);

/// First wait before a peer is dialled again; doubles from attempt to attempt.
pub const REDIAL_MIN: Duration = Duration::from_secs(1);

/// Longest such wait.
pub const REDIAL_MAX: Duration = Duration::from_secs(30);

/// Wait before a peer is dialled again whose chain or protocol is another.
pub const REDIAL_MISMATCH: Duration = Duration::from_secs(60);

/// A connection that lived this long is dialled again at once when it is lost.
pub const STABLE_TIME: Duration = Duration::from_secs(10);

/// Points of proven faults at which a peer is banned.
pub const BAN_POINTS: u32 = 100;

/// First ban; doubles from ban to ban.
pub const BAN_MIN: Duration = Duration::from_secs(60);

/// Longest ban.
pub const BAN_MAX: Duration = Duration::from_secs(3_600);

/// Time in which one point is forgiven.
pub const FORGIVE_INTERVAL: Duration = Duration::from_secs(6);

/// Good conduct after which earlier bans are forgotten.
pub const BANS_FORGOTTEN_AFTER: Duration = Duration::from_secs(6 * 3_600);

/// How much may wait to be sent to one peer on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimit {
    /// Messages.
    pub messages_max: usize,
    /// Bytes of all of them.
    pub bytes_max: usize,
}

/// How fast one peer is read on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Messages a second.
    pub messages_per_second: u32,
    /// Bytes a second.
    pub bytes_per_second: u32,
    /// Seconds of this rate that may come at once.
    pub burst_seconds: u32,
}

/// Everything about one channel that an operator may tune.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// What may wait to be sent.
    pub queue: QueueLimit,
    /// How fast is read.
    pub rate: RateLimit,
    /// Bytes of received messages that the node has not let go of yet; beyond it we stop reading, or,
    /// on [`Channel::Transactions`], drop the message. At least the longest message.
    pub unread_bytes_max: usize,
}

/// What an operator may tune. The defaults suit a consortium on a fast network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkLimits {
    /// Connected peers.
    pub peers_max: usize,
    /// Connections from one IP address that others opened, handshake included.
    pub inbound_per_ip_max: usize,
    /// Connections that others opened, handshake included.
    pub inbound_max: usize,
    /// Connections that others opened and that have not proven anything yet.
    pub handshakes_max: usize,
    /// Longest time from the first byte to the end of the handshake.
    pub handshake_time_max: Duration,
    /// A peer whom we had to slow down for half of such a window gets a mark for it.
    pub excess_window: Duration,
    /// By channel, in the order of [`Channel::ALL`].
    pub channels: [ChannelLimits; Channel::COUNT],
}

impl NetworkLimits {
    /// The limits of one channel.
    #[must_use]
    pub const fn channel(&self, channel: Channel) -> &ChannelLimits {
        &self.channels[channel.index()]
    }

    /// The limits of one channel, to change them.
    pub const fn channel_mut(&mut self, channel: Channel) -> &mut ChannelLimits {
        &mut self.channels[channel.index()]
    }
}

const fn channel(queue: (usize, usize), rate: (u32, u32), unread_mib: usize) -> ChannelLimits {
    ChannelLimits {
        queue: QueueLimit { messages_max: queue.0, bytes_max: queue.1 * MIB },
        rate: RateLimit {
            messages_per_second: rate.0,
            bytes_per_second: rate.1 * 1024 * 1024,
            burst_seconds: 2,
        },
        unread_bytes_max: unread_mib * MIB,
    }
}

/// Consensus, blocks, sync, transactions.
const CHANNELS: [ChannelLimits; Channel::COUNT] = [
    channel((8_192, 8), (50_000, 64), 8),
    channel((256, 36), (2_000, 256), 18),
    channel((256, 36), (2_000, 512), 32),
    channel((16_384, 16), (100_000, 128), 16),
];

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            peers_max: 128,
            inbound_per_ip_max: 64,
            inbound_max: 192,
            handshakes_max: 64,
            handshake_time_max: Duration::from_secs(10),
            excess_window: Duration::from_secs(60),
            channels: CHANNELS,
        }
    }
}

const fn channels_hold_their_messages() -> bool {
    let mut index = 0;
    while index < Channel::COUNT {
        let limits = &CHANNELS[index];
        let message = Channel::ALL[index].message_bytes_max();
        if limits.queue.bytes_max < 2 * message || limits.unread_bytes_max < message {
            return false;
        }
        index += 1;
    }
    true
}

const _: () = assert!(channels_hold_their_messages());
const _: () = assert!(CHUNK_BYTES_MAX < 1 << 24, "a frame's head has 24 bits for it");
const _: () = assert!(FRAME_HEAD_BYTES + CHUNK_BYTES_MAX <= BATCH_BYTES);
const _: () = assert!(FRAME_HEAD_BYTES + CHUNK_BYTES_MAX <= READ_BYTES);
const _: () = assert!(PEERS_SHARED_MAX * PEER_ENTRY_BYTES_MAX + 8 <= CHUNK_BYTES_MAX);
const _: () =
    assert!(2 * GREETING_TEXT_BYTES_MAX + CREDENTIAL_BYTES_MAX + 128 <= GREETING_BYTES_MAX);
const _: () = assert!(GREETING_TEXT_BYTES_MAX <= u8::MAX as usize);
const _: () = assert!(PEERS_SHARED_MAX <= PEERS_LEARNED_MAX);
const _: () = assert!(PING_INTERVAL.as_millis() * 3 < SILENCE_MAX.as_millis());
const _: () = assert!(REDIAL_MIN.as_millis() < REDIAL_MAX.as_millis());
const _: () = assert!(BAN_MIN.as_secs() < BAN_MAX.as_secs());
const _: () = assert!(
    Channel::Blocks.message_bytes_max() >= hanse_primitives::limits::BLOCK_BYTES_MAX + 64 * KIB,
    "the largest block fits, and what an engine says about it"
);
const _: () = assert!(
    Channel::Sync.message_bytes_max() >= hanse_primitives::limits::BLOCK_BYTES_MAX + 64 * KIB
);
const _: () = assert!(
    Channel::Transactions.message_bytes_max() >= hanse_primitives::limits::TRANSACTION_BYTES_MAX
);
