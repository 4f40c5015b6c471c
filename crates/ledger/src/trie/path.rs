use alloy_primitives::B256;
use std::{cmp::Ordering, fmt};

/// Half-bytes in a hashed key, and so the depth of the deepest leaf.
pub(super) const KEY_NIBBLES: usize = 64;

/// A run of at most 64 nibbles: where a node is in its trie, or what an extension skips.
///
/// Packed from the high end, unused nibbles zero, so equal paths have equal bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodePath {
    packed: B256,
    len: u8,
}

/// The nibble of a key at a position.
pub(super) fn nibble(key: &B256, at: usize) -> u8 {
    let byte = key[at / 2];
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

/// How many nibbles two keys share from position `from` on.
pub(super) fn shared_nibbles(a: &B256, b: &B256, from: usize) -> usize {
    (from..KEY_NIBBLES).take_while(|at| nibble(a, *at) == nibble(b, *at)).count()
}

impl NodePath {
    /// Where the root is.
    pub(crate) const ROOT: Self = Self { packed: B256::ZERO, len: 0 };

    /// Nibbles `from..to` of a key.
    pub(super) fn slice_of(key: &B256, from: usize, to: usize) -> Self {
        let mut path = Self::ROOT;
        for at in from..to {
            path.push(nibble(key, at));
        }
        path
    }

    /// The first `len` nibbles of a key.
    pub(super) fn prefix_of(key: &B256, len: usize) -> Self {
        let mut packed = B256::ZERO;
        packed[..len / 2].copy_from_slice(&key[..len / 2]);
        if len % 2 == 1 {
            packed[len / 2] = key[len / 2] & 0xf0;
        }
        Self { packed, len: length(len) }
    }

    /// Number of nibbles.
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// True for the path of the root.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The nibbles, filled up with zeros.
    pub(super) const fn padded(&self) -> &B256 {
        &self.packed
    }

    /// The nibble at a position below [`NodePath::len`].
    pub(super) fn get(&self, at: usize) -> u8 {
        nibble(&self.packed, at)
    }

    /// The nibbles in order.
    pub(super) fn nibbles(&self) -> impl Iterator<Item = u8> + '_ {
        (0..self.len()).map(|at| self.get(at))
    }

    /// Appends a nibble.
    pub(super) fn push(&mut self, nibble: u8) {
        let at = self.len();
        self.packed[at / 2] |= if at.is_multiple_of(2) { nibble << 4 } else { nibble };
        self.len = length(at + 1);
    }

    /// This path and then `tail`.
    pub(super) fn join(&self, tail: &Self) -> Self {
        let mut path = *self;
        tail.nibbles().for_each(|nibble| path.push(nibble));
        path
    }

    /// This path and then one nibble.
    pub(super) fn child(&self, nibble: u8) -> Self {
        let mut path = *self;
        path.push(nibble);
        path
    }

    /// The nibbles `from..to`, of which there must be that many.
    pub(super) fn slice(&self, from: usize, to: usize) -> Self {
        assert!(to <= self.len(), "a path is cut within its length");
        Self::slice_of(&self.packed, from, to)
    }

    /// How many nibbles this path shares with those of `key` from position `from` on.
    pub(super) fn shared_with(&self, key: &B256, from: usize) -> usize {
        self.nibbles().enumerate().take_while(|(at, n)| nibble(key, from + at) == *n).count()
    }

    /// How the path compares with as many nibbles of `key`.
    pub(super) fn cmp_key(&self, key: &B256) -> Ordering {
        self.packed.cmp(&Self::prefix_of(key, self.len()).packed)
    }

    /// Appends the path as a store key: one byte a nibble, so that a node's descendants follow it.
    pub(crate) fn write_key(&self, out: &mut Vec<u8>) {
        out.extend(self.nibbles());
    }

    /// Reads what [`NodePath::write_key`] wrote; `None` when it cannot have.
    pub(crate) fn from_key(key: &[u8]) -> Option<Self> {
        if key.len() > KEY_NIBBLES || key.iter().any(|nibble| *nibble > 0x0f) {
            return None;
        }
        let mut path = Self::ROOT;
        key.iter().for_each(|nibble| path.push(*nibble));
        Some(path)
    }
}

fn length(nibbles: usize) -> u8 {
    assert!(nibbles <= KEY_NIBBLES, "no path is longer than a key");
    u8::try_from(nibbles).expect("a key has 64 nibbles")
}

impl fmt::Debug for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nibbles().try_for_each(|nibble| write!(f, "{nibble:x}"))
    }
}
