//! Bounds of proof of work. They are checked against each other when compiling.

use hanse_primitives::limits::{BLOCK_BYTES_MAX, FINALITY_DEPTH_MAX};

/// Blocks in one answer.
pub(super) const BLOCKS_MAX: usize = 64;

/// Bytes of blocks in one answer, unless the first block alone is longer.
pub(super) const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of one message: the longest block, and what stands around it.
pub(super) const MESSAGE_BYTES_MAX: usize = BLOCK_BYTES_MAX + 1_024;

/// Hashes in a locator.
pub(super) const LOCATOR_MAX: usize = 32;

/// Peers that are listened to.
pub(super) const PEERS_MAX: usize = 256;

/// Hashes of blocks of which it is remembered that a peer has them.
pub(super) const KNOWN_MAX: usize = 256;

/// Answers that a peer may ask for within a second.
pub(super) const REQUESTS_A_SECOND_MAX: u32 = 64;

/// Hashes of invalid blocks that are remembered.
pub(super) const INVALID_MAX: usize = 1_024;

/// Blocks from a near future that are kept until their time has come.
pub(super) const WAITING_MAX: usize = 64;

/// Bytes of them.
pub(super) const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Seconds by which a block may be too early to be kept at all.
pub(super) const WAITING_SECONDS_MAX: u64 = 120;

/// Unfinalized blocks in memory.
pub(super) const TREE_BLOCKS_MAX: usize = 4_096;

/// Bytes of them.
pub(super) const TREE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Downloaded blocks that wait for their execution before more is asked for.
pub(super) const UNEXECUTED_MAX: usize = 2 * BLOCKS_MAX;

/// Records in the write-ahead log, beyond those that are needed, before it is rewritten.
pub(super) const LOG_SLACK_MAX: usize = 512;

/// Seconds by which a block's time may be ahead of our clock: what Ethereum's clients allowed under
/// proof of work (EIP-1482).
pub(super) const FUTURE_SECONDS_MAX: u64 = 15;

/// Blocks whose median time a block must be above (Bitcoin's `nMedianTimeSpan`).
pub(super) const MEDIAN_SPAN: usize = 11;

/// Milliseconds between two status messages.
pub(super) const STATUS_MS: u64 = 1_000;

/// Milliseconds that a peer has for an answer.
pub(super) const ANSWER_MS: u64 = 5_000;

/// Milliseconds for which a peer that did not help is not asked, at first.
pub(super) const BENCH_MS: u64 = 10_000;

/// How often that time doubles while it still does not help.
pub(super) const BENCH_DOUBLINGS_MAX: u32 = 5;

/// Least milliseconds for which a peer whose blocks are from the future is not asked again.
pub(super) const REST_MS: u64 = 250;

/// Milliseconds between two templates on the same head, when new transactions wait.
pub(super) const TEMPLATE_MS: u64 = 1_000;

/// A block is looked for at least this many times as long as it took to build.
pub(super) const BUILD_SHARE: u64 = 4;

/// Milliseconds after which what our own machinery refused is tried again.
pub(super) const RETRY_MS: u64 = 1_000;

// The longest block fits into an answer, and an answer into a message.
const _: () = assert!(BLOCK_BYTES_MAX < MESSAGE_BYTES_MAX && ANSWER_BYTES_MAX < MESSAGE_BYTES_MAX);
// A locator reaches from any head to the last final block: ten in sequence, then doubling steps.
const _: () = assert!(10 + (FINALITY_DEPTH_MAX + UNEXECUTED_MAX as u64).ilog2() < 31);
const _: () = assert!(LOCATOR_MAX == 32);
// Two branches of full depth fit into the tree, next to what is being downloaded.
const _: () = assert!(TREE_BLOCKS_MAX as u64 >= 4 * FINALITY_DEPTH_MAX + 2 * UNEXECUTED_MAX as u64);
// What is downloaded ahead of its execution fits as well.
const _: () = assert!(TREE_BYTES_MAX >= 4 * (2 * ANSWER_BYTES_MAX + BLOCK_BYTES_MAX));
const _: () = assert!(WAITING_BYTES_MAX >= BLOCK_BYTES_MAX);
const _: () = assert!(WAITING_SECONDS_MAX > FUTURE_SECONDS_MAX);
