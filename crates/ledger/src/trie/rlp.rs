use super::{
    NodePath,
    node::{Branch, Leaf, NodeRef, Value},
    path::{KEY_NIBBLES, nibble},
};
use alloy_primitives::keccak256;

/// Room for a list header of up to 65,535 bytes before its payload.
const HEADER: usize = 3;
/// 16 children by hash, the empty value, and the header; every other node is smaller.
const NODE_BYTES_MAX: usize = HEADER + 16 * 33 + 1;
/// A nonce, a balance and two hashes with their headers, then moved behind the list's own header.
const VALUE_BYTES_MAX: usize = HEADER + HEADER + 9 + 33 + 2 * 33;

/// A node's payload that becomes an RLP list.
pub(super) type NodeBuffer = Buffer<NODE_BYTES_MAX>;
/// A leaf's value: an RLP list, or a plain item.
pub(super) type ValueBuffer = Buffer<VALUE_BYTES_MAX>;

/// Bytes on the stack with room for a list header in front.
pub(super) struct Buffer<const N: usize> {
    bytes: [u8; N],
    end: usize,
}

impl<const N: usize> Buffer<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], end: HEADER }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.bytes[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.end] = byte;
        self.end += 1;
    }

    /// Appends a string of at most 255 bytes.
    pub(super) fn string(&mut self, string: &[u8]) {
        let len = u8::try_from(string.len()).expect("no key or value of a state trie is longer");
        match (len, string) {
            (1, [byte @ ..=0x7f]) => return self.byte(*byte),
            (..=55, _) => self.byte(0x80 + len),
            (56.., _) => self.raw(&[0xb8, len]),
        }
        self.raw(string);
    }

    /// Appends a big-endian number without its leading zeros.
    pub(super) fn number(&mut self, bytes: &[u8]) {
        self.string(trimmed(bytes));
    }

    fn reference(&mut self, reference: Option<&NodeRef>) {
        match reference.map(|reference| (reference.as_hash(), reference)) {
            None => self.byte(0x80),
            Some((Some(hash), _)) => {
                self.byte(0xa0);
                self.raw(hash.as_slice());
            }
            Some((None, inline)) => self.raw(inline.as_slice()),
        }
    }

    /// What was appended.
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[HEADER..self.end]
    }

    /// What was appended, as an RLP list.
    pub(super) fn list(&mut self) -> &[u8] {
        let payload = self.end - HEADER;
        let [.., high, low] = payload.to_be_bytes();
        let start = match payload {
            ..=55 => {
                self.bytes[HEADER - 1] = 0xc0 + low;
                HEADER - 1
            }
            56..=255 => {
                self.bytes[HEADER - 2..HEADER].copy_from_slice(&[0xf8, low]);
                HEADER - 2
            }
            _ => {
                self.bytes[..HEADER].copy_from_slice(&[0xf9, high, low]);
                0
            }
        };
        &self.bytes[start..self.end]
    }

    /// Wraps what was appended into a list, in place.
    pub(super) fn wrap(&mut self) {
        let len = self.list().len();
        self.bytes.copy_within(self.end - len..self.end, HEADER);
        self.end = HEADER + len;
    }
}

/// The bytes after the leading zeros.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// The RLP of a leaf whose parent's entry is at `depth`.
pub(super) fn leaf<V: Value>(leaf: &Leaf<V>, depth: usize) -> NodeBuffer {
    let mut path = [0; 33];
    let tail = &leaf.key[depth.div_ceil(2)..];
    path[0] = if (KEY_NIBBLES - depth).is_multiple_of(2) {
        0x20
    } else {
        0x30 | nibble(&leaf.key, depth)
    };
    path[1..=tail.len()].copy_from_slice(tail);
    let mut value = ValueBuffer::new();
    leaf.value.encode(&mut value);
    let mut node = NodeBuffer::new();
    node.string(&path[..=tail.len()]);
    node.string(value.payload());
    node
}

/// The RLP of a branch without its extension.
pub(super) fn branch<V: Value>(branch: &Branch<V>) -> NodeBuffer {
    let mut node = NodeBuffer::new();
    let mut next = 0;
    for (nibble, entry) in branch.children() {
        (next..nibble).for_each(|_| node.reference(None));
        node.reference(entry.reference());
        next = nibble + 1;
    }
    (next..16).for_each(|_| node.reference(None));
    node.byte(0x80); // no key ends at a branch: all have 64 nibbles
    node
}

/// The RLP of the extension that leads to `child`.
pub(super) fn extension(prefix: &NodePath, child: &NodeRef) -> NodeBuffer {
    let mut path = [0; 33];
    let odd = prefix.len() % 2;
    path[0] = if odd == 0 { 0x00 } else { 0x10 | prefix.get(0) };
    for at in (odd..prefix.len()).step_by(2) {
        path[at / 2 + 1] = prefix.get(at) << 4 | prefix.get(at + 1);
    }
    let mut node = NodeBuffer::new();
    node.string(&path[..=prefix.len() / 2]);
    node.reference(Some(child));
    node
}

/// How a node with this RLP is named. The root, at depth 0, by its hash, however short it is.
pub(super) fn reference(rlp: &[u8], depth: usize) -> NodeRef {
    let inline = if depth == 0 { None } else { NodeRef::inline(rlp) };
    inline.unwrap_or_else(|| NodeRef::hash(keccak256(rlp)))
}

/// How a leaf at this depth is named.
pub(super) fn leaf_reference<V: Value>(node: &Leaf<V>, depth: usize) -> NodeRef {
    reference(leaf(node, depth).list(), depth)
}

/// How a branch, with its extension, at this depth is named.
pub(super) fn branch_reference<V: Value>(node: &Branch<V>, depth: usize) -> NodeRef {
    let prefix = node.prefix();
    let inner = reference(branch(node).list(), depth + prefix.len());
    if prefix.is_empty() { inner } else { reference(extension(&prefix, &inner).list(), depth) }
}
