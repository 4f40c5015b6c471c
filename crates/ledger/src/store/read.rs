//! What is asked of the store.

use super::{Space, Store, account_version_key, inverted, read_place, slot_key, slot_version_key};
use crate::{
    LedgerError,
    codec::{Malformed, read_account, read_slot},
    log::Position,
};
use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use hanse_primitives::{AccountInfo, BlockHash, Height};

/// Where a transaction is: height and index, packed into eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// Bits of the index in a [`Place`]: a block of 8 MiB has fewer than 2^24 transactions.
const INDEX_BITS: u32 = 24;

impl Place {
    pub(crate) fn new(height: Height, index: usize) -> Self {
        let index = u64::try_from(index).expect("an index in memory fits 64 bits");
        assert!(index < 1 << INDEX_BITS, "a block has fewer than 2^24 transactions");
        assert!(height.0 < 1 << (64 - INDEX_BITS), "a chain has fewer than 2^40 blocks");
        Self((height.0 << INDEX_BITS) | index)
    }

    pub(crate) const fn height(self) -> Height {
        Height(self.0 >> INDEX_BITS)
    }

    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0 & ((1 << INDEX_BITS) - 1)).expect("24 bits fit a usize")
    }

    pub(crate) const fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = bytes.try_into().map_err(|_| Malformed("a place that has not eight bytes"))?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

/// The part of a transaction's hash that the index keeps. Nobody finds another transaction with the
/// same 16 bytes (that takes 2^128 tries; two of one's own, 2^64).
pub(crate) fn transaction_key(hash: &TxHash) -> [u8; 16] {
    hash[..16].try_into().expect("a hash has 32 bytes")
}

impl Store {
    /// An account as of the checkpoint.
    pub(crate) fn account(&self, address: &Address) -> Result<Option<AccountInfo>, LedgerError> {
        let Some(bytes) = self.get(Space::Accounts, address.as_slice())? else { return Ok(None) };
        read_account(&bytes).map_err(|error| self.malformed("accounts", &error))
    }

    /// A slot as of the checkpoint.
    pub(crate) fn slot(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        let key = slot_key(address, slot);
        let Some(bytes) = self.get(Space::Slots, &key)? else { return Ok(U256::ZERO) };
        read_slot(&bytes).map_err(|error| self.malformed("slots", &error))
    }

    /// The slots that an account has as of the checkpoint.
    pub(crate) fn slots_of(&self, address: &Address) -> Result<Vec<U256>, LedgerError> {
        let mut slots = Vec::new();
        for guard in self.space(Space::Slots).prefix(address.as_slice()) {
            let key = guard.key()?;
            let slot = key.get(20..).and_then(U256::try_from_be_slice);
            slots.push(slot.ok_or_else(|| self.malformed("slots", &Malformed("a bad key")))?);
        }
        Ok(slots)
    }

    /// Every slot that an account ever had up to the checkpoint.
    pub(crate) fn slots_ever(&self, address: &Address) -> Result<Vec<U256>, LedgerError> {
        let mut slots = Vec::new();
        for guard in self.space(Space::SlotHistory).prefix(address.as_slice()) {
            let key = guard.key()?;
            let slot = key.get(20..52).and_then(U256::try_from_be_slice);
            let slot =
                slot.ok_or_else(|| self.malformed("slot history", &Malformed("a bad key")))?;
            if slots.last() != Some(&slot) {
                slots.push(slot);
            }
        }
        Ok(slots)
    }

    /// An account as of a height at or below the checkpoint. [`LedgerError::StateUnavailable`] below the
    /// horizon.
    pub(crate) fn account_at(
        &self,
        address: &Address,
        height: Height,
    ) -> Result<Option<AccountInfo>, LedgerError> {
        let from = account_version_key(address, height);
        let mut to = from;
        to[20..].copy_from_slice(&inverted(Height::GENESIS));
        let found = self.first(Space::AccountHistory, &from, &to)?;
        self.check_account(height)?;
        match found {
            Some(bytes) => {
                read_account(&bytes).map_err(|error| self.malformed("account history", &error))
            }
            None => Ok(None),
        }
    }

    /// A slot as of a height at or below the checkpoint. [`LedgerError::StateUnavailable`] below the horizon.
    pub(crate) fn slot_at(
        &self,
        address: &Address,
        slot: &U256,
        height: Height,
    ) -> Result<U256, LedgerError> {
        let from = slot_version_key(address, slot, height);
        let mut to = from;
        to[52..].copy_from_slice(&inverted(Height::GENESIS));
        let found = self.first(Space::SlotHistory, &from, &to)?;
        self.check_slot(address, height)?;
        match found {
            Some(bytes) => {
                read_slot(&bytes).map_err(|error| self.malformed("slot history", &error))
            }
            None => Ok(U256::ZERO),
        }
    }

    fn first(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<fjall::Slice>, LedgerError> {
        match self.space(space).range(from..=to).next() {
            Some(guard) => Ok(Some(guard.value()?)),
            None => Ok(None),
        }
    }

    /// Code by its hash.
    pub(crate) fn code(&self, hash: &B256) -> Result<Option<Bytes>, LedgerError> {
        let bytes = self.get(Space::Code, hash.as_slice())?;
        Ok(bytes.map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    /// Where a final block is in the log, and its hash.
    pub(crate) fn block_place(
        &self,
        height: Height,
    ) -> Result<Option<(Position, BlockHash)>, LedgerError> {
        let Some(bytes) = self.get(Space::Heights, &height.0.to_be_bytes())? else {
            return Ok(None);
        };
        read_place(&bytes).map(Some).map_err(|error| self.malformed("heights", &error))
    }

    /// The height of a final block.
    pub(crate) fn height_of(&self, hash: &BlockHash) -> Result<Option<Height>, LedgerError> {
        let Some(bytes) = self.get(Space::Hashes, hash.as_slice())? else { return Ok(None) };
        let bytes: [u8; 8] = bytes[..].try_into().map_err(|_| {
            self.malformed("hashes", &Malformed("a height that has not eight bytes"))
        })?;
        Ok(Some(Height(u64::from_be_bytes(bytes))))
    }

    /// Where a final transaction is.
    pub(crate) fn transaction(&self, hash: &TxHash) -> Result<Option<Place>, LedgerError> {
        let Some(bytes) = self.get(Space::Transactions, &transaction_key(hash))? else {
            return Ok(None);
        };
        Place::read(&bytes).map(Some).map_err(|error| self.malformed("transactions", &error))
    }
}
