//! `hanse demo`

use super::{block_on, interrupted, quiet_logs, say};
use crate::{
    Config, Node, NodeError, chain_spec,
    config::Dev,
    demo::{self, Dataset, Market, Summary},
    driver::now_ms,
};
use alloy_primitives::keccak256;
use hanse_primitives::BaseFee;
use std::path::PathBuf;

/// Pays, ships, delivers and pays out every invoice of a data set; a cancelled one ends in a refund.
/// Then serves the web page until Ctrl-C.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// CSV with the columns of UCI Online Retail, gzipped or not [default: a built-in sample of it].
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,
    /// Keep the ledger in this folder [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    datadir: Option<PathBuf>,
    /// End after the load; the exit code says whether every order came to its expected end.
    #[arg(long)]
    exit: bool,
    /// Say the summary as one JSON object, on the last line.
    #[arg(long)]
    json: bool,
    /// Port of JSON-RPC over HTTP; 0 picks one.
    #[arg(long = "http.port", value_name = "PORT", default_value_t = 8545)]
    http_port: u16,
    /// Port of JSON-RPC over WebSocket; 0 picks one.
    #[arg(long = "ws.port", value_name = "PORT", default_value_t = 8546)]
    ws_port: u16,
    /// Port of the web page; 0 picks one.
    #[arg(long = "web.port", value_name = "PORT", default_value_t = 8080)]
    web_port: u16,
}

impl Args {
    fn config(&self) -> Config {
        let mut config = Config {
            datadir: self.datadir.clone(),
            dev: Dev { enabled: true, ..Dev::default() },
            ..Config::default()
        };
        config.http.port = self.http_port;
        config.ws.port = self.ws_port;
        config.web.port = self.web_port;
        config
    }
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let dataset = demo::read(args.dataset.as_deref())?;
    let config = args.config();
    let spec = chain_spec(&config, BaseFee::Fixed(0))?;
    block_on(async {
        let mut node = Node::start(&config, spec).await?;
        let outcome = load_and_serve(&args, &mut node, &dataset).await;
        let scratch = node.stop().await?;
        outcome.map(|()| scratch)
    })
}

async fn load_and_serve(args: &Args, node: &mut Node, dataset: &Dataset) -> Result<(), NodeError> {
    let http = node.http.expect("the demo's configuration has JSON-RPC over HTTP on");
    if !args.json {
        say(&format!(
            "A node is running: JSON-RPC at http://{http}, chain id {}.",
            node.spec.chain_id()
        ));
        say(&format!(
            "Taking {} invoices ({} lines) from payment to payout ...",
            dataset.invoices.len(),
            dataset.lines
        ));
    }
    let now = now_ms();
    let mut market = Market::new(&node.spec, keccak256(now.to_be_bytes()), now / 1_000)?;
    let summary = tokio::select! {
        summary = demo::run(http, &mut market, dataset, args.json) => summary?,
        reason = node.failed() => return Err(NodeError::Failed(reason)),
        outcome = interrupted() => return outcome,
    };
    report(args, &summary);
    if !args.exit {
        let web = node.web.expect("the demo's configuration has the web page on");
        say(&format!("\nLook at it: http://localhost:{}   (Ctrl-C ends)", web.port()));
        tokio::select! {
            outcome = interrupted() => outcome?,
            reason = node.failed() => return Err(NodeError::Failed(reason)),
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
