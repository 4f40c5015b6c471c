//! A network on one machine: folders with keys and settings as real members have them, and a process for
//! each.

use crate::{
    NodeError,
    development::{self, Consensus, Seat},
    peers::node_key,
    process::Process,
    validator::ValidatorKey,
};
use alloy_primitives::Address;
use hanse_network::PeerAddress;
use hanse_primitives::{BaseFee, WorkSettings, limits::VALIDATORS_MAX};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

/// Names of the first members.
const NAMES: [&str; 4] = ["brand", "retailer", "carrier", "bank"];

/// Nodes of a network on one machine.
pub(crate) const NODES_MAX: u16 = 16;

const _: () = assert!(NODES_MAX as usize <= VALIDATORS_MAX);

/// Stake of a member whose weight is not given, in ether.
const STAKE: u64 = 10;

/// How blocks come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choice {
    /// Equal validators vote.
    Bft,
    /// Validators vote by stake.
    Pos,
    /// Miners compete.
    Pow,
}

/// What a network is to be like.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) directory: PathBuf,
    pub(crate) nodes: u16,
    pub(crate) choice: Choice,
    /// Ether of stake of each member, under proof of stake.
    pub(crate) stakes: Vec<u64>,
    /// Milliseconds between blocks, at least.
    pub(crate) block_time_ms: u64,
    /// The first of the ports for JSON-RPC over HTTP; each member has the next.
    pub(crate) http_port: u16,
    pub(crate) ws_port: u16,
    pub(crate) web_port: u16,
    pub(crate) network_port: u16,
}

/// A member of the network.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) account: Address,
    pub(crate) http: SocketAddr,
    pub(crate) ws: SocketAddr,
    pub(crate) web: SocketAddr,
    pub(crate) network: PeerAddress,
}

impl Plan {
    /// Makes what is missing in the folder: keys, genesis, settings. A second call changes nothing.
    pub(crate) fn prepare(&self) -> Result<Vec<Member>, NodeError> {
        let members: Vec<Member> =
            (0..self.nodes).map(|index| self.member(index)).collect::<Result<_, _>>()?;
        let genesis = self.directory.join("genesis.json");
        if !genesis.exists() {
            let content = development::market(&self.consensus(&members)?, BaseFee::Fixed(0))?;
            let json = serde_json::to_vec_pretty(&content).expect("a genesis is plain data");
            fs::write(&genesis, json).map_err(|e| NodeError::file("write", &genesis, e))?;
        }
        for member in &members {
            let path = member.directory.join("config.toml");
            let text = self.settings(member, &members);
            fs::write(&path, text).map_err(|e| NodeError::file("write", &path, e))?;
        }
        Ok(members)
    }

    fn member(&self, index: u16) -> Result<Member, NodeError> {
        let name = NAMES.get(usize::from(index));
        let name = name.map_or_else(|| format!("member-{}", index + 1), |name| (*name).to_owned());
        let directory = self.directory.join(&name);
        fs::create_dir_all(&directory).map_err(|e| NodeError::file("create", &directory, e))?;
        let key = node_key(&directory.join("node.key"))?;
        let path = directory.join("validator.key");
        if !path.exists() {
            ValidatorKey::generate().save(&path)?;
        }
        let port = |first: u16| {
            let port = first.checked_add(index);
            let port =
                port.ok_or_else(|| NodeError::Config(format!("port {first} is too high")))?;
            Ok::<_, NodeError>(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        Ok(Member {
            account: ValidatorKey::load(&path)?.account(),
            http: port(self.http_port)?,
            ws: port(self.ws_port)?,
            web: port(self.web_port)?,
            network: PeerAddress::new(key.id(), port(self.network_port)?),
            name,
            directory,
        })
    }

    fn consensus(&self, members: &[Member]) -> Result<Consensus, NodeError> {
        if !self.stakes.is_empty() && self.stakes.len() != members.len() {
            return Err(NodeError::Config(format!(
                "{} stakes for {} members; give one each",
                self.stakes.len(),
                members.len()
            )));
        }
        let stakes = self.stakes.iter().copied().chain(std::iter::repeat(STAKE));
        let seats = members.iter().zip(stakes).map(|(member, stake)| Seat {
            account: member.account,
            name: member.name.clone(),
            stake,
        });
        let (seats, block_time_ms) = (seats.collect(), self.block_time_ms);
        Ok(match self.choice {
            Choice::Bft => Consensus::Bft { seats, block_time_ms },
            Choice::Pos => Consensus::Pos { seats, block_time_ms },
            Choice::Pow => Consensus::Pow(WorkSettings {
                block_time_ms: block_time_ms.max(1_000),
                half_life_seconds: 60,
                initial_difficulty: 500_000,
                ..WorkSettings::default()
            }),
        })
    }

    /// The configuration file of a member.
    fn settings(&self, member: &Member, members: &[Member]) -> String {
        let others = members.iter().filter(|other| other.name != member.name);
        let peers: Vec<String> =
            others.map(|other| format!("  \"{}\",\n", other.network)).collect();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, member.network.port));
        let miner = match self.choice {
            Choice::Pow => format!("miner = \"{}\"\n", member.account),
            Choice::Bft | Choice::Pos => String::new(),
        };
        let key = member.directory.join("node.key");
        let validator = member.directory.join("validator.key");
        format!(
            "# The node of {}.\nchain = {:?}\ndatadir = {:?}\n\n[http]\nport = {}\n\n\
             [ws]\nport = {}\n\n[web]\nenabled = true\nport = {}\n\n[network]\n\
             listen = \"{listen}\"\nkey = {key:?}\nvalidator-key = {validator:?}\n{miner}\
             peers = [\n{}]\n",
            member.name,
            self.directory.join("genesis.json"),
            member.directory.join("data"),
            member.http.port(),
            member.ws.port(),
            member.web.port(),
            peers.concat(),
        )
    }
}

impl Member {
    /// Starts this member's node as a process of its own; its log is in its folder.
    pub(crate) fn start(&self) -> Result<Process, NodeError> {
        let program = std::env::current_exe()
            .map_err(|e| NodeError::io("cannot find this program's own file", e))?;
        let mut command = Command::new(program);
        command.arg("node").arg("--config").arg(self.config());
        for (name, _) in std::env::vars_os() {
            // The operator's settings are for another node.
            if name.to_string_lossy().starts_with("HANSE_") {
                command.env_remove(name);
            }
        }
        Process::start(command, &self.directory.join("node.log"))
    }

    fn config(&self) -> PathBuf {
        self.directory.join("config.toml")
    }
}

/// An absolute path, so that the files mean the same wherever they are read.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, NodeError> {
    std::path::absolute(path).map_err(|e| NodeError::file("find", path, e))
}
