//! `hanse node`

use super::{block_on, interrupted, logs};
use crate::{
    Config, History, Node, NodeError, chain_spec,
    config::{LogFormat, Network},
};
use alloy_primitives::Address;
use hanse_primitives::{BaseFee, ChainSpec};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};
use tempfile::TempDir;

/// Flags override environment variables, which override the configuration file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// TOML file with settings; its keys are the flags' names, `[http] port = 8545`.
    #[arg(long, value_name = "FILE", env = "HANSE_CONFIG")]
    config: Option<PathBuf>,
    /// Genesis file of the chain (geth's format).
    #[arg(long, value_name = "FILE", env = "HANSE_CHAIN")]
    chain: Option<PathBuf>,
    /// Folder of the ledger.
    #[arg(long, value_name = "DIR", env = "HANSE_DATADIR")]
    datadir: Option<PathBuf>,
    /// Run the development chain: id 1337, ten well-known accounts with 10,000 ether each, blocks
    /// as soon as a transaction waits. Without --datadir it is forgotten at the end.
    #[arg(long, env = "HANSE_DEV")]
    dev: bool,
    /// Seal a development block at this interval (`1s`, `250ms`, or seconds) instead of on demand.
    #[arg(long = "dev.block-time", value_name = "TIME", env = "HANSE_DEV_BLOCK_TIME")]
    dev_block_time: Option<String>,
    /// Let JSON-RPC make this node misbehave, in a development network.
    #[arg(long = "dev.faults", env = "HANSE_DEV_FAULTS")]
    dev_faults: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Shape of log lines.
    #[arg(long = "log.format", value_name = "FORMAT", env = "HANSE_LOG_FORMAT")]
    log_format: Option<LogFormat>,
    /// Which log lines are written, as `info` or `hanse_rpc=debug,info`.
    #[arg(long = "log.filter", value_name = "FILTER", env = "RUST_LOG")]
    log_filter: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Servers")]
struct ListenArgs {
    /// Address of JSON-RPC over HTTP [default: 127.0.0.1].
    #[arg(long = "http.addr", value_name = "IP", env = "HANSE_HTTP_ADDR")]
    http_addr: Option<IpAddr>,
    /// Port of JSON-RPC over HTTP; 0 picks one [default: 8545].
    #[arg(long = "http.port", value_name = "PORT", env = "HANSE_HTTP_PORT")]
    http_port: Option<u16>,
    /// Origins that browsers may call from, comma-separated; `*` is any [default: none].
    #[arg(
        long = "http.corsdomain",
        value_name = "ORIGINS",
        value_delimiter = ',',
        env = "HANSE_HTTP_CORSDOMAIN"
    )]
    http_corsdomain: Option<Vec<String>>,
    /// Host names that requests may be addressed to, comma-separated; `*` is any [default: localhost].
    #[arg(
        long = "http.vhosts",
        value_name = "HOSTS",
        value_delimiter = ',',
        env = "HANSE_HTTP_VHOSTS"
    )]
    http_vhosts: Option<Vec<String>>,
    /// No JSON-RPC over HTTP.
    #[arg(long = "http.disable", env = "HANSE_HTTP_DISABLE")]
    http_disable: bool,
    /// Address of JSON-RPC over WebSocket [default: 127.0.0.1].
    #[arg(long = "ws.addr", value_name = "IP", env = "HANSE_WS_ADDR")]
    ws_addr: Option<IpAddr>,
    /// Port of JSON-RPC over WebSocket; 0 picks one [default: 8546].
    #[arg(long = "ws.port", value_name = "PORT", env = "HANSE_WS_PORT")]
    ws_port: Option<u16>,
    /// No JSON-RPC over WebSocket.
    #[arg(long = "ws.disable", env = "HANSE_WS_DISABLE")]
    ws_disable: bool,
    /// Serve the web page even for a foreign chain.
    #[arg(long = "web", env = "HANSE_WEB", conflicts_with = "web_disable")]
    web: bool,
    /// Address of the web page [default: 127.0.0.1].
    #[arg(long = "web.addr", value_name = "IP", env = "HANSE_WEB_ADDR")]
    web_addr: Option<IpAddr>,
    /// Port of the web page; 0 picks one [default: 8080].
    #[arg(long = "web.port", value_name = "PORT", env = "HANSE_WEB_PORT")]
    web_port: Option<u16>,
    /// No web page.
    #[arg(long = "web.disable", env = "HANSE_WEB_DISABLE")]
    web_disable: bool,
    /// Serve Prometheus metrics here too, besides `/metrics` of the web port.
    #[arg(long, value_name = "IP:PORT", env = "HANSE_METRICS")]
    metrics: Option<SocketAddr>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// Where peers may connect [default: 127.0.0.1:30303].
    #[arg(long = "network.listen", value_name = "IP:PORT", env = "HANSE_NETWORK_LISTEN")]
    network_listen: Option<SocketAddr>,
    /// Peers to be connected to, comma-separated, each `<key>@<host>:<port>`.
    #[arg(
        long = "network.peers",
        value_name = "PEERS",
        value_delimiter = ',',
        env = "HANSE_NETWORK_PEERS"
    )]
    network_peers: Option<Vec<String>>,
    /// Keys of further peers that may connect, comma-separated.
    #[arg(
        long = "network.allow",
        value_name = "KEYS",
        value_delimiter = ',',
        env = "HANSE_NETWORK_ALLOW"
    )]
    network_allow: Option<Vec<String>>,
    /// Let every node of this chain connect; for development.
    #[arg(long = "network.open", env = "HANSE_NETWORK_OPEN")]
    network_open: bool,
    /// File of this node's network key [default: node.key in the ledger's folder, made if missing].
    #[arg(long = "network.key", value_name = "FILE", env = "HANSE_NETWORK_KEY")]
    network_key: Option<PathBuf>,
    /// File of the key to vote with [default: validator.key in the ledger's folder, if there].
    #[arg(long = "validator.key", value_name = "FILE", env = "HANSE_VALIDATOR_KEY")]
    validator_key: Option<PathBuf>,
    /// Do not take the validator's seat back by itself when it was lost for absence.
    #[arg(long = "validator.no-rejoin", env = "HANSE_VALIDATOR_NO_REJOIN")]
    validator_no_rejoin: bool,
    /// Mine for this account, under proof of work.
    #[arg(long = "miner.account", value_name = "ACCOUNT", env = "HANSE_MINER_ACCOUNT")]
    miner_account: Option<Address>,
    /// Threads that mine [default: 1].
    #[arg(long = "miner.threads", value_name = "N", env = "HANSE_MINER_THREADS")]
    miner_threads: Option<usize>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// MiB of a JSON-RPC request [default: 5].
    #[arg(long = "rpc.max-request-size", value_name = "MIB", env = "HANSE_RPC_MAX_REQUEST_SIZE")]
    rpc_max_request_size: Option<usize>,
    /// MiB of a JSON-RPC answer [default: 25].
    #[arg(long = "rpc.max-response-size", value_name = "MIB", env = "HANSE_RPC_MAX_RESPONSE_SIZE")]
    rpc_max_response_size: Option<usize>,
    /// Calls of a JSON-RPC batch [default: 1000].
    #[arg(long = "rpc.max-batch", value_name = "N", env = "HANSE_RPC_MAX_BATCH")]
    rpc_max_batch: Option<usize>,
    /// Gas that one call may spend.
    #[arg(long = "rpc.gascap", value_name = "GAS", env = "HANSE_RPC_GASCAP")]
    rpc_gascap: Option<u64>,
    /// Seconds that one call may take [default: 15].
    #[arg(long = "rpc.timeout", value_name = "SECONDS", env = "HANSE_RPC_TIMEOUT")]
    rpc_timeout: Option<u64>,
    /// Offer `testing_*` methods [default: in development and for foreign chains].
    #[arg(long = "rpc.testing", value_name = "BOOL", env = "HANSE_RPC_TESTING")]
    rpc_testing: Option<bool>,
    /// Transactions in the pool [default: 200000].
    #[arg(long = "txpool.max-count", value_name = "N", env = "HANSE_TXPOOL_MAX_COUNT")]
    txpool_max_count: Option<usize>,
    /// MiB of transactions in the pool [default: 512].
    #[arg(long = "txpool.max-size", value_name = "MIB", env = "HANSE_TXPOOL_MAX_SIZE")]
    txpool_max_size: Option<usize>,
    /// Least priority fee in wei [default: 0].
    #[arg(
        long = "txpool.min-priority-fee",
        value_name = "WEI",
        env = "HANSE_TXPOOL_MIN_PRIORITY_FEE"
    )]
    txpool_min_priority_fee: Option<u128>,
    /// MiB of trie nodes kept in memory [default: 1024].
    #[arg(long = "ledger.trie-memory", value_name = "MIB", env = "HANSE_LEDGER_TRIE_MEMORY")]
    ledger_trie_memory: Option<usize>,
    /// MiB of accounts and slots kept in memory [default: 512].
    #[arg(long = "ledger.state-memory", value_name = "MIB", env = "HANSE_LEDGER_STATE_MEMORY")]
    ledger_state_memory: Option<usize>,
    /// What is kept of the past: rules (all that the network's rules do not let go), archive (all, whatever they
    /// say), or a number of days as 90d [default: rules]. Headers, seals and proofs stay.
    #[arg(long, value_name = "KEEP", env = "HANSE_HISTORY")]
    history: Option<History>,
    /// Seconds between two looks at what may go [default: 3600].
    #[arg(
        long = "history.check",
        value_name = "SECONDS",
        env = "HANSE_HISTORY_CHECK",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    history_check: Option<u64>,
}

/// Overrides a setting where a flag or variable was given.
fn set<T>(setting: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *setting = value;
    }
}

impl Args {
    /// The settings that file, environment and flags give together.
    fn settle(self) -> Result<Config, NodeError> {
        let mut config = Config::load(self.config.as_deref())?;
        if self.chain.is_some() {
            config.chain = self.chain;
        }
        if self.datadir.is_some() {
            config.datadir = self.datadir;
        }
        if self.dev_block_time.is_some() {
            config.dev.block_time = self.dev_block_time;
        }
        config.dev.enabled |= self.dev;
        config.dev.faults |= self.dev_faults;
        set(&mut config.log.format, self.log_format);
        set(&mut config.log.filter, self.log_filter);
        self.listen.apply(&mut config);
        self.network.apply(&mut config.network);
        self.limits.apply(&mut config);
        Ok(config)
    }
}

impl ListenArgs {
    fn apply(self, config: &mut Config) {
        set(&mut config.http.addr, self.http_addr);
        set(&mut config.http.port, self.http_port);
        set(&mut config.http.corsdomain, self.http_corsdomain);
        set(&mut config.http.vhosts, self.http_vhosts);
        set(&mut config.ws.addr, self.ws_addr);
        set(&mut config.ws.port, self.ws_port);
        set(&mut config.web.addr, self.web_addr);
        set(&mut config.web.port, self.web_port);
        config.http.enabled &= !self.http_disable;
        config.ws.enabled &= !self.ws_disable;
        if self.web || self.web_port.is_some() {
            config.web.enabled = Some(true);
        }
        if self.web_disable {
            config.web.enabled = Some(false);
        }
        if self.metrics.is_some() {
            config.metrics.listen = self.metrics;
        }
    }
}

impl NetworkArgs {
    fn apply(self, network: &mut Network) {
        set(&mut network.listen, self.network_listen);
        set(&mut network.peers, self.network_peers);
        set(&mut network.allow, self.network_allow);
        network.open |= self.network_open;
        if self.network_key.is_some() {
            network.key = self.network_key;
        }
        if self.validator_key.is_some() {
            network.validator_key = self.validator_key;
        }
        network.rejoin &= !self.validator_no_rejoin;
        if self.miner_account.is_some() {
            network.miner = self.miner_account;
        }
        set(&mut network.miner_threads, self.miner_threads);
    }
}

impl LimitArgs {
    fn apply(self, config: &mut Config) {
        set(&mut config.rpc.max_request_size, self.rpc_max_request_size);
        set(&mut config.rpc.max_response_size, self.rpc_max_response_size);
        set(&mut config.rpc.max_batch, self.rpc_max_batch);
        set(&mut config.rpc.gascap, self.rpc_gascap);
        set(&mut config.rpc.timeout, self.rpc_timeout);
        if self.rpc_testing.is_some() {
            config.rpc.testing = self.rpc_testing;
        }
        set(&mut config.txpool.max_count, self.txpool_max_count);
        set(&mut config.txpool.max_size, self.txpool_max_size);
        set(&mut config.txpool.min_priority_fee, self.txpool_min_priority_fee);
        set(&mut config.ledger.trie_memory, self.ledger_trie_memory);
        set(&mut config.ledger.state_memory, self.ledger_state_memory);
        set(&mut config.ledger.history, self.history);
        set(&mut config.ledger.history_check, self.history_check);
    }
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    let config = args.settle()?;
    logs(config.log.format, &config.log.filter)?;
    let spec = chain_spec(&config, BaseFee::Eip1559)?;
    block_on(serve(config, spec))
}

async fn serve(config: Config, spec: ChainSpec) -> Result<Option<TempDir>, NodeError> {
    let mut node = Node::start(&config, spec).await?;
    let head = node.ledger.head();
    tracing::info!(
        chain_id = node.spec.chain_id(),
        genesis = %node.spec.genesis_reference().hash,
        head = head.height.0,
        http = ?node.http,
        ws = ?node.ws,
        web = ?node.web,
        "{} is ready",
        crate::client_version(),
    );
    if config.dev.enabled {
        tracing::warn!("development accounts are unlocked: anybody who reaches the RPC can sign");
    }
    let outcome = tokio::select! {
        outcome = interrupted() => outcome,
        reason = node.failed() => Err(NodeError::Failed(format!("the engine stopped: {reason}"))),
    };
    tracing::info!("stopping");
    let scratch = node.stop().await?;
    outcome.map(|()| scratch)
}

#[cfg(test)]
mod tests;
