//! Final blocks that the store does not have yet: their changes by key, every version of them.

use crate::{
    log::Position,
    store::{Place, transaction_key},
    trie::StateTrie,
    versions::Versions,
};
use alloy_primitives::{
    Address, B256, Bytes, TxHash, U256,
    map::{B256Map, HashMap},
};
use hanse_primitives::{AccountInfo, BlockHash, BlockRef, Height, StateChanges};
use std::collections::BTreeMap;

/// What final blocks from one height to another changed. Only grows until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    accounts: Versions<Address, Option<AccountInfo>>,
    slots: Versions<(Address, U256), U256>,
    /// Where all storage of an account went away, ascending.
    cleared: BTreeMap<Address, Vec<Height>>,
    code: B256Map<Bytes>,
    blocks: Vec<FinalBlock>,
    heights: B256Map<Height>,
    transactions: HashMap<[u8; 16], Place>,
    /// The state after the last block.
    trie: Option<StateTrie>,
    bytes: u64,
}

/// A block of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FinalBlock {
    pub(crate) block: BlockRef,
    pub(crate) position: Position,
}

impl Generation {
    /// An empty one with room for as much as another holds: growing bit by bit would move everything
    /// several times while readers wait.
    pub(crate) fn sized_like(other: &Self) -> Self {
        let mut generation = Self::default();
        generation.accounts.reserve_like(&other.accounts);
        generation.slots.reserve_like(&other.slots);
        generation.transactions.reserve(other.transactions.len());
        generation
    }

    /// Adds the next final block. `bytes` is the length of its log record.
    pub(crate) fn push<'a>(
        &mut self,
        block: FinalBlock,
        transactions: impl ExactSizeIterator<Item = &'a TxHash>,
        changes: &StateChanges,
        bytes: u64,
    ) {
        let height = block.block.height;
        if let Some(last) = self.blocks.last() {
            assert_eq!(last.block.height.next(), height, "blocks become final in order");
        }
        self.blocks.push(block);
        self.heights.insert(block.block.hash, height);
        self.transactions.reserve(transactions.len());
        for (index, hash) in transactions.enumerate() {
            self.transactions.insert(transaction_key(hash), Place::new(height, index));
        }
        for (address, change) in changes.accounts() {
            self.accounts.push(*address, height, change.info);
            if change.storage_cleared || change.info.is_none() {
                self.cleared.entry(*address).or_default().push(height);
            }
            for (slot, value) in &change.storage {
                self.slots.push((*address, *slot), height, *value);
            }
        }
        self.code.extend(changes.code().iter().cloned());
        self.bytes += bytes;
    }

    /// The trie after the last block.
    pub(crate) fn set_trie(&mut self, trie: StateTrie) {
        self.trie = Some(trie);
    }

    pub(crate) const fn trie(&self) -> Option<&StateTrie> {
        self.trie.as_ref()
    }

    /// An account, when a block at or below `height` in this generation changed it.
    pub(crate) fn account(&self, address: &Address, height: Height) -> Option<Option<AccountInfo>> {
        Some(self.accounts.at(address, height)?.1)
    }

    /// A slot, when a block at or below `height` in this generation changed it.
    pub(crate) fn slot(&self, address: &Address, slot: &U256, height: Height) -> Option<U256> {
        let written = self.slots.at(&(*address, *slot), height);
        let cleared = self.cleared_at(address, height);
        match (written, cleared) {
            // A block that clears an account's storage and then writes a slot leaves that value.
            (Some((at, value)), Some(cleared)) if cleared <= at => Some(value),
            (_, Some(_)) => Some(U256::ZERO),
            (Some((_, value)), None) => Some(value),
            (None, None) => None,
        }
    }

    /// The last height at or below `height` at which all storage of an account went away.
    fn cleared_at(&self, address: &Address, height: Height) -> Option<Height> {
        if self.cleared.is_empty() {
            return None;
        }
        self.cleared.get(address)?.iter().rev().find(|at| **at <= height).copied()
    }

    pub(crate) fn code(&self, hash: &B256) -> Option<&Bytes> {
        self.code.get(hash)
    }

    pub(crate) fn block(&self, height: Height) -> Option<FinalBlock> {
        let first = self.blocks.first()?.block.height;
        let at = usize::try_from(height.0.checked_sub(first.0)?).ok()?;
        self.blocks.get(at).copied()
    }

    pub(crate) fn height_of(&self, hash: &BlockHash) -> Option<Height> {
        self.heights.get(hash).copied()
    }

    pub(crate) fn transaction(&self, hash: &TxHash) -> Option<Place> {
        self.transactions.get(&transaction_key(hash)).copied()
    }

    /// The slots of an account that a block of this generation wrote.
    pub(crate) fn slots_of(&self, address: &Address) -> Vec<U256> {
        let own = self.slots.keys().filter(|(owner, _)| owner == address);
        let mut slots: Vec<_> = own.map(|(_, slot)| *slot).collect();
        slots.sort_unstable();
        slots
    }

    /// Bytes of the log records behind it.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(crate) fn blocks(&self) -> &[FinalBlock] {
        &self.blocks
    }

    pub(crate) const fn accounts(&self) -> &Versions<Address, Option<AccountInfo>> {
        &self.accounts
    }

    pub(crate) const fn slots(&self) -> &Versions<(Address, U256), U256> {
        &self.slots
    }

    pub(crate) const fn cleared(&self) -> &BTreeMap<Address, Vec<Height>> {
        &self.cleared
    }

    /// In no particular order.
    pub(crate) fn codes(&self) -> impl Iterator<Item = (&B256, &Bytes)> {
        self.code.iter()
    }

    /// In no particular order.
    pub(crate) fn transactions(&self) -> impl ExactSizeIterator<Item = (&[u8; 16], Place)> {
        self.transactions.iter().map(|(key, place)| (key, *place))
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let entries = self.accounts.memory_bytes()
            + self.slots.memory_bytes()
            + self.transactions.capacity() * 25
            + self.blocks.len() * 128;
        u64::try_from(entries).unwrap_or(u64::MAX)
    }
}
