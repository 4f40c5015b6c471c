//! Compares what the chain says with what was sent.

use super::{
    book::{Book, Changes, Phase},
    load::Outcome,
    plan::Kind,
};
use crate::{NodeError, client::Client};
use alloy_primitives::{Address, Bytes, I256, TxHash, U256, map::B256HashMap};
use alloy_sol_types::SolCall;
use hanse_commerce::orders::{ICurrency, IEscrow};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Calls of one batch of questions.
const BATCH: usize = 200;

/// Gas of a plain transfer (`G_transaction` of the Yellow Paper).
const TRANSFER_GAS: u128 = 21_000;
/// Longest time that another's node may take over receipts, and the largest block that it is asked
/// for all receipts of: some need a millisecond for each, and more the larger the block. Beyond, a
/// sample has to do; balances account for all transactions in any case.
const RECEIPTS_TIME_MAX: Duration = Duration::from_secs(5);
const RECEIPTS_MAX: usize = 1_000;
/// Receipts of that sample.
const SAMPLE: usize = 200;

/// A block as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    base_fee_per_gas: Option<U256>,
    transactions: Vec<TxHash>,
}

/// A receipt as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: TxHash,
    status: U256,
}

/// What blocks and receipts say of a load.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Fees that each sender has paid for its transfers.
    pub(super) fees: Fees,
    /// Receipts that were read.
    pub(super) receipts: usize,
    pub(super) problems: Vec<String>,
}

/// Balances: wei, or minor units of the currency.
pub(super) type Balances = BTreeMap<Address, U256>;

/// Fees that each sender has paid.
pub(super) type Fees = BTreeMap<Address, U256>;

/// Reads the balances of everybody in the book.
pub(super) async fn balances(client: &mut Client, book: &Book) -> Result<Balances, NodeError> {
    let addresses: Vec<Address> = book.changes().keys().copied().collect();
    let mut balances = Balances::new();
    for some in addresses.chunks(BATCH) {
        let (method, params): (_, Vec<String>) = match book.kind {
            Kind::Value => {
                let params = some.iter().map(|address| json!([address, "latest"]).to_string());
                ("eth_getBalance", params.collect())
            }
            Kind::Currency | Kind::Order => {
                let call = |account: &Address| {
                    let input = ICurrency::balanceOfCall { account: *account }.abi_encode();
                    let call = json!({"to": book.contracts.currency, "input": Bytes::from(input)});
                    json!([call, "latest"]).to_string()
                };
                ("eth_call", some.iter().map(call).collect())
            }
        };
        let answers = client.batch(method, params.into_iter()).await?;
        for (address, answer) in some.iter().zip(answers) {
            let text = answer.map_err(NodeError::Client)?;
            let number = serde_json::from_str::<U256>(text.get())
                .map_err(|_| NodeError::Client(format!("{method}: {text} is no number")))?;
            balances.insert(*address, number);
        }
    }
    Ok(balances)
}

/// Reads the blocks of a load and the receipts in them, all of them if `all` says so.
pub(super) async fn blocks(
    client: &mut Client,
    book: &Book,
    phases: &[Phase],
    outcome: &Outcome,
    all: bool,
) -> Result<Findings, NodeError> {
    let mut findings = Findings::default();
    let transactions = phases.iter().flatten();
    let mut ours: B256HashMap<(usize, usize)> =
        transactions.map(|transaction| (transaction.hash, (transaction.sender, 0))).collect();
    let mut statuses = Statuses { begun: Instant::now(), read: 0, reverted: Vec::new() };
    let (first, last) = outcome.seen.heights;
    for height in first..=last {
        let number = format!("{height:#x}");
        let block: Block = client.call("eth_getBlockByNumber", &json!([number, false])).await?;
        let mut found = Vec::new();
        for hash in block.transactions {
            let Some((sender, times)) = ours.get_mut(&hash) else { continue };
            *times += 1;
            found.push(hash);
            let price = price(book, block.base_fee_per_gas.unwrap_or_default());
            let fee = U256::from(TRANSFER_GAS) * price;
            *findings.fees.entry(book.addresses()[*sender]).or_default() += fee;
        }
        if !found.is_empty() {
            let little =
                found.len() <= RECEIPTS_MAX && statuses.begun.elapsed() < RECEIPTS_TIME_MAX;
            let all = all || little;
            statuses.read(client, height, &found, all).await?;
        }
    }
    findings.receipts = statuses.read;
    if let Some(example) = statuses.reverted.first() {
        let count = statuses.reverted.len();
        findings.problems.push(format!("{count} transactions failed, for example {example}"));
    }
    let missing = ours.values().filter(|(_, times)| *times == 0).count();
    if missing > 0 {
        let sent = ours.len();
        findings.problems.push(format!("{missing} of {sent} transactions are in no block"));
    }
    let twice = ours.values().filter(|(_, times)| *times > 1).count();
    if twice > 0 {
        findings.problems.push(format!("{twice} transactions are in the chain more than once"));
    }
    Ok(findings)
}

/// Wei that a gas costs a sender in a block (EIP-1559).
fn price(book: &Book, base: U256) -> U256 {
    (base + U256::from(book.fees.tip)).min(U256::from(book.fees.max_fee))
}

/// Reads receipts and notes which tell of a failure.
struct Statuses {
    begun: Instant,
    read: usize,
    reverted: Vec<TxHash>,
}

impl Statuses {
    /// Those of some transactions of a block: all at once, one by one if they are more than the
    /// node answers, or a sample.
    async fn read(
        &mut self,
        client: &mut Client,
        height: u64,
        hashes: &[TxHash],
        all: bool,
    ) -> Result<(), NodeError> {
        if all {
            let params = json!([format!("{height:#x}")]);
            let receipts = client.call::<Vec<Receipt>>("eth_getBlockReceipts", &params).await;
            if let Ok(receipts) = receipts {
                let mut wanted: B256HashMap<()> = hashes.iter().map(|hash| (*hash, ())).collect();
                for receipt in receipts {
                    if wanted.remove(&receipt.transaction_hash).is_some() {
                        self.note(&receipt);
                    }
                }
                if let Some(hash) = wanted.keys().next() {
                    let why = format!("block {height} has {hash}, its receipts do not");
                    return Err(NodeError::Client(why));
                }
                return Ok(());
            }
        }
        let step = if all { 1 } else { hashes.len().div_ceil(SAMPLE) };
        let some: Vec<&TxHash> = hashes.iter().step_by(step).collect();
        for some in some.chunks(BATCH) {
            let params = some.iter().map(|hash| format!("[\"{hash}\"]"));
            for answer in client.batch("eth_getTransactionReceipt", params).await? {
                let answer = answer.map_err(NodeError::Client)?;
                let receipt: Receipt = serde_json::from_str(answer.get()).map_err(|error| {
                    NodeError::Client(format!("{answer} is no receipt: {error}"))
                })?;
                self.note(&receipt);
            }
        }
        Ok(())
    }

    fn note(&mut self, receipt: &Receipt) {
        self.read += 1;
        if receipt.status != U256::from(1) {
            self.reverted.push(receipt.transaction_hash);
        }
    }
}

/// What is wrong with balances after a load: every account must have what it had, with what it was
/// sent, without what it has sent and paid.
pub(super) fn compare(
    before: &Balances,
    after: &Balances,
    changes: &Changes,
    fees: &Fees,
) -> Option<String> {
    let mut wrong = Vec::new();
    for (address, change) in changes {
        let had = before.get(address).copied().unwrap_or_default();
        let has = after.get(address).copied().unwrap_or_default();
        let paid = fees.get(address).copied().unwrap_or_default();
        let change = I256::try_from(*change).expect("128 bits fit in 256");
        // Two's complement: what wraps on the way comes back.
        let expected = had.wrapping_add(change.into_raw()).wrapping_sub(paid);
        if has != expected {
            wrong.push(format!("{address} has {has}, not {expected}"));
        }
    }
    let example = wrong.first()?;
    Some(format!("{} of {} balances are wrong: {example}", wrong.len(), changes.len()))
}

/// What is wrong with the escrow after all orders have come to their end.
pub(super) async fn escrow(client: &mut Client, book: &Book) -> Result<Option<String>, NodeError> {
    if book.kind != Kind::Order {
        return Ok(None);
    }
    let input = IEscrow::totalsCall { currency: book.contracts.currency }.abi_encode();
    let params = json!([{"to": book.contracts.escrow, "input": Bytes::from(input)}, "latest"]);
    let bytes: Bytes = client.call("eth_call", &params).await?;
    let totals = IEscrow::totalsCall::abi_decode_returns(&bytes)
        .map_err(|error| NodeError::Failed(format!("the escrow did not answer: {error}")))?;
    let settled = totals.held.is_zero() && totals.paidIn == totals.paidOut;
    Ok((!settled).then(|| {
        let (paid_in, held, paid_out) = (totals.paidIn, totals.held, totals.paidOut);
        format!("the escrow took {paid_in}, paid out {paid_out} and holds {held}")
    }))
}
