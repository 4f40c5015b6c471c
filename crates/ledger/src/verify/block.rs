//! One block: is it what its header says, and do the indexes know it?

use super::Problems;
use crate::{LedgerError, log::Payload, recent::FinalBlock, shared::Shared, stored::StoredBlock};
use alloy_consensus::{
    proofs::{
        calculate_ommers_root, calculate_receipt_root, calculate_transaction_root,
        calculate_withdrawals_root,
    },
    transaction::SignerRecoverable,
};
use alloy_primitives::{Address, Bloom, U256, keccak256};
use hanse_primitives::{Header, Height, Receipt, SealedBlock, StateChanges};
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
    payload: &[u8],
    parent: Option<Header>,
    problems: &mut Problems,
) -> Result<Option<Checked>, LedgerError> {
    let height = found.block.height;
    let decoded = Payload::split(payload)
        .and_then(|payload| Ok((StoredBlock::read(&payload)?, payload.changes()?)));
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
        Some(parent) => check_parent(&block, &parent, problems),
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

fn check_parent(block: &SealedBlock, parent: &Header, problems: &mut Problems) {
    let header = block.header();
    if header.parent_hash != parent.hash_slow() || header.number != parent.number + 1 {
        problems.at(block.height(), "the block does not follow the one before it");
    }
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
    let height = found.block.height;
    let store = shared.flat().store();
    let by_hash = problems.note(height, store.height_of(&checked.block.hash()))?;
    if by_hash.is_some_and(|by_hash| by_hash != Some(height)) {
        problems.at(height, "the index by hash does not lead to the block");
    }
    for (index, transaction) in checked.block.transactions().iter().enumerate() {
        let place = problems.note(height, store.transaction(transaction.tx_hash()))?;
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
    for (address, change) in changes.accounts() {
        let info = problems.note(height, store.account_at(address, height))?;
        if info.is_some_and(|info| info != change.info) {
            problems.at(height, &format!("the history of account {address} is wrong"));
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
