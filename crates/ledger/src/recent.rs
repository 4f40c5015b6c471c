//! Final blocks that the store does not have yet: their changes by key, every version of them.

use crate::{
    log::Position,
    store::{Place, transaction_key},
    trie::StateTrie,
};
use alloy_primitives::{
    Address, B256, Bytes, TxHash, U256,
    map::{AddressMap, B256Map, HashMap},
};
use hanse_primitives::{AccountInfo, BlockHash, BlockRef, Height, StateChanges};
use std::collections::BTreeMap;

/// The versions of one value, ascending by height. Nearly always there is one, which needs no
/// allocation of its own.
#[derive(Clone, Debug)]
pub(crate) struct Versions<T> {
    first: (Height, T),
    later: Vec<(Height, T)>,
}

/// What final blocks from one height to another changed. Only grows until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    accounts: AddressMap<Versions<Option<AccountInfo>>>,
    slots: HashMap<(Address, U256), Versions<U256>>,
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

impl<T: Copy> Versions<T> {
    const fn new(height: Height, value: T) -> Self {
        Self { first: (height, value), later: Vec::new() }
    }

    fn push(&mut self, height: Height, value: T) {
        let last = self.later.last().unwrap_or(&self.first).0;
        assert!(last < height, "blocks become final in order, each key once a block");
        self.later.push((height, value));
    }

    /// The newest version at or below a height.
    fn at(&self, height: Height) -> Option<(Height, T)> {
        self.iter().rev().find(|(since, _)| *since <= height)
    }

    /// Ascending by height.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Height, T)> + '_ {
        std::iter::once(&self.first).chain(&self.later).copied()
    }

    pub(crate) const fn len(&self) -> usize {
        1 + self.later.len()
    }

    /// The newest version.
    pub(crate) fn last(&self) -> T {
        self.later.last().unwrap_or(&self.first).1
    }
}

impl Generation {
    /// An empty one with room for as much as another holds: growing bit by bit would move everything
    /// several times while readers wait.
    pub(crate) fn sized_like(other: &Self) -> Self {
        let mut generation = Self::default();
        generation.accounts.reserve(other.accounts.len());
        generation.slots.reserve(other.slots.len());
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
            self.accounts
                .entry(*address)
                .and_modify(|versions| versions.push(height, change.info))
                .or_insert_with(|| Versions::new(height, change.info));
            if change.storage_cleared || change.info.is_none() {
                self.cleared.entry(*address).or_default().push(height);
            }
            for (slot, value) in &change.storage {
                self.slots
                    .entry((*address, *slot))
                    .and_modify(|versions| versions.push(height, *value))
                    .or_insert_with(|| Versions::new(height, *value));
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
        Some(self.accounts.get(address)?.at(height)?.1)
    }

    /// A slot, when a block at or below `height` in this generation changed it.
    pub(crate) fn slot(&self, address: &Address, slot: &U256, height: Height) -> Option<U256> {
        let written = self.slots.get(&(*address, *slot)).and_then(|versions| versions.at(height));
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

    /// In no particular order: the store sorts what it is given.
    pub(crate) fn accounts(
        &self,
    ) -> impl ExactSizeIterator<Item = (&Address, &Versions<Option<AccountInfo>>)> {
        self.accounts.iter()
    }

    /// In no particular order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (&(Address, U256), &Versions<U256>)> {
        self.slots.iter()
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
        let entries = self.accounts.len() * 144
            + self.slots.len() * 144
            + self.transactions.len() * 32
            + self.blocks.len() * 128;
        u64::try_from(entries).unwrap_or(u64::MAX)
    }
}
