//! Connections between nodes: authenticated, encrypted, allow-listed, over TCP.
//!
//! A node is known by its ed25519 key ([`PeerId`](hanse_primitives::PeerId)). Every connection is TLS
//! 1.3 with that key on both sides, then a greeting in which both make sure that they are of one chain,
//! then framed messages on four [`Channel`]s, the most urgent first. [`Network`] dials and redials the
//! peers it knows, passes on where others are, keeps score of proven faults, and turns away whoever is
//! not on the [`AllowList`].
//!
//! What is inside a message is none of its business: engines, block sync and the pool encode and judge
//! their bytes themselves, and report proven faults with [`Network::penalize`]. It decides nothing about
//! blocks, and does not relay: a broadcast goes to the connected peers and no further.
//!
//! **Back-pressure.** What waits for a slow peer is bounded by messages and bytes; on
//! [`Channel::Transactions`] the oldest go, on the others the peer does. What came from a peer and was
//! not dealt with is bounded too ([`Message`]): beyond that we stop reading from it. One slow or greedy
//! peer costs the others nothing.
//!
//! Limits: see [`limits`]. Errors: [`NetworkError`], always ours or the operator's; what peers do wrong
//! ends their connection ([`Disconnect`]).

mod address;
mod book;
mod bucket;
mod channel;
mod clock;
mod connection;
mod dialer;
mod error;
mod event;
mod frame;
mod handshake;
mod hello;
mod hub;
mod key;
pub mod limits;
mod link;
mod listener;
mod network;
mod queue;
mod reason;
mod server_tls;
mod standing;
mod tasks;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod traffic;

pub use address::{Host, PeerAddress};
pub use book::KnownPeer;
pub use channel::Channel;
pub use clock::Clock;
pub use error::NetworkError;
pub use event::{Event, Handler, Message};
pub use hello::Hello;
pub use key::NodeKey;
pub use limits::{ChannelLimits, NetworkLimits, QueueLimit, RateLimit};
pub use network::{Admission, AllowList, Network, Settings};
pub use reason::{Disconnect, Refusal};
pub use server_tls::{ClientCertificates, ServerTls};
pub use standing::Severity;
pub use traffic::{Direction, PeerInfo, Totals, Traffic};
