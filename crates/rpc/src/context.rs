use crate::{
    Audit, Consensus, Development, Events, Faults, Meter, RpcLimits, Submit, Wallet,
    budget::Budget,
    filters::Filters,
    lanes::Lanes,
    methods::{PendingCache, TipCache},
};
use alloy_primitives::Address;
use hanse_commerce::orders::Orders;
use hanse_execution::Executor;
use hanse_ledger::Ledger;
use hanse_primitives::ChainSpec;
use hanse_txpool::Pool;
use serde::Serialize;
use std::{fmt, ops::Deref, sync::Arc};

/// Everything that answers are made of. The node fills it in and hands it to [`Rpc::new`].
pub struct Context {
    /// The rules of the chain.
    pub spec: Arc<ChainSpec>,
    /// The record.
    pub ledger: Ledger,
    /// Runs calls and traces, and builds the pending block.
    pub executor: Executor,
    /// Transactions that wait.
    pub pool: Pool,
    /// The way into the pool.
    pub submit: Arc<dyn Submit>,
    /// Accounts of this node; only in development.
    pub wallet: Option<Arc<dyn Wallet>>,
    /// Control over the chain (`evm_mine`); only in development.
    pub development: Option<Arc<dyn Development>>,
    /// The engine and the connections; `None` on a chain that nobody here decides.
    pub consensus: Option<Arc<dyn Consensus>>,
    /// Faults that may be caused; only in development networks.
    pub faults: Option<Arc<dyn Faults>>,
    /// The record of administrative calls; none is kept for a scratch chain.
    pub audit: Option<Arc<dyn Audit>>,
    /// Offers `testing_buildBlockV1`.
    pub testing: bool,
    /// What subscribers are told.
    pub events: Events,
    /// Counts calls and renders the metrics page.
    pub meter: Option<Arc<dyn Meter>>,
    /// Seconds since the Unix epoch.
    pub clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Connected peers.
    pub peers: Arc<dyn Fn() -> usize + Send + Sync>,
    /// True when the node may be given traffic: `GET /health` says so.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Who receives the priority fees of blocks this node seals (`eth_coinbase`).
    pub fee_recipient: Option<Address>,
    /// The gas limit that this node's blocks move towards; `None` keeps the parent's.
    pub gas_limit: Option<u64>,
    /// What the node calls itself, as `hanse/v0.1.0/linux-x86_64/rust1.95`.
    pub client_version: String,
    /// What `GET /api/network` tells; asked each time, since contracts may be deployed later.
    pub network: Arc<dyn Fn() -> NetworkInfo + Send + Sync>,
    /// The orders of the escrow, for the web pages; `None` while there is no escrow.
    pub orders: Arc<dyn Fn() -> Option<Arc<Orders>> + Send + Sync>,
    /// Bounds.
    pub limits: RpcLimits,
}

/// What the web pages must know of the network before their first call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInfo {
    /// Name of the network, for people.
    pub name: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Where the escrow contract is.
    pub escrow: Option<Address>,
    /// Height at which it was deployed: older blocks hold no orders.
    pub deployed_at: u64,
    /// Currencies that the escrow takes.
    pub currencies: Vec<CurrencyInfo>,
    /// Where the contract is that knows the members; nothing in a network without one.
    pub members: Option<Address>,
    /// Where the one is that keeps the policies.
    pub policies: Option<Address>,
    /// Where heads of logs are anchored.
    pub anchors: Option<Address>,
    /// Where the catalog of data is.
    pub data_catalog: Option<Address>,
    /// Where contracts are given other code.
    pub upgrades: Option<Address>,
    /// Where members vote on the engine.
    pub engines: Option<Address>,
    /// Whether this network is for trying things out: the page may act for its well-known accounts.
    pub development: bool,
    /// Known parties.
    pub parties: Vec<PartyInfo>,
    /// The nodes of a network that runs on one machine, so that a page can show them side by side.
    pub nodes: Vec<NodeInfo>,
}

/// A node of a network on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeInfo {
    /// The member whose node it is.
    pub name: String,
    /// The account that it votes with.
    pub validator: Address,
    /// Where its JSON-RPC is.
    pub rpc: String,
    /// Where its web page is.
    pub web: String,
}

/// A currency contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CurrencyInfo {
    /// ISO 4217 code.
    pub code: String,
    /// Its contract.
    pub address: Address,
    /// Decimals of the minor unit.
    pub decimals: u8,
}

/// Someone who takes part in trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartyInfo {
    /// The account.
    pub address: Address,
    /// Name, for people.
    pub name: String,
    /// `buyer`, `supplier`, `carrier` or `arbiter`.
    pub role: String,
}

/// The interface itself: answers requests from any number of servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rpc(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    context: Context,
    filters: Filters,
    lanes: Lanes,
    budget: Budget,
    tip: TipCache,
    pending: PendingCache,
}

impl Rpc {
    /// Ready to answer. Needs no runtime; the servers do.
    #[must_use]
    pub fn new(context: Context) -> Self {
        let filters = Filters::new(&context.limits);
        let lanes = Lanes::new(&context.limits);
        let budget = Budget::new(context.limits.answers_bytes_max);
        let (tip, pending) = (TipCache::default(), PendingCache::default());
        Self(Arc::new(Inner { context, filters, lanes, budget, tip, pending }))
    }

    pub(crate) fn filters(&self) -> &Filters {
        &self.0.filters
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(crate) fn tip(&self) -> &TipCache {
        &self.0.tip
    }

    pub(crate) fn pending(&self) -> &PendingCache {
        &self.0.pending
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }
}

impl Deref for Rpc {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0.context
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seams are closures and trait objects; the wallet must not print in any case.
        f.debug_struct("Context")
            .field("chain_id", &self.spec.chain_id())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
