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
use std::collections::BTreeMap;

/// Calls of one batch of questions.
const BATCH: usize = 200;

/// A receipt as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: TxHash,
    from: Address,
    status: U256,
    gas_used: U256,
    effective_gas_price: U256,
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

/// Reads the receipts of all blocks of a load. Adds to `fees`; returns what is wrong.
pub(super) async fn receipts(
    client: &mut Client,
    phases: &[Phase],
    outcome: &Outcome,
    fees: &mut Fees,
) -> Result<Vec<String>, NodeError> {
    let mut problems = Vec::new();
    let mut times: B256HashMap<usize> =
        phases.iter().flatten().map(|transaction| (transaction.hash, 0)).collect();
    let sent = times.len();
    let (first, last) = outcome.seen.heights;
    let (mut reverted, mut example) = (0, None);
    for height in first..=last {
        for receipt in of_block(client, height).await? {
            let Some(times) = times.get_mut(&receipt.transaction_hash) else { continue };
            *times += 1;
            if receipt.status != U256::from(1) {
                reverted += 1;
                example = Some(receipt.transaction_hash);
            }
            let fee = receipt.gas_used * receipt.effective_gas_price;
            *fees.entry(receipt.from).or_default() += fee;
        }
    }
    if let Some(example) = example {
        problems.push(format!("{reverted} transactions were reverted, for example {example}"));
    }
    let missing = times.values().filter(|times| **times == 0).count();
    if missing > 0 {
        problems.push(format!("{missing} of {sent} transactions are in no block"));
    }
    let twice = times.values().filter(|times| **times > 1).count();
    if twice > 0 {
        problems.push(format!("{twice} transactions are in the chain more than once"));
    }
    Ok(problems)
}

/// The receipts of a block; one by one if it has more than the node answers at once.
async fn of_block(client: &mut Client, height: u64) -> Result<Vec<Receipt>, NodeError> {
    #[derive(Deserialize)]
    struct Block {
        transactions: Vec<TxHash>,
    }
    let number = format!("{height:#x}");
    if let Ok(receipts) = client.call("eth_getBlockReceipts", &json!([number])).await {
        return Ok(receipts);
    }
    let block: Block = client.call("eth_getBlockByNumber", &json!([number, false])).await?;
    let mut receipts = Vec::with_capacity(block.transactions.len());
    for some in block.transactions.chunks(BATCH) {
        let hashes = some.iter().map(|hash| format!("[\"{hash}\"]"));
        for answer in client.batch("eth_getTransactionReceipt", hashes).await? {
            let answer = answer.map_err(NodeError::Client)?;
            receipts.push(
                serde_json::from_str(answer.get()).map_err(|error| {
                    NodeError::Client(format!("{answer} is no receipt: {error}"))
                })?,
            );
        }
    }
    Ok(receipts)
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
