//! Executed blocks without an EVM: consistent in every hash and root, with made-up state changes.

use crate::{
    Ledger, PendingRoot,
    log::{Body, Payload},
};
use alloy_consensus::{
    Eip658Value, EthereumTxEnvelope, Receipt as InnerReceipt, ReceiptWithBloom, Signed, TxLegacy,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::SignerRecoverable,
};
use alloy_primitives::{
    Address, B256, Bloom, Bytes, Log, LogData, Signature, TxKind, U256, keccak256,
};
use hanse_primitives::{
    AccountChange, AccountInfo, Block, BlockHash, ChainSpec, Executed, Header, Receipt,
    SealedBlock, StateChanges, Transaction,
};
use std::collections::BTreeMap;

/// A chain whose genesis gives `accounts` accounts a balance.
#[must_use]
pub fn spec(accounts: u64) -> ChainSpec {
    let alloc: Vec<_> = (0..accounts)
        .map(|number| format!("\"{:x}\": {{\"balance\": \"0xffffffffffff\"}}", address(number)))
        .collect();
    let genesis = format!(
        "{{\"config\": {{\"chainId\": 7, \"terminalTotalDifficulty\": 0, \"londonBlock\": 0, \
         \"shanghaiTime\": 0}}, \"gasLimit\": \"0x1c9c380\", \"difficulty\": \"0x0\", \
         \"alloc\": {{{}}}}}",
        alloc.join(",")
    );
    ChainSpec::parse(genesis.as_bytes()).expect("the genesis is well formed")
}

/// An address that stands for a number.
#[must_use]
pub fn address(number: u64) -> Address {
    Address::from_slice(&keccak256(number.to_be_bytes())[12..])
}

/// Numbers that look random and follow from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}

/// An account's storage and the rest of it.
pub type ModelAccount = (AccountInfo, BTreeMap<U256, U256>);

/// A world state kept the simplest way: what the ledger is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Accounts that exist, with the slots that are not zero.
    pub accounts: BTreeMap<Address, ModelAccount>,
}

impl Model {
    /// The state at genesis.
    #[must_use]
    pub fn genesis(spec: &ChainSpec) -> Self {
        let mut model = Self::default();
        model.apply(&spec.genesis_changes());
        model
    }

    /// Applies what a block changed.
    pub fn apply(&mut self, changes: &StateChanges) {
        for (address, change) in changes.accounts() {
            let Some(info) = change.info else {
                self.accounts.remove(address);
                continue;
            };
            let (old, storage) = self.accounts.entry(*address).or_default();
            *old = info;
            if change.storage_cleared {
                storage.clear();
            }
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    storage.remove(slot);
                } else {
                    storage.insert(*slot, *value);
                }
            }
        }
    }
}

/// Addresses that [`random_changes`] picks from.
pub const ADDRESSES: u64 = 12;
/// Slots that [`random_changes`] picks from.
pub const SLOTS: u64 = 10;

/// What some block might have done: accounts made, changed, destroyed and made anew, slots set and
/// cleared, code deployed.
#[must_use]
pub fn random_changes(dice: &mut Dice) -> StateChanges {
    let mut accounts = BTreeMap::new();
    let mut code = Vec::new();
    for _ in 0..dice.below(6) {
        let change = match dice.below(8) {
            0 => AccountChange { info: None, storage_cleared: true, storage: Vec::new() },
            1 => AccountChange { info: None, ..AccountChange::default() },
            kind => {
                let mut info = AccountInfo {
                    nonce: dice.below(1000),
                    balance: U256::from(dice.roll()),
                    ..AccountInfo::default()
                };
                if kind == 2 {
                    let bytes = Bytes::copy_from_slice(&dice.below(20).to_be_bytes());
                    info.code_hash = keccak256(&bytes);
                    code.push((info.code_hash, bytes));
                }
                let slots: BTreeMap<_, _> = (0..dice.below(6))
                    .map(|_| {
                        (slot(dice.below(SLOTS)), U256::from(dice.below(3) * (dice.roll() >> 2)))
                    })
                    .collect();
                AccountChange {
                    info: Some(info),
                    storage_cleared: kind == 3,
                    storage: slots.into_iter().collect(),
                }
            }
        };
        accounts.insert(address(dice.below(ADDRESSES)), change);
    }
    StateChanges::new(accounts.into_iter().collect(), code)
}

/// A slot that stands for a number; some are small, some are hashes.
#[must_use]
pub fn slot(number: u64) -> U256 {
    if number.is_multiple_of(2) {
        U256::from(number)
    } else {
        U256::from_be_bytes(keccak256(number.to_be_bytes()).0)
    }
}

/// A transaction with a genuine signature of some account, and that account. Equal numbers give
/// equal transactions.
#[must_use]
pub fn transaction(number: u64) -> (Transaction, Address) {
    let body = TxLegacy {
        chain_id: Some(7),
        nonce: number,
        gas_limit: 21_000,
        gas_price: 1,
        to: TxKind::Call(address(number)),
        value: U256::from(number),
        input: Bytes::copy_from_slice(&number.to_be_bytes()),
    };
    // Nearly every pair of numbers is the signature of some account under a message.
    for attempt in 0_u64.. {
        let r = U256::from_be_bytes(keccak256(number.to_be_bytes()).0)
            .wrapping_add(U256::from(attempt));
        let signature = Signature::new(r >> 1, U256::from(number + 1), attempt % 2 == 0);
        let signed: Transaction =
            EthereumTxEnvelope::Legacy(Signed::new_unhashed(body.clone(), signature));
        if let Ok(sender) = signed.recover_signer() {
            let _ = signed.tx_hash();
            return (signed, sender);
        }
    }
    unreachable!("half of all numbers are on the curve")
}

/// A block on `parent` with these transactions and changes. `time` tells siblings apart.
#[must_use]
pub fn execute(
    ledger: &Ledger,
    parent: &Header,
    transactions: Vec<(Transaction, Address)>,
    changes: StateChanges,
    time: u64,
) -> (Executed, PendingRoot) {
    execute_on(ledger, parent.hash_slow(), parent, transactions, changes, time)
}

fn execute_on(
    ledger: &Ledger,
    parent_hash: BlockHash,
    parent: &Header,
    transactions: Vec<(Transaction, Address)>,
    changes: StateChanges,
    time: u64,
) -> (Executed, PendingRoot) {
    let root = ledger.root(parent_hash, &changes).expect("the parent's state is known");
    let receipts = receipts(transactions.len());
    let (transactions, senders): (Vec<_>, Vec<_>) = transactions.into_iter().unzip();
    let mut bloom = Bloom::default();
    receipts.iter().for_each(|receipt| bloom |= *receipt.logs_bloom());
    let header = Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root: root.root(),
        transactions_root: calculate_transaction_root(&transactions),
        receipts_root: calculate_receipt_root(&receipts),
        logs_bloom: bloom,
        number: parent.number + 1,
        gas_limit: parent.gas_limit,
        gas_used: receipts.last().map_or(0, Receipt::cumulative_gas_used),
        timestamp: parent.timestamp + 1 + time,
        base_fee_per_gas: Some(1),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        ..Header::default()
    };
    let mut block = Block { header, ..Block::default() };
    block.body.transactions = transactions;
    block.body.withdrawals = Some(Vec::new().into());
    (Executed::vouch(SealedBlock::new(block), senders, receipts, changes), root)
}

fn receipts(count: usize) -> Vec<Receipt> {
    let mut gas = 0;
    (0..count)
        .map(|index| {
            gas += 21_000;
            let log = Log {
                address: address(gas),
                data: LogData::new_unchecked(
                    vec![B256::with_last_byte(1), keccak256(gas.to_be_bytes())],
                    Bytes::from_static(b"data"),
                ),
            };
            let receipt = InnerReceipt {
                status: Eip658Value::Eip658(index % 3 != 0),
                cumulative_gas_used: gas,
                logs: if index % 2 == 0 { vec![log] } else { Vec::new() },
            };
            Receipt::Legacy(ReceiptWithBloom::from(receipt))
        })
        .collect()
}

/// The payload of a log record as it would be written of what is read from `bytes`; `None` when they
/// are no payload. The seal is kept.
#[must_use]
pub fn record_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload::split(bytes, false).ok()?;
    let (senders, receipts) = (payload.senders().ok()?, payload.receipts().ok()?);
    let (block, changes) = (payload.block().ok()?, payload.changes().ok()?);
    let mut written = Body::new(&block, &senders, &receipts, &changes).payload().to_vec();
    written.extend_from_slice(&payload.seal());
    Some(written)
}

/// The payload of a log record of a block with so many transactions, without a seal.
#[must_use]
pub fn record_bytes(transactions: u64) -> Vec<u8> {
    let (transactions, senders): (Vec<_>, Vec<_>) = (0..transactions).map(transaction).unzip();
    let receipts = receipts(transactions.len());
    let mut block = Block::default();
    block.body.transactions = transactions;
    let changes = random_changes(&mut Dice(5));
    Body::new(&SealedBlock::new(block), &senders, &receipts, &changes).payload().to_vec()
}
