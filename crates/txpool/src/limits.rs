//! Bounds that no operator may change. They are checked against each other when compiling.

use hanse_primitives::limits::TRANSACTION_BYTES_MAX;

/// Bytes of init code (EIP-3860): twice the largest contract.
pub const INIT_CODE_BYTES_MAX: usize = 2 * 24_576;

/// Gas of one transaction from Osaka on (EIP-7825).
pub const TRANSACTION_GAS_MAX: u64 = 1 << 24;

/// Encoded bytes of one blob transaction with its sidecar: nine blobs with their cell proofs.
pub const BLOB_TRANSACTION_BYTES_MAX: usize = 1_536 * 1024;

/// A batch smaller than this is decoded on the caller's thread: waking others costs more.
pub const PARALLEL_BATCH_MIN: usize = 8;

/// Transactions that a [`crate::Best`] takes from the pool under one lock.
pub const BEST_CHUNK: usize = 256;

/// Transactions that every sender may keep when the pool is full, however many senders there are.
pub const GUARANTEED_TRANSACTIONS: usize = 16;

/// Transactions whose signer is remembered for when they come again; at least half as many are.
pub const SIGNERS_REMEMBERED: usize = 128 * 1024;

/// Parts of that memory that are locked apart.
pub const SIGNER_SHARDS: usize = 16;

/// Bytes of a blob, its commitment and 128 cell proofs.
const BLOB_WITH_PROOFS_BYTES: usize = 131_072 + 48 + 128 * 48;

const _: () =
    assert!(BLOB_TRANSACTION_BYTES_MAX >= TRANSACTION_BYTES_MAX + 9 * BLOB_WITH_PROOFS_BYTES);
const _: () = assert!(INIT_CODE_BYTES_MAX < TRANSACTION_BYTES_MAX);
const _: () = assert!(SIGNERS_REMEMBERED.is_multiple_of(2 * SIGNER_SHARDS));
const _: () = assert!(SIGNER_SHARDS <= 256, "one byte of a hash chooses the shard");
