//! The blocks that are not final yet: one overlay each, any depth, any number of siblings.

use crate::{
    HeadChange, LedgerError, limits::UNFINAL_BLOCKS_MAX, log::Body, stored::StoredBlock,
    trie::StateTrie,
};
use alloy_primitives::{TxHash, map::B256Map};
use hanse_primitives::{BlockHash, BlockRef, Executed, Height};
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

/// A block that is not final, with the state behind it.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) executed: Executed,
    pub(crate) stored: StoredBlock,
    pub(crate) trie: StateTrie,
    /// The log record, encoded while the block waits for its commit.
    body: OnceLock<Body>,
    /// First eight bytes of each transaction's hash with its index, ascending.
    transactions: Vec<(u64, u32)>,
}

/// The last final block and everything that builds on it.
#[derive(Debug)]
pub(crate) struct Tree {
    finalized: BlockRef,
    /// The state after the last final block.
    trie: StateTrie,
    overlays: B256Map<Arc<Overlay>>,
    /// From the child of the last final block to the head.
    branch: VecDeque<Arc<Overlay>>,
}

/// What finality made needless. Freeing a version of the trie takes as long as making it did.
#[derive(Debug)]
pub(crate) struct Dropped {
    _overlays: Vec<Arc<Overlay>>,
    _trie: StateTrie,
}

impl Overlay {
    pub(crate) fn new(executed: Executed, trie: StateTrie) -> Self {
        let hashes = executed.block().transactions().iter().map(|tx| prefix(tx.tx_hash()));
        let mut transactions: Vec<_> = hashes.zip(0..).collect();
        transactions.sort_unstable();
        let stored = StoredBlock::executed(executed.clone());
        Self { executed, stored, trie, body: OnceLock::new(), transactions }
    }

    pub(crate) fn reference(&self) -> BlockRef {
        self.executed.block().reference()
    }

    pub(crate) fn parent(&self) -> BlockHash {
        self.executed.block().header().parent_hash
    }

    /// The log record without its seal; encoded by whoever asks first.
    pub(crate) fn body(&self) -> &Body {
        self.body.get_or_init(|| Body::of(&self.executed))
    }

    fn transaction(&self, hash: &TxHash) -> Option<usize> {
        let wanted = prefix(hash);
        let from = self.transactions.partition_point(|(found, _)| *found < wanted);
        let candidates = self.transactions[from..].iter().take_while(|(found, _)| *found == wanted);
        let block = self.executed.block();
        candidates
            .filter_map(|(_, index)| usize::try_from(*index).ok())
            .find(|index| block.transactions()[*index].tx_hash() == hash)
    }
}

fn prefix(hash: &TxHash) -> u64 {
    u64::from_be_bytes(hash[..8].try_into().expect("a hash has 32 bytes"))
}

impl Tree {
    pub(crate) fn new(finalized: BlockRef, trie: StateTrie) -> Self {
        Self { finalized, trie, overlays: B256Map::default(), branch: VecDeque::new() }
    }

    pub(crate) const fn finalized(&self) -> BlockRef {
        self.finalized
    }

    pub(crate) fn head(&self) -> BlockRef {
        self.branch.back().map_or(self.finalized, |overlay| overlay.reference())
    }

    pub(crate) fn overlay(&self, hash: &BlockHash) -> Option<&Arc<Overlay>> {
        self.overlays.get(hash)
    }

    /// The overlay at a height on the head's branch.
    pub(crate) fn on_branch(&self, height: Height) -> Option<&Arc<Overlay>> {
        let above = height.0.checked_sub(self.finalized.height.0)?.checked_sub(1)?;
        self.branch.get(usize::try_from(above).ok()?)
    }

    /// Where a transaction is on the head's branch.
    pub(crate) fn transaction(&self, hash: &TxHash) -> Option<(BlockRef, usize)> {
        self.branch
            .iter()
            .rev()
            .find_map(|overlay| Some((overlay.reference(), overlay.transaction(hash)?)))
    }

    /// The state after a block that is not final, or after the last final one.
    pub(crate) fn trie(&self, hash: &BlockHash) -> Option<&StateTrie> {
        if *hash == self.finalized.hash {
            return Some(&self.trie);
        }
        Some(&self.overlays.get(hash)?.trie)
    }

    /// The block and its ancestors that are not final, newest first; `None` when it is not known.
    pub(crate) fn path(&self, hash: &BlockHash) -> Option<Vec<Arc<Overlay>>> {
        let mut path = Vec::new();
        let mut at = *hash;
        while at != self.finalized.hash {
            let overlay = self.overlays.get(&at)?;
            path.push(overlay.clone());
            at = overlay.parent();
        }
        Some(path)
    }

    /// Adds a block whose parent is known. Idempotent.
    pub(crate) fn insert(&mut self, overlay: Arc<Overlay>) -> Result<(), LedgerError> {
        let BlockRef { height, hash } = overlay.reference();
        let parent = overlay.parent();
        let parent_height = match self.overlays.get(&parent) {
            Some(parent) => parent.reference().height,
            None if parent == self.finalized.hash => self.finalized.height,
            None => return Err(LedgerError::UnknownBlock(parent)),
        };
        assert_eq!(parent_height.next(), height, "an executed block is one above its parent");
        if self.overlays.len() >= UNFINAL_BLOCKS_MAX && !self.overlays.contains_key(&hash) {
            return Err(LedgerError::TooManyBlocks(UNFINAL_BLOCKS_MAX));
        }
        self.overlays.entry(hash).or_insert(overlay);
        Ok(())
    }

    /// Makes a known block the head.
    pub(crate) fn set_head(&mut self, head: BlockHash) -> Option<HeadChange> {
        let mut path = self.path(&head)?;
        path.reverse();
        let shared =
            self.branch.iter().zip(&path).take_while(|(old, new)| Arc::ptr_eq(old, new)).count();
        let hash = |overlay: &Arc<Overlay>| overlay.reference().hash;
        let change = HeadChange {
            reverted: self.branch.iter().skip(shared).rev().map(hash).collect(),
            adopted: path.iter().skip(shared).map(hash).collect(),
        };
        self.branch = path.into();
        Some(change)
    }

    /// The blocks that become final when `block` does, oldest first. It need not be on the head's
    /// branch: an engine whose blocks are final at once shows a block only when it is durable.
    pub(crate) fn to_finalize(&self, block: &BlockHash) -> Result<Vec<Arc<Overlay>>, LedgerError> {
        if !self.overlays.contains_key(block) {
            return Err(LedgerError::UnknownBlock(*block));
        }
        let mut path = self.path(block).ok_or(LedgerError::NotOnChain(*block))?;
        path.reverse();
        Ok(path)
    }

    /// Moves the last final block up to `block` and drops whatever does not build on it. A head on
    /// another branch goes with it: `block` is the head then. What was dropped is handed back, so
    /// that it is freed without a lock held.
    pub(crate) fn finalize(&mut self, block: BlockRef) -> Dropped {
        assert!(self.finalized.height < block.height, "finality never falls");
        let trie = self.trie(&block.hash).expect("a block to finalize is known").clone();
        let on_branch = self.on_branch(block.height);
        if on_branch.is_none_or(|overlay| overlay.reference() != block) {
            self.branch.clear();
        }
        while self.branch.front().is_some_and(|overlay| overlay.reference().height <= block.height)
        {
            self.branch.pop_front();
        }
        let mut kept = B256Map::default();
        let mut by_height: Vec<_> = self.overlays.drain().map(|(_, overlay)| overlay).collect();
        by_height.sort_unstable_by_key(|overlay| overlay.reference());
        let mut dropped = Vec::new();
        for overlay in by_height {
            let parent = overlay.parent();
            if parent == block.hash || kept.contains_key(&parent) {
                kept.insert(overlay.reference().hash, overlay);
            } else {
                dropped.push(overlay);
            }
        }
        self.overlays = kept;
        self.finalized = block;
        Dropped { _overlays: dropped, _trie: std::mem::replace(&mut self.trie, trie) }
    }

    /// Drops every block above `height`, which is at or above the last final one, and makes the
    /// block of the head's branch there the head.
    pub(crate) fn cut(&mut self, height: Height) {
        self.branch.retain(|overlay| overlay.reference().height <= height);
        self.overlays.retain(|_, overlay| overlay.reference().height <= height);
    }
}
