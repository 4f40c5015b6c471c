//! What a run measures.

use super::host::{Own, Peer, Running};
use std::fmt;

/// Most transactions of one row: they are all signed and kept in memory.
pub(super) const TRANSACTIONS_MAX: u64 = 5_000_000;

/// Most accounts that are made before the load.
pub(super) const ACCOUNTS_MAX: u64 = 100_000_000;

/// What the transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Transfers of 1 wei.
    Value,
    /// Transfers of the `Currency` contract (ERC-20).
    Currency,
    /// Orders through the `Escrow` contract: authorize, ship, deliver.
    Order,
}

/// How the transactions of a row are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    /// Transactions of one JSON-RPC batch; 1 sends requests that are no batches.
    pub(crate) batch: usize,
    /// Keep-alive connections.
    pub(crate) connections: usize,
}

/// Which node is measured.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Nodes that are started for each row: this program, and another to compare with.
    Started { own: Own, peer: Option<Peer> },
    /// One that runs already.
    Running(Running),
}

/// A whole run: each workload, on a state with each number of accounts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) workloads: Vec<Workload>,
    /// Transactions of a row.
    pub(crate) transactions: usize,
    /// Accounts that send.
    pub(crate) senders: usize,
    /// Transactions offered a second; none: as many as the node takes.
    pub(crate) rate: Option<u64>,
    /// Accounts in the state before the load, which then receive; 0: senders pay each other.
    pub(crate) accounts: Vec<u64>,
    pub(crate) target: Target,
    /// Say nothing while it runs.
    pub(crate) quiet: bool,
}

impl Workload {
    pub(super) const VALUE_SINGLY: Self = Self::new(Kind::Value, 1);

    /// With the connections that suit it: batches keep a node busy over few.
    pub(crate) const fn new(kind: Kind, batch: usize) -> Self {
        Self { kind, batch, connections: if batch == 1 { 16 } else { 4 } }
    }

    /// What is measured when nothing is said.
    pub(crate) fn usual() -> Vec<Self> {
        vec![Self::VALUE_SINGLY, Self::new(Kind::Value, 100), Self::new(Kind::Currency, 100)]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::Currency => "currency",
            Self::Order => "order",
        })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.batch {
            1 => write!(f, "{} one by one", self.kind),
            batch => write!(f, "{} by {batch}", self.kind),
        }
    }
}

impl Plan {
    /// What is wrong with the numbers, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let transactions = u64::try_from(self.transactions).unwrap_or(u64::MAX);
        let refuse = |why: &str| Some(why.to_owned());
        if self.transactions == 0 || transactions > TRANSACTIONS_MAX {
            return Some(format!("--transactions goes from 1 to {TRANSACTIONS_MAX}"));
        }
        if self.senders == 0 || self.senders > self.transactions {
            return refuse("--senders goes from 1 to the number of transactions");
        }
        if self.workloads.iter().any(|load| load.batch == 0 || load.connections == 0) {
            return refuse("--batch and --connections are at least 1");
        }
        if self.workloads.iter().any(|load| load.kind == Kind::Order) && self.senders < 3 {
            return refuse("an order has a shopper, a merchant and a carrier: --senders 3 or more");
        }
        if self.rate == Some(0) {
            return refuse("--rate is at least 1 transaction a second");
        }
        if self.accounts.iter().any(|accounts| *accounts > ACCOUNTS_MAX) {
            return Some(format!("--accounts goes up to {ACCOUNTS_MAX}"));
        }
        let running = matches!(self.target, Target::Running(_));
        if running && self.accounts.len() > 1 {
            return refuse("a running node takes one number of --accounts: they stay in its state");
        }
        None
    }
}
