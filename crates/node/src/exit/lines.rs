//! Lines about transactions and events, made of what was proven.

use super::{Kit, json_lines};
use crate::{
    NodeError,
    consortium::{IDataCatalog, IMembers, IPolicies, Names},
};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Bytes, Log, LogData, TxHash, U256};
use alloy_sol_types::SolEventInterface;
use hanse_commerce::orders::{ICurrency, IEscrow};
use hanse_light::{FinalBlock, ProvenTransaction};
use serde::Serialize;
use serde_json::Value;

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionLine {
    pub(super) block: u64,
    block_hash: B256,
    /// Seconds since 1970.
    time: u64,
    /// Position in the block.
    pub(super) index: u64,
    pub(super) hash: TxHash,
    pub(super) from: Address,
    pub(super) nonce: u64,
    /// Nothing for a new contract.
    to: Option<Address>,
    /// Name of the contract, where genesis gives it one.
    contract: String,
    #[serde(serialize_with = "decimal")]
    value: U256,
    input: Bytes,
    succeeded: bool,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventLine {
    block: u64,
    time: u64,
    transaction: TxHash,
    /// Position of the transaction in the block.
    index: u64,
    /// Position of the event among those of its transaction.
    position: usize,
    address: Address,
    contract: String,
    /// What the interface of the contract calls it.
    event: String,
    arguments: Value,
    topics: Vec<B256>,
    data: Bytes,
}

fn decimal<S: serde::Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// All lines.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) transactions: Vec<TransactionLine>,
    pub(super) events: Vec<EventLine>,
}

impl Book {
    /// Adds a transaction with all its events.
    pub(super) fn add(&mut self, names: &Names, block: &FinalBlock, proven: &ProvenTransaction) {
        let (header, transaction) = (block.header(), &proven.transaction);
        let hash = *transaction.tx_hash();
        let to = transaction.to();
        self.transactions.push(TransactionLine {
            block: header.number,
            block_hash: block.hash(),
            time: header.timestamp,
            index: proven.index,
            hash,
            from: transaction.signer(),
            nonce: transaction.nonce(),
            to,
            contract: to.map(|to| title(names, to)).unwrap_or_default(),
            value: transaction.value(),
            input: transaction.input().clone(),
            succeeded: proven.receipt.status(),
        });
        for (position, log) in proven.receipt.logs().iter().enumerate() {
            let (event, arguments) = read(names, log).unwrap_or_default();
            self.events.push(EventLine {
                block: header.number,
                time: header.timestamp,
                transaction: hash,
                index: proven.index,
                position,
                address: log.address,
                contract: title(names, log.address),
                event,
                arguments,
                topics: log.topics().to_vec(),
                data: log.data.data.clone(),
            });
        }
    }

    /// In the order of the chain.
    pub(super) fn sort(&mut self) {
        self.transactions.sort_by_key(|line| (line.block, line.index));
        self.events.sort_by_key(|line| (line.block, line.index, line.position));
    }
}

/// The name of a contract; nothing where it has none.
fn title(names: &Names, address: Address) -> String {
    let title = names.title(address);
    if title == address.to_string() { String::new() } else { title }
}

/// What an event of a contract of ours is called, and what it says.
fn read(names: &Names, log: &Log) -> Option<(String, Value)> {
    let LogData { data, .. } = &log.data;
    let topics = log.topics();
    let (address, contracts) = (log.address, &names.contracts);
    let value = if address == names.membership.members {
        serde_json::to_value(IMembers::IMembersEvents::decode_raw_log(topics, data).ok()?)
    } else if address == names.membership.policies {
        serde_json::to_value(IPolicies::IPoliciesEvents::decode_raw_log(topics, data).ok()?)
    } else if contracts.data_catalog == Some(address) {
        serde_json::to_value(IDataCatalog::IDataCatalogEvents::decode_raw_log(topics, data).ok()?)
    } else if contracts.escrow == Some(address) {
        serde_json::to_value(IEscrow::IEscrowEvents::decode_raw_log(topics, data).ok()?)
    } else if contracts.currencies.values().any(|known| *known == address) {
        serde_json::to_value(ICurrency::ICurrencyEvents::decode_raw_log(topics, data).ok()?)
    } else {
        return None;
    };
    // The name of the variant, with its fields.
    let Value::Object(fields) = value.ok()? else { return None };
    fields.into_iter().next()
}

/// The files, by their names.
pub(super) fn files(book: &Book) -> Result<Vec<(&'static str, Vec<u8>)>, NodeError> {
    Ok(vec![
        ("transactions.jsonl", json_lines(&book.transactions).into_bytes()),
        ("events.jsonl", json_lines(&book.events).into_bytes()),
        ("transactions.csv", transactions_csv(&book.transactions)?),
        ("events.csv", events_csv(&book.events)?),
    ])
}

pub(super) fn write(kit: &mut Kit, book: &Book) -> Result<(), NodeError> {
    files(book)?.into_iter().try_for_each(|(name, bytes)| kit.write(name, &bytes))
}

fn transactions_csv(lines: &[TransactionLine]) -> Result<Vec<u8>, NodeError> {
    let head = [
        "block",
        "blockHash",
        "time",
        "index",
        "hash",
        "from",
        "nonce",
        "to",
        "contract",
        "value",
        "input",
        "succeeded",
    ];
    table(
        &head,
        lines.iter().map(|line| {
            vec![
                line.block.to_string(),
                line.block_hash.to_string(),
                line.time.to_string(),
                line.index.to_string(),
                line.hash.to_string(),
                line.from.to_string(),
                line.nonce.to_string(),
                line.to.map(|to| to.to_string()).unwrap_or_default(),
                line.contract.clone(),
                line.value.to_string(),
                line.input.to_string(),
                line.succeeded.to_string(),
            ]
        }),
    )
}

fn events_csv(lines: &[EventLine]) -> Result<Vec<u8>, NodeError> {
    let head = [
        "block",
        "time",
        "transaction",
        "index",
        "position",
        "address",
        "contract",
        "event",
        "arguments",
        "topics",
        "data",
    ];
    table(
        &head,
        lines.iter().map(|line| {
            let topics: Vec<String> = line.topics.iter().map(B256::to_string).collect();
            vec![
                line.block.to_string(),
                line.time.to_string(),
                line.transaction.to_string(),
                line.index.to_string(),
                line.position.to_string(),
                line.address.to_string(),
                line.contract.clone(),
                line.event.clone(),
                line.arguments.to_string(),
                topics.join(" "),
                line.data.to_string(),
            ]
        }),
    )
}

/// A table as RFC 4180 has it, but for line ends.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, NodeError> {
    let failed = |error: csv::Error| NodeError::Failed(format!("no table: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(failed)?;
    for row in rows {
        writer.write_record(row).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| NodeError::Failed(format!("no table: {error}")))
}
