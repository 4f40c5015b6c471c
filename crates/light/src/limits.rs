//! Bounds of what a server may answer. They are checked against each other when compiling.

use hanse_primitives::limits::{BLOCK_BYTES_MAX, PROVENANCE_BYTES_MAX, VALIDATORS_MAX};

/// Bytes of an answer as JSON. A transaction of the largest size that a block takes fits twice, in
/// hexadecimal: in its own proof and as calldata that its receipt logs.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Links from what is trusted to the block that was asked for. Each passes over a change of a third
/// of the validators.
pub const LINKS_MAX: usize = 64;

/// RLP bytes of a header.
pub const HEADER_BYTES_MAX: usize = PROVENANCE_BYTES_MAX + 1_024;

/// Nodes of one Merkle proof; a set's proof has a path for each seat.
pub const NODES_MAX: usize = 4_096;

/// Slots of one account that are proven together.
pub const SLOTS_MAX: usize = 1_024;

/// Signatures of a certificate.
pub const SIGNATURES_MAX: usize = VALIDATORS_MAX;

const _: () = assert!(ANSWER_BYTES_MAX >= BLOCK_BYTES_MAX * 4);
const _: () = assert!(NODES_MAX >= (VALIDATORS_MAX + 1) * 63);
