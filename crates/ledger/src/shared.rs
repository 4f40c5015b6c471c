//! What all handles of an open ledger share.

use crate::{
    LedgerError, Settings,
    flat::Flat,
    limits::{CHECKPOINT_BLOCKS, CHECKPOINTS_WAITING_MAX},
    log::{Entry, Log},
    recent::FinalBlock,
    records::Records,
    remains::Past,
    stored::{BlockWeight, StoredBlock},
    tree::{Overlay, Tree},
    trie::StateTrie,
    writer::Writer,
};
use alloy_primitives::{B256, Bytes};
use hanse_primitives::{BlockHash, BlockRef, Header, SealedBlock};
use parking_lot::{Mutex, MutexGuard, RwLock};
use quick_cache::sync::Cache;
use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// An open ledger.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) settings: Settings,
    pub(super) genesis: SealedBlock,
    pub(super) log: Log,
    pub(super) flat: Flat,
    pub(super) tree: RwLock<Tree>,
    /// Held while blocks become final or are taken back: one at a time.
    pub(super) commit: Mutex<()>,
    pub(super) blocks: Cache<BlockHash, StoredBlock, BlockWeight>,
    /// Held while history is pruned, or blocks are taken back.
    pub(super) pruning: Mutex<()>,
    pub(super) old_tries: Cache<BlockHash, StateTrie>,
    pub(super) writer: Writer,
    /// Each job on the pool holds a clone.
    pub(super) jobs: Arc<()>,
    /// Odd while blocks are being taken back.
    pub(super) lineage: AtomicU64,
    /// Keeps other processes out for as long as it is open.
    pub(super) _lock: File,
}

impl Shared {
    pub(crate) const fn flat(&self) -> &Flat {
        &self.flat
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) const fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(crate) const fn genesis(&self) -> B256 {
        self.genesis.hash()
    }

    pub(crate) fn lineage(&self) -> u64 {
        self.lineage.load(Ordering::SeqCst)
    }

    /// True when `block` is still part of the chain in lineage `now`.
    pub(crate) fn has_kept(&self, block: BlockRef, now: u64) -> Result<bool, LedgerError> {
        if now % 2 == 1 {
            return Ok(false);
        }
        let found = self.flat.block(block.height)?;
        Ok(found.is_some_and(|found| found.block == block) && self.lineage() == now)
    }

    /// Holds up whatever makes blocks final or takes them back.
    pub(crate) fn hold(&self) -> MutexGuard<'_, ()> {
        self.commit.lock()
    }

    /// Makes the blocks up to `block` final.
    pub(crate) fn finalize(&self, block: BlockHash, seal: &Bytes) -> Result<(), LedgerError> {
        let _commit = self.commit.lock();
        let path = {
            let tree = self.tree.read();
            if block == tree.finalized().hash {
                return Ok(());
            }
            tree.to_finalize(&block).or_else(|error| self.say_why(&block, error))?
        };
        self.wait_for_room()?;
        let last = path.last().expect("a block that is not final is on its own path");
        let entries: Vec<_> = path
            .iter()
            .map(|overlay| Entry {
                height: overlay.reference().height,
                body: overlay.body(),
                seal: if Arc::ptr_eq(overlay, last) { seal } else { &[] },
            })
            .collect();
        let positions = self.log.append(&entries)?;
        self.flat.extend(|generation| {
            for ((overlay, position), entry) in path.iter().zip(positions).zip(&entries) {
                let transactions = overlay.executed.block().transactions();
                generation.push(
                    FinalBlock { block: overlay.reference(), position },
                    transactions.iter().map(|transaction| transaction.tx_hash()),
                    overlay.executed.changes(),
                    u64::try_from(entry.body.record_bytes(entry.seal)).unwrap_or(u64::MAX),
                );
            }
            generation.set_trie(last.trie.clone());
        });
        for overlay in &path {
            self.blocks.insert(overlay.reference().hash, overlay.stored.clone());
        }
        let dropped = self.tree.write().finalize(last.reference());
        self.later(move || drop((dropped, path)));
        let (bytes, blocks) = self.flat.waiting();
        if bytes >= self.settings.checkpoint_bytes || blocks >= CHECKPOINT_BLOCKS {
            self.writer.nudge();
        }
        Ok(())
    }

    /// Holds a commit up while more waits for the store than may be kept in memory.
    fn wait_for_room(&self) -> Result<(), LedgerError> {
        self.writer.check()?;
        let (bytes, blocks) = self.flat.waiting();
        let bytes_max = self.settings.checkpoint_bytes.saturating_mul(CHECKPOINTS_WAITING_MAX);
        if bytes < bytes_max && blocks < 2 * CHECKPOINT_BLOCKS {
            return Ok(());
        }
        self.writer.wait()?;
        self.writer.nudge();
        Ok(())
    }

    /// Keeps an executed block.
    pub(crate) fn insert(&self, overlay: Overlay) -> Result<(), LedgerError> {
        let overlay = Arc::new(overlay);
        self.tree
            .write()
            .insert(overlay.clone())
            .or_else(|error| self.say_why(&overlay.parent(), error))?;
        // The record is encoded while the engine decides whether the block becomes final.
        self.later(move || {
            overlay.body();
        });
        Ok(())
    }

    /// Does something on the pool of threads that nobody waits for, but for the end of the ledger.
    fn later(&self, job: impl FnOnce() + Send + 'static) {
        let token = self.jobs.clone();
        rayon::spawn(move || {
            job();
            drop(token);
        });
    }

    /// Waits until nothing is left to do on the pool: its jobs hold parts of the open store.
    pub(crate) fn finish_jobs(&self) {
        while Arc::strong_count(&self.jobs) > 1 {
            // On a thread of the pool itself, do the jobs instead of waiting for them.
            if rayon::yield_now().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// The trie after `block`, which must be the last final block or build on it.
    pub(crate) fn trie(&self, block: &BlockHash) -> Result<StateTrie, LedgerError> {
        if let Some(trie) = self.tree.read().trie(block) {
            return Ok(trie.clone());
        }
        self.say_why(block, LedgerError::UnknownBlock(*block))
    }

    /// A block that the tree does not know may be an old final one, on which nothing can be built.
    pub(crate) fn say_why<T>(
        &self,
        block: &BlockHash,
        error: LedgerError,
    ) -> Result<T, LedgerError> {
        match error {
            LedgerError::UnknownBlock(hash) if self.flat.height_of(block)?.is_some() => {
                Err(LedgerError::NotOnChain(hash))
            }
            error => Err(error),
        }
    }

    /// Final blocks by height.
    pub(crate) const fn records(&self) -> Records<'_> {
        Records { log: &self.log, flat: &self.flat }
    }

    /// A final block as far as it is still there, from the cache or the log.
    pub(crate) fn final_past(&self, found: FinalBlock) -> Result<Past, LedgerError> {
        let hash = found.block.hash;
        if let Some(block) = self.blocks.get(&hash) {
            return Ok(Past::Whole(block));
        }
        let past = self.records().take_left(found, Past::read)?;
        if past.block().hash() != hash {
            return Err(self.log.corrupt(found.position, "a block with another hash"));
        }
        if let Past::Whole(block) = &past {
            self.blocks.insert(hash, block.clone());
        }
        Ok(past)
    }

    /// A final block of which nothing has been pruned.
    pub(crate) fn final_block(&self, found: FinalBlock) -> Result<StoredBlock, LedgerError> {
        self.final_past(found)?.whole()
    }

    /// The header of a final block.
    pub(crate) fn final_header(&self, found: FinalBlock) -> Result<Header, LedgerError> {
        if let Some(block) = self.blocks.get(&found.block.hash) {
            return Ok(block.block().header().clone());
        }
        self.records().header(found)
    }

    /// A final block by its hash.
    pub(crate) fn find(&self, hash: &BlockHash) -> Result<Option<FinalBlock>, LedgerError> {
        let Some(height) = self.flat.height_of(hash)? else { return Ok(None) };
        Ok(self.flat.block(height)?.filter(|found| found.block.hash == *hash))
    }

    pub(crate) fn finalized(&self) -> BlockRef {
        self.tree.read().finalized()
    }

    /// The last final block and the trie after it.
    pub(crate) fn final_trie(&self) -> (BlockRef, StateTrie) {
        let tree = self.tree.read();
        let block = tree.finalized();
        let trie = tree.trie(&block.hash).expect("the last final block has a trie");
        (block, trie.clone())
    }

    pub(crate) fn old_tries(&self) -> &Cache<BlockHash, StateTrie> {
        &self.old_tries
    }
}
