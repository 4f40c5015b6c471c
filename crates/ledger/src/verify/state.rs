//! The state that the log leads to, and whether the store holds that one.

use super::{Problems, block::Checked};
use crate::{
    LedgerError,
    codec::{read_account, read_slot},
    past_state,
    shared::Shared,
    store::{Space, Store},
    trie::{Gathered, NodePath, NodeSource, StateTrie},
};
use alloy_primitives::{Address, B256, U256};
use hanse_primitives::{BlockRef, Height};
use std::sync::Arc;

/// A trie that is built from the log alone.
pub(super) struct Replica {
    /// `None` once a block's changes could not be read: what follows cannot be judged.
    trie: Option<StateTrie>,
}

/// No stored nodes at all: the replica lives in memory.
#[derive(Debug)]
struct Nothing;

impl NodeSource for Nothing {
    fn node(&self, _: Option<&B256>, _: &NodePath) -> Result<Option<fjall::Slice>, LedgerError> {
        Ok(None)
    }

    fn paths(&self, _: &B256, _: &mut dyn FnMut(NodePath)) -> Result<(), LedgerError> {
        Ok(())
    }
}

impl Replica {
    pub(super) fn new() -> Self {
        Self { trie: Some(StateTrie::empty(Arc::new(Nothing))) }
    }

    /// The state below the horizon, from the history in the store: what the blocks from there on changed leads
    /// on from it. Compares its root with that of the block.
    pub(super) fn below_horizon(
        shared: &Shared,
        height: Height,
        problems: &mut Problems,
    ) -> Result<Self, LedgerError> {
        let found = problems.note(height, shared.records().expect(height))?;
        let header = match found {
            Some(found) => problems.note(height, shared.records().header(found))?,
            None => None,
        };
        let Some(header) = header else { return Ok(Self { trie: None }) };
        let mut gathered = Gathered::into(StateTrie::empty(Arc::new(Nothing)));
        let store = shared.flat().store();
        let read = past_state::accounts_at(store, height, &mut |(address, info, storage)| {
            Ok(gathered.add(address, Some(info), storage)?)
        });
        if problems.note(height, read)?.is_none() {
            return Ok(Self { trie: None });
        }
        let trie = gathered.finish()?;
        if trie.root() == header.state_root {
            return Ok(Self { trie: Some(trie) });
        }
        problems.at(height, "the history of the state does not lead to the state root");
        Ok(Self { trie: None })
    }

    /// Gives up: a block in between is missing.
    pub(super) fn lose(&mut self) {
        self.trie = None;
    }

    /// Applies a block's changes and compares the root.
    pub(super) fn apply(
        &mut self,
        checked: &Checked,
        problems: &mut Problems,
    ) -> Result<(), LedgerError> {
        let Some(trie) = self.trie.take() else { return Ok(()) };
        let trie = trie.apply_owned(&checked.changes)?;
        if trie.root() == checked.block.header().state_root {
            self.trie = Some(trie);
        } else {
            problems.at(checked.block.height(), "the changes do not lead to the state root");
        }
        Ok(())
    }

    /// Compares the store's latest accounts and slots, and its trie, with the state root of the last
    /// block. Returns the number of accounts.
    pub(super) fn compare(
        self,
        shared: &Shared,
        last: BlockRef,
        problems: &mut Problems,
    ) -> Result<u64, LedgerError> {
        drop(self); // its memory is needed for the next one
        let store = shared.flat().store();
        let header = match problems.note(last.height, shared.records().expect(last.height))? {
            Some(found) => problems.note(last.height, shared.records().header(found))?,
            None => None,
        };
        let Some(header) = header else { return Ok(0) };
        let stored = StateTrie::open(store.clone(), header.state_root);
        let Some(stored) = problems.note(last.height, stored.map_err(Into::into))? else {
            return Ok(0);
        };
        let walked = walk(store, &stored, last, problems);
        let Some((accounts, root)) = problems.note(last.height, walked)? else { return Ok(0) };
        if root != header.state_root {
            problems.at(last.height, "the stored accounts and slots do not have the state root");
        }
        Ok(accounts)
    }
}

/// Reads every account and slot of the store: builds a trie of them, and looks each up in the stored
/// trie, which reads and checks every node of that. Returns the number of accounts and the root.
fn walk(
    store: &Arc<Store>,
    stored: &StateTrie,
    last: BlockRef,
    problems: &mut Problems,
) -> Result<(u64, B256), LedgerError> {
    let mut built = Gathered::into(StateTrie::empty(Arc::new(Nothing)));
    let mut slots = store.iter(Space::Slots).peekable();
    let mut count = 0;
    for row in store.iter(Space::Accounts) {
        let (key, value) = row?;
        let address = Address::try_from(&key[..])
            .map_err(|_| LedgerError::Corrupt("an account row with a bad key".to_owned()))?;
        let info = read_account(&value)
            .map_err(|error| LedgerError::Corrupt(format!("account {address}: {error}")))?;
        let mut storage = Vec::new();
        while let Some(row) = slots.next_if(|row| belongs(row, &address)) {
            let (key, value) = row?;
            let slot = key.get(20..).and_then(U256::try_from_be_slice);
            let value = read_slot(&value).ok();
            let (Some(slot), Some(value)) = (slot, value) else {
                return Err(LedgerError::Corrupt(format!("a slot row of {address} is malformed")));
            };
            if problems.note(last.height, stored.storage(&address, &slot).map_err(Into::into))?
                != Some(value)
            {
                problems.at(last.height, &format!("the trie has another slot {slot} of {address}"));
            }
            let by_key = problems.note(last.height, store.slot(&address, &slot))?;
            if by_key.is_some_and(|found| found != value) {
                problems
                    .at(last.height, &format!("slot {slot} of {address} is not found by its key"));
            }
            storage.push((slot, value));
        }
        // By its key as well, which goes through the filters and the index that a walk passes by.
        let by_key = problems.note(last.height, store.account(&address))?;
        if by_key.is_some_and(|found| found != info) {
            problems.at(last.height, &format!("account {address} is not found by its key"));
        }
        let in_trie = problems.note(last.height, stored.account(&address).map_err(Into::into))?;
        if in_trie.is_some_and(|found| found.map(|(info, _)| info) != info) {
            problems.at(last.height, &format!("the trie has another account {address}"));
        }
        count += 1;
        built.add(address, info, storage)?;
    }
    if slots.next().is_some() {
        return Err(LedgerError::Corrupt("a slot of an account that does not exist".to_owned()));
    }
    Ok((count, built.finish()?.root()))
}

type Row = Result<(fjall::Slice, fjall::Slice), LedgerError>;

/// Errors count as belonging, so that they come out.
fn belongs(row: &Row, address: &Address) -> bool {
    row.as_ref().map_or(true, |(key, _)| key.starts_with(address.as_slice()))
}
