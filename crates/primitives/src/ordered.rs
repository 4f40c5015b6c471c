//! The lists whose roots a header has: a block's transactions and its receipts, as a trie whose keys are the
//! RLP of positions (yellow paper, 4.3.2).
//!
//! An item of such a list can be let go and its place still be proven: what stays is the hash of its leaf.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, HashBuilder, Nibbles, nodes::LeafNodeRef, proof::ProofRetainer,
    root::adjust_index_for_rlp,
};

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderedItem {
    /// Its bytes, as the trie holds them.
    Whole(Vec<u8>),
    /// The hash of the leaf that held them ([`OrderedList::leaf`]).
    Leaf(B256),
}

/// The shape of a list's trie, which only its length decides.
#[derive(Clone, Debug)]
pub struct OrderedList {
    /// By position.
    places: Vec<Place>,
    /// Positions, ascending by key.
    order: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Place {
    key: Nibbles,
    /// Nibbles from the root to the leaf; the rest of the key is in the leaf.
    depth: usize,
}

impl OrderedList {
    /// The shape of a list with so many items.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let place = |at: usize| Place { key: Nibbles::unpack(alloy_rlp::encode(at)), depth: 0 };
        let mut places: Vec<_> = (0..count).map(place).collect();
        // The trie is built in the order of keys; the RLP of 0 comes after that of 127.
        let order: Vec<_> = (0..count).map(|at| adjust_index_for_rlp(at, count)).collect();
        for pair in order.windows(2) {
            // A leaf hangs one nibble behind the last one that it shares with a neighbour.
            let depth = places[pair[0]].key.common_prefix_length(&places[pair[1]].key) + 1;
            places[pair[0]].depth = places[pair[0]].depth.max(depth);
            places[pair[1]].depth = depth;
        }
        Self { places, order }
    }

    /// The hash of the leaf that holds an item; `None` when there is no such position, and for an item so
    /// short (below 32 bytes with its key) that the trie holds it in its parent: no transaction and no
    /// receipt is.
    #[must_use]
    pub fn leaf(&self, position: usize, item: &[u8]) -> Option<B256> {
        let place = self.places.get(position)?;
        let mut bytes = Vec::with_capacity(item.len() + 16);
        let rest = place.key.slice(place.depth..);
        LeafNodeRef::new(&rest, item).rlp(&mut bytes);
        (bytes.len() >= 32).then(|| keccak256(&bytes))
    }

    /// The root of the list, of which `item` gives the item at each position.
    #[must_use]
    pub fn root(&self, item: impl FnMut(usize) -> OrderedItem) -> B256 {
        self.build(HashBuilder::default(), item).0
    }

    /// The Merkle proof of one item: nodes from the root on. Where the item was let go, the last node, which
    /// is its leaf, is missing: whoever has the item can make it. `None` when there is no such position.
    #[must_use]
    pub fn prove(
        &self,
        position: usize,
        item: impl FnMut(usize) -> OrderedItem,
    ) -> Option<Vec<Bytes>> {
        let place = self.places.get(position)?;
        let retainer = ProofRetainer::new(vec![place.key]);
        let builder = HashBuilder::default().with_proof_retainer(retainer);
        let (_, mut builder) = self.build(builder, item);
        let nodes = builder.take_proof_nodes();
        Some(nodes.into_nodes_sorted().into_iter().map(|(_, node)| node).collect())
    }

    fn build(
        &self,
        mut builder: HashBuilder,
        mut item: impl FnMut(usize) -> OrderedItem,
    ) -> (B256, HashBuilder) {
        if self.places.is_empty() {
            return (EMPTY_ROOT_HASH, builder);
        }
        for position in &self.order {
            let place = &self.places[*position];
            match item(*position) {
                OrderedItem::Whole(bytes) => builder.add_leaf(place.key, &bytes),
                // The builder knows no hash at the root: there the leaf is the whole trie.
                OrderedItem::Leaf(hash) if place.depth == 0 => return (hash, builder),
                OrderedItem::Leaf(hash) => {
                    builder.add_branch(place.key.slice(..place.depth), hash, false);
                }
            }
        }
        (builder.root(), builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_trie::proof::verify_proof;

    fn bytes(position: usize) -> Vec<u8> {
        let length = 40 + position * 7 % 300;
        (0..length).map(|at| u8::try_from((at * 31 + position) % 251).unwrap()).collect()
    }

    fn expected(count: usize) -> B256 {
        let items: Vec<_> = (0..count).map(bytes).collect();
        alloy_trie::root::ordered_trie_root_with_encoder(&items, |item, out| {
            out.extend_from_slice(item);
        })
    }

    #[test]
    fn the_root_stays_whatever_is_let_go() {
        for count in [0, 1, 2, 3, 15, 16, 17, 127, 128, 129, 130, 255, 256, 257, 300, 4_400] {
            let list = OrderedList::new(count);
            let gone = |at: usize| OrderedItem::Leaf(list.leaf(at, &bytes(at)).unwrap());
            let whole = |at: usize| OrderedItem::Whole(bytes(at));
            assert_eq!(list.root(whole), expected(count), "{count} items");
            assert_eq!(list.root(gone), expected(count), "none of {count} items");
            for every in [2, 3, 7] {
                let some = |at: usize| if at.is_multiple_of(every) { gone(at) } else { whole(at) };
                assert_eq!(list.root(some), expected(count), "some of {count} items");
            }
        }
    }

    #[test]
    fn what_stays_can_be_proven_and_what_is_gone_by_its_owner() {
        for count in [1, 2, 17, 129, 300] {
            let list = OrderedList::new(count);
            let leaf = |at: usize| OrderedItem::Leaf(list.leaf(at, &bytes(at)).unwrap());
            let mix = |at: usize| {
                if at.is_multiple_of(2) { leaf(at) } else { OrderedItem::Whole(bytes(at)) }
            };
            for position in [0, 1, count / 2, count - 1].into_iter().filter(|at| *at < count) {
                let mut nodes = list.prove(position, mix).unwrap();
                if position.is_multiple_of(2) {
                    let place = &list.places[position];
                    let mut node = Vec::new();
                    let rest = place.key.slice(place.depth..);
                    LeafNodeRef::new(&rest, &bytes(position)).rlp(&mut node);
                    nodes.push(node.into());
                }
                let key = Nibbles::unpack(alloy_rlp::encode(position));
                verify_proof(expected(count), key, Some(bytes(position)), &nodes).unwrap();
            }
            assert_eq!(list.prove(count, mix), None);
        }
    }

    #[test]
    fn too_short_an_item_has_no_leaf_of_its_own() {
        assert_eq!(OrderedList::new(2).leaf(0, b"short"), None);
        assert_eq!(OrderedList::new(2).leaf(2, &bytes(1)), None);
    }
}
