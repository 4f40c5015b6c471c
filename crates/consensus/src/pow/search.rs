use crate::Job;
use alloy_primitives::keccak256;
use std::sync::atomic::{AtomicBool, Ordering};

/// Attempts between two looks at the stop sign: about half a millisecond.
const STRIDE: u64 = 2_048;

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// A nonce that does the work, if one was found.
    pub nonce: Option<u64>,
    /// Nonces that were tried.
    pub attempts: u64,
}

/// Tries `attempts` nonces from `start` on (they wrap around) until one does the work or `stop` is set.
///
/// Pure computation on the calling thread. To search on several threads, give each a start of its own,
/// far from the others.
#[must_use]
pub fn search(job: &Job, start: u64, attempts: u64, stop: &AtomicBool) -> Found {
    let target = job.target.to_be_bytes::<32>();
    let mut bytes = [0; 40];
    bytes[..32].copy_from_slice(job.seal_hash.as_slice());
    let mut tried = 0;
    while tried < attempts && !stop.load(Ordering::Relaxed) {
        let until = attempts.min(tried.saturating_add(STRIDE));
        while tried < until {
            let nonce = start.wrapping_add(tried);
            bytes[32..].copy_from_slice(&nonce.to_be_bytes());
            tried += 1;
            // Big-endian numbers of equal length compare as their bytes do.
            if keccak256(bytes).0 <= target {
                return Found { nonce: Some(nonce), attempts: tried };
            }
        }
    }
    Found { nonce: None, attempts: tried }
}
