//! What the node does for the servers: one trait for each thing that is not a question to the
//! ledger, the executor or the pool.

use alloy_primitives::{Address, B256, Bytes, Signature, TxHash};
use hanse_primitives::{BlockRef, CommitCertificate, Height, PeerId};
use hanse_txpool::PoolError;
use std::{net::SocketAddr, time::Duration};
use thiserror::Error;

/// Takes signed transactions on their way to the pool.
pub trait Submit: Send + Sync {
    /// Decodes, recovers and admits; one outcome for each of `raw`, in that order. A batch is
    /// admitted under one lock, its senders recovered in parallel. Called from any thread.
    fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<TxHash, SubmitError>>;
}

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The bytes are no transaction, or nobody can have signed it: the sender's fault.
    #[error("{0}")]
    Malformed(String),
    /// The pool refused it.
    #[error(transparent)]
    Refused(#[from] PoolError),
    /// The node takes none at the moment (it is shutting down, or behind): not the sender's fault.
    #[error("{0}")]
    Unavailable(String),
}

/// Accounts whose keys the node holds. For development only: whoever reaches the server may sign.
pub trait Wallet: Send + Sync {
    /// The accounts, in the order in which they are shown.
    fn accounts(&self) -> Vec<Address>;

    /// Signs a digest; `None` when the key of `address` is not here.
    fn sign(&self, address: &Address, digest: &B256) -> Option<Signature>;
}

/// Control over a chain in development.
pub trait Development: Send + Sync {
    /// Seals a block now, with what the pool has.
    ///
    /// # Errors
    /// A text for people.
    fn mine(&self) -> Result<BlockRef, String>;
}

/// What this node does among others: its engine and its connections.
pub trait Consensus: Send + Sync {
    /// What the engine is doing.
    fn stage(&self) -> Stage;

    /// The account that this node votes with.
    fn validator(&self) -> Option<Address>;

    /// The account that this node mines for.
    fn miner(&self) -> Option<Address>;

    /// The key by which peers know this node.
    fn peer_id(&self) -> Option<PeerId>;

    /// The connected peers.
    fn peers(&self) -> Vec<Peer>;

    /// The peer that has proven to act for a validator, connected or not.
    fn peer_of(&self, validator: &Address) -> Option<PeerId>;

    /// The precommits that made the block at a height final; `None` where nobody votes.
    ///
    /// # Errors
    /// A text for people, when the record cannot be read.
    fn certificate(&self, height: Height) -> Result<Option<CommitCertificate>, String>;
}

/// What an engine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The height that is being decided.
    pub height: Height,
    /// The round within it.
    pub round: u32,
    /// Where in the round, as `propose` or `mine`.
    pub step: &'static str,
    /// The highest height that a peer claims to have.
    pub best_known: Height,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its key.
    pub id: PeerId,
    /// The other end of the connection.
    pub address: SocketAddr,
    /// True when the peer opened the connection.
    pub inbound: bool,
    /// What it calls itself.
    pub software: String,
    /// Points of its proven faults; 100 ban it.
    pub points: u32,
    /// The validator that it has proven to act for.
    pub validator: Option<Address>,
}

/// Makes a node of a development network misbehave, to see what the others do.
pub trait Faults: Send + Sync {
    /// What this node can be made to do.
    fn kinds(&self) -> &'static [&'static str];

    /// What it does now, and until when (milliseconds since the Unix epoch).
    fn current(&self) -> Option<(&'static str, u64)>;

    /// Begins a fault that ends by itself, or ends the one that is on.
    ///
    /// # Errors
    /// A text for people: there is no such fault, or it cannot be had now.
    fn set(&self, fault: Option<(&str, Duration)>) -> Result<(), String>;
}

/// Counts and times what the servers do.
pub trait Meter: Send + Sync {
    /// A call of `method` took `micros` microseconds. Unknown methods are all called "unknown".
    fn called(&self, method: &'static str, micros: u64, ok: bool);

    /// All metrics of the node in Prometheus' text format.
    fn render(&self) -> String;
}
