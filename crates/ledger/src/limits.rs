//! Bounds of the ledger. They are checked against each other when compiling.

use hanse_primitives::limits::BLOCK_BYTES_MAX;

/// Bytes after which a segment of the block log takes no further record.
pub const SEGMENT_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of one record's payload. Only a genesis with millions of accounts comes near it.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Committed blocks after which the store is written, however small they are.
pub const CHECKPOINT_BLOCKS: usize = 16 * 1024;

/// How many checkpoints' worth of blocks may wait in memory before a commit waits for the store.
pub const CHECKPOINTS_WAITING_MAX: u64 = 2;

/// Blocks that are kept as overlays because they are not final.
pub const UNFINAL_BLOCKS_MAX: usize = 16 * 1024;

/// How many blocks before the final one a proof may be asked for.
pub const PROOF_BLOCKS_MAX: u64 = 10_000;

/// How many accounts and slots that changed since then such a proof may have to take back.
pub const PROOF_CHANGES_MAX: usize = 500_000;

/// Tries of past heights that are kept for further proofs at the same height.
pub const PROOF_TRIES: usize = 4;

/// Blocks before the final one of which nothing is pruned.
pub const PRUNE_KEEP_BLOCKS: u64 = 256;

/// Past values that are deleted in one step.
pub const PRUNE_ROWS: u64 = 64 * 1024;

/// Log records that a rollback takes back in one step.
pub const ROLLBACK_BYTES: u64 = 64 * 1024 * 1024;

/// Files of the block log that are kept open for reading.
pub const OPEN_SEGMENTS_MAX: usize = 64;

/// Bytes of one record of a [`crate::Journal`].
pub const JOURNAL_RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

const _: () = assert!(BLOCK_BYTES_MAX * 16 <= RECORD_BYTES_MAX); // receipts and changes fit as well
const _: () = assert!(SEGMENT_BYTES <= u32::MAX as u64); // a record's start fits 32 bits
const _: () = assert!(RECORD_BYTES_MAX <= u32::MAX as usize);
