use crate::{LedgerError, Settings};
use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use hanse_primitives::{
    AccountInfo, BlockHash, BlockRef, ChainSpec, Executed, Header, Height, Receipt, SealedBlock,
    StateChanges, Transaction,
};
use std::{path::Path, sync::Arc};

/// The record of one chain. Cheap to clone; every method may be called from any thread.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<()>);

/// The world state after one block, of any branch and any height. Cheap to clone. Reads see one
/// moment only, whatever is committed meanwhile.
#[derive(Clone, Debug)]
pub struct StateView(Arc<()>);

/// The state root that some changes lead to, with the trie behind it, so that inserting the block
/// does not compute it a second time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PendingRoot(Arc<()>);

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionPlace {
    /// The block.
    pub block: BlockRef,
    /// Position within the block.
    pub index: usize,
}

/// A block with what executing it gave, as history keeps it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StoredBlock(Arc<()>);

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
        todo!()
    }

    /// The head of the chain: the last block that [`Ledger::set_head`] named.
    pub fn head(&self) -> BlockRef {
        todo!()
    }

    /// The last final block. Everything up to here is on disk.
    pub fn finalized(&self) -> BlockRef {
        todo!()
    }

    /// The state after a block of any branch, or of history.
    pub fn state(&self, block: BlockHash) -> Result<StateView, LedgerError> {
        todo!()
    }

    /// The state root after applying `changes` to the state of `parent`.
    pub fn root(
        &self,
        parent: BlockHash,
        changes: &StateChanges,
    ) -> Result<PendingRoot, LedgerError> {
        todo!()
    }

    /// Keeps an executed block as an overlay on its parent. Idempotent. `root` is what
    /// [`Ledger::root`] gave for it, and is computed when it is `None`.
    pub fn insert(&self, executed: Executed, root: Option<PendingRoot>) -> Result<(), LedgerError> {
        todo!()
    }

    /// Makes an inserted block the head.
    pub fn set_head(&self, head: BlockHash) -> Result<HeadChange, LedgerError> {
        todo!()
    }

    /// Makes `block` (an ancestor of the head, or the head) and its ancestors final: appends them to
    /// the log with `seal` on the last, syncs, and drops the overlays of their siblings.
    pub fn finalize(&self, block: BlockHash, seal: Bytes) -> Result<(), LedgerError> {
        todo!()
    }

    /// Takes blocks off the end of the chain until `height` is the head. Not undoable.
    pub fn rollback(&self, height: Height) -> Result<(), LedgerError> {
        todo!()
    }

    /// Recomputes every hash and root from genesis and compares the indexes. `progress` is told the height.
    pub fn verify(&self, progress: &mut dyn FnMut(Height)) -> Result<VerifyReport, LedgerError> {
        todo!()
    }

    /// Writes the store up to the final block and syncs it. Done on shutdown; never needed for safety.
    pub fn checkpoint(&self) -> Result<(), LedgerError> {
        todo!()
    }

    /// Header of the canonical block at a height.
    pub fn header(&self, height: Height) -> Result<Option<Header>, LedgerError> {
        todo!()
    }

    /// Hash of the canonical block at a height.
    pub fn hash(&self, height: Height) -> Result<Option<BlockHash>, LedgerError> {
        todo!()
    }

    /// Height of a block by its hash, of any branch that is still known.
    pub fn reference(&self, hash: BlockHash) -> Result<Option<BlockRef>, LedgerError> {
        todo!()
    }

    /// True when the block is on the chain that ends at the head.
    pub fn is_canonical(&self, block: BlockRef) -> Result<bool, LedgerError> {
        todo!()
    }

    /// A block by its hash, of any branch that is still known.
    pub fn block(&self, hash: BlockHash) -> Result<Option<StoredBlock>, LedgerError> {
        todo!()
    }

    /// The canonical block at a height.
    pub fn block_at(&self, height: Height) -> Result<Option<StoredBlock>, LedgerError> {
        todo!()
    }

    /// Where a canonical transaction is.
    pub fn transaction(&self, hash: &TxHash) -> Result<Option<TransactionPlace>, LedgerError> {
        todo!()
    }

    /// What a final block was sealed with.
    pub fn seal(&self, height: Height) -> Result<Option<Bytes>, LedgerError> {
        todo!()
    }

    /// Bytes in memory and on disk.
    pub fn usage(&self) -> Usage {
        todo!()
    }
}

impl StateView {
    /// The block whose state this is.
    pub fn block(&self) -> BlockRef {
        todo!()
    }

    /// An account, or `None` when it does not exist.
    pub fn account(&self, address: &Address) -> Result<Option<AccountInfo>, LedgerError> {
        todo!()
    }

    /// A storage slot; zero when it is not set.
    pub fn storage(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        todo!()
    }

    /// Code by its hash. Empty for the hash of no bytes.
    pub fn code(&self, hash: &B256) -> Result<Bytes, LedgerError> {
        todo!()
    }

    /// Hash of the ancestor (or the block itself) at a height; `None` above the block.
    pub fn block_hash(&self, height: Height) -> Result<Option<BlockHash>, LedgerError> {
        todo!()
    }

    /// A Merkle proof against the block's state root.
    pub fn proof(&self, address: &Address, slots: &[U256]) -> Result<AccountProof, LedgerError> {
        todo!()
    }
}

impl PendingRoot {
    /// The state root.
    pub fn root(&self) -> B256 {
        todo!()
    }
}

impl StoredBlock {
    /// The block.
    pub fn block(&self) -> &SealedBlock {
        todo!()
    }
    /// Who sent each transaction.
    pub fn senders(&self) -> &[Address] {
        todo!()
    }
    /// What each transaction did.
    pub fn receipts(&self) -> &[Receipt] {
        todo!()
    }
    /// A transaction with its sender and receipt.
    pub fn transaction(&self, index: usize) -> Option<(&Transaction, Address, &Receipt)> {
        todo!()
    }
}
