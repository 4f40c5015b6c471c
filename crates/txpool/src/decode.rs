use crate::{PoolError, limits};
use alloy_consensus::{
    EthereumTxEnvelope, Signed, Transaction as _, TxEip4844, TxEip4844Variant,
    TxEip4844WithSidecar, transaction::SignerRecoverable,
};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip4844::DATA_GAS_PER_BLOB,
    eip7594::BlobTransactionSidecarVariant,
};
use alloy_primitives::{Address, Bytes, TxHash, U256};
use hanse_primitives::{RecoveredTransaction, Transaction, limits::TRANSACTION_BYTES_MAX};
use rayon::prelude::*;
use std::{fmt, sync::Arc};

/// The blobs of a transaction with their commitments and proofs: of EIP-4844 before Osaka, of
/// EIP-7594 from Osaka on.
pub type Sidecar = BlobTransactionSidecarVariant;

/// An envelope as it travels between nodes.
type Envelope = EthereumTxEnvelope<TxEip4844Variant<Sidecar>>;

/// EIP-2718 type of blob transactions.
const BLOB_TYPE: u8 = 3;

/// A transaction of proper shape whose sender is known; not yet measured against any state.
#[derive(Clone, Debug)]
pub struct Decoded(pub(crate) Arc<Parts>);

/// A transaction in the pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admitted(pub(crate) Arc<Parts>);

/// What the pool needs to know of a transaction, computed once.
pub(crate) struct Parts {
    pub(crate) transaction: RecoveredTransaction,
    pub(crate) sidecar: Option<Arc<Sidecar>>,
    /// Encoded bytes, sidecar included.
    pub(crate) bytes: usize,
    /// The most it can cost its sender, in wei.
    pub(crate) cost: U256,
}

/// Reads a transaction as it comes over RPC or gossip: an EIP-2718 envelope, a blob transaction with
/// its sidecar. Recovers the sender (about 27 us). KZG proofs are checked later, in
/// [`crate::Pool::add`], once it is known that the sender could pay.
///
/// # Errors
/// [`PoolError`] of the sender's fault.
pub fn decode(raw: &[u8]) -> Result<Decoded, PoolError> {
    decode_with(raw, |transaction| transaction.recover_signer().ok())
}

/// [`decode`], with another way to find the sender; `None` says that nobody can have signed it.
pub(crate) fn decode_with(
    raw: &[u8],
    sender: impl FnOnce(&Transaction) -> Option<Address>,
) -> Result<Decoded, PoolError> {
    let limit = match raw.first() {
        Some(&BLOB_TYPE) => limits::BLOB_TRANSACTION_BYTES_MAX,
        _ => TRANSACTION_BYTES_MAX,
    };
    if raw.len() > limit {
        return Err(PoolError::Oversized { size: raw.len(), limit });
    }
    let envelope =
        Envelope::decode_2718_exact(raw).map_err(|error| PoolError::Decode(format!("{error}")))?;
    let (transaction, sidecar) = take_sidecar(envelope)?;
    // The signature covers the transaction without its sidecar; so do the hash and the sender.
    let sender = sender(&transaction).ok_or(PoolError::Signature)?;
    let transaction = RecoveredTransaction::new_unchecked(transaction, sender);
    Parts::measure(transaction, sidecar, raw.len())
}

/// [`decode`] for a batch, on all cores when it is worth it. Results are in the order given.
#[must_use]
pub fn decode_all(raw: &[Bytes]) -> Vec<Result<Decoded, PoolError>> {
    each(raw, |raw| decode(raw))
}

/// Maps a batch in order, on all cores when it is worth it.
pub(crate) fn each<T: Send>(raw: &[Bytes], map: impl Fn(&Bytes) -> T + Sync + Send) -> Vec<T> {
    if raw.len() < limits::PARALLEL_BATCH_MIN {
        return raw.iter().map(map).collect();
    }
    raw.par_iter().with_min_len(limits::PARALLEL_BATCH_MIN / 2).map(map).collect()
}

fn take_sidecar(envelope: Envelope) -> Result<(Transaction, Option<Arc<Sidecar>>), PoolError> {
    let Envelope::Eip4844(signed) = envelope else { return Ok((envelope.into(), None)) };
    let (blob, signature, hash) = signed.into_parts();
    let (blob, sidecar) = blob.strip_sidecar();
    let sidecar = sidecar.ok_or_else(missing_sidecar)?;
    let signed = Signed::new_unchecked(TxEip4844::from(blob), signature, hash);
    Ok((signed.into(), Some(Arc::new(sidecar))))
}

fn missing_sidecar() -> PoolError {
    PoolError::Blob("missing sidecar".to_owned())
}

impl Parts {
    fn measure(
        transaction: RecoveredTransaction,
        sidecar: Option<Arc<Sidecar>>,
        bytes: usize,
    ) -> Result<Decoded, PoolError> {
        let size = if sidecar.is_none() { bytes } else { transaction.encode_2718_len() };
        if size > TRANSACTION_BYTES_MAX {
            return Err(PoolError::Oversized { size, limit: TRANSACTION_BYTES_MAX });
        }
        let _: &TxHash = transaction.tx_hash(); // computed here, once and without a lock
        let cost = cost(&transaction).ok_or(PoolError::CostOverflow)?;
        Ok(Decoded(Arc::new(Self { transaction, sidecar, bytes, cost })))
    }

    pub(crate) fn hash(&self) -> &TxHash {
        self.transaction.tx_hash()
    }

    pub(crate) fn sender(&self) -> Address {
        self.transaction.signer()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} nonce {}", self.hash(), self.sender(), self.transaction.nonce())
    }
}

/// Gas at the highest price the sender allows, blob gas likewise, and the value.
fn cost(transaction: &Transaction) -> Option<U256> {
    let gas = U256::from(transaction.gas_limit())
        .checked_mul(U256::from(transaction.max_fee_per_gas()))?;
    let blobs = transaction.blob_versioned_hashes().map_or(0, <[_]>::len);
    let blob_gas = U256::from(blobs).checked_mul(U256::from(DATA_GAS_PER_BLOB))?;
    let blob_cost =
        blob_gas.checked_mul(U256::from(transaction.max_fee_per_blob_gas().unwrap_or(0)))?;
    gas.checked_add(blob_cost)?.checked_add(transaction.value())
}

impl Decoded {
    /// Takes a transaction that was signed or recovered elsewhere. Blob transactions come through
    /// [`decode`], since they need their sidecar.
    ///
    /// # Errors
    /// [`PoolError`] of the sender's fault.
    pub fn new(transaction: RecoveredTransaction) -> Result<Self, PoolError> {
        if transaction.is_eip4844() {
            return Err(missing_sidecar());
        }
        let bytes = transaction.encode_2718_len();
        Parts::measure(transaction, None, bytes)
    }

    /// keccak256 of the envelope without sidecar.
    #[must_use]
    pub fn hash(&self) -> &TxHash {
        self.0.hash()
    }

    /// Who signed it.
    #[must_use]
    pub fn sender(&self) -> Address {
        self.0.sender()
    }
}

impl Admitted {
    /// keccak256 of the envelope without sidecar.
    #[must_use]
    pub fn hash(&self) -> &TxHash {
        self.0.hash()
    }

    /// Who signed it.
    #[must_use]
    pub fn sender(&self) -> Address {
        self.0.sender()
    }

    /// The sender's count of transactions before it.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.0.transaction.nonce()
    }

    /// The transaction as blocks carry it.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        self.0.transaction.inner()
    }

    /// The transaction as blocks carry it, with its sender.
    #[must_use]
    pub fn recovered(&self) -> &RecoveredTransaction {
        &self.0.transaction
    }

    /// The blobs, when it has any.
    #[must_use]
    pub fn sidecar(&self) -> Option<&Arc<Sidecar>> {
        self.0.sidecar.as_ref()
    }

    /// Encoded bytes, sidecar included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.bytes
    }

    /// The bytes that [`decode`] reads: for gossip and for the journal of a restart.
    #[must_use]
    pub fn raw(&self) -> Bytes {
        let transaction = self.transaction();
        let (Some(sidecar), Some(signed)) = (self.sidecar(), transaction.as_eip4844()) else {
            return transaction.encoded_2718().into();
        };
        let whole =
            TxEip4844WithSidecar::from_tx_and_sidecar(signed.tx().clone(), Sidecar::clone(sidecar));
        let variant = TxEip4844Variant::TxEip4844WithSidecar(whole);
        let signed = Signed::new_unchecked(variant, *signed.signature(), *signed.hash());
        Envelope::Eip4844(signed).encoded_2718().into()
    }
}
