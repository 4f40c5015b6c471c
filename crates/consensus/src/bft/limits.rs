//! Bounds of the engine. They are checked against each other when compiling.

use hanse_primitives::limits::{BLOCK_BYTES_MAX, VALIDATORS_MAX};

/// Bytes of a block that one message carries.
pub(crate) const PART_BYTES_MAX: usize = 128 * 1024;

/// Parts of a block.
pub(crate) const PARTS_MAX: usize = BLOCK_BYTES_MAX.div_ceil(PART_BYTES_MAX);

/// Rounds ahead of our own whose messages are listened to; the library has the same bound.
pub(crate) const ROUNDS_AHEAD_MAX: u32 = 10;

/// Blocks of one proposer in one round: two are enough to prove that it equivocates.
pub(crate) const PROPOSALS_PER_ROUND_MAX: usize = 2;

/// Blocks that one peer may be in the middle of sending.
pub(crate) const ASSEMBLIES_PER_PEER_MAX: usize = 2;

/// Votes of one validator that are kept until the height is started.
pub(crate) const EARLY_VOTES_MAX: usize = 4;

/// Certificates that are kept until the height is started.
pub(crate) const EARLY_CERTIFICATES_MAX: usize = 16;

/// Messages of one peer that are kept for the next height.
pub(crate) const AHEAD_MESSAGES_MAX: usize = 256;

/// Bytes of one peer's messages that are kept for the next height.
pub(crate) const AHEAD_BYTES_MAX: usize = BLOCK_BYTES_MAX + 64 * 1024;

/// Messages that one peer may send in a second.
pub(crate) const MESSAGES_PER_SECOND_MAX: u32 = 16_384;

/// Requests for blocks that one peer may send in a second.
pub(crate) const REQUESTS_PER_SECOND_MAX: u32 = 256;

/// Peers that are remembered; the network admits fewer.
pub(crate) const PEERS_MAX: usize = 256;

/// Blocks of one response.
pub(crate) const RESPONSE_BLOCKS_MAX: usize = 16;

/// Bytes of blocks after which a response ends; a single block may be larger.
pub(crate) const RESPONSE_BLOCKS_BYTES: usize = 4 * 1024 * 1024;

/// Synced blocks that wait to be applied, beyond which no more are asked for.
pub(crate) const SYNC_QUEUE_MAX: usize = 2 * RESPONSE_BLOCKS_MAX;

/// Synced blocks that are applied in one call of the engine.
pub(crate) const SYNC_APPLY_MAX: usize = 4;

/// Responses that a peer may send although nobody waits for them any more.
pub(crate) const SPARE_RESPONSES_MAX: u32 = 4;

/// Unknown parents of proposed blocks that are remembered.
pub(crate) const ORPHANED_MAX: usize = 8;

/// Accusations that are remembered, so that each is made once.
pub(crate) const ACCUSED_MAX: usize = 1_024;

/// Voting power of all validators together: the library multiplies it by three.
pub(crate) const POWER_MAX: u128 = (u64::MAX / 3) as u128;

/// Milliseconds by which a block may be ahead of our clock.
pub(crate) const CLOCK_AHEAD_MS_MAX: u64 = 5_000;

/// Own blocks in a row that are not taken, after which they no longer bear our clock's time.
pub(crate) const STAMP_REFUSALS_MAX: u32 = 2;

/// Blocks of ours that are taken before our clock is tried again.
pub(crate) const STAMP_PROBE_BLOCKS: u32 = 256;

/// Milliseconds to wait after a block could not be built or judged, or turned out empty although a
/// transaction waited: what stood in the way needs time to go away.
pub(crate) const RETRY_MS: u64 = 1_000;

/// Milliseconds between two announcements of our head when it does not move.
pub(crate) const STATUS_MS: u64 = 1_000;

/// Least milliseconds between two announcements of our head.
pub(crate) const STATUS_GAP_MS: u64 = 20;

/// Milliseconds to wait for the votes of the current height before its block is asked for from a peer
/// that has it: the votes are most likely on their way.
pub(crate) const SYNC_GRACE_MS: u64 = 100;

/// Milliseconds to wait for a response.
pub(crate) const SYNC_TIMEOUT_MS: u64 = 3_000;

/// Milliseconds for which a peer that did not deliver is asked for nothing, the first time.
pub(crate) const SYNC_PAUSE_MS: u64 = 3_000;

/// How many times that doubles.
pub(crate) const SYNC_PAUSE_DOUBLINGS_MAX: u32 = 5;

/// Bytes of a signed vote in a certificate: kind, block, validator, signature, and their RLP headers.
const SIGNED_VOTE_BYTES: usize = 1 + 33 + 21 + 67 + 3;

/// Bytes of a message with a certificate.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = VALIDATORS_MAX * SIGNED_VOTE_BYTES + 128;

/// Bytes of a message that is neither certificate, part nor response.
pub(crate) const SMALL_BYTES_MAX: usize = 256;

/// Bytes of a message with a part.
pub(crate) const PART_MESSAGE_BYTES_MAX: usize = PART_BYTES_MAX + 2 * SMALL_BYTES_MAX;

/// Bytes of a response.
pub(crate) const RESPONSE_BYTES_MAX: usize =
    BLOCK_BYTES_MAX + RESPONSE_BLOCKS_MAX * (CERTIFICATE_BYTES_MAX + 16) + SMALL_BYTES_MAX;

/// Bytes of the largest message; the network must let it pass.
pub const MESSAGE_BYTES_MAX: usize = RESPONSE_BYTES_MAX;

const _: () = assert!(PART_MESSAGE_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(CERTIFICATE_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(RESPONSE_BLOCKS_BYTES <= BLOCK_BYTES_MAX);
const _: () = assert!(AHEAD_MESSAGES_MAX >= 2 * PARTS_MAX); // a whole block of the next height, and votes
const _: () = assert!(AHEAD_BYTES_MAX >= BLOCK_BYTES_MAX + PARTS_MAX * 2 * SMALL_BYTES_MAX);
const _: () = assert!(EARLY_VOTES_MAX >= 2); // those of a round
const _: () = assert!(SYNC_QUEUE_MAX >= 2 * RESPONSE_BLOCKS_MAX); // one is applied, one is on its way
const _: () = assert!(STATUS_GAP_MS < SYNC_GRACE_MS && SYNC_GRACE_MS < STATUS_MS);
const _: () = assert!(STAMP_REFUSALS_MAX > 0);
const _: () = assert!(PARTS_MAX <= u16::MAX as usize);
