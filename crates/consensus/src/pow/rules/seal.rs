use crate::Job;
use alloy_primitives::{B64, B256, U256, keccak256};
use hanse_primitives::Header;

/// What the work is done on: keccak256 of the RLP of the header with nonce 0.
pub(in crate::pow) fn seal_hash(header: &Header) -> B256 {
    Header { nonce: B64::ZERO, ..header.clone() }.hash_slow()
}

/// The highest hash that is good at a difficulty.
pub(in crate::pow) fn target(difficulty: U256) -> U256 {
    U256::MAX.checked_div(difficulty).unwrap_or(U256::MAX)
}

/// The hash that must not be above the target.
pub(in crate::pow) fn work_hash(seal_hash: B256, nonce: u64) -> B256 {
    let mut bytes = [0; 40];
    bytes[..32].copy_from_slice(seal_hash.as_slice());
    bytes[32..].copy_from_slice(&nonce.to_be_bytes());
    keccak256(bytes)
}

/// True when the nonce does the work.
pub(in crate::pow) fn is_good(job: &Job, nonce: u64) -> bool {
    U256::from_be_bytes(work_hash(job.seal_hash, nonce).0) <= job.target
}
