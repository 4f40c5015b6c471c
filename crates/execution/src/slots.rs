//! Where contracts of the law have what nodes read by themselves, without running them.

use alloy_primitives::{B256, U256, keccak256};

/// The first slot of a namespace (ERC-7201).
pub(crate) fn namespaced(id: &str) -> B256 {
    let index = U256::from_be_bytes(keccak256(id).0).wrapping_sub(U256::ONE);
    let mut slot = keccak256(index.to_be_bytes::<32>());
    slot.0[31] = 0;
    slot
}
