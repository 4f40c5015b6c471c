//! Makes a chain ready for a load: money for the senders, the market's contracts, accounts.

use super::{
    accounts,
    book::{Book, CURRENCY_EACH, Contracts},
    host::Host,
    plan::{Kind, Plan, Workload},
    wallet::{Call, Draft, Fees, Signed, senders},
};
use crate::{
    NodeError,
    client::{Answer, Client},
    driver::now_ms,
};
use alloy_primitives::{Address, B256, TxHash, U256, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolConstructor;
use hanse_commerce::orders::{CurrencyContract, EscrowContract, ICurrency};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// Gas limit of a deployment.
const DEPLOY_GAS: u64 = 8_000_000;
/// Gas limit of giving somebody currency.
const ISSUE_GAS: u64 = 100_000;
/// Most that a wei of gas may cost, unless the chain asks for more: 10 gwei.
const MAX_FEE_MIN: u128 = 10_000_000_000;
/// How far the base fee may rise while the load runs.
const BASE_FEE_RISE: u128 = 10;
/// Transactions of the set-up that wait for a block together.
const TOGETHER: usize = 250;
/// Calls of one batch of questions.
const BATCH: usize = 100;
/// Time between questions for a receipt.
const POLL: Duration = Duration::from_millis(10);
/// Longest time until a transaction of the set-up is in a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// A header as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    base_fee_per_gas: Option<U256>,
}

/// A receipt as far as it is read.
#[derive(Debug, Deserialize)]
struct Receipt {
    status: U256,
}

/// The account with the money, and its connection.
struct Funder {
    client: Client,
    key: [PrivateKeySigner; 1],
    nonce: u64,
    fees: Fees,
    drafts: Vec<Draft>,
}

/// Makes the chain of `host` ready and opens the book of a row.
pub(super) async fn prepare(
    host: &Host,
    plan: &Plan,
    workload: &Workload,
    accounts: u64,
    transactions: usize,
) -> Result<Book, NodeError> {
    let mut client = Client::new(host.endpoint.clone());
    let fees = fees(&mut client).await?;
    let params = json!([host.funder.address(), "pending"]);
    let nonce: U256 = client.call("eth_getTransactionCount", &params).await?;
    let key = [host.funder.clone()];
    let nonce = nonce.saturating_to();
    let mut funder = Funder { client, key, nonce, fees, drafts: Vec::new() };
    let now = now_ms();
    // Senders are new in each run, so that no run meets what another has left.
    let salt = keccak256([&now.to_be_bytes()[..], &std::process::id().to_be_bytes()].concat());
    let keys = senders(&salt, plan.senders);
    let mut book = Book::new(workload.kind, fees, keys, accounts, salt, now / 1_000);
    if workload.kind != Kind::Value {
        book.contracts = funder.deploy();
        for address in book.addresses() {
            let call = ICurrency::issueCall { to: *address, amount: U256::from(CURRENCY_EACH) };
            funder.add(Call::contract(book.contracts.currency, &call, ISSUE_GAS));
        }
    }
    let wei = book.wei_each(transactions);
    for address in book.addresses() {
        funder.add(Call::pay(*address, wei));
    }
    funder.make_accounts(accounts);
    funder.finish().await?;
    if workload.kind == Kind::Order {
        let allowances = book.allowances();
        settle(&mut funder.client, &allowances).await?;
    }
    if let Some(last) = accounts.checked_sub(1) {
        check_account(&mut funder.client, accounts::address(last)).await?;
    }
    Ok(book)
}

/// Chain id and what a transaction should offer.
async fn fees(client: &mut Client) -> Result<Fees, NodeError> {
    let chain_id: U256 = client.call("eth_chainId", &json!([])).await?;
    let head: Head = client.call("eth_getBlockByNumber", &json!(["latest", false])).await?;
    let base: u128 = head.base_fee_per_gas.unwrap_or_default().saturating_to();
    let tip: U256 = client.call("eth_maxPriorityFeePerGas", &json!([])).await?;
    let tip = tip.saturating_to::<u128>().max(1);
    let max_fee = base.saturating_mul(BASE_FEE_RISE).max(MAX_FEE_MIN).saturating_add(tip);
    Ok(Fees { chain_id: chain_id.saturating_to(), max_fee, tip })
}

async fn check_account(client: &mut Client, address: Address) -> Result<(), NodeError> {
    let balance: U256 = client.call("eth_getBalance", &json!([address, "latest"])).await?;
    if balance.is_zero() {
        let why = format!("the last account, {address}, was not made: is the funder rich enough?");
        return Err(NodeError::Failed(why));
    }
    Ok(())
}

impl Funder {
    fn add(&mut self, call: Call) {
        self.drafts.push(Draft { sender: 0, nonce: self.nonce, call });
        self.nonce += 1;
    }

    /// The contracts, issued by the funder. They are the same on every node that is measured.
    fn deploy(&mut self) -> Contracts {
        let issuer = self.key[0].address();
        let arguments = CurrencyContract::constructorCall {
            name_: "Pound Sterling".to_owned(),
            code: "GBP".to_owned(),
            decimals_: 2,
            issuer_: issuer,
        };
        let code = [CurrencyContract::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
        let contracts = Contracts {
            currency: issuer.create(self.nonce),
            escrow: issuer.create(self.nonce + 1),
        };
        self.add(Call::create(code.into(), U256::ZERO, DEPLOY_GAS));
        self.add(Call::create(EscrowContract::BYTECODE.clone(), U256::ZERO, DEPLOY_GAS));
        contracts
    }

    fn make_accounts(&mut self, count: u64) {
        let mut from = 0;
        while from < count {
            let to = count.min(from + accounts::MADE_AT_ONCE);
            let wei = U256::from((to - from) * accounts::WEI_EACH);
            self.add(Call::create(accounts::maker(from, to), wei, accounts::MAKER_GAS));
            from = to;
        }
    }

    /// Sends what was added, and waits until it has succeeded.
    async fn finish(&mut self) -> Result<(), NodeError> {
        let drafts = std::mem::take(&mut self.drafts);
        let (key, fees) = (&self.key, &self.fees);
        let signed: Vec<Signed> =
            drafts.into_par_iter().map(|draft| draft.sign(key, fees)).collect();
        settle(&mut self.client, &signed).await
    }
}

/// Sends transactions one by one, in order, and waits until they have succeeded. Not in batches:
/// a node may take the calls of a batch in any order.
async fn settle(client: &mut Client, transactions: &[Signed]) -> Result<(), NodeError> {
    for together in transactions.chunks(TOGETHER) {
        for transaction in together {
            let raw = hex::encode_prefixed(&transaction.raw);
            let _: TxHash = client.call("eth_sendRawTransaction", &json!([raw])).await?;
        }
        let last = together.last().expect("chunks are not empty");
        included(client, last.hash).await?;
        for some in together.chunks(BATCH) {
            let hashes = some.iter().map(|transaction| format!("[\"{}\"]", transaction.hash));
            for answer in client.batch("eth_getTransactionReceipt", hashes).await? {
                succeeded(answer)?;
            }
        }
    }
    Ok(())
}

async fn included(client: &mut Client, hash: B256) -> Result<(), NodeError> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let receipt: Option<Receipt> =
            client.call("eth_getTransactionReceipt", &json!([hash])).await?;
        if receipt.is_some() {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    let why = format!("{hash}, of the set-up, was not in a block within a minute");
    Err(NodeError::Failed(why))
}

fn succeeded(answer: Answer) -> Result<(), NodeError> {
    let answer = answer.map_err(NodeError::Client)?;
    let receipt: Option<Receipt> = serde_json::from_str(answer.get()).ok();
    match receipt {
        Some(receipt) if receipt.status == U256::from(1) => Ok(()),
        _ => Err(NodeError::Failed(format!("a transaction of the set-up failed: {answer}"))),
    }
}
