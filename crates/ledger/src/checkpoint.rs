//! Writes the store behind the log.

use crate::{
    LedgerError,
    codec::{put_account, slot_bytes},
    flat::Flat,
    log::Log,
    recent::{Generation, Versions},
    store::{
        Checkpoint, NodeRows, Space, WriteSet, account_version_key, place_bytes, slot_key,
        slot_version_key,
    },
};
use alloy_primitives::{Address, B256, U256};
use hanse_primitives::Height;
use std::collections::BTreeMap;

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
    let versions = generation.accounts().map(|(_, versions)| versions.len()).sum();
    set.rows(Space::AccountHistory).reserve(versions, 28);
    set.rows(Space::Accounts).reserve(generation.accounts().len(), Address::len_bytes());
    let mut bytes = Vec::new();
    for (address, versions) in generation.accounts() {
        for (height, info) in versions.iter() {
            bytes.clear();
            if let Some(info) = &info {
                put_account(&mut bytes, info);
            }
            let key = account_version_key(address, height);
            set.rows(Space::AccountHistory).put(&key, &bytes);
        }
        let latest = set.rows(Space::Accounts);
        match versions.last() {
            // The newest version was encoded last.
            Some(_) => latest.put(address.as_slice(), &bytes),
            None => latest.delete(address.as_slice()),
        }
    }
}

fn put_slots(set: &mut WriteSet, generation: &Generation, flat: &Flat) -> Result<(), LedgerError> {
    let cleared = generation.cleared();
    for ((address, slot), versions) in generation.slots() {
        if !cleared.contains_key(address) {
            put_slot(set, address, slot, versions.iter());
        }
    }
    if cleared.is_empty() {
        return Ok(());
    }
    let mut written: BTreeMap<Address, BTreeMap<U256, &Versions<U256>>> = BTreeMap::new();
    for ((address, slot), versions) in generation.slots() {
        if cleared.contains_key(address) {
            written.entry(*address).or_default().insert(*slot, versions);
        }
    }
    for (address, heights) in cleared {
        let own = written.remove(address).unwrap_or_default();
        for slot in flat.store().slots_of(address)? {
            if !own.contains_key(&slot) {
                // Only the first clearing can find it, since nothing wrote it in between.
                put_slot(set, address, &slot, heights.iter().take(1).map(|at| (*at, U256::ZERO)));
            }
        }
        for (slot, versions) in own {
            // A clearing makes a version of its own, unless its block wrote the slot afterwards.
            let mut all: BTreeMap<Height, U256> =
                heights.iter().map(|at| (*at, U256::ZERO)).collect();
            all.extend(versions.iter());
            put_slot(set, address, &slot, all.into_iter());
        }
    }
    Ok(())
}

fn put_slot(
    set: &mut WriteSet,
    address: &Address,
    slot: &U256,
    versions: impl Iterator<Item = (Height, U256)>,
) {
    let mut last = U256::ZERO;
    for (height, value) in versions {
        let key = slot_version_key(address, slot, height);
        set.rows(Space::SlotHistory).put(&key, &slot_bytes(&value));
        last = value;
    }
    let latest = set.rows(Space::Slots);
    let key = slot_key(address, slot);
    if last.is_zero() { latest.delete(&key) } else { latest.put(&key, &slot_bytes(&last)) }
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
