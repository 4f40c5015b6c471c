use hanse_primitives::BlockHash;
use std::collections::{BTreeSet, VecDeque};

/// The hashes that were added last, up to a bound.
#[derive(Clone, Debug)]
pub(in crate::pow) struct BoundedSet {
    order: VecDeque<BlockHash>,
    set: BTreeSet<BlockHash>,
    most: usize,
}

impl BoundedSet {
    pub(in crate::pow) const fn new(most: usize) -> Self {
        Self { order: VecDeque::new(), set: BTreeSet::new(), most }
    }

    pub(in crate::pow) fn contains(&self, hash: &BlockHash) -> bool {
        self.set.contains(hash)
    }

    /// Adds a hash, and forgets the oldest when there are too many. False when it was there.
    pub(in crate::pow) fn insert(&mut self, hash: BlockHash) -> bool {
        if !self.set.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}
