//! Merkle proofs, also against states of the past.
//!
//! The store holds one version of the trie. That of an earlier height is made from it by taking back
//! what changed since: every account and slot that a later block changed gets the value it had.

use crate::{
    AccountProof, LedgerError,
    flat::Flat,
    limits::{PROOF_BLOCKS_MAX, PROOF_CHANGES_MAX},
    shared::Shared,
    trie::{StateTrie, TrieError},
};
use alloy_primitives::{Address, U256};
use hanse_primitives::{AccountChange, BlockRef, Height, StateChanges};
use std::collections::{BTreeMap, BTreeSet};

/// A proof against the state of `block`, whose trie may be at hand.
pub(crate) fn prove(
    shared: &Shared,
    block: BlockRef,
    trie: Option<&StateTrie>,
    address: &Address,
    slots: &[U256],
) -> Result<AccountProof, LedgerError> {
    let cached = shared.old_tries().get(&block.hash);
    for trie in trie.into_iter().chain(cached.as_ref()) {
        match trie.prove(address, slots) {
            Ok(proof) => return Ok(proof),
            // The store has a later version by now, in which some of its nodes are gone.
            Err(TrieError::Node(_)) if block.height < shared.finalized().height => {}
            Err(error) => return Err(error.into()),
        }
    }
    with_past(shared, block, |trie| trie.prove(address, slots))
}

/// The trie after applying `changes` to the state of a final block below the last one. Nothing can
/// be built on it; it answers what would have been.
pub(crate) fn apply_to_past(
    shared: &Shared,
    block: BlockRef,
    changes: &StateChanges,
) -> Result<StateTrie, LedgerError> {
    with_past(shared, block, |trie| trie.apply(changes))
}

/// Asks the trie of a past state, and keeps it for the next question.
fn with_past<T>(
    shared: &Shared,
    block: BlockRef,
    ask: impl Fn(&StateTrie) -> Result<T, TrieError>,
) -> Result<T, LedgerError> {
    // A checkpoint in the middle may replace nodes under the trie that things are taken back from.
    for _ in 0..3 {
        match past_trie(shared, block).and_then(|trie| {
            let answer = ask(&trie)?;
            Ok((trie, answer))
        }) {
            Ok((trie, answer)) => {
                shared.old_tries().insert(block.hash, trie);
                return Ok(answer);
            }
            Err(TrieError::Node(fault)) => tracing::debug!(%fault, "asking a past state again"),
            Err(TrieError::Source(error)) => return Err(error),
        }
    }
    Err(LedgerError::ProofTooOld {
        height: block.height,
        reason: "the chain moves faster than the answer can be made".to_owned(),
    })
}

/// The trie of a final block below the last one.
fn past_trie(shared: &Shared, block: BlockRef) -> Result<StateTrie, TrieError> {
    let (finalized, trie) = shared.final_trie();
    if finalized == block {
        return Ok(trie);
    }
    let records = shared.records();
    let found = shared.flat().block(block.height)?.filter(|found| found.block == block);
    // A block whose sibling became final has no history; its trie was all there was of it.
    let found = found.ok_or(LedgerError::StateUnavailable(block.height))?;
    let blocks = finalized.height.0.saturating_sub(block.height.0);
    if blocks > PROOF_BLOCKS_MAX {
        return Err(too_old(
            block.height,
            format!("it is {blocks} blocks back, of {PROOF_BLOCKS_MAX} allowed"),
        ));
    }
    let mut touched = Touched::default();
    let mut height = block.height;
    while height < finalized.height {
        height = height.next();
        let changes = records.take(records.expect(height)?, |payload| payload.changes());
        touched.add(&changes.map_err(|error| pruned(block.height, error))?);
        if touched.count > PROOF_CHANGES_MAX {
            let reason =
                format!("more than {PROOF_CHANGES_MAX} accounts and slots have changed since");
            return Err(too_old(block.height, reason));
        }
    }
    let back = touched.back(shared.flat(), block.height);
    let trie = trie.apply(&back.map_err(|error| pruned(block.height, error))?)?;
    let header = shared.final_header(found)?;
    if trie.root() != header.state_root {
        return Err(LedgerError::Corrupt(format!(
            "the history of the state does not lead to the state root at height {}",
            block.height
        ))
        .into());
    }
    Ok(trie)
}

/// Says of what has been pruned that it is too old.
fn pruned(height: Height, error: LedgerError) -> TrieError {
    match error {
        LedgerError::Pruned(_) | LedgerError::StateUnavailable(_) => {
            too_old(height, "what has changed since has been pruned".to_owned())
        }
        error => error.into(),
    }
}

fn too_old(height: Height, reason: String) -> TrieError {
    LedgerError::ProofTooOld { height, reason }.into()
}

/// Accounts and slots that blocks changed.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    accounts: BTreeMap<Address, TouchedAccount>,
    /// How many accounts and slots.
    pub(crate) count: usize,
}

#[derive(Debug, Default)]
struct TouchedAccount {
    slots: BTreeSet<U256>,
    cleared: bool,
}

impl Touched {
    /// Adds what one block changed.
    pub(crate) fn add(&mut self, changes: &StateChanges) {
        for (address, change) in changes.accounts() {
            let account = self.accounts.entry(*address).or_insert_with(|| {
                self.count += 1;
                TouchedAccount::default()
            });
            account.cleared |= change.storage_cleared || change.info.is_none();
            for (slot, _) in &change.storage {
                self.count += usize::from(account.slots.insert(*slot));
            }
        }
    }

    /// What leads back to the state at `to`, from that after the blocks that were added.
    pub(crate) fn back(self, flat: &Flat, to: Height) -> Result<StateChanges, LedgerError> {
        let mut accounts = Vec::with_capacity(self.accounts.len());
        for (address, account) in self.accounts {
            accounts.push((address, account.back(flat, to, &address)?));
        }
        Ok(StateChanges::new(accounts, Vec::new()))
    }
}

impl TouchedAccount {
    fn back(
        self,
        flat: &Flat,
        to: Height,
        address: &Address,
    ) -> Result<AccountChange, LedgerError> {
        let info = flat.account(address, to)?;
        if info.is_none() {
            return Ok(AccountChange { info, storage_cleared: true, storage: Vec::new() });
        }
        let slots = if self.cleared {
            flat.slots_ever(address)? // the clearing took away slots that no block names
        } else {
            self.slots.into_iter().collect()
        };
        let mut storage = Vec::with_capacity(slots.len());
        for slot in slots {
            let value = flat.slot(address, &slot, to)?;
            if !(self.cleared && value.is_zero()) {
                storage.push((slot, value));
            }
        }
        Ok(AccountChange { info, storage_cleared: self.cleared, storage })
    }
}
