//! What every engine has in common: events in, effects out, nothing in between but the chain, the
//! write-ahead log and the time it is told.

use crate::{BuildError, Chain, ChainError};
use alloy_primitives::{B256, Bytes, U256};
use hanse_primitives::{BlockRef, Equivocation, Height, PeerId, ValidatorSignature};
use std::collections::VecDeque;
use thiserror::Error;

/// An engine as the node's driver and the simulator run it: one call at a time, on one thread.
///
/// An engine is deterministic: the same events, times and chain give the same effects.
pub trait Engine<C: Chain> {
    /// Recovers from the write-ahead log and takes up work on the chain's head. Called once, before
    /// anything else.
    ///
    /// # Errors
    /// [`EngineError`]: the node must stop.
    fn start(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError>;

    /// Takes an event.
    ///
    /// # Errors
    /// [`EngineError`]: the node must stop.
    fn handle(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError>;

    /// When the engine wants [`Event::Tick`] next, in milliseconds since the Unix epoch; `None` when
    /// only another event can call for action.
    fn wake_at_ms(&self) -> Option<u64>;

    /// True when the engine wants [`Event::Pending`] as soon as a transaction waits. While it does not,
    /// nobody wakes it for each of them; it sees in [`Host::pending`] that some wait when its time has
    /// come.
    fn awaits_transactions(&self) -> bool {
        true
    }

    /// Seals a block now, whatever waits (`evm_mine`). Only an engine that seals alone can.
    ///
    /// # Errors
    /// [`EngineError::CannotSeal`] under every engine with more than one party.
    fn seal_now(&mut self, _host: &mut Host<'_, C>) -> Result<BlockRef, EngineError> {
        Err(EngineError::CannotSeal)
    }

    /// What the engine is doing, for people.
    fn status(&self) -> EngineStatus;
}

/// Something that an engine should know of.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time has come to [`Engine::wake_at_ms`], or passed it.
    Tick,
    /// A transaction waits in the pool.
    Pending,
    /// A peer is there, and proved its key.
    Connected(PeerId),
    /// A peer is gone.
    Disconnected(PeerId),
    /// A peer sent bytes on the engine's channel.
    Message {
        /// Who.
        from: PeerId,
        /// As an engine of the same kind encoded them, if the peer is honest.
        bytes: Bytes,
    },
    /// A miner found a nonce for the job with this seal hash.
    Mined {
        /// [`Job::seal_hash`].
        seal_hash: B256,
        /// The nonce.
        nonce: u64,
    },
}

/// What an engine wants done. Effects are carried out in order, after the call has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send to every connected peer.
    Broadcast(Urgency, Bytes),
    /// Send to one peer.
    Send(PeerId, Urgency, Bytes),
    /// A peer did what no honest peer does; the network lowers its score or cuts it off.
    Penalize(PeerId, PeerFault),
    /// A validator is proven faulty; the node sends this in a transaction. Nobody is punished on it
    /// before the chain says so.
    Accuse(Equivocation),
    /// Look for a nonce, instead of whatever was looked for before.
    Mine(Job),
    /// Look for nothing any more.
    StopMining,
}

/// What may wait behind what, on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Votes and small announcements: a round waits for them.
    Vote,
    /// Proposals and new blocks.
    Block,
    /// Blocks of the past, for those who are behind.
    Sync,
}

/// What a peer did that no honest peer does.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeerFault {
    /// Bytes that are no message.
    #[error("a message that cannot be decoded: {0}")]
    Malformed(String),
    /// A signature, a certificate or proof of work that does not check out.
    #[error("a message whose proof does not check out: {0}")]
    Forged(String),
    /// A block that breaks a rule.
    #[error("an invalid block: {0}")]
    InvalidBlock(String),
    /// More than was asked for, or more often than sensible.
    #[error("more than it may send: {0}")]
    Excess(String),
}

/// A search for a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Hash of the header without its nonce.
    pub seal_hash: B256,
    /// keccak256 of seal hash and nonce (8 bytes, big endian) must not be above this.
    pub target: U256,
}

/// What an engine works with during one call.
#[derive(Debug)]
pub struct Host<'a, C: Chain> {
    /// The chain.
    pub chain: &'a mut C,
    /// The engine's write-ahead log.
    pub wal: &'a mut dyn Wal,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// True when a transaction waits in the pool.
    pub pending: bool,
    /// What the engine wants done.
    pub effects: VecDeque<Effect>,
}

impl<'a, C: Chain> Host<'a, C> {
    /// A host for one call.
    #[must_use]
    pub fn new(chain: &'a mut C, wal: &'a mut dyn Wal, now_ms: u64, pending: bool) -> Self {
        Self { chain, wal, now_ms, pending, effects: VecDeque::new() }
    }
}

/// Records that survive a crash. What was appended is safe once [`Wal::sync`] has returned; records
/// after the last sync may be lost from the end on, the last of them in part.
pub trait Wal: std::fmt::Debug {
    /// All records since the last reset, oldest first. A torn one at the end is left out.
    ///
    /// # Errors
    /// When the disk fails.
    fn records(&mut self) -> Result<Vec<Bytes>, WalError>;

    /// Adds a record.
    ///
    /// # Errors
    /// When the disk fails.
    fn append(&mut self, record: &[u8]) -> Result<(), WalError>;

    /// Makes all records durable.
    ///
    /// # Errors
    /// When the disk fails.
    fn sync(&mut self) -> Result<(), WalError>;

    /// Puts these records in the place of all others, durable when this returns. Atomic: after a crash
    /// the old ones are there, or the new ones.
    ///
    /// # Errors
    /// When the disk fails.
    fn replace(&mut self, records: &[Bytes]) -> Result<(), WalError>;

    /// Forgets all records. Atomic: after a crash all are there, or none.
    ///
    /// # Errors
    /// When the disk fails.
    fn reset(&mut self) -> Result<(), WalError> {
        self.replace(&[])
    }
}

/// The write-ahead log failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the write-ahead log failed: {0}")]
pub struct WalError(pub String);

/// Signs as a validator. The key itself stays with the node.
pub trait Signer: std::fmt::Debug + Send {
    /// The account of the key.
    fn address(&self) -> alloy_primitives::Address;

    /// Signs a digest.
    fn sign(&self, digest: B256) -> ValidatorSignature;
}

/// Why an engine cannot go on.
#[derive(Debug, Error)]
pub enum EngineError {
    /// No block could be built. Nothing has changed; the engine tries again by itself.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The chain could not take a block as head or make it final.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The write-ahead log failed.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// Blocks are sealed by agreement here, not on request.
    #[error("blocks cannot be sealed on request under this consensus engine")]
    CannotSeal,
    /// What the library or the chain told us contradicts itself.
    #[error("the consensus engine contradicts itself: {0}")]
    Broken(String),
}

/// The step of an engine that has come to its last height: the next one is to be started.
pub const HANDOVER: &str = "handover";

/// What an engine is doing, for people and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// The height that is being decided.
    pub height: Height,
    /// The round within it; 0 where there are no rounds.
    pub round: u32,
    /// Where in the round: `propose`, `prevote`, `precommit`, `commit`; or `mine`, `seal`, `follow`,
    /// `sync`; or [`HANDOVER`].
    pub step: &'static str,
    /// The highest height that a peer claims to have.
    pub best_known: Height,
}
