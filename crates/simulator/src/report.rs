use alloy_primitives::B256;
use hanse_primitives::Height;

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The highest final block.
    pub height: Height,
    /// Virtual milliseconds.
    pub virtual_ms: u64,
    /// Events that happened.
    pub events: u64,
    /// Messages between engines.
    pub messages: u64,
    /// Power cuts.
    pub crashes: u64,
    /// Accusations that honest members made.
    pub accusations: u64,
    /// Traitors that the contract removed.
    pub removed: usize,
    /// Blocks that had been heads and were so no more.
    pub reverted: u64,
    /// Engines that took over from others, on all members together.
    pub handovers: u64,
    /// A hash of all that happened: equal for equal runs.
    pub trace: B256,
}
