use alloy_primitives::{B256, keccak256};
use hanse_primitives::{BlockHash, Height};

/// `PREVRANDAO` of the block at `height`.
///
/// It follows from what the block is built on, so that sealing needs no source of randomness, a rebuilt
/// block has the same value, and a proposer has no choice. Contracts find a new value in each block but
/// must not take it for chance: everybody knows it as soon as the parent is there.
pub(crate) fn prev_randao(parent: BlockHash, height: Height) -> B256 {
    let mut bytes = [0; 40];
    bytes[..32].copy_from_slice(parent.as_slice());
    bytes[32..].copy_from_slice(&height.0.to_be_bytes());
    keccak256(bytes)
}
