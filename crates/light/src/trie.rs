//! Reads keys out of the nodes of a Merkle-Patricia trie that a server has sent, in any order.
//!
//! Every node that is looked at is found by its hash, so what is read is what the trie with that root
//! holds. Nodes that nothing led to are refused at the end: a proof has one spelling.

use crate::{TrieFault, limits};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Header;
use alloy_trie::EMPTY_ROOT_HASH;
use std::collections::BTreeMap;

/// Nodes by their hash, and whether something led to them.
pub(crate) struct Nodes<'a>(BTreeMap<B256, (&'a [u8], bool)>);

/// What a node says of the rest of a key.
enum Node<'a> {
    /// One item for each next nibble, and the value of the key that ends here.
    Branch(Vec<&'a [u8]>),
    /// The nibbles that come next, and then a value or a node.
    Short { path: Vec<u8>, is_leaf: bool, item: &'a [u8] },
}

impl<'a> Nodes<'a> {
    pub(crate) fn new(nodes: &'a [Bytes]) -> Result<Self, TrieFault> {
        if nodes.len() > limits::NODES_MAX {
            return Err(TrieFault::Spare);
        }
        let entry = |node: &'a Bytes| (keccak256(node), (node.as_ref(), false));
        let map: BTreeMap<_, _> = nodes.iter().map(entry).collect();
        if map.len() == nodes.len() { Ok(Self(map)) } else { Err(TrieFault::Spare) }
    }

    /// The value of a key in the trie with this root; `None` when the nodes prove that it has none.
    pub(crate) fn get(&mut self, root: B256, key: &[u8]) -> Result<Option<&'a [u8]>, TrieFault> {
        if root == EMPTY_ROOT_HASH {
            return Ok(None);
        }
        let nibbles: Vec<u8> = key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
        let mut rest = nibbles.as_slice();
        let mut bytes = self.open(root)?;
        // Every turn takes at least one nibble.
        loop {
            let item = match decode(bytes)? {
                Node::Branch(items) => {
                    let Some((nibble, after)) = rest.split_first() else {
                        return value(items.get(16).ok_or(TrieFault::Node)?);
                    };
                    rest = after;
                    *items.get(usize::from(*nibble)).ok_or(TrieFault::Node)?
                }
                Node::Short { path, is_leaf, item } => {
                    let Some(after) = rest.strip_prefix(path.as_slice()) else { return Ok(None) };
                    if is_leaf {
                        return if after.is_empty() { value(item) } else { Ok(None) };
                    }
                    rest = after;
                    item
                }
            };
            bytes = match item.first().ok_or(TrieFault::Node)? {
                0x80 => return Ok(None),
                0xc0.. => item, // a node of less than 32 bytes stands in its parent
                _ => {
                    let hash = string(item).ok_or(TrieFault::Node)?;
                    self.open(B256::try_from(hash).map_err(|_| TrieFault::Node)?)?
                }
            };
        }
    }

    /// To be called when everything was read.
    pub(crate) fn finish(self) -> Result<(), TrieFault> {
        if self.0.values().all(|(_, used)| *used) { Ok(()) } else { Err(TrieFault::Spare) }
    }

    fn open(&mut self, hash: B256) -> Result<&'a [u8], TrieFault> {
        let (bytes, used) = self.0.get_mut(&hash).ok_or(TrieFault::Missing(hash))?;
        *used = true;
        Ok(bytes)
    }
}

fn decode(bytes: &[u8]) -> Result<Node<'_>, TrieFault> {
    let items = items(bytes).ok_or(TrieFault::Node)?;
    match items.as_slice() {
        [path, item] => {
            let path = string(path).ok_or(TrieFault::Node)?;
            let (first, others) = path.split_first().ok_or(TrieFault::Node)?;
            if *first >= 0x40 || (first & 0x10 == 0 && first & 15 != 0) {
                return Err(TrieFault::Node);
            }
            let odd = (first & 0x10 != 0).then_some(first & 15);
            let even = others.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let path: Vec<u8> = odd.into_iter().chain(even).collect();
            let is_leaf = first & 0x20 != 0;
            // An extension of nothing could lead to itself for ever.
            if path.is_empty() && !is_leaf {
                return Err(TrieFault::Node);
            }
            Ok(Node::Short { path, is_leaf, item })
        }
        all if all.len() == 17 => Ok(Node::Branch(items)),
        _ => Err(TrieFault::Node),
    }
}

/// The items of an RLP list, each with its header.
fn items(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = bytes;
    let header = Header::decode(&mut rest).ok()?;
    if !header.list || header.payload_length != rest.len() {
        return None;
    }
    let mut items = Vec::new();
    while !rest.is_empty() {
        let whole = rest;
        let item = Header::decode(&mut rest).ok()?;
        rest = rest.get(item.payload_length..)?;
        items.push(whole.get(..whole.len() - rest.len())?);
        if items.len() > 17 {
            return None;
        }
    }
    Some(items)
}

/// The content of an RLP string.
fn string(item: &[u8]) -> Option<&[u8]> {
    let mut rest = item;
    let header = Header::decode(&mut rest).ok()?;
    (!header.list && header.payload_length == rest.len()).then_some(rest)
}

/// A value, if it is one; the empty string is none.
fn value(item: &[u8]) -> Result<Option<&[u8]>, TrieFault> {
    let value = string(item).ok_or(TrieFault::Node)?;
    Ok((!value.is_empty()).then_some(value))
}
