//! Accounts and slots by key, as of any final height.
//!
//! A value is looked for where it would be newest: in the blocks that the store does not have yet,
//! then in the cache of what the store has, then in the store, then in its history. Whoever reads at
//! a height below the store's (an old view, history) goes to the history directly.
//!
//! `height` is what keeps readers right while a checkpoint is written: it is raised *before* the
//! store or the cache changes, and a reader looks at it *after* it has read. When it is at or below
//! the reader's height, what was read is the value at that height, since every change between the
//! two is found among the recent blocks.

use crate::{
    LedgerError, Settings,
    recent::{FinalBlock, Generation},
    store::{Place, Store},
};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use hanse_primitives::{AccountInfo, BlockHash, Height};
use parking_lot::RwLock;
use quick_cache::{Weighter, sync::Cache};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Bytes that a cached account or slot takes, with its share of the cache's own tables.
const ENTRY_BYTES: usize = 160;

/// Part of the cache that is for code.
const CODE_SHARE: usize = 8;

/// The final state by key.
#[derive(Debug)]
pub(crate) struct Flat {
    store: Arc<Store>,
    recent: RwLock<Recent>,
    /// The height that the store's latest values have, or are about to have.
    height: AtomicU64,
    /// Raised when a checkpoint begins and when it ends; what was read from the store may enter the
    /// cache only when it has not moved in between.
    epoch: RwLock<u64>,
    accounts: Cache<Address, Option<AccountInfo>>,
    slots: Cache<(Address, U256), U256>,
    code: Cache<B256, Bytes, CodeWeight>,
}

#[derive(Debug, Default)]
struct Recent {
    /// Takes the blocks that become final.
    active: Generation,
    /// Is being written to the store.
    frozen: Option<Arc<Generation>>,
}

#[derive(Clone, Debug)]
struct CodeWeight;

impl Weighter<B256, Bytes> for CodeWeight {
    fn weight(&self, _: &B256, code: &Bytes) -> u64 {
        u64::try_from(code.len() + 64).unwrap_or(u64::MAX)
    }
}

impl Flat {
    pub(crate) fn new(store: Arc<Store>, height: Height, settings: &Settings) -> Self {
        let bytes = settings.state_bytes_max;
        let code_bytes = bytes / CODE_SHARE;
        let entries = ((bytes - code_bytes) / ENTRY_BYTES / 2).max(64);
        Self {
            store,
            recent: RwLock::new(Recent::default()),
            height: AtomicU64::new(height.0),
            epoch: RwLock::new(0),
            accounts: Cache::new(entries),
            slots: Cache::new(entries),
            code: Cache::with_weighter(
                1024,
                u64::try_from(code_bytes).unwrap_or(u64::MAX),
                CodeWeight,
            ),
        }
    }

    pub(crate) const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// An account as of a final height.
    pub(crate) fn account(
        &self,
        address: &Address,
        height: Height,
    ) -> Result<Option<AccountInfo>, LedgerError> {
        if let Some(info) = self.recently(|generation| generation.account(address, height)) {
            return Ok(info);
        }
        let info = match self.accounts.get(address) {
            Some(info) => info,
            None => {
                let epoch = *self.epoch.read();
                let info = self.store.account(address)?;
                self.fill(epoch, || self.accounts.insert(*address, info));
                info
            }
        };
        if self.is_latest(height) { Ok(info) } else { self.store.account_at(address, height) }
    }

    /// A slot as of a final height.
    pub(crate) fn slot(
        &self,
        address: &Address,
        slot: &U256,
        height: Height,
    ) -> Result<U256, LedgerError> {
        if let Some(value) = self.recently(|generation| generation.slot(address, slot, height)) {
            return Ok(value);
        }
        let key = (*address, *slot);
        let value = match self.slots.get(&key) {
            Some(value) => value,
            None => {
                let epoch = *self.epoch.read();
                let value = self.store.slot(address, slot)?;
                self.fill(epoch, || self.slots.insert(key, value));
                value
            }
        };
        if self.is_latest(height) { Ok(value) } else { self.store.slot_at(address, slot, height) }
    }

    /// Code by its hash, of any final block.
    pub(crate) fn code(&self, hash: &B256) -> Result<Bytes, LedgerError> {
        if *hash == KECCAK_EMPTY || hash.is_zero() {
            return Ok(Bytes::new());
        }
        if let Some(code) = self.code.get(hash) {
            return Ok(code);
        }
        let code = match self.recently(|generation| generation.code(hash).cloned()) {
            Some(code) => code,
            None => self.store.code(hash)?.ok_or_else(|| {
                LedgerError::Corrupt(format!("an account has code {hash}, which is not stored"))
            })?,
        };
        self.code.insert(*hash, code.clone());
        Ok(code)
    }

    /// Where a final block is.
    pub(crate) fn block(&self, height: Height) -> Result<Option<FinalBlock>, LedgerError> {
        if let Some(block) = self.recently(|generation| generation.block(height)) {
            return Ok(Some(block));
        }
        let place = self.store.block_place(height)?;
        Ok(place.map(|(position, hash)| FinalBlock {
            block: hanse_primitives::BlockRef { height, hash },
            position,
        }))
    }

    /// The height of a final block.
    pub(crate) fn height_of(&self, hash: &BlockHash) -> Result<Option<Height>, LedgerError> {
        match self.recently(|generation| generation.height_of(hash)) {
            Some(height) => Ok(Some(height)),
            None => self.store.height_of(hash),
        }
    }

    /// Where a final transaction is.
    pub(crate) fn transaction(&self, hash: &TxHash) -> Result<Option<Place>, LedgerError> {
        match self.recently(|generation| generation.transaction(hash)) {
            Some(place) => Ok(Some(place)),
            None => self.store.transaction(hash),
        }
    }

    /// Every slot that an account may have had at a final height.
    pub(crate) fn slots_ever(&self, address: &Address) -> Result<Vec<U256>, LedgerError> {
        let mut slots = {
            let recent = self.recent.read();
            let mut slots = recent.active.slots_of(address);
            slots.extend(recent.frozen.iter().flat_map(|frozen| frozen.slots_of(address)));
            slots
        };
        slots.extend(self.store.slots_ever(address)?);
        slots.sort_unstable();
        slots.dedup();
        Ok(slots)
    }

    /// Changes the generation that takes final blocks.
    pub(crate) fn extend<T>(&self, change: impl FnOnce(&mut Generation) -> T) -> T {
        change(&mut self.recent.write().active)
    }

    /// Log bytes and blocks that wait for the next checkpoint.
    pub(crate) fn waiting(&self) -> (u64, usize) {
        let recent = self.recent.read();
        (recent.active.bytes(), recent.active.blocks().len())
    }

    /// Sets aside what a checkpoint shall write; `None` when there is nothing. Blocks that become
    /// final from now on belong to the next one.
    pub(crate) fn freeze(&self) -> Option<Arc<Generation>> {
        let mut recent = self.recent.write();
        if let Some(frozen) = &recent.frozen {
            return Some(frozen.clone()); // the last attempt failed
        }
        if recent.active.is_empty() {
            return None;
        }
        let next = Generation::sized_like(&recent.active);
        let frozen = Arc::new(std::mem::replace(&mut recent.active, next));
        recent.frozen = Some(frozen.clone());
        Some(frozen)
    }

    /// Says that the store is about to be written up to `height`.
    pub(crate) fn begin_write(&self, height: Height) {
        let mut epoch = self.epoch.write();
        *epoch += 1;
        self.height.store(height.0, Ordering::SeqCst);
    }

    /// Says that the store has been written, and forgets what it now has.
    pub(crate) fn end_write(&self, written: &Generation) {
        *self.epoch.write() += 1;
        for version in written.accounts().latest() {
            self.accounts.insert(version.key, version.value);
        }
        let cleared = written.cleared();
        for version in written.slots().latest() {
            if !cleared.contains_key(&version.key.0) {
                self.slots.insert(version.key, version.value);
            }
        }
        if !cleared.is_empty() {
            self.slots.retain(|(address, _), _| !cleared.contains_key(address));
        }
        self.recent.write().frozen = None;
    }

    /// Says that the store now has the state of `height`, after blocks were taken back.
    pub(crate) fn reset(&self, height: Height) {
        *self.epoch.write() += 1;
        self.accounts.clear();
        self.slots.clear();
        *self.recent.write() = Recent::default();
        self.height.store(height.0, Ordering::SeqCst);
    }

    /// Bytes of memory, about.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let recent = self.recent.read();
        let frozen = recent.frozen.as_ref().map_or(0, |frozen| frozen.memory_bytes());
        let entries = u64::try_from((self.accounts.len() + self.slots.len()) * ENTRY_BYTES);
        recent.active.memory_bytes() + frozen + entries.unwrap_or(u64::MAX) + self.code.weight()
    }

    fn recently<T>(&self, look: impl Fn(&Generation) -> Option<T>) -> Option<T> {
        let recent = self.recent.read();
        look(&recent.active).or_else(|| look(recent.frozen.as_deref()?))
    }

    fn is_latest(&self, height: Height) -> bool {
        self.height.load(Ordering::SeqCst) <= height.0
    }

    fn fill(&self, epoch: u64, insert: impl FnOnce()) {
        let now = self.epoch.read();
        if *now == epoch {
            insert();
        }
    }
}
