//! `hanse bench`

use super::{block_on, interrupted, quiet_logs, say};
use crate::{
    Config, NodeError,
    bench::{self, Kind, Own, Peer, Plan, Running, Summary, Target, Workload},
    client::Endpoint,
    config::Dev,
    development::{BANK, DevelopmentWallet},
    localnet::{Choice, NODES_MAX},
};
use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;

/// Puts a node under load and measures it: transactions a second, time to inclusion, processor
/// time, memory and disk a transaction.
///
/// Without flags it starts a node of its own on a temporary ledger and measures transfers one by
/// one, transfers in batches, and transfers of currency in batches. All transactions are signed
/// before the clock starts; receipts and balances are checked afterwards.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Transactions of each row.
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    transactions: usize,
    /// Accounts that send [default: 1000, or one a transaction if there are fewer].
    #[arg(long, value_name = "N")]
    senders: Option<usize>,
    /// Keep-alive connections [default: 16 one by one, 4 with batches].
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// Transactions of one JSON-RPC batch; 1 sends them one by one [default: 100, 1 with --rate].
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// What the transactions do [default: value].
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Offer this many transactions a second, whatever the node answers: then the time to
    /// inclusion is what is measured [default: as many as the node takes].
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// Accounts in the state before the load, which then receive; several numbers,
    /// comma-separated, give a row each, to compare [default: 0, senders pay each other].
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [0])]
    accounts: Vec<u64>,
    /// Time between blocks of the node that is started (`1s`, `250ms`, or seconds) [default: a
    /// block as soon as a transaction waits].
    #[arg(long, value_name = "TIME", conflicts_with = "rpc_url")]
    block_time: Option<String>,
    /// Nodes that decide the blocks, each a process on this machine; the first one is loaded, and
    /// processor time and memory are those of all together.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "rpc_url", value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    validators: u16,
    /// How several nodes decide.
    #[arg(long, value_name = "ENGINE", default_value = "bft", conflicts_with = "rpc_url")]
    consensus: Choice,
    /// Say the figures as one JSON object, on the last line.
    #[arg(long)]
    json: bool,
    /// Let contracts say what senders may do, on the node that is started (networks of several always do).
    #[arg(long)]
    members: bool,
    /// Measure a node that runs already: any that speaks Ethereum's JSON-RPC over http.
    #[arg(long, value_name = "URL")]
    rpc_url: Option<String>,
    /// The process of that node, to measure its processor time and memory.
    #[arg(long, value_name = "PID", requires = "rpc_url")]
    pid: Option<u32>,
    /// Private key of a rich account, which pays the senders [default: the first of the
    /// development accounts].
    #[arg(long, value_name = "HEX", env = "HANSE_BENCH_FUNDER_KEY", hide_env_values = true)]
    funder_key: Option<B256>,
    /// Measure a peer as well, alternating: the command that starts it, with `{port}` for the
    /// port, words separated by spaces.
    #[arg(long, value_name = "COMMAND", conflicts_with = "rpc_url")]
    against: Option<String>,
}

impl Args {
    fn workloads(&self) -> Vec<Workload> {
        let chosen = self.kind.is_some() || self.batch.is_some() || self.rate.is_some();
        let mut workloads = if chosen {
            let batch = self.batch.unwrap_or(if self.rate.is_some() { 1 } else { 100 });
            vec![Workload::new(self.kind.unwrap_or(Kind::Value), batch)]
        } else {
            Workload::usual()
        };
        if let Some(connections) = self.connections {
            for workload in &mut workloads {
                workload.connections = connections;
            }
        }
        workloads
    }

    fn funder(&self) -> Result<PrivateKeySigner, NodeError> {
        match &self.funder_key {
            None => Ok(DevelopmentWallet::new().keys()[BANK].clone()),
            Some(key) => PrivateKeySigner::from_bytes(key)
                .map_err(|_| NodeError::Config("--funder-key is no key of secp256k1".to_owned())),
        }
    }

    fn target(&self) -> Result<Target, NodeError> {
        if let Some(url) = &self.rpc_url {
            let endpoint: Endpoint =
                url.parse().map_err(|why| NodeError::Config(format!("--rpc-url {url}: {why}")))?;
            return Ok(Target::Running(Running {
                endpoint,
                pid: self.pid,
                funder: self.funder()?,
            }));
        }
        let dev = Dev { enabled: true, block_time: self.block_time.clone(), ..Dev::default() };
        let block_time_ms = Config { dev, ..Config::default() }.dev_block_time_ms()?;
        let peer = match &self.against {
            None => None,
            Some(command) if !command.contains("{port}") => {
                let why = format!("--against '{command}' does not say where {{port}} goes");
                return Err(NodeError::Config(why));
            }
            Some(command) => {
                let command = command.split_whitespace().map(str::to_owned).collect();
                Some(Peer { command, funder: self.funder()? })
            }
        };
        Ok(Target::Started {
            own: Own {
                block_time_ms,
                validators: self.validators,
                choice: self.consensus,
                members: self.members,
            },
            peer,
        })
    }

    fn plan(&self) -> Result<Plan, NodeError> {
        let plan = Plan {
            workloads: self.workloads(),
            transactions: self.transactions,
            senders: self.senders.unwrap_or_else(|| self.transactions.min(1_000)),
            rate: self.rate,
            accounts: self.accounts.clone(),
            target: self.target()?,
            quiet: self.json,
        };
        match plan.problem() {
            None => Ok(plan),
            Some(problem) => Err(NodeError::Config(problem)),
        }
    }
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let plan = args.plan()?;
    block_on(async {
        let summary = tokio::select! {
            summary = bench::run(&plan) => summary?,
            outcome = interrupted() => {
                outcome?;
                return Err(NodeError::Failed("interrupted".to_owned()));
            }
        };
        report(args, &summary);
        let failures = summary.failures();
        match failures.first() {
            None => Ok(None),
            Some(first) => {
                let count = failures.len();
                Err(NodeError::Failed(format!("{count} checks failed, the first: {first}")))
            }
        }
    })
}

fn report(args: &Args, summary: &Summary) {
    if args.json {
        say(&summary.json().to_string());
    } else {
        say(&summary.text());
    }
}
