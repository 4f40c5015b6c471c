//! A network on one machine: folders with keys and settings as real members have them, and a process for
//! each.

mod network;
mod organizations;

pub(crate) use network::Network;

use crate::{
    NodeError,
    development::{self, Absence, Consensus, Seat},
    member::{Existing, Folder, Settings},
    process::{Process, this_program},
};
use alloy_primitives::Address;
use hanse_network::PeerAddress;
use hanse_primitives::{BaseFee, WorkSettings, limits::VALIDATORS_MAX};
use hanse_rpc::NodeInfo;
use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
};

/// Names of the first members.
const NAMES: [&str; 4] = ["brand", "retailer", "carrier", "bank"];

/// Nodes of a network on one machine.
pub(crate) const NODES_MAX: u16 = 16;

const _: () = assert!(NODES_MAX as usize <= VALIDATORS_MAX);

/// Stake of a member whose weight is not given, in ether.
pub(crate) const STAKE: u64 = 10;

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
    /// The address of each member, for its peers; none: all are on this machine's own.
    pub(crate) hosts: Vec<IpAddr>,
    /// When absence costs the seat.
    pub(crate) absence: Absence,
    /// Milliseconds between blocks, at least.
    pub(crate) block_time_ms: u64,
    /// For members only: strangers may not send transactions.
    pub(crate) closed: bool,
    /// The first of the ports for JSON-RPC over HTTP; the next member is `stride` further. 0: any that are free.
    pub(crate) http_port: u16,
    pub(crate) ws_port: u16,
    pub(crate) web_port: u16,
    pub(crate) network_port: u16,
    /// From a port of one member to that of the next.
    pub(crate) stride: u16,
}

/// A member of the network.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: Folder,
    pub(crate) account: Address,
    pub(crate) http: SocketAddr,
    pub(crate) ws: SocketAddr,
    pub(crate) web: SocketAddr,
    pub(crate) network: PeerAddress,
    /// Where peers may connect.
    pub(crate) listen: SocketAddr,
}

impl Choice {
    /// What genesis is to say of these members.
    pub(crate) fn consensus(
        self,
        seats: Vec<Seat>,
        absence: Absence,
        block_time_ms: u64,
    ) -> Consensus {
        match self {
            Self::Bft => Consensus::Bft { seats, absence, block_time_ms },
            Self::Pos => Consensus::Pos { seats, absence, block_time_ms },
            Self::Pow => Consensus::Pow(WorkSettings {
                block_time_ms: block_time_ms.max(1_000),
                half_life_seconds: 60,
                initial_difficulty: 500_000,
                ..WorkSettings::default()
            }),
        }
    }
}

impl Plan {
    /// Makes what is missing in the folder: keys, genesis, settings. A second call changes nothing.
    pub(crate) fn prepare(&self) -> Result<Vec<Member>, NodeError> {
        self.check()?;
        let members: Vec<Member> =
            (0..self.nodes).map(|index| self.member(index)).collect::<Result<_, _>>()?;
        let genesis = self.genesis();
        let charter = organizations::charter(&members, !self.closed)?;
        if !genesis.exists() {
            let seats = self.seats(&members);
            let consensus = self.choice.consensus(seats, self.absence, self.block_time_ms);
            let content = development::market(&consensus, BaseFee::Fixed(0), Some(&charter))?;
            let json = serde_json::to_vec_pretty(&content).expect("a genesis is plain data");
            fs::write(&genesis, json).map_err(|e| NodeError::file("write", &genesis, e))?;
        }
        let nodes: Vec<NodeInfo> = members.iter().map(Member::info).collect();
        for member in &members {
            let others = members.iter().filter(|other| other.name != member.name);
            let settings = Settings {
                name: member.name.clone(),
                chain: genesis.clone(),
                listen: member.listen,
                peers: others.map(|other| other.network.clone()).collect(),
                allow: Vec::new(),
                miner: (self.choice == Choice::Pow).then_some(member.account),
                http_port: member.http.port(),
                ws_port: member.ws.port(),
                web_port: member.web.port(),
                nodes: nodes.clone(),
            };
            member.folder.save(&settings, Existing::Overwrite)?;
        }
        Ok(members)
    }

    fn genesis(&self) -> PathBuf {
        self.directory.join("genesis.json")
    }

    fn check(&self) -> Result<(), NodeError> {
        let one_each = |count: usize, what: &str| match count {
            0 => Ok(()),
            _ if count == usize::from(self.nodes) => Ok(()),
            _ => Err(NodeError::Config(format!(
                "{count} {what} for {} members; give one each",
                self.nodes
            ))),
        };
        one_each(self.stakes.len(), "stakes")?;
        one_each(self.hosts.len(), "hosts")
    }

    fn member(&self, index: u16) -> Result<Member, NodeError> {
        let name = NAMES.get(usize::from(index));
        let name = name.map_or_else(|| format!("member-{}", index + 1), |name| (*name).to_owned());
        let folder = Folder::create(&self.directory.join(&name))?;
        let keys = folder.keys(true)?;
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let place = |ip: IpAddr, first: u16| match first {
            0 => free(ip),
            _ => {
                let port = index.checked_mul(self.stride).and_then(|by| first.checked_add(by));
                let port =
                    port.ok_or_else(|| NodeError::Config(format!("port {first} is too high")))?;
                Ok(SocketAddr::from((ip, port)))
            }
        };
        let host = self.hosts.get(usize::from(index)).copied().unwrap_or(local);
        let listen = place(host, self.network_port)?;
        Ok(Member {
            account: keys.validator.expect("every member of such a network has a key to vote with"),
            http: place(local, self.http_port)?,
            ws: place(local, self.ws_port)?,
            web: place(local, self.web_port)?,
            network: PeerAddress::new(keys.peer, listen),
            listen,
            name,
            folder,
        })
    }

    fn seats(&self, members: &[Member]) -> Vec<Seat> {
        let stakes = self.stakes.iter().copied().chain(std::iter::repeat(STAKE));
        let seats = members.iter().zip(stakes).map(|(member, stake)| Seat {
            account: member.account,
            name: member.name.clone(),
            stake,
        });
        seats.collect()
    }
}

/// A port that nobody has at the moment.
fn free(ip: IpAddr) -> Result<SocketAddr, NodeError> {
    let drawn = TcpListener::bind((ip, 0)).and_then(|listener| listener.local_addr());
    drawn.map_err(|e| NodeError::io("cannot find a free port", e))
}

impl Member {
    /// What the pages of the others say of it.
    fn info(&self) -> NodeInfo {
        NodeInfo {
            name: self.name.clone(),
            validator: self.account,
            rpc: format!("http://{}", self.http),
            web: format!("http://localhost:{}", self.web.port()),
        }
    }

    /// Starts this member's node as a process of its own; its log is in its folder.
    pub(crate) fn start(&self) -> Result<Process, NodeError> {
        let mut command = this_program()?;
        command.arg("node").arg("--config").arg(self.folder.settings());
        Process::start(command, &self.folder.log())
    }
}

#[cfg(test)]
mod tests;
