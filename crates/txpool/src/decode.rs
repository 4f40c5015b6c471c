use crate::PoolError;
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use alloy_primitives::{Address, Bytes, TxHash, U256};
use hanse_primitives::{RecoveredTransaction, Transaction};
use std::sync::Arc;

/// The blobs of a transaction with their commitments and proofs: of EIP-4844 before Osaka, of
/// EIP-7594 from Osaka on.
pub type Sidecar = BlobTransactionSidecarVariant;

/// A transaction of proper shape whose sender is known; not yet measured against any state.
#[derive(Clone, Debug)]
pub struct Decoded(pub(crate) Arc<Parts>);

/// A transaction in the pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admitted(pub(crate) Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) transaction: RecoveredTransaction,
    pub(crate) sidecar: Option<Arc<Sidecar>>,
    pub(crate) bytes: usize,
    pub(crate) cost: U256,
}

/// Reads a transaction as it comes over RPC or gossip: an EIP-2718 envelope, a blob transaction with
/// its sidecar. Recovers the sender (about 27 us). KZG proofs are checked later, in
/// [`crate::Pool::add`], once it is known that the sender could pay.
///
/// # Errors
/// [`PoolError`] of the sender's fault.
pub fn decode(raw: &[u8]) -> Result<Decoded, PoolError> {
    todo!()
}

/// [`decode`] for a batch, on all cores when it is worth it. Results are in the order given.
#[must_use]
pub fn decode_all(raw: &[Bytes]) -> Vec<Result<Decoded, PoolError>> {
    todo!()
}

impl Decoded {
    /// Takes a transaction that was signed or recovered elsewhere. Blob transactions come through
    /// [`decode`], since they need their sidecar.
    ///
    /// # Errors
    /// [`PoolError`] of the sender's fault.
    pub fn new(transaction: RecoveredTransaction) -> Result<Self, PoolError> {
        todo!()
    }

    /// keccak256 of the envelope without sidecar.
    #[must_use]
    pub fn hash(&self) -> &TxHash {
        todo!()
    }

    /// Who signed it.
    #[must_use]
    pub fn sender(&self) -> Address {
        todo!()
    }
}

impl Admitted {
    /// keccak256 of the envelope without sidecar.
    #[must_use]
    pub fn hash(&self) -> &TxHash {
        todo!()
    }

    /// Who signed it.
    #[must_use]
    pub fn sender(&self) -> Address {
        todo!()
    }

    /// The sender's count of transactions before it.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        todo!()
    }

    /// The transaction as blocks carry it.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        todo!()
    }

    /// The transaction as blocks carry it, with its sender.
    #[must_use]
    pub fn recovered(&self) -> &RecoveredTransaction {
        todo!()
    }

    /// The blobs, when it has any.
    #[must_use]
    pub fn sidecar(&self) -> Option<&Arc<Sidecar>> {
        todo!()
    }

    /// Encoded bytes, sidecar included.
    #[must_use]
    pub fn size(&self) -> usize {
        todo!()
    }

    /// The bytes that [`decode`] reads: for gossip and for the journal of a restart.
    #[must_use]
    pub fn raw(&self) -> Bytes {
        todo!()
    }
}
