//! Bounds of a simulation. They are checked against each other when compiling.

use hanse_primitives::limits::ROUND_MS_MAX;

/// Virtual milliseconds after the last fault within which everybody must have new blocks. Rounds that began
/// in a storm may be as long as rounds can be, and several may have to pass.
pub const PROGRESS_MS_MAX: u64 = 120_000;

/// New blocks that everybody must have by then.
pub const PROGRESS_BLOCKS: u64 = 3;

/// Blocks after the acceptance of evidence within which its validator is out of the set.
pub const REMOVAL_BLOCKS: u64 = 3;

/// Virtual milliseconds in which miners that mine no more must agree.
pub const SETTLE_MS: u64 = 40_000;

/// Events of a run; more mean that it goes in circles.
pub const EVENTS_MAX: u64 = 2_000_000;

const _: () = assert!(PROGRESS_MS_MAX >= 8 * ROUND_MS_MAX);
