//! A map that keeps every version of each value.

use alloy_primitives::map::HashMap;
use hanse_primitives::Height;
use std::hash::Hash;

/// Values by key, each with the heights at which it changed. All versions lie in one buffer in the
/// order in which they were made, so adding one touches little memory.
#[derive(Debug)]
pub(crate) struct Versions<K, T> {
    latest: HashMap<K, u32>,
    versions: Vec<Version<K, T>>,
}

/// What a key was from a height on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<K, T> {
    pub(crate) key: K,
    pub(crate) height: Height,
    pub(crate) value: T,
    /// The key's version before this one; itself when there is none.
    before: u32,
}

impl<K, T> Default for Versions<K, T> {
    fn default() -> Self {
        Self { latest: HashMap::default(), versions: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash, T: Copy> Versions<K, T> {
    /// Makes room for as much as another holds.
    pub(crate) fn reserve_like(&mut self, other: &Self) {
        self.latest.reserve(other.latest.len());
        self.versions.reserve(other.versions.len());
    }

    /// Adds the version that a block made.
    pub(crate) fn push(&mut self, key: K, height: Height, value: T) {
        let index = u32::try_from(self.versions.len())
            .expect("far fewer than 2^32 changes fit the log records that may wait");
        let before = self.latest.insert(key, index).unwrap_or(index);
        if let Some(last) = self.versions.get(position(before)) {
            assert!(last.height < height, "blocks become final in order, each key once a block");
        }
        self.versions.push(Version { key, height, value, before });
    }

    /// The newest version at or below a height.
    pub(crate) fn at(&self, key: &K, height: Height) -> Option<(Height, T)> {
        let version = self.of(key).find(|version| version.height <= height)?;
        Some((version.height, version.value))
    }

    /// The versions of a key, newest first.
    pub(crate) fn of(&self, key: &K) -> impl Iterator<Item = &Version<K, T>> {
        let mut next = self.latest.get(key).copied();
        std::iter::from_fn(move || {
            let index = next?;
            let version = &self.versions[position(index)];
            next = Some(version.before).filter(|before| *before != index);
            Some(version)
        })
    }

    /// Every version of every key, in the order in which they were made.
    pub(crate) fn all(&self) -> &[Version<K, T>] {
        &self.versions
    }

    /// The newest version of every key, in no particular order.
    pub(crate) fn latest(&self) -> impl ExactSizeIterator<Item = &Version<K, T>> {
        self.latest.values().map(|index| &self.versions[position(*index)])
    }

    /// Every key, in no particular order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.latest.keys()
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.latest.capacity() * (size_of::<K>() + 5)
            + self.versions.capacity() * size_of::<Version<K, T>>()
    }
}

fn position(index: u32) -> usize {
    usize::try_from(index).expect("32 bits fit a usize")
}
