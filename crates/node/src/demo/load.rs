//! Drives all orders to their end: each step is sent when the one before it is in a block.

use super::{
    actors::{Draft, Market, Signed, Stage, minor},
    dataset::{Dataset, Outcome},
    progress::Progress,
    summary::{Summary, Totals},
};
use crate::{NodeError, client::Client, latencies::Latencies};
use alloy_primitives::{Address, B256, Bytes, TxHash, U256, hex};
use alloy_sol_types::SolCall;
use hanse_commerce::orders::{ICurrency, IEscrow};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Connections that transactions are sent over.
const CONNECTIONS: usize = 4;
/// Transactions of one JSON-RPC batch.
const BATCH: usize = 100;
/// Orders that may be under way at once.
const ORDERS_UNDER_WAY_MAX: usize = 4_000;
/// Time between looks at the head of the chain.
const POLL: Duration = Duration::from_millis(10);
/// Longest time without any progress. Under proof of work a block is final some blocks later.
const PATIENCE: Duration = Duration::from_secs(120);

/// A receipt as far as the demo reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: TxHash,
    status: U256,
}

/// A block as far as nodes are compared: its header commits to all the rest.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct BlockName {
    number: U256,
    hash: B256,
}

/// What a transaction was sent for.
#[derive(Clone, Copy)]
enum Purpose {
    /// Money or an allowance, before the orders begin.
    SetUp,
    Order(usize, Stage),
}

/// A transaction that is not in a block yet.
struct Waiting {
    purpose: Purpose,
    sent: Instant,
}

/// A batch on its way to a connection.
struct Parcel {
    transactions: Vec<Signed>,
}

/// What a connection says of a batch.
type Refusals = Result<Vec<(TxHash, String)>, NodeError>;

/// What goes to one node, in order.
struct Desk {
    todo: VecDeque<(Purpose, Draft)>,
    parcels: mpsc::Sender<Parcel>,
}

struct Load<'a> {
    market: &'a mut Market,
    dataset: &'a Dataset,
    shoppers: Vec<Address>,
    nodes: &'a [SocketAddr],
    client: Client,
    desks: Vec<Desk>,
    refusals: mpsc::UnboundedReceiver<Refusals>,
    waiting: BTreeMap<TxHash, Waiting>,
    height: u64,
    latencies: Latencies,
    included: u64,
    failures: Vec<String>,
}

/// Takes every invoice of `dataset` through the escrow of a network. Each party has a node that it
/// trusts and hands its transactions to; what became of them is read from the first.
pub(crate) async fn run(
    nodes: &[SocketAddr],
    market: &mut Market,
    dataset: &Dataset,
    quiet: bool,
) -> Result<Summary, NodeError> {
    let shoppers = market.admit_shoppers(&dataset.invoices);
    let first = nodes.first().copied();
    let first = first.ok_or_else(|| NodeError::Failed("there is no node".to_owned()))?;
    let mut client = Client::new(first);
    numbers(&mut client, market).await?;
    let (refuse, refusals) = mpsc::unbounded_channel();
    let desks = nodes.iter().map(|node| Desk {
        todo: VecDeque::new(),
        parcels: connections(*node, CONNECTIONS.div_ceil(nodes.len()), &refuse),
    });
    let desks = desks.collect();
    let height = finalized(&mut client).await?;
    let mut load = Load {
        market,
        dataset,
        shoppers,
        nodes,
        client,
        desks,
        refusals,
        waiting: BTreeMap::new(),
        height,
        latencies: Latencies::default(),
        included: 0,
        failures: Vec::new(),
    };
    let before = load.totals().await?;
    load.set_up(quiet).await?;
    let (seconds, transactions) = load.orders(quiet).await?;
    load.settle(before, seconds, transactions).await
}

/// Opens connections to a node; each takes the next batch when it has an answer to its last.
fn connections(
    address: SocketAddr,
    count: usize,
    refuse: &mpsc::UnboundedSender<Refusals>,
) -> mpsc::Sender<Parcel> {
    let (parcels, queue) = mpsc::channel::<Parcel>(count);
    let queue = std::sync::Arc::new(tokio::sync::Mutex::new(queue));
    for _ in 0..count {
        let (queue, refuse) = (queue.clone(), refuse.clone());
        tokio::spawn(async move {
            let mut client = Client::new(address);
            loop {
                let parcel = queue.lock().await.recv().await;
                let Some(parcel) = parcel else { return };
                if refuse.send(deliver(&mut client, &parcel).await).is_err() {
                    return;
                }
            }
        });
    }
    parcels
}

async fn deliver(client: &mut Client, parcel: &Parcel) -> Refusals {
    let params =
        parcel.transactions.iter().map(|tx| format!("[\"{}\"]", hex::encode_prefixed(&tx.raw)));
    let answers = client.batch("eth_sendRawTransaction", params).await?;
    let refused = parcel.transactions.iter().zip(answers);
    Ok(refused.filter_map(|(tx, answer)| Some((tx.hash, answer.err()?))).collect())
}

/// Takes up nonces and permit numbers from the chain, so that the demo can run on any state.
async fn numbers(client: &mut Client, market: &mut Market) -> Result<(), NodeError> {
    let addresses = market.addresses();
    for chunk in addresses.chunks(BATCH) {
        let nonces = client
            .batch(
                "eth_getTransactionCount",
                chunk.iter().map(|a| json!([a, "latest"]).to_string()),
            )
            .await?;
        let permits = client
            .batch(
                "eth_call",
                chunk
                    .iter()
                    .map(|owner| view(market.currency, &ICurrency::noncesCall { owner: *owner })),
            )
            .await?;
        for ((address, nonce), permits) in chunk.iter().zip(nonces).zip(permits) {
            let number = |answer: Result<Box<serde_json::value::RawValue>, String>| {
                let text = answer.map_err(NodeError::Client)?;
                let bytes: U256 = serde_json::from_str::<String>(text.get())
                    .ok()
                    .and_then(|text| U256::from_str_radix(text.trim_start_matches("0x"), 16).ok())
                    .ok_or_else(|| NodeError::Client(format!("{text} is no number")))?;
                Ok::<u64, NodeError>(bytes.saturating_to())
            };
            market.set_numbers(address, number(nonce)?, number(permits)?);
        }
    }
    Ok(())
}

/// Makes the signatures on all cores.
async fn sign(drafts: Vec<Draft>) -> Result<Vec<Signed>, NodeError> {
    let signing = tokio::task::spawn_blocking(move || {
        drafts.into_par_iter().map(Draft::sign).collect::<Vec<_>>()
    });
    signing.await.map_err(|error| NodeError::Failed(error.to_string()))
}

/// The height up to which nothing can change any more.
async fn finalized(client: &mut Client) -> Result<u64, NodeError> {
    let block: BlockName =
        client.call("eth_getBlockByNumber", &json!(["finalized", false])).await?;
    Ok(block.number.saturating_to())
}

/// Parameters of `eth_call`.
fn view(to: Address, call: &impl SolCall) -> String {
    json!([{"to": to, "input": Bytes::from(call.abi_encode())}, "latest"]).to_string()
}

impl Load<'_> {
    /// Gives every shopper the money for its orders, and the escrow the merchant's allowance.
    async fn set_up(&mut self, quiet: bool) -> Result<(), NodeError> {
        let mut needs: BTreeMap<Address, U256> = BTreeMap::new();
        for (invoice, shopper) in self.dataset.invoices.iter().zip(&self.shoppers) {
            *needs.entry(*shopper).or_default() += minor(invoice.total);
        }
        let progress = Progress::new("giving shoppers money", needs.len() + 1, quiet);
        let allowance = self.market.allow_refunds();
        self.hand_over(Purpose::SetUp, allowance);
        for (shopper, amount) in needs {
            let draft = self.market.issue(shopper, amount);
            self.hand_over(Purpose::SetUp, draft);
        }
        self.drive(&progress, |_, _| 1).await?;
        progress.finish();
        self.latencies = Latencies::default();
        self.included = 0;
        Ok(())
    }

    /// Takes all orders to their end; returns the seconds it took and the transactions included.
    async fn orders(&mut self, quiet: bool) -> Result<(f64, u64), NodeError> {
        let progress = Progress::new("orders", self.dataset.invoices.len(), quiet);
        let begun = Instant::now();
        let mut started = 0;
        let mut ended = 0;
        let total = self.dataset.invoices.len();
        self.drive(&progress, |load, purpose| {
            let mut done = 0;
            if let Some(Purpose::Order(at, stage)) = purpose {
                match stage.next(load.dataset.invoices[at].outcome) {
                    Some(next) => load.begin(at, next),
                    None => {
                        ended += 1;
                        done = 1;
                    }
                }
            }
            while started < total && started - ended < ORDERS_UNDER_WAY_MAX {
                load.begin(started, Stage::Authorize);
                started += 1;
            }
            done
        })
        .await?;
        progress.finish();
        Ok((begun.elapsed().as_secs_f64(), self.included))
    }

    fn begin(&mut self, at: usize, stage: Stage) {
        let draft = self.market.advance(stage, &self.dataset.invoices[at], self.shoppers[at]);
        self.hand_over(Purpose::Order(at, stage), draft);
    }

    /// Puts a transaction on the desk of its sender's node.
    fn hand_over(&mut self, purpose: Purpose, draft: Draft) {
        let desk = self.market.house(&draft.sender()) % self.desks.len();
        self.desks[desk].todo.push_back((purpose, draft));
    }

    /// Sends what is to be done and reads blocks until nothing is left. `included` is called once
    /// with `None`, then with the purpose of each transaction that succeeded; it returns how far
    /// the bar moves.
    async fn drive(
        &mut self,
        progress: &Progress,
        mut included: impl FnMut(&mut Self, Option<Purpose>) -> u64,
    ) -> Result<(), NodeError> {
        progress.advance(included(self, None));
        let mut moved = Instant::now();
        while self.desks.iter().any(|desk| !desk.todo.is_empty()) || !self.waiting.is_empty() {
            self.send().await?;
            let succeeded = self.look().await?;
            if succeeded.is_empty() {
                if moved.elapsed() > PATIENCE {
                    let waiting = self.waiting.len();
                    let why = format!("{waiting} transactions were not final within two minutes");
                    return Err(NodeError::Failed(why));
                }
                tokio::time::sleep(POLL).await;
                continue;
            }
            moved = Instant::now();
            for purpose in succeeded {
                progress.advance(included(self, Some(purpose)));
            }
        }
        Ok(())
    }

    /// Signs and hands over as much as the connections take now.
    async fn send(&mut self) -> Result<(), NodeError> {
        for desk in &mut self.desks {
            while let Ok(permit) = desk.parcels.try_reserve() {
                let count = desk.todo.len().min(BATCH);
                if count == 0 {
                    break;
                }
                let (purposes, drafts): (Vec<_>, Vec<_>) = desk.todo.drain(..count).unzip();
                let transactions = sign(drafts).await?;
                let sent = Instant::now();
                for (tx, purpose) in transactions.iter().zip(purposes) {
                    self.waiting.insert(tx.hash, Waiting { purpose, sent });
                }
                permit.send(Parcel { transactions });
            }
        }
        while let Ok(refusals) = self.refusals.try_recv() {
            for (hash, why) in refusals? {
                if let Some(waiting) = self.waiting.remove(&hash) {
                    self.fail(waiting.purpose, &why);
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, purpose: Purpose, why: &str) {
        self.failures.push(match purpose {
            Purpose::SetUp => format!("set-up: {why}"),
            Purpose::Order(at, stage) => {
                format!("invoice {}, {stage:?}: {why}", self.dataset.invoices[at].number)
            }
        });
    }

    /// Reads new final blocks; returns what was sent and has succeeded.
    async fn look(&mut self) -> Result<Vec<Purpose>, NodeError> {
        let finalized = finalized(&mut self.client).await?;
        let mut succeeded = Vec::new();
        while self.height < finalized {
            self.height += 1;
            let block = json!([format!("{:#x}", self.height)]);
            let receipts: Vec<Receipt> = self.client.call("eth_getBlockReceipts", &block).await?;
            let seen = Instant::now();
            for receipt in receipts {
                let Some(waiting) = self.waiting.remove(&receipt.transaction_hash) else {
                    continue;
                };
                self.included += 1;
                self.latencies.add(seen - waiting.sent);
                if receipt.status == U256::from(1) {
                    succeeded.push(waiting.purpose);
                } else {
                    let why = format!("{} reverted", receipt.transaction_hash);
                    self.fail(waiting.purpose, &why);
                }
            }
        }
        Ok(succeeded)
    }

    /// The escrow's account of the currency, and the tokens it really holds.
    async fn totals(&mut self) -> Result<Totals, NodeError> {
        let (escrow, currency) = (self.market.escrow, self.market.currency);
        let totals = IEscrow::totalsCall { currency };
        let holding = ICurrency::balanceOfCall { account: escrow };
        let totals = self.read(escrow, &totals).await?;
        let holding = self.read(currency, &holding).await?;
        Ok(Totals {
            paid_in: totals.paidIn,
            held: totals.held,
            paid_out: totals.paidOut,
            refunded: totals.refunded,
            balance: holding,
        })
    }

    async fn read<C: SolCall>(&mut self, to: Address, call: &C) -> Result<C::Return, NodeError> {
        let params = json!([{"to": to, "input": Bytes::from(call.abi_encode())}, "latest"]);
        let bytes: Bytes = self.client.call("eth_call", &params).await?;
        C::abi_decode_returns(&bytes).map_err(|error| {
            NodeError::Failed(format!("{to} did not answer {}: {error}", C::SIGNATURE))
        })
    }

    /// Compares what the chain says with what the invoices say.
    async fn settle(
        mut self,
        before: Totals,
        seconds: f64,
        transactions: u64,
    ) -> Result<Summary, NodeError> {
        let states = self.states().await?;
        let mut orders = BTreeMap::new();
        for ((invoice, state), _) in self.dataset.invoices.iter().zip(&states).zip(&self.shoppers) {
            *orders.entry(*state).or_insert(0u64) += 1;
            let expected = match invoice.outcome {
                Outcome::Captured => "Captured",
                Outcome::Cancelled => "Cancelled",
                Outcome::Refunded => "Refunded",
            };
            if *state != expected {
                let why = format!("invoice {}: {state}, not {expected}", invoice.number);
                self.failures.push(why);
            }
        }
        let totals = self.totals().await?.since(&before);
        let sum = |only_back: bool| {
            let invoices = self.dataset.invoices.iter();
            let counted = invoices.filter(|i| !only_back || i.outcome != Outcome::Captured);
            counted.map(|invoice| minor(invoice.total)).sum::<U256>()
        };
        let (paid_in, refunded) = (sum(false), sum(true));
        if (totals.paid_in, totals.refunded) != (paid_in, refunded) {
            self.failures.push(format!(
                "the invoices ask for {paid_in} paid in and {refunded} back; the escrow says {} and {}",
                totals.paid_in, totals.refunded
            ));
        }
        if !totals.balanced() {
            self.failures.push(format!("money is not conserved: {totals:?}"));
        }
        self.compare_nodes().await?;
        Ok(Summary {
            nodes: self.nodes.len(),
            orders,
            skipped: self.dataset.skipped.clone(),
            lines: self.dataset.lines,
            shoppers: self.market.addresses().len() - 3,
            transactions,
            seconds,
            latencies: self.latencies,
            currencies: BTreeMap::from([("GBP", totals)]),
            failures: self.failures,
        })
    }

    /// Every node must have the block that the answers come from.
    async fn compare_nodes(&mut self) -> Result<(), NodeError> {
        let params = json!([format!("{:#x}", self.height), false]);
        let block: Option<BlockName> = self.client.call("eth_getBlockByNumber", &params).await?;
        for node in &self.nodes[1..] {
            let mut other = Client::new(*node);
            let begun = Instant::now();
            loop {
                let found: Option<BlockName> = other.call("eth_getBlockByNumber", &params).await?;
                if found.is_none() && begun.elapsed() < PATIENCE {
                    tokio::time::sleep(POLL).await;
                    continue;
                }
                if found != block {
                    let height = self.height;
                    self.failures.push(format!("{node} has another block at height {height}"));
                }
                break;
            }
        }
        Ok(())
    }

    /// The state of every order, by the escrow's own word.
    async fn states(&mut self) -> Result<Vec<&'static str>, NodeError> {
        const NAMES: [&str; 8] = [
            "None",
            "Authorized",
            "Shipped",
            "Delivered",
            "Captured",
            "Cancelled",
            "Expired",
            "Refunded",
        ];
        let ids: Vec<B256> =
            self.dataset.invoices.iter().map(|invoice| self.market.order_id(invoice)).collect();
        let mut states = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BATCH) {
            let escrow = self.market.escrow;
            let calls = chunk.iter().map(|id| view(escrow, &IEscrow::stateCall { orderId: *id }));
            for answer in self.client.batch("eth_call", calls).await? {
                let answer = answer.map_err(NodeError::Client)?;
                let word: Option<B256> = serde_json::from_str(answer.get()).ok();
                let name = word.and_then(|word| NAMES.get(usize::from(word[31])).copied());
                states.push(name.ok_or_else(|| {
                    NodeError::Failed(format!("{answer} is not a state of an order"))
                })?);
            }
        }
        Ok(states)
    }
}
