//! What an operator can set: defaults, then a TOML file, then the environment, then flags; each
//! overrides the one before. `hanse node --help` lists every setting with its variable.

use crate::{
    NodeError,
    access::{Access, Tls},
    history::History,
};
use alloy_primitives::Address;
use hanse_ledger::Settings;
use hanse_rpc::{NodeInfo, RpcLimits};
use hanse_txpool::PoolSettings;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// Bytes that a configuration file may have.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Everything that can be set for `hanse node`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Genesis file; none: the development chain.
    pub chain: Option<PathBuf>,
    /// Where the ledger is; none with `--dev`: a folder that is deleted at the end.
    pub datadir: Option<PathBuf>,
    /// The development chain with its well-known accounts.
    pub dev: Dev,
    /// JSON-RPC over HTTP.
    pub http: Http,
    /// JSON-RPC over WebSocket.
    pub ws: Listen,
    /// The web page.
    pub web: Web,
    /// Prometheus metrics on an address of their own; they are on the web port too.
    pub metrics: Metrics,
    /// Encryption of the servers.
    pub tls: Tls,
    /// Who may call.
    pub access: Access,
    /// Limits of JSON-RPC.
    pub rpc: Rpc,
    /// Other nodes.
    pub network: Network,
    /// The transaction pool.
    pub txpool: TxPool,
    /// The ledger.
    pub ledger: LedgerConfig,
    /// Logs.
    pub log: Log,
}

/// Settings of the development chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dev {
    /// Run it.
    pub enabled: bool,
    /// Time between blocks, as `1s` or `250ms`; none: seal as soon as a transaction waits.
    pub block_time: Option<String>,
    /// Let JSON-RPC make this node misbehave (`hanse_setFault`), in a development network.
    pub faults: bool,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listen {
    /// Off: the port is not opened.
    pub enabled: bool,
    /// Address.
    pub addr: IpAddr,
    /// TCP port; 0 picks a free one.
    pub port: u16,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Http {
    /// Off: the port is not opened.
    pub enabled: bool,
    /// Address.
    pub addr: IpAddr,
    /// TCP port; 0 picks a free one.
    pub port: u16,
    /// Origins that browsers may call from, for HTTP, WebSocket and web; `*` is any.
    pub corsdomain: Vec<String>,
    /// Host names that requests may be addressed to, besides IP addresses; `*` is any.
    pub vhosts: Vec<String>,
}

/// The web server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Web {
    /// None: on for Hanse chains, off for imported foreign ones.
    pub enabled: Option<bool>,
    /// Address.
    pub addr: IpAddr,
    /// TCP port; 0 picks a free one.
    pub port: u16,
}

/// The metrics server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metrics {
    /// Address and port; none: only on the web port.
    pub listen: Option<SocketAddr>,
}

/// Limits of JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rpc {
    /// MiB of a request.
    pub max_request_size: usize,
    /// MiB of an answer.
    pub max_response_size: usize,
    /// Calls of a batch.
    pub max_batch: usize,
    /// Open connections.
    pub max_connections: usize,
    /// Blocks that one `eth_getLogs` may span.
    pub max_blocks_per_filter: u64,
    /// Logs that one `eth_getLogs` may find.
    pub max_logs: usize,
    /// Gas that one call may spend.
    pub gascap: u64,
    /// Seconds that one call may take.
    pub timeout: u64,
    /// Offer `testing_*`; none: only in development and on imported foreign chains.
    pub testing: Option<bool>,
}

/// Other nodes, and what this one may do among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// Where peers may connect; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Peers to be connected to, as `<key>@<host>:<port>`.
    pub peers: Vec<String>,
    /// Keys of further peers that may connect; those in `peers` always may.
    pub allow: Vec<String>,
    /// Let every node of this chain connect: for development only.
    pub open: bool,
    /// File of this node's network key; none: `node.key` in the ledger's folder, made if it is missing.
    pub key: Option<PathBuf>,
    /// File of the certificate of this node's key (PEM); none: `node.pem` beside the key.
    pub certificate: Option<PathBuf>,
    /// File of the key to vote with; none: `validator.key` in the ledger's folder if it is there.
    pub validator_key: Option<PathBuf>,
    /// Take the validator's seat back by itself when it was lost for absence; never one lost for anything else.
    pub rejoin: bool,
    /// Account to mine for under proof of work; none: this node does not mine.
    pub miner: Option<Address>,
    /// Threads that mine.
    pub miner_threads: usize,
    /// The nodes of a network on one machine, for its web page.
    pub nodes: Vec<NodeInfo>,
}

/// Limits of the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TxPool {
    /// Transactions in the pool.
    pub max_count: usize,
    /// MiB of encoded transactions in the pool.
    pub max_size: usize,
    /// Transactions of one sender.
    pub max_account_slots: usize,
    /// Seconds after which a transaction that cannot run yet is dropped.
    pub lifetime: u64,
    /// Percent by which a replacement must raise both fees.
    pub pricebump: u64,
    /// Least priority fee, in wei.
    pub min_priority_fee: u128,
}

/// The ledger: its memory, in MiB, and what it keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LedgerConfig {
    /// Trie nodes.
    pub trie_memory: usize,
    /// Accounts and slots.
    pub state_memory: usize,
    /// Blocks and receipts.
    pub block_memory: usize,
    /// The key-value store's own cache.
    pub store_memory: u64,
    /// What is kept: `rules` (all that the network's rules do not let go), `archive` (all), or a number of
    /// days as `90d`.
    pub history: History,
    /// Seconds between two looks at what may go.
    pub history_check: u64,
}

/// How the node speaks to its operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// Which lines are written, as for `RUST_LOG`.
    pub filter: String,
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Default for Http {
    fn default() -> Self {
        let vhosts = vec!["localhost".to_owned()];
        Self { enabled: true, addr: LOCALHOST, port: 8545, corsdomain: Vec::new(), vhosts }
    }
}

/// The WebSocket server's.
impl Default for Listen {
    fn default() -> Self {
        Self { enabled: true, addr: LOCALHOST, port: 8546 }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self { enabled: None, addr: LOCALHOST, port: 8080 }
    }
}

impl Default for Rpc {
    fn default() -> Self {
        let limits = RpcLimits::default();
        Self {
            max_request_size: limits.request_bytes_max / MIB,
            max_response_size: limits.response_bytes_max / MIB,
            max_batch: limits.batch_calls_max,
            max_connections: limits.connections_max,
            max_blocks_per_filter: limits.log_blocks_max,
            max_logs: limits.logs_max,
            gascap: hanse_execution::limits::CALL_GAS_MAX,
            timeout: limits.request_time_max.as_secs(),
            testing: None,
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(LOCALHOST, 30303),
            peers: Vec::new(),
            allow: Vec::new(),
            open: false,
            key: None,
            certificate: None,
            validator_key: None,
            rejoin: true,
            miner: None,
            miner_threads: 1,
            nodes: Vec::new(),
        }
    }
}

impl Default for TxPool {
    fn default() -> Self {
        let settings = PoolSettings::default();
        Self {
            max_count: settings.transactions_max,
            max_size: settings.bytes_max / MIB,
            max_account_slots: settings.sender_transactions_max,
            lifetime: settings.queued_seconds_max,
            pricebump: settings.replacement_percent_min,
            min_priority_fee: settings.priority_fee_min,
        }
    }
}

impl Default for LedgerConfig {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            trie_memory: settings.trie_bytes_max / MIB,
            state_memory: settings.state_bytes_max / MIB,
            block_memory: settings.block_bytes_max / MIB,
            store_memory: settings.store_cache_bytes / MIB as u64,
            history: History::default(),
            history_check: 3_600,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info,fjall=warn,lsm_tree=warn,arc_malachitebft=warn".to_owned(),
        }
    }
}

const MIB: usize = 1024 * 1024;

impl Config {
    /// Defaults, overridden by a TOML file if one is named.
    ///
    /// # Errors
    /// With the line and the reason when the file cannot be read or has an unknown key.
    pub fn load(file: Option<&Path>) -> Result<Self, NodeError> {
        let Some(path) = file else { return Ok(Self::default()) };
        let size = std::fs::metadata(path).map_err(|e| NodeError::file("read", path, e))?.len();
        if size > FILE_BYTES_MAX {
            let why = format!("{} has {size} bytes; a configuration has less", path.display());
            return Err(NodeError::Config(why));
        }
        let text = std::fs::read_to_string(path).map_err(|e| NodeError::file("read", path, e))?;
        Self::parse(&text)
            .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))
    }

    /// Reads the text of a configuration file; what it does not say stays at its default.
    ///
    /// # Errors
    /// With the line and the reason when it is no TOML or has an unknown key.
    pub fn parse(text: &str) -> Result<Self, NodeError> {
        toml::from_str(text).map_err(|error| NodeError::Config(error.to_string()))
    }

    /// Milliseconds between blocks of the development chain; 0 seals on demand.
    ///
    /// # Errors
    /// When the text is no duration, or is under a millisecond or over a day.
    pub fn dev_block_time_ms(&self) -> Result<u64, NodeError> {
        let Some(text) = &self.dev.block_time else { return Ok(0) };
        let refuse = |why: &str| {
            NodeError::Config(format!("dev.block-time '{text}' {why}; write 1s or 250ms"))
        };
        // A bare number is seconds, as anvil's --block-time takes it.
        let time = match text.parse::<f64>() {
            Ok(seconds) => {
                Duration::try_from_secs_f64(seconds).map_err(|_| refuse("is no time"))?
            }
            Err(_) => humantime::parse_duration(text).map_err(|_| refuse("is no duration"))?,
        };
        let millis = u64::try_from(time.as_millis()).map_err(|_| refuse("is too long"))?;
        match millis {
            0 => Err(refuse("is under a millisecond")),
            1..=86_400_000 => Ok(millis),
            _ => Err(refuse("is over a day")),
        }
    }

    pub(crate) fn rpc_limits(&self) -> RpcLimits {
        RpcLimits {
            request_bytes_max: self.rpc.max_request_size.saturating_mul(MIB),
            response_bytes_max: self.rpc.max_response_size.saturating_mul(MIB),
            batch_calls_max: self.rpc.max_batch,
            connections_max: self.rpc.max_connections,
            log_blocks_max: self.rpc.max_blocks_per_filter,
            logs_max: self.rpc.max_logs,
            request_time_max: Duration::from_secs(self.rpc.timeout),
            ..RpcLimits::default()
        }
    }

    pub(crate) fn pool_settings(&self) -> PoolSettings {
        PoolSettings {
            transactions_max: self.txpool.max_count,
            bytes_max: self.txpool.max_size.saturating_mul(MIB),
            sender_transactions_max: self.txpool.max_account_slots,
            queued_seconds_max: self.txpool.lifetime,
            replacement_percent_min: self.txpool.pricebump,
            priority_fee_min: self.txpool.min_priority_fee,
            ..PoolSettings::default()
        }
    }

    pub(crate) fn ledger_settings(&self) -> Settings {
        Settings {
            trie_bytes_max: self.ledger.trie_memory.saturating_mul(MIB),
            state_bytes_max: self.ledger.state_memory.saturating_mul(MIB),
            block_bytes_max: self.ledger.block_memory.saturating_mul(MIB),
            store_cache_bytes: self.ledger.store_memory.saturating_mul(MIB as u64),
            ..Settings::default()
        }
    }
}
