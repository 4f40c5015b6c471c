//! What the node does for the servers: one trait for each thing that is not a question to the
//! ledger, the executor or the pool.

use alloy_primitives::{Address, B256, Bytes, Signature, TxHash};
use hanse_primitives::BlockRef;
use hanse_txpool::PoolError;
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

/// Counts and times what the servers do.
pub trait Meter: Send + Sync {
    /// A call of `method` took `micros` microseconds. Unknown methods are all called "unknown".
    fn called(&self, method: &'static str, micros: u64, ok: bool);

    /// All metrics of the node in Prometheus' text format.
    fn render(&self) -> String;
}
