//! Bounds of the byte formats. They are checked against each other when compiling.

/// Bytes of a header's free field (yellow paper, section 4.3.4).
pub const EXTRA_DATA_BYTES_MAX: usize = 32;

/// Validators that vote at one height.
pub const VALIDATORS_MAX: usize = 64;

/// Milliseconds that a round of votes waits for any one thing.
pub const ROUND_MS_MAX: u64 = 10_000;

/// Milliseconds between two blocks.
pub const BLOCK_TIME_MS_MAX: u64 = 86_400_000;

/// Blocks on top of which a block is final under proof of work; all of them are kept in memory.
pub const FINALITY_DEPTH_MAX: u64 = 256;

/// Bytes of the header's free field where it holds a [`crate::Provenance`].
pub const PROVENANCE_BYTES_MAX: usize = 8 * 1024;

/// RLP bytes of a block (EIP-7934, from Osaka on; Hanse holds its own blocks to it at every fork).
pub const BLOCK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of one encoded transaction, blobs apart.
pub const TRANSACTION_BYTES_MAX: usize = 128 * 1024;

/// Bytes of a genesis file.
pub const GENESIS_BYTES_MAX: usize = 256 * 1024 * 1024;

const _: () = assert!(TRANSACTION_BYTES_MAX * 16 <= BLOCK_BYTES_MAX);
