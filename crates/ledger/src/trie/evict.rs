use super::{
    NodePath, StateTrie,
    account::Account,
    node::{Branch, Entry, Value},
    path::nibble,
};
use alloy_primitives::{B256, U256};
use std::{ops::ControlFlow, sync::Arc};

/// Branches looked at in one call: about a millisecond.
const VISITS_MAX: usize = 8_192;
/// The same when the bound is exceeded by more than a quarter, since blocks then load faster than
/// that.
const VISITS_HARD_MAX: usize = 16 * VISITS_MAX;
/// Ages are counted by powers of two.
const AGES: usize = 33;

const _: () = assert!(VISITS_MAX > 2 * 64, "a scan must get beyond the way to where it resumes");

/// Where the search for cold nodes goes on, and what counts as cold.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    cursor: Cursor,
    /// Versions without a change after which a node is cold.
    age: u32,
}

/// A place in the account trie, or in the storage trie of the account there.
#[derive(Clone, Debug, Default)]
struct Cursor {
    account: B256,
    slot: Option<B256>,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { cursor: Cursor::default(), age: u32::MAX }
    }
}

/// A walk over part of a version that picks cold nodes and learns how old the others are.
pub(super) struct Scan {
    now: u32,
    age: u32,
    visits: usize,
    bytes_wanted: usize,
    bytes_found: usize,
    found: Vec<(Option<B256>, NodePath)>,
    /// Bytes of persisted nodes that were not cold, by age.
    warm: [usize; AGES],
    /// Where the walk broke off.
    stopped: Cursor,
}

impl Scan {
    /// Scans a trie from `edge` on. Breaks off when enough has been seen.
    pub(super) fn trie<V: Value>(
        &mut self,
        root: &Entry<V>,
        owner: Option<B256>,
        edge: Option<&B256>,
    ) -> ControlFlow<()> {
        self.entry(root, owner, NodePath::ROOT, edge)
    }

    fn entry<V: Value>(
        &mut self,
        entry: &Entry<V>,
        owner: Option<B256>,
        path: NodePath,
        edge: Option<&B256>,
    ) -> ControlFlow<()> {
        match entry {
            Entry::Empty | Entry::Unloaded(_) => ControlFlow::Continue(()),
            Entry::Leaf(_, leaf) => match edge {
                Some(edge) if leaf.key < *edge => ControlFlow::Continue(()),
                Some(edge) if leaf.key == *edge => {
                    let slot = self.stopped.slot.take();
                    leaf.value.scan(&leaf.key, slot.as_ref(), self)
                }
                _ => leaf.value.scan(&leaf.key, None, self),
            },
            Entry::Branch(_, node) => self.branch(node, owner, path, edge),
        }
    }

    fn branch<V: Value>(
        &mut self,
        node: &Branch<V>,
        owner: Option<B256>,
        path: NodePath,
        edge: Option<&B256>,
    ) -> ControlFlow<()> {
        if self.visits == 0 || self.bytes_found >= self.bytes_wanted {
            let key = *path.padded();
            self.stopped = match owner {
                None => Cursor { account: key, slot: None },
                Some(account) => Cursor { account, slot: Some(key) },
            };
            return ControlFlow::Break(());
        }
        self.visits -= 1;
        let age = self.now.saturating_sub(node.stamp);
        if node.is_persisted() {
            if age >= self.age && edge.is_none() {
                self.found.push((owner, path));
                self.bytes_found += node.resident;
                return ControlFlow::Continue(());
            }
            self.warm[bucket(age)] += node.own_bytes();
        }
        let path = path.join(&node.prefix());
        for (digit, entry) in node.children() {
            let child = path.child(digit);
            match edge.map(|edge| child.cmp_key(edge)) {
                Some(std::cmp::Ordering::Less) => {}
                Some(std::cmp::Ordering::Equal) => self.entry(entry, owner, child, edge)?,
                Some(std::cmp::Ordering::Greater) | None => {
                    self.entry(entry, owner, child, None)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The age from which on nodes make up `wanted` of `total` bytes; `None` when all are too new.
    fn age_for(&self, wanted: usize, total: usize) -> Option<u32> {
        let seen: usize = self.warm.iter().sum();
        let mut rest = seen / (total / wanted.max(1)).max(1);
        let oldest_first = self.warm.iter().enumerate().rev().filter(|(_, bytes)| **bytes > 0);
        let mut age = None;
        for (bucket, bytes) in oldest_first {
            age = Some(if bucket == 0 { 0 } else { 1u32 << (bucket - 1) });
            if *bytes >= rest {
                break;
            }
            rest -= bytes;
        }
        age
    }
}

fn bucket(age: u32) -> usize {
    (u32::BITS - age.leading_zeros()) as usize
}

impl StateTrie {
    /// Unloads persisted nodes that have not been changed for long until the version takes at most
    /// `bytes_max`, or as near to it as one call may come; changed nodes stay. Cheap when there is
    /// nothing to do. Other versions keep what they share until they are dropped: call it on a new
    /// head.
    pub(crate) fn evict(&mut self, bytes_max: usize) {
        let target = bytes_max - bytes_max / 8;
        let hard = bytes_max.saturating_add(bytes_max / 4);
        let mut memory = self.memory_bytes();
        if memory <= bytes_max {
            return;
        }
        let mut visits = if memory > hard { VISITS_HARD_MAX } else { VISITS_MAX };
        while memory > target && visits > 0 {
            let budget = visits.min(VISITS_MAX);
            let (scan, finished) = self.scan(budget, memory - target);
            visits -= budget - scan.visits;
            for (owner, path) in &scan.found {
                unload(&mut self.root, owner.as_ref(), path);
            }
            memory = self.memory_bytes();
            let wanted = scan.age_for(memory.saturating_sub(target), memory);
            match (finished, wanted) {
                (true, None) => return,
                // The whole trie has been seen: without a lower age, the next time gives no more.
                (true, Some(_)) if scan.age == 0 => return,
                (true, Some(age)) => self.sweep.age = age.min(scan.age / 2),
                (false, wanted) => self.sweep.age = wanted.unwrap_or(scan.age),
            }
        }
    }

    fn scan(&mut self, visits: usize, bytes_wanted: usize) -> (Scan, bool) {
        let from = std::mem::take(&mut self.sweep.cursor);
        let mut scan = Scan {
            now: self.version,
            age: self.sweep.age,
            visits,
            bytes_wanted,
            bytes_found: 0,
            found: Vec::new(),
            warm: [0; AGES],
            stopped: Cursor { account: B256::ZERO, slot: from.slot },
        };
        let edge =
            (from.account != B256::ZERO || scan.stopped.slot.is_some()).then_some(from.account);
        let whole = edge.is_none();
        let finished = scan.trie(&self.root, None, edge.as_ref()).is_continue();
        if !finished {
            self.sweep.cursor = std::mem::take(&mut scan.stopped);
        }
        (scan, finished && whole)
    }

    /// Bytes that the loaded nodes of this version take, shared or not.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.root.resident()
    }
}

/// Unloads one node, which is persisted.
fn unload(root: &mut Entry<Account>, owner: Option<&B256>, path: &NodePath) {
    let Some(owner) = owner else {
        unload_node(root, 0, path);
        return;
    };
    unload_storage(root, 0, owner, path);
}

/// Unloads the node at `path`; returns the bytes it took.
fn unload_node<V: Value>(entry: &mut Entry<V>, depth: usize, path: &NodePath) -> usize {
    let Entry::Branch(name, node) = entry else { return 0 };
    if depth == path.len() {
        let bytes = node.resident;
        *entry = Entry::Unloaded(*name);
        return bytes;
    }
    let branch = Arc::make_mut(node);
    let at = depth + branch.prefix_len();
    let bytes = branch.child_mut(path.get(at)).map_or(0, |child| unload_node(child, at + 1, path));
    branch.resident -= bytes;
    bytes
}

fn unload_storage(
    entry: &mut Entry<Account>,
    depth: usize,
    owner: &B256,
    path: &NodePath,
) -> usize {
    match entry {
        Entry::Empty | Entry::Unloaded(_) => 0,
        Entry::Leaf(_, leaf) => {
            leaf.value.storage_mut().map_or(0, |root: &mut Entry<U256>| unload_node(root, 0, path))
        }
        Entry::Branch(_, node) => {
            let branch = Arc::make_mut(node);
            let at = depth + branch.prefix_len();
            let bytes = branch
                .child_mut(nibble(owner, at))
                .map_or(0, |child| unload_storage(child, at + 1, owner, path));
            branch.resident -= bytes;
            bytes
        }
    }
}
