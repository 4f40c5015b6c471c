use crate::{
    Blocks, Horizon, LedgerError, Past, PruneReport, Settings, StateView, StoredBlock, open, proof,
    restore, shared::Shared, tree::Overlay, trie::StateTrie, verify, writer::WriterThread,
};
use alloy_primitives::{B256, Bytes, TxHash, U256};
use hanse_primitives::{
    AccountInfo, BlockHash, BlockRef, ChainSpec, Executed, Header, Height, StateChanges,
};
use std::{
    io::{Read, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// The record of one chain. Cheap to clone; every method may be called from any thread.
///
/// Dropping the last handle writes a checkpoint, so that the next opening has nothing to replay.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    /// Kept to be dropped with the last handle.
    _writer: Arc<WriterThread>,
}

/// The state root that some changes lead to, with the trie behind it, so that inserting the block
/// does not compute it a second time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PendingRoot(StateTrie);

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionPlace {
    /// The block.
    pub block: BlockRef,
    /// Position within the block.
    pub index: usize,
}

/// A Merkle proof of an account and some of its slots (EIP-1186).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The account; `None` proves that there is none.
    pub info: Option<AccountInfo>,
    /// Root of its storage trie.
    pub storage_root: B256,
    /// RLP nodes from the state root to the account.
    pub nodes: Vec<Bytes>,
    /// One for each slot asked for, in that order.
    pub storage: Vec<StorageProof>,
}

/// A Merkle proof of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageProof {
    /// The slot.
    pub slot: U256,
    /// Its value; zero proves that it is not set.
    pub value: U256,
    /// RLP nodes from the storage root to the slot.
    pub nodes: Vec<Bytes>,
}

/// How the head moved; hashes newest first in `reverted`, oldest first in `adopted`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadChange {
    /// Blocks that left the chain.
    pub reverted: Vec<BlockHash>,
    /// Blocks that joined it.
    pub adopted: Vec<BlockHash>,
}

/// What `db verify` looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Blocks whose hashes, roots and receipts were recomputed.
    pub blocks: u64,
    /// Those among them of which something has been pruned.
    pub pruned: u64,
    /// Transactions among them.
    pub transactions: u64,
    /// Accounts in the final state.
    pub accounts: u64,
    /// Everything that is not as it should be, for people, with the height. Empty: clean.
    pub problems: Vec<String>,
}

/// Bytes in memory and on disk, for metrics and benchmarks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Trie nodes in memory.
    pub trie_bytes: u64,
    /// Other caches and data not yet written to the store.
    pub cache_bytes: u64,
    /// Block log on disk.
    pub log_bytes: u64,
    /// Key-value store on disk.
    pub store_bytes: u64,
}

impl Ledger {
    /// Opens the ledger in `directory`, or creates it from the genesis of `spec`. Replays what the
    /// log has beyond the store; cuts a torn record off the log's end.
    ///
    /// # Errors
    /// [`LedgerError`] when the folder is in use, of another chain or format, damaged, or unreadable.
    pub fn open(
        directory: &Path,
        spec: &ChainSpec,
        settings: Settings,
    ) -> Result<Self, LedgerError> {
        let shared = Arc::new(open::open(directory, spec, settings)?);
        let writer = Arc::new(WriterThread::start(shared.clone())?);
        Ok(Self { shared, _writer: writer })
    }

    /// The head of the chain: the last block that [`Ledger::set_head`] named.
    #[must_use]
    pub fn head(&self) -> BlockRef {
        self.shared.tree.read().head()
    }

    /// The last final block. Everything up to here is on disk.
    #[must_use]
    pub fn finalized(&self) -> BlockRef {
        self.shared.finalized()
    }

    /// The state after a block of any branch, or of history.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`]; otherwise the disk's.
    pub fn state(&self, block: BlockHash) -> Result<StateView, LedgerError> {
        let tree = self.shared.tree.read();
        if let (Some(layers), Some(trie)) = (tree.path(&block), tree.trie(&block)) {
            let base = tree.finalized();
            return Ok(StateView::of_tip(self.shared.clone(), layers, base, trie.clone()));
        }
        drop(tree);
        let found = self.shared.find(&block)?.ok_or(LedgerError::UnknownBlock(block))?;
        Ok(StateView::of_history(self.shared.clone(), found.block))
    }

    /// The state root after applying `changes` to the state of `parent`. When something else has
    /// become final on top of `parent`, this tells what would have been; it cannot be inserted.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`]; [`LedgerError::ProofTooOld`] for a parent that is too far back;
    /// otherwise the disk's.
    pub fn root(
        &self,
        parent: BlockHash,
        changes: &StateChanges,
    ) -> Result<PendingRoot, LedgerError> {
        match self.shared.trie(&parent) {
            Ok(trie) => Ok(PendingRoot(trie.apply(changes)?)),
            Err(LedgerError::NotOnChain(_)) => {
                let past =
                    self.shared.find(&parent)?.ok_or(LedgerError::UnknownBlock(parent))?.block;
                Ok(PendingRoot(proof::apply_to_past(&self.shared, past, changes)?))
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps an executed block as an overlay on its parent. Idempotent. `root` is what
    /// [`Ledger::root`] gave for it, and is computed when it is `None`.
    ///
    /// # Errors
    /// As [`Ledger::root`] for the block's parent; [`LedgerError::TooManyBlocks`].
    pub fn insert(&self, executed: Executed, root: Option<PendingRoot>) -> Result<(), LedgerError> {
        let hash = executed.block().hash();
        if self.reference(hash)?.is_some() {
            return Ok(());
        }
        let parent = executed.block().header().parent_hash;
        let PendingRoot(mut trie) = match root {
            Some(root) => root,
            None => self.root(parent, executed.changes())?,
        };
        assert_eq!(
            trie.root(),
            executed.block().header().state_root,
            "an executed block leads to the state root in its header"
        );
        trie.evict(self.shared.settings.trie_bytes_max);
        self.shared.insert(Overlay::new(executed, trie))
    }

    /// Makes an inserted block the head.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`], or [`LedgerError::NotOnChain`] for a block below the last final
    /// one.
    pub fn set_head(&self, head: BlockHash) -> Result<HeadChange, LedgerError> {
        let change = self.shared.tree.write().set_head(head);
        match change {
            Some(change) => Ok(change),
            None => self.shared.say_why(&head, LedgerError::UnknownBlock(head)),
        }
    }

    /// Makes `block` and its ancestors final: appends them to the log with `seal` on the last, syncs,
    /// and drops the overlays of their siblings. When `block` is not on the head's branch, it is the
    /// head from then on, and nobody has seen it as such before it was durable. Nothing happens when
    /// it is the last final block already.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`] or [`LedgerError::NotOnChain`]. After any other error nothing
    /// more is written until the ledger is opened again: [`LedgerError::Stopped`].
    pub fn finalize(&self, block: BlockHash, seal: Bytes) -> Result<(), LedgerError> {
        self.shared.finalize(block, &seal)
    }

    /// Takes blocks off the end of the chain until `height` is the head. Not undoable. Views of
    /// blocks that are gone answer [`LedgerError::StateUnavailable`] from then on.
    ///
    /// # Errors
    /// [`LedgerError::UnknownHeight`] above the head; [`LedgerError::Pruned`] below the horizon; otherwise
    /// the disk's.
    pub fn rollback(&self, height: Height) -> Result<(), LedgerError> {
        self.shared.rollback(height)
    }

    /// Takes away history below `horizon`, where that is above what was taken away before; never of the
    /// last [`crate::limits::PRUNE_KEEP_BLOCKS`] final blocks. Not undoable. What is left of a block are its
    /// header, its seal, and the hashes by which each of its transactions can still be proven. Blocks go on
    /// meanwhile. Also completes what a crash has interrupted.
    ///
    /// # Errors
    /// When the disk or its content fails. Nothing is lost then that the horizon does not let go.
    pub fn prune(&self, horizon: &Horizon) -> Result<PruneReport, LedgerError> {
        self.shared.prune(horizon)
    }

    /// Writes all final blocks, as far as they are kept, with the state from which [`Ledger::restore`] makes
    /// a ledger. No block becomes final meanwhile.
    ///
    /// # Errors
    /// When the disk or its content fails, or `out` does.
    pub fn snapshot(&self, out: &mut dyn Write) -> Result<(), LedgerError> {
        self.shared.snapshot(out)
    }

    /// Makes a ledger of a snapshot in `directory`, where there must be none, and verifies all of it.
    /// `trusted` is the hash of the snapshot's last block, known from somebody who is trusted: everything
    /// else follows from it. What the snapshot's ledger has pruned is pruned here.
    ///
    /// # Errors
    /// [`LedgerError::Snapshot`] when it is none, of another chain, ends with another block, or has
    /// something that does not follow from that; otherwise the disk's. Nothing is left of it then.
    pub fn restore(
        directory: &Path,
        spec: &ChainSpec,
        settings: &Settings,
        trusted: BlockHash,
        input: &mut dyn Read,
    ) -> Result<Self, LedgerError> {
        restore::restore(directory, spec, settings, trusted, input)
    }

    /// From where on history is kept.
    #[must_use]
    pub fn horizon(&self) -> Horizon {
        self.shared.flat.store().horizon()
    }

    /// Recomputes every hash and root from genesis and compares the indexes. `progress` is told the
    /// height. Needs memory for the whole state trie.
    ///
    /// # Errors
    /// When the disk cannot be read. Damage is not an error but a problem in the report.
    pub fn verify(&self, progress: &mut dyn FnMut(Height)) -> Result<VerifyReport, LedgerError> {
        verify::verify(&self.shared, progress)
    }

    /// Writes the store up to the final block and syncs it. Done on shutdown; never needed for safety.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`] when that failed, now or earlier.
    pub fn checkpoint(&self) -> Result<(), LedgerError> {
        self.shared.writer.write()
    }

    /// Lets go of this handle as a crash does: once the others are gone too, the folder is left as it
    /// is, with no last checkpoint.
    #[cfg(any(test, feature = "test-utils"))]
    pub fn abandon(self) {
        self.shared.writer.give_up(&LedgerError::Stopped("it was abandoned".to_owned()));
    }

    /// Header of the canonical block at a height.
    ///
    /// # Errors
    /// When the disk or its content fails; so for all methods below.
    pub fn header(&self, height: Height) -> Result<Option<Header>, LedgerError> {
        if let Some(overlay) = self.shared.tree.read().on_branch(height) {
            return Ok(Some(overlay.executed.block().header().clone()));
        }
        let found = self.shared.flat.block(height)?;
        found.map(|found| self.shared.final_header(found)).transpose()
    }

    /// Hash of the canonical block at a height.
    pub fn hash(&self, height: Height) -> Result<Option<BlockHash>, LedgerError> {
        if let Some(overlay) = self.shared.tree.read().on_branch(height) {
            return Ok(Some(overlay.reference().hash));
        }
        Ok(self.shared.flat.block(height)?.map(|found| found.block.hash))
    }

    /// Height of a block by its hash, of any branch that is still known.
    pub fn reference(&self, hash: BlockHash) -> Result<Option<BlockRef>, LedgerError> {
        {
            let tree = self.shared.tree.read();
            if tree.finalized().hash == hash {
                return Ok(Some(tree.finalized()));
            }
            if let Some(overlay) = tree.overlay(&hash) {
                return Ok(Some(overlay.reference()));
            }
        }
        let height = self.shared.flat.height_of(&hash)?;
        Ok(height.map(|height| BlockRef { height, hash }))
    }

    /// True when the block is on the chain that ends at the head.
    pub fn is_canonical(&self, block: BlockRef) -> Result<bool, LedgerError> {
        Ok(self.hash(block.height)? == Some(block.hash))
    }

    /// A block by its hash, of any branch that is still known. [`LedgerError::Pruned`] when not all of it is
    /// there.
    pub fn block(&self, hash: BlockHash) -> Result<Option<StoredBlock>, LedgerError> {
        self.past(hash)?.map(Past::whole).transpose()
    }

    /// A block by its hash, of any branch that is still known, as far as it is still there.
    pub fn past(&self, hash: BlockHash) -> Result<Option<Past>, LedgerError> {
        if let Some(overlay) = self.shared.tree.read().overlay(&hash) {
            return Ok(Some(Past::Whole(overlay.stored.clone())));
        }
        let found = self.shared.find(&hash)?;
        found.map(|found| self.shared.final_past(found)).transpose()
    }

    /// The canonical block at a height. [`LedgerError::Pruned`] when not all of it is there.
    pub fn block_at(&self, height: Height) -> Result<Option<StoredBlock>, LedgerError> {
        if let Some(overlay) = self.shared.tree.read().on_branch(height) {
            return Ok(Some(overlay.stored.clone()));
        }
        let found = self.shared.flat.block(height)?;
        found.map(|found| self.shared.final_block(found)).transpose()
    }

    /// The final blocks from a height on, in order, as of now. For exports and for followers that
    /// catch up: reads the log sequentially and leaves the caches alone.
    pub fn blocks(&self, from: Height) -> Result<Blocks, LedgerError> {
        Blocks::new(self.shared.clone(), from)
    }

    /// Where a canonical transaction is.
    pub fn transaction(&self, hash: &TxHash) -> Result<Option<TransactionPlace>, LedgerError> {
        if let Some((block, index)) = self.shared.tree.read().transaction(hash) {
            return Ok(Some(TransactionPlace { block, index }));
        }
        let Some(place) = self.shared.flat.transaction(hash)? else { return Ok(None) };
        let found = self.shared.records().expect(place.height())?;
        Ok(Some(TransactionPlace { block: found.block, index: place.index() }))
    }

    /// What a final block was sealed with.
    pub fn seal(&self, height: Height) -> Result<Option<Bytes>, LedgerError> {
        let found = self.shared.flat.block(height)?;
        found.map(|found| self.shared.records().take_left(found, |p| Ok(p.seal()))).transpose()
    }

    /// Time that commits have waited for the disk's syncs since the ledger was opened.
    #[must_use]
    pub fn sync_time(&self) -> Duration {
        self.shared.log.sync_time()
    }

    /// Bytes in memory and on disk.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let trie = self.shared.final_trie().1.memory_bytes();
        Usage {
            trie_bytes: u64::try_from(trie).unwrap_or(u64::MAX),
            cache_bytes: self.shared.flat.memory_bytes() + self.shared.blocks.weight(),
            log_bytes: self.shared.log.bytes(),
            store_bytes: self.shared.flat.store().bytes(),
        }
    }
}

impl PendingRoot {
    /// The state root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.0.root()
    }
}
