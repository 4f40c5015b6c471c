//! What a member of a network has in a folder of its own: keys, settings, ledger. `hanse init` makes one
//! such folder, `hanse localnet` one for each of several members.

use crate::{NodeError, peers::node_key, validator::ValidatorKey};
use alloy_primitives::Address;
use hanse_network::PeerAddress;
use hanse_primitives::PeerId;
use hanse_rpc::NodeInfo;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The folder of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

/// What others know a member by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Public key of its node.
    pub(crate) peer: PeerId,
    /// The account that votes for it; a member that only follows has none.
    pub(crate) validator: Option<Address>,
}

/// What is to be in a member's configuration file; all else is as `hanse node` has it by default.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// For people.
    pub(crate) name: String,
    /// The genesis file.
    pub(crate) chain: PathBuf,
    /// Where peers may connect.
    pub(crate) listen: SocketAddr,
    /// The others, and where they listen.
    pub(crate) peers: Vec<PeerAddress>,
    /// Further nodes that may connect.
    pub(crate) allow: Vec<PeerId>,
    /// Whom to mine for, under proof of work.
    pub(crate) miner: Option<Address>,
    pub(crate) http_port: u16,
    pub(crate) ws_port: u16,
    pub(crate) web_port: u16,
    /// All nodes of a development network on one machine: their pages show each other, and may make
    /// them misbehave. Empty for a member of a real network.
    pub(crate) nodes: Vec<NodeInfo>,
}

/// What becomes of a configuration file that says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is the operator's: fail.
    Keep,
    /// Write it anew.
    Overwrite,
}

impl Folder {
    /// The folder with this path, made if it is missing.
    pub(crate) fn create(path: &Path) -> Result<Self, NodeError> {
        let path = absolute(path)?;
        fs::create_dir_all(&path).map_err(|e| NodeError::file("create", &path, e))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The configuration file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Where the ledger is.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// What the node prints, when somebody else starts it.
    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("node.log")
    }

    /// The folder of its organization, with the authority.
    pub(crate) fn organization(&self) -> PathBuf {
        self.0.join("org")
    }

    /// The certificate of its node.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.join("node.pem")
    }

    fn node_key(&self) -> PathBuf {
        self.0.join("node.key")
    }

    fn validator_key(&self) -> PathBuf {
        self.0.join("validator.key")
    }

    /// Reads the keys and makes those that are missing; what is there is never written again. A member
    /// that does not vote gets no key to vote with.
    pub(crate) fn keys(&self, votes: bool) -> Result<Keys, NodeError> {
        let peer = node_key(&self.node_key())?.id();
        let path = self.validator_key();
        if votes && !path.exists() {
            ValidatorKey::generate().save(&path)?;
        }
        let key = path.exists().then(|| ValidatorKey::load(&path)).transpose()?;
        Ok(Keys { peer, validator: key.map(|key| key.account()) })
    }

    /// Writes the configuration file.
    ///
    /// # Errors
    /// When it is there already, says something else, and is to be kept.
    pub(crate) fn save(&self, settings: &Settings, existing: Existing) -> Result<(), NodeError> {
        let (path, text) = (self.settings(), self.text(settings));
        match fs::read_to_string(&path) {
            Ok(found) if found == text => return Ok(()),
            Ok(_) if existing == Existing::Keep => {
                return Err(NodeError::Input(format!(
                    "{} is there already and says something else; edit it by hand, or give \
                     --overwrite to have it written anew",
                    path.display()
                )));
            }
            _ => {}
        }
        fs::write(&path, text).map_err(|e| NodeError::file("write", &path, e))
    }

    fn text(&self, settings: &Settings) -> String {
        let text = |text: &str| toml::Value::from(text).to_string();
        let file = |path: &Path| text(&path.to_string_lossy());
        let list = |name: &str, entries: Vec<String>| {
            if entries.is_empty() {
                return format!("{name} = []\n");
            }
            let lines: String =
                entries.iter().map(|entry| format!("  {},\n", text(entry))).collect();
            format!("{name} = [\n{lines}]\n")
        };
        let peers = settings.peers.iter().map(ToString::to_string).collect();
        let allow = settings.allow.iter().map(|key| alloy_primitives::hex::encode(key.0)).collect();
        let miner =
            settings.miner.map_or_else(String::new, |account| format!("miner = \"{account}\"\n"));
        let validator = match self.validator_key() {
            path if path.exists() => format!("validator-key = {}\n", file(&path)),
            _ => String::new(),
        };
        let (together, nodes) = side_by_side(&settings.nodes);
        format!(
            "# The node of {name}.\nchain = {chain}\ndatadir = {data}\n\n[http]\nport = {http}\n{together}\n\
             [ws]\nport = {ws}\n\n[web]\nenabled = true\nport = {web}\n\n[network]\n\
             listen = \"{listen}\"\nkey = {key}\n{validator}{miner}\
             # Nodes to be connected to.\n{peers}# Keys of further nodes that may connect.\n{allow}{nodes}",
            name = settings.name.escape_debug(),
            chain = file(&settings.chain),
            data = file(&self.data()),
            http = settings.http_port,
            ws = settings.ws_port,
            web = settings.web_port,
            listen = settings.listen,
            key = file(&self.node_key()),
            peers = list("peers", peers),
            allow = list("allow", allow),
        )
    }
}

/// What the configuration of a node says of those that run on the same machine: who may call it from a
/// browser and that it may be made to misbehave, and where they all are.
fn side_by_side(nodes: &[NodeInfo]) -> (String, String) {
    if nodes.is_empty() {
        return (String::new(), String::new());
    }
    let text = |text: &str| toml::Value::from(text).to_string();
    let origins: Vec<String> = nodes.iter().map(|node| text(&node.web)).collect();
    let node = |node: &NodeInfo| {
        format!(
            "\n[[network.nodes]]\nname = {}\nvalidator = \"{}\"\nrpc = {}\nweb = {}\n",
            text(&node.name),
            node.validator,
            text(&node.rpc),
            text(&node.web)
        )
    };
    let together = format!("corsdomain = [{}]\n\n[dev]\nfaults = true\n", origins.join(", "));
    (together, nodes.iter().map(node).collect())
}

/// An absolute path, so that the files mean the same wherever they are read.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, NodeError> {
    std::path::absolute(path).map_err(|e| NodeError::file("find", path, e))
}

#[cfg(test)]
mod tests;
