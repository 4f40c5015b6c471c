use crate::Channel;
use hanse_primitives::PeerId;
use std::{io, net::SocketAddr, path::PathBuf};
use thiserror::Error;

/// Why the network could not do what it was asked for. Nothing here is a peer's fault: what peers do
/// wrong ends their connection ([`crate::Disconnect`]) and never a call.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// Another program listens there.
    #[error("{0} is in use: another node or program listens there; stop it or choose another port")]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The key file cannot be read or written.
    #[error("key file {}: {source}", path.display())]
    KeyFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error("key file {}: {problem}", path.display())]
    BadKeyFile {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The text names no peer.
    #[error("{text:?} is no peer address: {problem}; expected <64 hex digits>@<host>:<port>")]
    BadPeerAddress {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Randomness,
    /// The key cannot be used, or a text of the greeting is too long.
    #[error("the network cannot be set up: {0}")]
    Setup(String),
    /// No such peer is connected.
    #[error("peer {0} is not connected")]
    NotConnected(PeerId),
    /// The message is longer than its channel allows.
    #[error("a message of {bytes} bytes on channel {channel}, which takes {}", channel.message_bytes_max())]
    Oversized {
        /// Its channel.
        channel: Channel,
        /// Its bytes.
        bytes: usize,
    },
    /// The peer does not take its messages as fast as they come, and was disconnected for it.
    #[error("peer {0} does not keep up and is being disconnected")]
    TooSlow(PeerId),
    /// There are as many configured peers as there may be.
    #[error("{0} peers are configured, the most there may be")]
    TooManyPeers(usize),
}

/// Bytes of a peer that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    #[error("a frame of unknown kind {0:#04x}")]
    UnknownKind(u8),
    #[error("a frame of {0} bytes")]
    ChunkTooLong(usize),
    #[error("a frame without content")]
    EmptyChunk,
    #[error("a message of {bytes} bytes on channel {channel}")]
    Oversized { channel: Channel, bytes: usize },
    #[error("a message begins on channel {0} before the last has ended")]
    Interleaved(Channel),
    #[error("a message goes on that never began, on channel {0}")]
    Unbegun(Channel),
    #[error("more bytes than the message has, on channel {0}")]
    Overrun(Channel),
    #[error("a control frame that cannot be decoded")]
    BadControl,
    #[error("a greeting that cannot be decoded: {0}")]
    BadGreeting(&'static str),
}
