use crate::pow::limits::MEDIAN_SPAN;

/// The median of the last block times, newest first; the upper one of an even number.
pub(in crate::pow) fn median(newest_first: &[u64]) -> u64 {
    let mut times = newest_first[..newest_first.len().min(MEDIAN_SPAN)].to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}

/// The earliest time that the next block may have: above the median, and, since the chain itself asks
/// for it, not before its parent.
pub(in crate::pow) fn earliest(newest_first: &[u64]) -> u64 {
    let parent = newest_first.first().copied().unwrap_or(0);
    parent.max(median(newest_first).saturating_add(1))
}
