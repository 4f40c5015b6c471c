//! `hanse init`

use super::{quiet_logs, say};
use crate::{
    Config, NodeError, chain_spec,
    member::{Existing, Folder, Keys, Settings, absolute},
    peers::peer_key,
    rooms::Rooms,
};
use alloy_primitives::Address;
use hanse_consensus::Chain;
use hanse_network::PeerAddress;
use hanse_primitives::{BaseFee, Engine, Height, ValidatorSet};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Makes what a member of a network needs in a folder of its own: keys, and, once there is a genesis,
/// configuration and ledger. Keys that are there are never written again.
///
/// With --datadir instead of --directory: only the ledger, for a node that you configure yourself.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["directory", "datadir"]))]
pub(super) struct Args {
    /// Folder of the member; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Folder of a ledger; nothing else is made.
    #[arg(long, value_name = "DIR", env = "HANSE_DATADIR", requires = "chain")]
    datadir: Option<PathBuf>,
    /// Genesis file of the chain (geth's format). Without it only keys are made, which the genesis of
    /// a new network needs.
    #[arg(long, value_name = "FILE", env = "HANSE_CHAIN")]
    chain: Option<PathBuf>,
    #[command(flatten)]
    member: MemberArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Member")]
struct MemberArgs {
    /// Name, for people [default: that of the folder].
    #[arg(long, conflicts_with = "datadir", value_name = "NAME")]
    name: Option<String>,
    /// Where this node's peers connect.
    #[arg(
        long,
        conflicts_with = "datadir",
        value_name = "IP:PORT",
        default_value = "0.0.0.0:30303"
    )]
    listen: SocketAddr,
    /// What the others are to dial, as `node.example:30303`.
    #[arg(long, conflicts_with = "datadir", value_name = "HOST:PORT")]
    address: Option<String>,
    /// The other members, comma-separated, each `<key>@<host>:<port>`.
    #[arg(long, conflicts_with = "datadir", value_name = "PEERS", value_delimiter = ',')]
    peers: Vec<String>,
    /// Keys of further nodes that may connect, comma-separated.
    #[arg(long, conflicts_with = "datadir", value_name = "KEYS", value_delimiter = ',')]
    allow: Vec<String>,
    /// Make no key to vote or mine with: this node follows.
    #[arg(long, conflicts_with = "datadir")]
    follow: bool,
    /// Write a configuration file anew that says something else.
    #[arg(long, conflicts_with = "datadir")]
    overwrite: bool,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let chain = args.chain.as_deref();
    match (&args.directory, &args.datadir, chain) {
        (Some(directory), _, chain) => args.member.make(directory, chain),
        (None, Some(data), Some(chain)) => {
            let made = ledger(chain, data)?;
            say(&format!("{made} is in {}", data.display()));
            Ok(())
        }
        (None, _, _) => {
            Err(NodeError::Config("give --directory, or --datadir and --chain".to_owned()))
        }
    }
}

/// What is in a ledger that has been made, or was there.
struct Made {
    chain_id: u64,
    genesis: alloy_primitives::B256,
    head: Height,
    engine: Option<Engine>,
    /// Who decides the next block.
    validators: ValidatorSet,
}

impl std::fmt::Display for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chain {} with genesis {}, head {},", self.chain_id, self.genesis, self.head)
    }
}

/// Makes the ledger of a chain; harmless when it is there already with the same genesis.
fn ledger(chain: &Path, data: &Path) -> Result<Made, NodeError> {
    let config = Config {
        chain: Some(chain.to_owned()),
        datadir: Some(data.to_owned()),
        ..Config::default()
    };
    let rooms = Rooms::open(chain_spec(&config, BaseFee::Eip1559)?, data, &config)?;
    rooms.ledger.checkpoint()?;
    let next = rooms.ledger.head().height.next();
    let tenure = rooms.chain().tenure()?;
    Ok(Made {
        chain_id: rooms.spec.chain_id(),
        genesis: rooms.spec.genesis_reference().hash,
        head: rooms.ledger.head().height,
        validators: rooms.chain().validators_at(next)?,
        engine: tenure.map(|tenure| tenure.engine),
    })
}

impl MemberArgs {
    fn make(&self, directory: &Path, chain: Option<&Path>) -> Result<(), NodeError> {
        let peers = self.peers.iter().map(|peer| peer.parse::<PeerAddress>());
        let peers = peers.collect::<Result<Vec<_>, _>>()?;
        let allow = self.allow.iter().map(|key| peer_key(key)).collect::<Result<Vec<_>, _>>()?;
        let folder = Folder::create(directory)?;
        let keys = folder.keys(!self.follow)?;
        self.introduce(&folder, &keys)?;
        let Some(chain) = chain else {
            say("Run this again with --chain and --peers when there is a genesis.");
            return Ok(());
        };
        let made = ledger(chain, &folder.data())?;
        let mines = matches!(made.engine, Some(Engine::Pow(_)));
        let settings = Settings {
            nodes: Vec::new(),
            name: self.name(&folder),
            chain: absolute(chain)?,
            listen: self.listen,
            // Whoever sends a list around may send everybody the same.
            peers: peers.into_iter().filter(|peer| peer.id != keys.peer).collect(),
            allow: allow.into_iter().filter(|key| *key != keys.peer).collect(),
            miner: keys.validator.filter(|_| mines),
            http_port: 8545,
            ws_port: 8546,
            web_port: 8080,
        };
        let existing = if self.overwrite { Existing::Overwrite } else { Existing::Keep };
        folder.save(&settings, existing)?;
        say(&format!("\n{made} is in {}", folder.data().display()));
        say(&role(&made, keys.validator));
        if settings.peers.is_empty() && settings.allow.is_empty() {
            say("No peers are given: add them to the [network] of the configuration file.");
        }
        say(&format!("Start the node: hanse node --config {}", folder.settings().display()));
        Ok(())
    }

    fn name(&self, folder: &Folder) -> String {
        let last = folder.path().file_name().map(|name| name.to_string_lossy().into_owned());
        self.name.clone().or(last).unwrap_or_else(|| "member".to_owned())
    }

    /// Says what the others need to know.
    fn introduce(&self, folder: &Folder, keys: &Keys) -> Result<(), NodeError> {
        let address = match &self.address {
            None => format!("{}@HOST:{}", keys.peer, self.listen.port()),
            Some(at) => format!("{}@{at}", keys.peer).parse::<PeerAddress>()?.to_string(),
        };
        say(&format!(
            "Files are in {}; its *.key files are secret and stay.",
            folder.path().display()
        ));
        say(&format!("\nSend the others:\n  peer       {address}"));
        if let Some(account) = keys.validator {
            say(&format!("  validator  {}={account}", self.name(folder)));
        }
        Ok(())
    }
}

/// What this member may do on this chain as it stands.
fn role(made: &Made, account: Option<Address>) -> String {
    let seat = account.and_then(|account| made.validators.get(&account));
    match (&made.engine, account) {
        (Some(Engine::Pow(_)), Some(account)) => format!("This node mines for {account}."),
        (Some(Engine::Solo { .. }), _) => {
            "One node alone seals the blocks of this chain; it has no peers.".to_owned()
        }
        (Some(_), Some(account)) => match seat {
            Some(_) => format!(
                "This node votes as {account}, one of {} validators.",
                made.validators.as_slice().len()
            ),
            None => format!(
                "{account} is no validator of this chain (yet): this node follows until it is."
            ),
        },
        _ => "This node follows.".to_owned(),
    }
}
