//! One block: is it what its header says, and do the indexes know it?

use super::Problems;
use crate::{
    Horizon, LedgerError, Remaining, Remains, log::RawRecord, recent::FinalBlock, shared::Shared,
    stored::StoredBlock,
};
use alloy_consensus::{
    proofs::{
        calculate_ommers_root, calculate_receipt_root, calculate_transaction_root,
        calculate_withdrawals_root,
    },
    transaction::SignerRecoverable,
};
use alloy_primitives::{Address, Bloom, TxHash, U256, keccak256};
use hanse_primitives::{Header, Height, OrderedList, Receipt, SealedBlock, StateChanges};
use rayon::prelude::*;

/// A block that decodes.
pub(super) struct Checked {
    pub(super) block: SealedBlock,
    pub(super) changes: StateChanges,
}

impl Checked {
    pub(super) fn transactions(&self) -> u64 {
        self.block.transactions().len() as u64
    }
}

/// Checks a block against its header, its parent and the index. `parent` is `None` for genesis, and
/// where the parent could not be read.
pub(super) fn check(
    shared: &Shared,
    found: FinalBlock,
    record: &RawRecord,
    parent: Option<Header>,
    problems: &mut Problems,
) -> Result<Option<Checked>, LedgerError> {
    let height = found.block.height;
    let decoded =
        record.split().and_then(|payload| Ok((StoredBlock::read(&payload)?, payload.changes()?)));
    let (stored, changes) = match decoded {
        Ok(decoded) => decoded,
        Err(error) => {
            problems.at(height, error.0);
            return Ok(None);
        }
    };
    let block = stored.block().clone();
    if block.reference() != found.block {
        problems.at(height, "the block has another height or hash than the index says");
    }
    match parent {
        Some(parent) => check_parent(block.header(), &parent, problems),
        None if height == Height::GENESIS && block.hash() != shared.genesis() => {
            problems.at(height, "the first block is not the genesis block");
        }
        None => {}
    }
    check_body(&block, problems);
    check_receipts(&block, stored.receipts(), problems);
    check_senders(&block, stored.senders(), problems);
    for (hash, code) in changes.code() {
        if keccak256(code) != *hash {
            problems.at(height, &format!("code {hash} has another hash"));
        }
        let kept = problems.note(height, shared.flat().store().code(hash))?;
        if kept.is_some_and(|kept| kept.as_ref() != Some(code)) {
            problems.at(height, &format!("the store does not have code {hash}"));
        }
    }
    Ok(Some(Checked { block, changes }))
}

fn check_parent(header: &Header, parent: &Header, problems: &mut Problems) {
    if header.parent_hash != parent.hash_slow() || header.number != parent.number + 1 {
        problems.at(Height(header.number), "the block does not follow the one before it");
    }
}

/// What was found of a block that has been pruned.
pub(super) struct CheckedLeft {
    pub(super) header: Header,
    pub(super) transactions: u64,
}

/// Checks what is left of a block that has been pruned: that the roots in its header follow from the
/// transactions that are kept and from the leaves of the others.
pub(super) fn check_left(
    shared: &Shared,
    found: FinalBlock,
    record: &RawRecord,
    parent: Option<Header>,
    problems: &mut Problems,
) -> Result<Option<CheckedLeft>, LedgerError> {
    let height = found.block.height;
    let remains = match record.split().and_then(|payload| Remains::read(&payload)) {
        Ok(remains) => remains,
        Err(error) => {
            problems.at(height, error.0);
            return Ok(None);
        }
    };
    if remains.block().reference() != found.block {
        problems.at(height, "the block has another height or hash than the index says");
    }
    if height >= shared.flat().store().horizon().highest() {
        problems.at(height, "the block has been pruned, and the horizon is below it");
    }
    let header = remains.header();
    if let Some(parent) = parent {
        check_parent(header, &parent, problems);
    }
    let transactions: Vec<_> = remains.transactions().collect();
    let list = OrderedList::new(transactions.len());
    if header.transactions_root != list.root(|at| transactions[at].transaction_item()) {
        problems.at(height, "the transactions root does not follow from what is left");
    }
    if header.receipts_root != list.root(|at| transactions[at].receipt_item()) {
        problems.at(height, "the receipts root does not follow from what is left");
    }
    check_senders(remains.block(), remains.kept_senders(), problems);
    let hashes: Vec<_> = transactions.iter().map(Remaining::hash).collect();
    check_places(shared, found, &hashes, problems)?;
    let transactions = u64::try_from(hashes.len()).unwrap_or(u64::MAX);
    Ok(Some(CheckedLeft { header: header.clone(), transactions }))
}

fn check_body(block: &SealedBlock, problems: &mut Problems) {
    let (header, body, height) = (block.header(), &block.block().body, block.height());
    if header.transactions_root != calculate_transaction_root(&body.transactions) {
        problems.at(height, "the transactions root is wrong");
    }
    if header.ommers_hash != calculate_ommers_root(&body.ommers) {
        problems.at(height, "the ommers hash is wrong");
    }
    let withdrawals = body.withdrawals.as_ref().map(|list| calculate_withdrawals_root(list));
    if header.withdrawals_root != withdrawals && height != Height::GENESIS {
        problems.at(height, "the withdrawals root is wrong");
    }
}

fn check_receipts(block: &SealedBlock, receipts: &[Receipt], problems: &mut Problems) {
    let (header, height) = (block.header(), block.height());
    if header.receipts_root != calculate_receipt_root(receipts) {
        problems.at(height, "the receipts root is wrong");
    }
    let mut bloom = Bloom::default();
    receipts.iter().for_each(|receipt| bloom |= *receipt.logs_bloom());
    if header.logs_bloom != bloom {
        problems.at(height, "the bloom filter of the logs is wrong");
    }
    let gas = receipts.last().map_or(0, Receipt::cumulative_gas_used);
    if header.gas_used != gas && height != Height::GENESIS {
        problems.at(height, "the gas used is not what the receipts say");
    }
}

fn check_senders(block: &SealedBlock, senders: &[Address], problems: &mut Problems) {
    let wrong = block
        .transactions()
        .par_iter()
        .zip(senders)
        .filter(|(transaction, sender)| transaction.recover_signer().ok() != Some(**sender))
        .count();
    if wrong > 0 {
        problems.at(block.height(), &format!("{wrong} senders did not sign their transactions"));
    }
}

/// Checks that the indexes lead to the block and its transactions.
pub(super) fn check_indexes(
    shared: &Shared,
    found: FinalBlock,
    checked: &Checked,
    problems: &mut Problems,
) -> Result<(), LedgerError> {
    let hashes = checked.block.transactions().iter().map(|one| *one.tx_hash());
    check_places(shared, found, &hashes.collect::<Vec<_>>(), problems)
}

fn check_places(
    shared: &Shared,
    found: FinalBlock,
    hashes: &[TxHash],
    problems: &mut Problems,
) -> Result<(), LedgerError> {
    let height = found.block.height;
    let store = shared.flat().store();
    let by_hash = problems.note(height, store.height_of(&found.block.hash))?;
    if by_hash.is_some_and(|by_hash| by_hash != Some(height)) {
        problems.at(height, "the index by hash does not lead to the block");
    }
    for (index, hash) in hashes.iter().enumerate() {
        let place = problems.note(height, store.transaction(hash))?;
        let right = |place: crate::store::Place| (place.height(), place.index()) == (height, index);
        if place.is_some_and(|place| !place.is_some_and(right)) {
            problems.at(height, &format!("the index does not lead to transaction {index}"));
        }
    }
    Ok(())
}

/// Checks that history has every version the block made.
pub(super) fn check_history(
    shared: &Shared,
    height: Height,
    changes: &StateChanges,
    problems: &mut Problems,
) -> Result<(), LedgerError> {
    let store = shared.flat().store();
    if !Horizon::keeps_state(store.state_horizon(), height) {
        return Ok(());
    }
    for (address, change) in changes.accounts() {
        let info = problems.note(height, store.account_at(address, height))?;
        if info.is_some_and(|info| info != change.info) {
            problems.at(height, &format!("the history of account {address} is wrong"));
        }
        if !Horizon::keeps_state(store.storage_horizon(address), height) {
            continue;
        }
        let slots: Vec<U256> = if change.storage_cleared || change.info.is_none() {
            problems.note(height, store.slots_ever(address))?.unwrap_or_default()
        } else {
            change.storage.iter().map(|(slot, _)| *slot).collect()
        };
        for slot in slots {
            let value = problems.note(height, store.slot_at(address, &slot, height))?;
            if value.is_some_and(|value| Some(value) != change.slot(&slot)) {
                problems.at(height, &format!("the history of slot {slot} of {address} is wrong"));
            }
        }
    }
    Ok(())
}
