//! Writes the store behind the log.

use crate::{
    LedgerError,
    codec::{put_account, slot_bytes},
    flat::Flat,
    log::Log,
    recent::Generation,
    store::{
        Checkpoint, NodeRows, Space, WriteSet, account_version_key, place_bytes, slot_key,
        slot_version_key,
    },
};
use alloy_primitives::{Address, B256, U256};
use hanse_primitives::Height;
use std::collections::{BTreeMap, BTreeSet};

/// Writes what `generation` holds to the store, in one step.
pub(crate) fn write(
    flat: &Flat,
    log: &Log,
    generation: &Generation,
    genesis: B256,
) -> Result<(), LedgerError> {
    // The store must never know of a block that the log can still lose.
    log.sync()?;
    let last = generation.blocks().last().expect("a generation that is written has a block");
    let trie = generation.trie().expect("the trie is set with the last block");
    let mut set = WriteSet::default();
    put_accounts(&mut set, generation);
    put_slots(&mut set, generation, flat)?;
    put_blocks(&mut set, generation);
    for (hash, code) in generation.codes() {
        set.rows(Space::Code).put(hash.as_slice(), code);
    }
    let unconfirmed = trie.persist(&mut NodeRows(set.rows(Space::Nodes)))?;
    set.set_checkpoint(&Checkpoint { block: last.block, position: last.position }, genesis);
    flat.begin_write(last.block.height);
    flat.store().write(set)?;
    unconfirmed.confirm();
    flat.end_write(generation);
    tracing::debug!(height = last.block.height.0, "wrote a checkpoint");
    Ok(())
}

fn put_accounts(set: &mut WriteSet, generation: &Generation) {
    let accounts = generation.accounts();
    let mut bytes = Vec::new();
    let history = set.rows(Space::AccountHistory);
    history.reserve(accounts.all().len(), 28);
    for version in accounts.all() {
        bytes.clear();
        if let Some(info) = &version.value {
            put_account(&mut bytes, info);
        }
        history.put(&account_version_key(&version.key, version.height), &bytes);
    }
    let latest = set.rows(Space::Accounts);
    latest.reserve(accounts.latest().len(), Address::len_bytes());
    for version in accounts.latest() {
        bytes.clear();
        match &version.value {
            Some(info) => {
                put_account(&mut bytes, info);
                latest.put(version.key.as_slice(), &bytes);
            }
            None => latest.delete(version.key.as_slice()),
        }
    }
}

fn put_slots(set: &mut WriteSet, generation: &Generation, flat: &Flat) -> Result<(), LedgerError> {
    let (slots, cleared) = (generation.slots(), generation.cleared());
    for version in slots.all() {
        put_slot_version(set, &version.key, version.height, &version.value);
    }
    for version in slots.latest() {
        if !cleared.contains_key(&version.key.0) {
            put_latest_slot(set, &version.key, &version.value);
        }
    }
    if cleared.is_empty() {
        return Ok(());
    }
    let mut written: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
    for (address, slot) in slots.keys().filter(|(address, _)| cleared.contains_key(address)) {
        written.entry(*address).or_default().insert(*slot);
    }
    for (address, heights) in cleared {
        let own = written.remove(address).unwrap_or_default();
        for slot in flat.store().slots_of(address)? {
            if !own.contains(&slot) {
                // Only the first clearing can find it, since nothing wrote it in between.
                put_slot_version(set, &(*address, slot), heights[0], &U256::ZERO);
                put_latest_slot(set, &(*address, slot), &U256::ZERO);
            }
        }
        for slot in own {
            let key = (*address, slot);
            // A clearing makes a version of its own, unless its block wrote the slot afterwards.
            for height in heights {
                if slots.of(&key).all(|version| version.height != *height) {
                    put_slot_version(set, &key, *height, &U256::ZERO);
                }
            }
            let last = generation.slot(address, &slot, Height(u64::MAX));
            put_latest_slot(set, &key, &last.unwrap_or_default());
        }
    }
    Ok(())
}

fn put_slot_version(
    set: &mut WriteSet,
    (address, slot): &(Address, U256),
    height: Height,
    value: &U256,
) {
    let key = slot_version_key(address, slot, height);
    set.rows(Space::SlotHistory).put(&key, &slot_bytes(value));
}

fn put_latest_slot(set: &mut WriteSet, (address, slot): &(Address, U256), value: &U256) {
    let (key, latest) = (slot_key(address, slot), set.rows(Space::Slots));
    if value.is_zero() {
        latest.delete(&key);
    } else {
        latest.put(&key, &slot_bytes(value));
    }
}

fn put_blocks(set: &mut WriteSet, generation: &Generation) {
    for found in generation.blocks() {
        let height = found.block.height.0.to_be_bytes();
        let hash = found.block.hash;
        set.rows(Space::Heights).put(&height, &place_bytes(found.position, hash));
        set.rows(Space::Hashes).put(hash.as_slice(), &height);
    }
    let transactions = set.rows(Space::Transactions);
    transactions.reserve(generation.transactions().len(), 16);
    for (key, place) in generation.transactions() {
        transactions.put(key, &place.bytes());
    }
}
