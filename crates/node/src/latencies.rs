//! Times from sending a transaction to seeing it in a block.

use std::time::Duration;

/// Any number of times, kept to be asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// The latency that `percent` of all do not exceed, in milliseconds; 100 asks for the longest.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
    }
}

#[cfg(test)]
mod tests;
