//! Transactions between nodes: what clients hand to this node goes to its peers, what peers send goes
//! to the pool.

use crate::{chain::Clock, driver::Waker};
use alloy_primitives::Bytes;
use alloy_rlp::Decodable;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use hanse_network::{Channel, Message, Network, Severity};
use hanse_primitives::PeerId;
use hanse_txpool::Pool;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long transactions gather before they are sent.
const GATHER: Duration = Duration::from_millis(5);

/// Bytes of transactions after which a message is sent at once.
const MESSAGE_BYTES: usize = 512 * 1024;

/// Messages of peers that wait for the pool; more are dropped.
const WAITING_MAX: usize = 256;

/// Pending transactions that a new peer is told of.
const WELCOME_MAX: usize = 10_000;

/// What is to be sent.
enum Outgoing {
    /// These, to everybody.
    Spread(Vec<Bytes>),
    /// What the pool has, to one who has just come.
    Welcome(PeerId),
}

/// Hands transactions to the network. Cheap to clone; never waits.
#[derive(Clone)]
pub(crate) struct Gossip {
    outgoing: Sender<Outgoing>,
    incoming: Sender<Message>,
}

/// The other ends, until [`Ends::run`].
pub(crate) struct Ends {
    outgoing: Receiver<Outgoing>,
    incoming: Receiver<Message>,
}

pub(crate) fn gossip() -> (Gossip, Ends) {
    // The pool bounds what is pending, and thereby what waits to be sent.
    let (outgoing, outgoing_end) = unbounded();
    let (incoming, incoming_end) = bounded(WAITING_MAX);
    (Gossip { outgoing, incoming }, Ends { outgoing: outgoing_end, incoming: incoming_end })
}

impl Gossip {
    /// Sends transactions to all peers.
    pub(crate) fn spread(&self, raw: Vec<Bytes>) {
        // An error says that the node is stopping.
        let _ = self.outgoing.send(Outgoing::Spread(raw));
    }

    /// Tells a new peer what is pending here.
    pub(crate) fn welcome(&self, peer: PeerId) {
        let _ = self.outgoing.send(Outgoing::Welcome(peer));
    }

    /// Takes a peer's transactions.
    pub(crate) fn take(&self, message: Message) {
        if let Err(TrySendError::Full(message)) = self.incoming.try_send(message) {
            tracing::debug!(from = %message.from, "transactions of a peer were dropped");
        }
    }
}

impl Ends {
    /// Starts the threads that send and take. They end with the last [`Gossip`].
    pub(crate) fn run(
        self,
        network: Arc<Network>,
        pool: Pool,
        waker: Waker,
        clock: Clock,
    ) -> std::io::Result<()> {
        let (sender, content) = (Arc::clone(&network), pool.clone());
        let outgoing = self.outgoing;
        std::thread::Builder::new()
            .name("gossip-out".to_owned())
            .spawn(move || send(&outgoing, &sender, &content))?;
        let incoming = self.incoming;
        std::thread::Builder::new()
            .name("gossip-in".to_owned())
            .spawn(move || receive(&incoming, &network, &pool, &waker, &clock))?;
        Ok(())
    }
}

fn send(outgoing: &Receiver<Outgoing>, network: &Network, pool: &Pool) {
    while let Ok(first) = outgoing.recv() {
        let until = Instant::now() + GATHER;
        let (mut gathered, mut bytes) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(one) = next.take() {
            match one {
                Outgoing::Spread(raw) => {
                    bytes += raw.iter().map(|raw| raw.len()).sum::<usize>();
                    gathered.extend(raw);
                }
                Outgoing::Welcome(peer) => {
                    let pending: Vec<Bytes> =
                        pool.all().iter().take(WELCOME_MAX).map(|one| one.raw()).collect();
                    for message in messages(&pending) {
                        // A peer that has gone again needs none.
                        let _ = network.send(peer, Channel::Transactions, message);
                    }
                }
            }
            if bytes < MESSAGE_BYTES {
                next = outgoing.recv_deadline(until).ok();
            }
        }
        for message in messages(&gathered) {
            if let Err(error) = network.broadcast(Channel::Transactions, &message) {
                tracing::error!(%error, "transactions cannot be sent");
            }
        }
    }
}

/// Messages of transactions: an RLP list each.
fn messages(raw: &[Bytes]) -> Vec<bytes::Bytes> {
    let mut messages = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let mut bytes = 0;
        let count = rest.iter().take_while(|raw| {
            bytes += raw.len();
            bytes <= MESSAGE_BYTES
        });
        let (now, later) = rest.split_at(count.count().max(1));
        let mut message = Vec::with_capacity(bytes + 8 * now.len());
        alloy_rlp::encode_list::<_, Bytes>(now, &mut message);
        messages.push(message.into());
        rest = later;
    }
    messages
}

/// The transactions in a peer's message, if it is one: an RLP list of byte strings and nothing else.
#[must_use]
pub fn transactions_of(message: &[u8]) -> Option<Vec<Bytes>> {
    let mut rest = message;
    let raw = Vec::<Bytes>::decode(&mut rest).ok()?;
    rest.is_empty().then_some(raw)
}

fn receive(
    incoming: &Receiver<Message>,
    network: &Network,
    pool: &Pool,
    waker: &Waker,
    clock: &Clock,
) {
    while let Ok(message) = incoming.recv() {
        match transactions_of(&message.bytes) {
            Some(raw) => {
                // Refused ones are no fault: pools differ, and so do heads.
                let outcomes = pool.submit(&raw, clock());
                if outcomes.iter().any(Result::is_ok) {
                    waker.wake();
                }
            }
            None => {
                let why = "transactions that are no RLP list of byte strings";
                network.penalize(message.from, Severity::Serious, why);
            }
        }
    }
}

#[cfg(test)]
mod tests;
