//! The node that is measured: this program, a peer, or one that runs already.

use super::usage::{self, Usage, Watched};
use crate::{
    NodeError,
    client::{Client, Endpoint},
    development::{self, Charter, Consensus, DevelopmentWallet},
    localnet::{self, Choice, Network},
    metrics::{NETWORK_BYTES, SYNC_MICROS},
    process::{Process, this_program},
};
use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use clap::ValueEnum;
use hanse_primitives::BaseFee;
use serde_json::json;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Longest time that a node may take to answer after its start.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// Time between looks at whether it does.
const POLL: Duration = Duration::from_millis(20);

/// What this program's node is called in the table.
const NAME: &str = "hanse";

/// How this program is started.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    /// Milliseconds between blocks; 0 seals on demand.
    pub(crate) block_time_ms: u64,
    /// Nodes that decide the blocks; 1 seals alone.
    pub(crate) validators: u16,
    /// How several decide.
    pub(crate) choice: Choice,
    /// Let a contract of members and policies say what senders may do, on a node that seals alone.
    pub(crate) members: bool,
}

/// Another node to compare with.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The command that starts it, `{port}` for the port.
    pub(crate) command: Vec<String>,
    pub(crate) funder: PrivateKeySigner,
}

/// A node that somebody else runs.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) endpoint: Endpoint,
    pub(crate) pid: Option<u32>,
    pub(crate) funder: PrivateKeySigner,
}

/// What runs for us.
#[derive(Debug)]
enum Run {
    /// Nothing: somebody else's.
    Nothing,
    One(Process),
    Network(Network),
}

/// A node that answers.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
    /// The account that has the money.
    pub(super) funder: PrivateKeySigner,
    running: Run,
    watched: Vec<Watched>,
    /// Pages with the metrics of this program's nodes; the first is that of the loaded one.
    metrics: Vec<Endpoint>,
    /// Where this program's node keeps its files; none for others.
    folder: Option<PathBuf>,
}

impl Own {
    /// Writes a genesis into `folder` and starts this program on it.
    pub(super) async fn start(&self, folder: &Path) -> Result<Host, NodeError> {
        if self.validators > 1 {
            return self.start_network(folder).await;
        }
        let consensus = Consensus::Solo { block_time_ms: self.block_time_ms };
        let charter = self.members.then(Charter::sole).transpose()?;
        let genesis = development::market(&consensus, BaseFee::Eip1559, charter.as_ref())?;
        let genesis = serde_json::to_vec(&genesis).expect("a genesis is plain data");
        let path = folder.join("genesis.json");
        std::fs::write(&path, genesis).map_err(|e| NodeError::file("write", &path, e))?;
        Host::own(folder).await
    }

    /// Several nodes on this machine, of which the first is loaded.
    async fn start_network(&self, folder: &Path) -> Result<Host, NodeError> {
        let plan = localnet::Plan {
            directory: folder.to_owned(),
            nodes: self.validators,
            choice: self.choice,
            stakes: Vec::new(),
            hosts: Vec::new(),
            absence: development::Absence::default(),
            block_time_ms: self.block_time_ms,
            closed: false,
            http_port: 0,
            ws_port: 0,
            web_port: 0,
            network_port: 0,
            stride: 1,
        };
        let mut network = Network::start(plan.prepare()?)?;
        network.ready().await?;
        let first = network.members.first().expect("a network has members");
        let name = self.choice.to_possible_value().expect("no engine is hidden");
        Ok(Host {
            name: format!("{NAME}, {} {}", self.validators, name.get_name()),
            endpoint: Endpoint::from(first.http),
            funder: DevelopmentWallet::new().keys()[development::BANK].clone(),
            watched: network.processes().map(Watched::Group).collect(),
            metrics: network.members.iter().map(|one| page(one.web, "metrics")).collect(),
            running: Run::Network(network),
            folder: None,
        })
    }
}

impl Peer {
    /// The name of its program, apart from ours.
    fn name(&self) -> String {
        let program = Path::new(&self.command[0]);
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
        if name == NAME { format!("{name} (peer)") } else { name.into_owned() }
    }

    pub(super) async fn start(&self, folder: &Path) -> Result<Host, NodeError> {
        let [address, _] = free_addresses()?;
        let port = address.port().to_string();
        let words: Vec<String> =
            self.command.iter().map(|word| word.replace("{port}", &port)).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder);
        let mut process = Process::start(command, &folder.join("peer.log"))?;
        let endpoint = Endpoint::from(address);
        wait(&mut process, &endpoint).await?;
        Ok(Host {
            name: self.name(),
            endpoint,
            funder: self.funder.clone(),
            watched: vec![Watched::Group(process.id())],
            running: Run::One(process),
            metrics: Vec::new(),
            folder: None,
        })
    }
}

impl Running {
    pub(super) async fn host(&self) -> Result<Host, NodeError> {
        let mut client = Client::new(self.endpoint.clone());
        let _: U256 = client.call("eth_chainId", &json!([])).await?;
        let name: String = client.call("web3_clientVersion", &json!([])).await?;
        let name = name.split('/').next().unwrap_or_default().to_owned();
        Ok(Host {
            name,
            endpoint: self.endpoint.clone(),
            funder: self.funder.clone(),
            running: Run::Nothing,
            watched: self.pid.map(Watched::One).into_iter().collect(),
            metrics: Vec::new(),
            folder: None,
        })
    }
}

impl Host {
    /// Starts this program's node on what is in `folder`.
    async fn own(folder: &Path) -> Result<Self, NodeError> {
        let [http, metrics] = free_addresses()?;
        let mut command = this_program()?;
        command.args(["node", "--log.filter", "warn", "--ws.disable", "--web.disable"]);
        command.arg("--chain").arg(folder.join("genesis.json"));
        command.arg("--datadir").arg(ledger(folder));
        command.args(["--http.addr", &http.ip().to_string()]);
        command.args(["--http.port", &http.port().to_string()]);
        command.args(["--metrics", &metrics.to_string()]);
        let mut process = Process::start(command, &folder.join("node.log"))?;
        let endpoint = Endpoint::from(http);
        wait(&mut process, &endpoint).await?;
        Ok(Self {
            name: NAME.to_owned(),
            endpoint,
            funder: DevelopmentWallet::new().keys()[development::BANK].clone(),
            watched: vec![Watched::Group(process.id())],
            running: Run::One(process),
            metrics: vec![page(metrics, "metrics")],
            folder: Some(folder.to_owned()),
        })
    }

    /// What the node's processes have used, when it is known which they are.
    pub(super) fn usage(&self) -> Result<Option<Usage>, NodeError> {
        let mut sum = None;
        for watched in &self.watched {
            let one = watched.usage()?;
            let sum: &mut Usage = sum.get_or_insert_default();
            sum.cpu_micros += one.cpu_micros;
            sum.peak_bytes += one.peak_bytes;
        }
        Ok(sum)
    }

    /// Microseconds that the node has waited for its disk, when it tells.
    pub(super) async fn sync_micros(&self) -> Result<Option<u64>, NodeError> {
        let Some(page) = self.metrics.first() else { return Ok(None) };
        let body = Client::new(page.clone()).get().await?;
        Ok(metric(&String::from_utf8_lossy(&body), &format!("{SYNC_MICROS}_sum")))
    }

    /// Bytes that all nodes of a network have sent to each other.
    pub(super) async fn wire_bytes(&self) -> Result<Option<u64>, NodeError> {
        if self.metrics.len() < 2 {
            return Ok(None);
        }
        let mut sum = 0;
        for page in &self.metrics {
            let body = Client::new(page.clone()).get().await?;
            let text = String::from_utf8_lossy(&body);
            let lines = text.lines().filter(|line| {
                line.starts_with(NETWORK_BYTES) && line.contains("direction=\"out\"")
            });
            let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
            sum += values.sum::<u64>();
        }
        Ok(Some(sum))
    }

    /// Whether one of the nodes can be away: a quorum votes without it.
    pub(super) fn can_spare_one(&self) -> bool {
        matches!(&self.running, Run::Network(network) if network.can_spare_one())
    }

    /// Stops the last node of a network.
    pub(super) async fn stop_last(&mut self) -> Result<(), NodeError> {
        match &mut self.running {
            Run::Network(network) => network.stop_last().await,
            Run::One(_) | Run::Nothing => Ok(()),
        }
    }

    /// Starts it again, and waits until it answers; returns where.
    pub(super) async fn start_last(&mut self) -> Result<Endpoint, NodeError> {
        let Run::Network(network) = &mut self.running else { return Ok(self.endpoint.clone()) };
        let (process, endpoint) = network.start_last()?;
        wait(process, &endpoint).await?;
        Ok(endpoint)
    }

    /// Whether the node can be stopped and started again on the same files.
    pub(super) const fn can_restart(&self) -> bool {
        self.folder.is_some()
    }

    /// Stops the node.
    pub(super) async fn stop(&mut self) -> Result<(), NodeError> {
        match std::mem::replace(&mut self.running, Run::Nothing) {
            Run::One(process) => process.stop().await,
            Run::Network(network) => network.stop().await,
            Run::Nothing => Ok(()),
        }
    }

    /// Stops the node and starts it again on its files; returns the bytes that they take then.
    pub(super) async fn restart(&mut self) -> Result<u64, NodeError> {
        self.stop().await?;
        let folder = self.folder.clone().expect("only asked of a node that can restart");
        *self = Self::own(&folder).await?;
        usage::disk_bytes(&ledger(&folder))
    }
}

fn ledger(folder: &Path) -> PathBuf {
    folder.join("ledger")
}

fn page(address: SocketAddr, name: &str) -> Endpoint {
    format!("http://{address}/{name}").parse().expect("an address makes a URL")
}

/// Two ports that nobody listened on a moment ago.
fn free_addresses() -> Result<[SocketAddr; 2], NodeError> {
    let failed = |e| NodeError::io("cannot find a free port", e);
    let open = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed);
    let listeners = [open()?, open()?]; // both at once, so that they differ
    let [first, second] = listeners.map(|listener| listener.local_addr().map_err(failed));
    Ok([first?, second?])
}

/// Waits until a node answers.
async fn wait(process: &mut Process, endpoint: &Endpoint) -> Result<(), NodeError> {
    let begun = Instant::now();
    loop {
        let mut client = Client::new(endpoint.clone());
        let answer: Result<U256, NodeError> = client.call("eth_chainId", &json!([])).await;
        process.check()?;
        match answer {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > START_TIME_MAX => return Err(error),
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// A value of a page of Prometheus metrics.
pub(super) fn metric(page: &str, name: &str) -> Option<u64> {
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    // Sums are printed as floating point; their whole part is what counts.
    value.split('.').next()?.parse().ok()
}
