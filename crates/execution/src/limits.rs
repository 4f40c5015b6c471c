//! Bounds of this room. They are checked against each other when compiling.

/// Gas that one call, estimate or simulation of JSON-RPC may spend unless the operator says otherwise.
pub const CALL_GAS_MAX: u64 = 50_000_000;

/// Blocks of one `eth_simulateV1`, those that fill a gap included.
pub const SIMULATED_BLOCKS_MAX: u64 = 256;

/// Calls of one `eth_simulateV1`, over all its blocks.
pub const SIMULATED_CALLS_MAX: usize = 5_000;

/// Rounds that `eth_createAccessList` may take to reach its fixed point. Each adds at least one
/// entry, so an ordinary call needs two or three.
pub const ACCESS_LIST_ROUNDS_MAX: usize = 32;

/// Bytes that the steps of one trace may take in memory. The call tracers stay far below.
pub const TRACE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Versions of the law whose answers are kept: those of the branches that are executed by turns.
pub const EPOCHS_KEPT_MAX: usize = 8;

/// Records, of one version of the law, whose rights are kept. Senders of one organization with the same
/// roles and end share a record.
pub const RIGHTS_KEPT_MAX: usize = 16_384;

/// Upgrades that are carried out in one block. The contract lets no more wait (`WAITING_MAX` there).
pub const UPGRADES_PER_BLOCK_MAX: usize = 8;

/// Bytes that are kept of what a migration said when it refused.
pub const UPGRADE_REASON_BYTES_MAX: usize = 256;

const _: () = assert!(CALL_GAS_MAX >= 21_000);
const _: () = assert!(SIMULATED_CALLS_MAX as u64 >= SIMULATED_BLOCKS_MAX);
