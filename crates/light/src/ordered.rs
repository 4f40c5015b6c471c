use alloy_primitives::Bytes;
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer, root::adjust_index_for_rlp};

/// The Merkle proof of one item of a list, as Ethereum makes a root of a block's transactions and of
/// its receipts: a trie whose keys are the RLP of positions. `None` when there is no such position.
///
/// `encode` writes the item at a position as the trie holds it.
#[must_use]
pub fn prove_ordered(
    count: usize,
    position: usize,
    mut encode: impl FnMut(usize) -> Vec<u8>,
) -> Option<Vec<Bytes>> {
    if position >= count {
        return None;
    }
    let key = |at: usize| Nibbles::unpack(alloy_rlp::encode(at));
    let retainer = ProofRetainer::new(vec![key(position)]);
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    for at in 0..count {
        // The builder wants keys in order; the RLP of 0 comes after that of 127.
        let at = adjust_index_for_rlp(at, count);
        builder.add_leaf(key(at), &encode(at));
    }
    builder.root();
    let nodes = builder.take_proof_nodes();
    Some(nodes.into_nodes_sorted().into_iter().map(|(_, node)| node).collect())
}
