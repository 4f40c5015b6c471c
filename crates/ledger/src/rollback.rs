//! Takes final blocks back.
//!
//! First the store notes what is wanted; then it is rewound, step by step, each as atomic as a
//! checkpoint; then the log is cut; then the note is removed. A crash anywhere leaves the note, and
//! the next opening goes on from there.

use crate::{
    LedgerError, Settings,
    codec::{account_bytes, slot_bytes},
    flat::Flat,
    limits::ROLLBACK_BYTES,
    log::{Log, LogSettings, Seen},
    proof::Touched,
    records::Records,
    shared::Shared,
    store::{
        Checkpoint, NodeRows, Space, Store, WriteSet, account_version_key, slot_key,
        slot_version_key, transaction_key,
    },
    tree::Tree,
    trie::StateTrie,
};
use alloy_primitives::B256;
use hanse_primitives::{BlockRef, Height, SealedBlock, StateChanges};
use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

impl Shared {
    /// Takes blocks off the end of the chain until `height` is the head.
    pub(crate) fn rollback(&self, height: Height) -> Result<(), LedgerError> {
        let _pruning = self.pruning.lock();
        let _commit = self.commit.lock();
        let mut tree = self.tree.write();
        if height > tree.head().height {
            return Err(LedgerError::UnknownHeight(height));
        }
        if height >= tree.finalized().height {
            tree.cut(height);
            return Ok(());
        }
        // The log must hold what is taken back, and lead to the store again should that be lost.
        if height < self.flat.store().horizon().highest() {
            return Err(LedgerError::Pruned(height));
        }
        self.writer.write()?;
        let target = self.records().expect(height)?;
        let checkpoint = Checkpoint { block: target.block, position: target.position };
        self.lineage.fetch_add(1, Ordering::SeqCst);
        let genesis = self.genesis.hash();
        let outcome = note(self.flat.store(), Some(height))
            .and_then(|()| rewind(self.records(), genesis, &checkpoint))
            .and_then(|()| cut(&self.log, self.flat.store(), &checkpoint));
        if let Err(error) = outcome {
            // Half of it is done, and only opening the folder again can do the rest.
            self.writer.give_up(&error);
            return Err(error);
        }
        let root = self.records().header(target)?.state_root;
        *tree = Tree::new(target.block, StateTrie::open(self.flat.store().clone(), root)?);
        self.flat.reset(height);
        self.blocks.clear();
        self.old_tries.clear();
        self.lineage.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Completes a rollback that a crash interrupted.
pub(crate) fn resume(
    directory: &Path,
    genesis: B256,
    store: &Arc<Store>,
    height: Height,
    settings: &Settings,
) -> Result<(), LedgerError> {
    tracing::info!(height = height.0, "completing an interrupted rollback");
    let seen = store.checkpoint()?;
    let seen = seen.map(|seen| Seen { height: seen.block.height, position: seen.position });
    let log = Log::open(directory.join("log"), genesis, LogSettings::of(settings), seen)?;
    let flat = Flat::new(store.clone(), Height(u64::MAX), settings);
    let records = Records { log: &log, flat: &flat };
    let target = records.expect(height)?;
    let checkpoint = Checkpoint { block: target.block, position: target.position };
    rewind(records, genesis, &checkpoint)?;
    cut(&log, store, &checkpoint)
}

fn note(store: &Store, height: Option<Height>) -> Result<(), LedgerError> {
    let mut set = WriteSet::default();
    set.set_wanted_rollback(height);
    store.write(set)
}

/// Brings the store back to `target`.
fn rewind(records: Records<'_>, genesis: B256, target: &Checkpoint) -> Result<(), LedgerError> {
    let store = records.flat.store();
    // Whoever reads meanwhile reads history, which is not touched at or below the target.
    records.flat.begin_write(Height(u64::MAX));
    while let Some(from) = store.checkpoint()?.filter(|from| from.block != target.block) {
        if from.block.height <= target.block.height {
            return Err(LedgerError::Corrupt(format!(
                "the store is at height {}, below the {} that a rollback goes to",
                from.block.height, target.block.height
            )));
        }
        step(records, genesis, from.block, target)?;
    }
    Ok(())
}

/// Takes back as many blocks as fit one step.
fn step(
    records: Records<'_>,
    genesis: B256,
    from: BlockRef,
    target: &Checkpoint,
) -> Result<(), LedgerError> {
    let store = records.flat.store();
    let mut set = WriteSet::default();
    let mut touched = Touched::default();
    let mut height = from.height;
    let mut bytes = 0;
    while height > target.block.height && bytes < ROLLBACK_BYTES {
        let found = records.expect(height)?;
        let record = records.record(found)?;
        bytes += u64::try_from(record.payload.len()).unwrap_or(u64::MAX);
        let (block, changes) =
            records.take(found, |payload| Ok((payload.block()?, payload.changes()?)))?;
        remove_block(&mut set, &block);
        remove_history(&mut set, store, height, &changes)?;
        touched.add(&changes);
        height = height.previous().expect("a height above the target is not the lowest");
    }
    let found = records.expect(height)?;
    let changes = touched.back(records.flat, height)?;
    set_latest(&mut set, store, &changes)?;
    let old_root = records.header(records.expect(from.height)?)?.state_root;
    let trie = StateTrie::open(store.clone(), old_root)?.apply_owned(&changes)?;
    if trie.root() != records.header(found)?.state_root {
        return Err(LedgerError::Corrupt(format!(
            "the history of the state does not lead to the state root at height {height}"
        )));
    }
    let unconfirmed = trie.persist(&mut NodeRows(set.rows(Space::Nodes)))?;
    set.set_checkpoint(&Checkpoint { block: found.block, position: found.position }, genesis);
    store.write(set)?;
    unconfirmed.confirm();
    Ok(())
}

fn remove_block(set: &mut WriteSet, block: &SealedBlock) {
    set.rows(Space::Heights).delete(&block.height().0.to_be_bytes());
    set.rows(Space::Hashes).delete(block.hash().as_slice());
    let rows = set.rows(Space::Transactions);
    for transaction in block.transactions() {
        rows.delete(&transaction_key(transaction.tx_hash()));
    }
}

fn remove_history(
    set: &mut WriteSet,
    store: &Store,
    height: Height,
    changes: &StateChanges,
) -> Result<(), LedgerError> {
    for (address, change) in changes.accounts() {
        set.rows(Space::AccountHistory).delete(&account_version_key(address, height));
        let slots = if change.storage_cleared || change.info.is_none() {
            store.slots_ever(address)?
        } else {
            change.storage.iter().map(|(slot, _)| *slot).collect()
        };
        for slot in slots {
            set.rows(Space::SlotHistory).delete(&slot_version_key(address, &slot, height));
        }
    }
    Ok(())
}

fn set_latest(
    set: &mut WriteSet,
    store: &Store,
    changes: &StateChanges,
) -> Result<(), LedgerError> {
    for (address, change) in changes.accounts() {
        let accounts = set.rows(Space::Accounts);
        match &change.info {
            Some(info) => accounts.put(address.as_slice(), &account_bytes(Some(info))),
            None => accounts.delete(address.as_slice()),
        }
        let slots = set.rows(Space::Slots);
        if change.storage_cleared {
            for slot in store.slots_of(address)? {
                slots.delete(&slot_key(address, &slot));
            }
        }
        for (slot, value) in &change.storage {
            let key = slot_key(address, slot);
            if value.is_zero() {
                slots.delete(&key);
            } else {
                slots.put(&key, &slot_bytes(value));
            }
        }
    }
    Ok(())
}

/// Cuts the log behind `last`, and removes the note that this is wanted.
fn cut(log: &Log, store: &Store, last: &Checkpoint) -> Result<(), LedgerError> {
    let mut cursor = log.cursor(last.position);
    if cursor.next(log)?.is_none() {
        return Err(log.corrupt(last.position, "the log ends before what the store has seen"));
    }
    log.cut(cursor.place())?;
    note(store, None)
}
