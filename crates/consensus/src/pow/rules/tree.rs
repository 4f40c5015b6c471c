use super::{BoundedSet, Record};
use crate::pow::limits::{INVALID_MAX, LOCATOR_MAX, MEDIAN_SPAN, TREE_BLOCKS_MAX, TREE_BYTES_MAX};
use alloy_primitives::{Bytes, U256};
use alloy_rlp::Encodable;
use hanse_primitives::{BlockHash, BlockRef, Height, PeerId, SealedBlock};
use std::collections::BTreeMap;

/// What a block's children are judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pow) struct Context {
    pub(in crate::pow) reference: BlockRef,
    pub(in crate::pow) difficulty: U256,
    /// Its time and that of its ancestors, newest first: as many as the median needs, if there are.
    pub(in crate::pow) times: Vec<u64>,
}

impl Context {
    /// Seconds between this block and its parent.
    pub(in crate::pow) fn interval_seconds(&self) -> u64 {
        match self.times[..] {
            [own, parent, ..] => own.saturating_sub(parent),
            _ => 0,
        }
    }
}

/// The last final block.
#[derive(Clone, Debug)]
pub(in crate::pow) struct Final {
    pub(in crate::pow) reference: BlockRef,
    /// Sum of the difficulties from the engine's first block up to this one.
    pub(in crate::pow) work: U256,
    pub(in crate::pow) difficulty: U256,
    /// As [`Context::times`].
    pub(in crate::pow) times: Vec<u64>,
}

/// A block that is not final. Its header has been judged good.
#[derive(Clone, Debug)]
pub(in crate::pow) struct Node {
    pub(in crate::pow) block: SealedBlock,
    /// RLP bytes.
    bytes: usize,
    /// As [`Final::work`].
    pub(in crate::pow) work: U256,
    /// Order in which blocks came.
    seen: u64,
    /// The chain has executed it, and the log has it.
    pub(in crate::pow) executed: bool,
    /// Who sent it first; nobody, when it was mined here or read from the log.
    pub(in crate::pow) from: Option<PeerId>,
}

/// All known branches above the last final block, and which is the heaviest.
#[derive(Clone, Debug)]
pub(in crate::pow) struct Tree {
    root: Final,
    nodes: BTreeMap<BlockHash, Node>,
    seen: u64,
    bytes: usize,
    invalid: BoundedSet,
}

impl Tree {
    pub(in crate::pow) const fn new(root: Final) -> Self {
        let invalid = BoundedSet::new(INVALID_MAX);
        Self { root, nodes: BTreeMap::new(), seen: 0, bytes: 0, invalid }
    }

    pub(in crate::pow) const fn root(&self) -> &Final {
        &self.root
    }

    pub(in crate::pow) fn node(&self, hash: &BlockHash) -> Option<&Node> {
        self.nodes.get(hash)
    }

    /// True for the root as well.
    pub(in crate::pow) fn contains(&self, hash: &BlockHash) -> bool {
        *hash == self.root.reference.hash || self.nodes.contains_key(hash)
    }

    /// Total work of a branch up to a block.
    pub(in crate::pow) fn work(&self, hash: &BlockHash) -> Option<U256> {
        match self.nodes.get(hash) {
            Some(node) => Some(node.work),
            None => (*hash == self.root.reference.hash).then_some(self.root.work),
        }
    }

    /// What the children of a block are judged by; `None` when it is unknown.
    pub(in crate::pow) fn context(&self, hash: &BlockHash) -> Option<Context> {
        let mut times = Vec::with_capacity(MEDIAN_SPAN);
        let mut at = *hash;
        while let Some(node) = self.nodes.get(&at).filter(|_| times.len() < MEDIAN_SPAN) {
            times.push(node.block.header().timestamp);
            at = node.block.header().parent_hash;
        }
        if times.len() < MEDIAN_SPAN {
            let rest = MEDIAN_SPAN - times.len();
            times.extend(self.root.times.iter().take(rest));
        }
        let (reference, difficulty) = match self.nodes.get(hash) {
            Some(node) => (node.block.reference(), node.block.header().difficulty),
            None if *hash == self.root.reference.hash => {
                (self.root.reference, self.root.difficulty)
            }
            None => return None,
        };
        Some(Context { reference, difficulty, times })
    }

    /// Adds a block whose header is good and whose parent is known. False when there is no room for
    /// it: a branch that does not lead, in a full tree.
    pub(in crate::pow) fn insert(&mut self, block: SealedBlock, from: Option<PeerId>) -> bool {
        let header = block.header();
        let parent = self.work(&header.parent_hash);
        let work = parent.expect("the parent is known, as its context was asked for first");
        let work = work.saturating_add(header.difficulty);
        let bytes = block.block().length();
        let full = self.nodes.len() >= TREE_BLOCKS_MAX || self.bytes + bytes > TREE_BYTES_MAX;
        if full && self.heaviest().is_some_and(|(_, best)| work <= best) {
            return false;
        }
        self.seen += 1;
        self.bytes += bytes;
        let node = Node { block, bytes, work, seen: self.seen, executed: false, from };
        self.nodes.insert(node.block.hash(), node);
        true
    }

    pub(in crate::pow) fn set_executed(&mut self, hash: &BlockHash) {
        if let Some(node) = self.nodes.get_mut(hash) {
            node.executed = true;
        }
    }

    /// The tip with the most work; of equals, the one that was seen first. `None` when nothing is
    /// known above the root.
    pub(in crate::pow) fn heaviest(&self) -> Option<(BlockHash, U256)> {
        let best = self.nodes.iter().max_by_key(|(_, node)| (node.work, u64::MAX - node.seen))?;
        Some((*best.0, best.1.work))
    }

    /// The blocks that must be executed before `tip` can be the head, oldest first.
    pub(in crate::pow) fn unexecuted(&self, tip: BlockHash) -> Vec<BlockHash> {
        let mut path = Vec::new();
        let mut at = tip;
        while let Some(node) = self.nodes.get(&at).filter(|node| !node.executed) {
            path.push(at);
            at = node.block.header().parent_hash;
        }
        path.reverse();
        path
    }

    /// The ancestor of a block at a height, if it is not below the root.
    pub(in crate::pow) fn ancestor(&self, of: BlockHash, height: Height) -> Option<BlockHash> {
        let mut at = of;
        while let Some(node) = self.nodes.get(&at) {
            if node.block.height() <= height {
                break;
            }
            at = node.block.header().parent_hash;
        }
        let found = self.nodes.get(&at).map_or(self.root.reference, |node| node.block.reference());
        (found.height == height && self.contains(&found.hash)).then_some(found.hash)
    }

    /// Remembers that a block is invalid, and drops it with everything that is built on it.
    pub(in crate::pow) fn condemn(&mut self, hash: BlockHash) {
        self.invalid.insert(hash);
        let mut condemned = vec![hash];
        while let Some(at) = condemned.pop() {
            self.remove(&at);
            let children = self.nodes.iter().filter(|(_, n)| n.block.header().parent_hash == at);
            let children: Vec<BlockHash> = children.map(|(child, _)| *child).collect();
            children.iter().for_each(|child| _ = self.invalid.insert(*child));
            condemned.extend(children);
        }
    }

    pub(in crate::pow) fn is_condemned(&self, hash: &BlockHash) -> bool {
        self.invalid.contains(hash)
    }

    fn remove(&mut self, hash: &BlockHash) {
        if let Some(node) = self.nodes.remove(hash) {
            self.bytes -= node.bytes;
        }
    }

    /// Moves the root up to a block that has become final. Branches that do not contain it are gone.
    pub(in crate::pow) fn advance(&mut self, root: BlockHash) {
        let Some(node) = self.nodes.get(&root) else { return };
        let (reference, work) = (node.block.reference(), node.work);
        let context = self.context(&root).expect("the block is in the tree");
        let Context { difficulty, times, .. } = context;
        self.root = Final { reference, work, difficulty, times };
        let mut kept = BTreeMap::new();
        let mut children: BTreeMap<BlockHash, Vec<BlockHash>> = BTreeMap::new();
        for (hash, node) in &self.nodes {
            children.entry(node.block.header().parent_hash).or_default().push(*hash);
        }
        let mut waiting = vec![root];
        while let Some(at) = waiting.pop() {
            for child in children.remove(&at).unwrap_or_default() {
                kept.extend(self.nodes.remove_entry(&child));
                waiting.push(child);
            }
        }
        self.nodes = kept;
        self.bytes = self.nodes.values().map(|node| node.bytes).sum();
    }

    /// Hashes by which another node finds where its branch leaves ours: the last ten, then in doubling
    /// steps, and the root.
    pub(in crate::pow) fn locator(&self, tip: BlockHash) -> Vec<BlockHash> {
        let mut locator = Vec::new();
        let (mut at, mut step, mut walked) = (tip, 1_u64, 0_u64);
        while let Some(node) = self.nodes.get(&at).filter(|_| locator.len() + 1 < LOCATOR_MAX) {
            if walked == 0 {
                locator.push(at);
                step = if locator.len() < 10 { 1 } else { step * 2 };
                walked = step;
            }
            walked -= 1;
            at = node.block.header().parent_hash;
        }
        locator.push(self.root.reference.hash);
        locator
    }

    /// What the write-ahead log must hold: the root, then every executed block, parents first.
    pub(in crate::pow) fn records(&self) -> Vec<Bytes> {
        let mut nodes: Vec<&Node> = self.nodes.values().filter(|node| node.executed).collect();
        nodes.sort_unstable_by_key(|node| node.seen);
        let root = Record::Root { block: self.root.reference, work: self.root.work };
        let blocks = nodes.into_iter().map(|node| Record::Block(node.block.clone()));
        std::iter::once(root).chain(blocks).map(|record| record.encode()).collect()
    }

    /// True when a block above the root carries transactions, which wait for more blocks to be final.
    pub(in crate::pow) fn carries_transactions(&self) -> bool {
        self.nodes.values().any(|node| node.executed && !node.block.transactions().is_empty())
    }

    /// Blocks that are not final.
    pub(in crate::pow) fn len(&self) -> usize {
        self.nodes.len()
    }
}
