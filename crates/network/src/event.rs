use crate::{Channel, Disconnect, Hello};
use bytes::Bytes;
use hanse_primitives::PeerId;
use tokio::sync::OwnedSemaphorePermit;

/// What the network tells the node.
#[derive(Debug)]
pub enum Event {
    /// A peer is there, proved its key, and is of our chain.
    Connected(PeerId, Hello),
    /// It is gone. Follows exactly one [`Event::Connected`].
    Disconnected(PeerId, Disconnect),
    /// It sent something.
    Message(Message),
}

/// A message of a peer. While it lives, it counts against what the peer may have unread with us: who
/// drops it, lets the peer send more. Keep it, not only its bytes, until the message is dealt with.
#[derive(Debug)]
pub struct Message {
    /// Who sent it; proven.
    pub from: PeerId,
    /// On which channel.
    pub channel: Channel,
    /// What; anything, as far as the network knows.
    pub bytes: Bytes,
    pub(crate) _credit: OwnedSemaphorePermit,
}

/// Takes the network's events.
///
/// Called on the threads that serve connections: it hands the event on, to a queue without a bound if
/// it likes (what the network lets in is bounded), and returns at once.
pub trait Handler: Send + Sync + 'static {
    /// Takes one event. The events of one peer come one after another, those of different peers may
    /// come at the same time.
    fn handle(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync + 'static> Handler for F {
    fn handle(&self, event: Event) {
        self(event);
    }
}
