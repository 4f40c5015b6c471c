//! `hanse demo`

use super::{block_on, interrupted, quiet_logs, say};
use crate::{
    Config, Node, NodeError, chain_spec,
    config::Dev,
    demo::{self, Dataset, Market, Summary},
    development::Absence,
    driver::now_ms,
    localnet::{Choice, NODES_MAX, Network, Plan},
    member::absolute,
};
use alloy_primitives::keccak256;
use hanse_primitives::{BaseFee, ChainSpec};
use std::{net::SocketAddr, path::PathBuf};
use tempfile::TempDir;

/// From a port of one member to that of the next, so that the first has the usual ones.
const STRIDE: u16 = 10;

/// Pays, ships, delivers and pays out every invoice of a data set; a cancelled one ends in a refund.
/// Then serves the web pages until Ctrl-C.
///
/// A brand, a retailer, a carrier and a bank run a node each, as processes of their own; every party
/// hands its transactions to the node that it trusts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// CSV with the columns of UCI Online Retail, gzipped or not [default: a built-in sample of it].
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,
    /// Keep keys and ledgers in this folder [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    datadir: Option<PathBuf>,
    /// Nodes that decide the blocks; with 1, a single node seals them alone.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    validators: u16,
    /// How blocks come about.
    #[arg(long, value_name = "ENGINE", default_value = "bft")]
    consensus: Choice,
    /// End after the load; the exit code says whether every order came to its expected end.
    #[arg(long)]
    exit: bool,
    /// Say the summary as one JSON object, on the last line.
    #[arg(long)]
    json: bool,
    /// Port of the first node's JSON-RPC over HTTP, the next ones' are 10 further; 0 picks free ones.
    #[arg(long = "http.port", value_name = "PORT", default_value_t = 8545)]
    http_port: u16,
    /// The same for JSON-RPC over WebSocket.
    #[arg(long = "ws.port", value_name = "PORT", default_value_t = 8546)]
    ws_port: u16,
    /// The same for the web page.
    #[arg(long = "web.port", value_name = "PORT", default_value_t = 8080)]
    web_port: u16,
    /// The same for peers.
    #[arg(long = "network.port", value_name = "PORT", default_value_t = 0)]
    network_port: u16,
}

/// What the orders go through.
enum Stage {
    /// A node in this process that seals alone.
    Alone(Box<Node>),
    /// A process for each member.
    Together(Network, Option<TempDir>),
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let dataset = demo::read(args.dataset.as_deref())?;
    block_on(async {
        let (mut stage, spec) = match args.validators {
            1 => args.alone().await?,
            _ => args.together().await?,
        };
        let outcome = load_and_serve(&args, &mut stage, &spec, &dataset).await;
        let scratch = stage.stop().await?;
        outcome.map(|()| scratch)
    })
}

impl Args {
    async fn alone(&self) -> Result<(Stage, ChainSpec), NodeError> {
        let mut config = Config {
            datadir: self.datadir.clone(),
            dev: Dev { enabled: true, ..Dev::default() },
            ..Config::default()
        };
        config.http.port = self.http_port;
        config.ws.port = self.ws_port;
        config.web.port = self.web_port;
        let spec = chain_spec(&config, BaseFee::Fixed(0))?;
        let node = Node::start(&config, spec.clone()).await?;
        Ok((Stage::Alone(Box::new(node)), spec))
    }

    async fn together(&self) -> Result<(Stage, ChainSpec), NodeError> {
        let scratch = match &self.datadir {
            Some(_) => None,
            None => {
                let made = tempfile::Builder::new().prefix("hanse-demo-").tempdir();
                Some(made.map_err(|e| NodeError::io("cannot make a temporary folder", e))?)
            }
        };
        let directory = match (&self.datadir, &scratch) {
            (Some(kept), _) => absolute(kept)?,
            (None, Some(scratch)) => scratch.path().to_owned(),
            (None, None) => unreachable!("without a folder to keep there is a temporary one"),
        };
        let plan = Plan {
            directory,
            nodes: self.validators,
            choice: self.consensus,
            stakes: Vec::new(),
            hosts: Vec::new(),
            // Whoever puts a node to sleep on its page wants to see what becomes of it.
            absence: Absence { seconds: 5, ..Absence::default() },
            block_time_ms: 0,
            closed: false,
            http_port: self.http_port,
            ws_port: self.ws_port,
            web_port: self.web_port,
            network_port: self.network_port,
            stride: STRIDE,
        };
        let mut network = Network::start(plan.prepare()?)?;
        let spec = plan.spec()?;
        network.ready().await?;
        Ok((Stage::Together(network, scratch), spec))
    }
}

impl Stage {
    fn nodes(&self) -> Vec<SocketAddr> {
        match self {
            Self::Alone(node) => node.http.into_iter().collect(),
            Self::Together(network, _) => network.members.iter().map(|one| one.http).collect(),
        }
    }

    /// Who runs what where.
    fn describe(&self) -> String {
        match self {
            Self::Alone(node) => {
                let http = node.http.map_or_else(String::new, |http| format!("http://{http}"));
                format!("A node is running: JSON-RPC at {http}, chain id {}.", node.spec.chain_id())
            }
            Self::Together(network, _) => Network::describe(&network.members),
        }
    }

    fn pages(&self) -> Vec<String> {
        let page = |web: SocketAddr| format!("http://localhost:{}", web.port());
        match self {
            Self::Alone(node) => node.web.into_iter().map(page).collect(),
            Self::Together(network, _) => network.members.iter().map(|one| page(one.web)).collect(),
        }
    }

    /// Completes when it cannot go on by itself, with the reason.
    async fn failed(&mut self) -> String {
        match self {
            Self::Alone(node) => node.failed().await,
            Self::Together(network, _) => {
                network.watch(say).await;
                "no node is left".to_owned()
            }
        }
    }

    async fn stop(self) -> Result<Option<TempDir>, NodeError> {
        match self {
            Self::Alone(node) => node.stop().await,
            Self::Together(network, scratch) => network.stop().await.map(|()| scratch),
        }
    }
}

async fn load_and_serve(
    args: &Args,
    stage: &mut Stage,
    spec: &ChainSpec,
    dataset: &Dataset,
) -> Result<(), NodeError> {
    let nodes = stage.nodes();
    if !args.json {
        say(&stage.describe());
        say(&format!(
            "Taking {} invoices ({} lines) from payment to payout ...",
            dataset.invoices.len(),
            dataset.lines
        ));
    }
    let now = now_ms();
    let mut market = Market::new(spec, keccak256(now.to_be_bytes()), now / 1_000)?;
    let summary = tokio::select! {
        summary = demo::run(&nodes, &mut market, dataset, args.json) => summary?,
        reason = stage.failed() => return Err(NodeError::Failed(reason)),
        outcome = interrupted() => return outcome,
    };
    report(args, &summary);
    if !args.exit {
        let pages = stage.pages();
        let (first, others) = pages.split_first().expect("there is a node, and it has a page");
        let others = match others {
            [] => String::new(),
            _ => format!("; the others' pages: {}", others.join(" ")),
        };
        say(&format!("\nLook at it: {first}{others}   (Ctrl-C ends)"));
        tokio::select! {
            outcome = interrupted() => outcome?,
            reason = stage.failed() => return Err(NodeError::Failed(reason)),
        }
    }
    match summary.failures.first() {
        None => Ok(()),
        Some(first) => {
            let count = summary.failures.len();
            Err(NodeError::Failed(format!("{count} orders or checks failed, the first: {first}")))
        }
    }
}

fn report(args: &Args, summary: &Summary) {
    if args.json {
        say(&summary.json().to_string());
    } else {
        say(&summary.text());
    }
}
