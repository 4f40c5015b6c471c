//! Connects this node to the others of its chain.

use crate::{
    Config, NodeError,
    driver::{EventSender, Incoming, now_ms},
    engines::Role,
    gossip::Gossip,
    launch::client_version,
    roster::{Arrival, Arrivals, credential},
    validator::ValidatorKey,
};
use hanse_consensus::{Event, MinerSettings};
use hanse_network::{
    Admission, AllowList, Channel, Clock, Event as NetworkEvent, Hello, Network, NodeKey,
    PeerAddress, Settings,
};
use hanse_primitives::{ChainSpec, Engine, PeerId};
use std::{collections::BTreeSet, path::Path, sync::Arc};
use tokio::runtime::Handle;

/// What nodes must agree on besides their genesis; raised with every change of what they say to each
/// other.
const PROTOCOL: &str = "hanse/2";

/// True when more than one node takes part in the chain.
pub(crate) fn is_networked(spec: &ChainSpec) -> bool {
    spec.hanse().is_some_and(|hanse| {
        let changes = hanse.consensus_changes.iter().map(|change| &change.consensus);
        let mut engines = std::iter::once(&hanse.consensus).chain(changes);
        engines.any(|engine| !matches!(engine, Engine::Solo { .. }))
    })
}

/// What this node may do: read from the settings and the files in its folder.
pub(crate) fn role(config: &Config, directory: &Path, networked: bool) -> Result<Role, NodeError> {
    let default = directory.join("validator.key");
    let path = config.network.validator_key.clone();
    let path = path.or_else(|| (networked && default.exists()).then_some(default));
    let validator = path.map(|path| ValidatorKey::load(&path)).transpose()?;
    let miner = config
        .network
        .miner
        .map(|fee_recipient| MinerSettings { fee_recipient, empty_blocks: true });
    Ok(Role { directory: directory.to_owned(), validator, miner, treason: None })
}

/// The key of this node, made if there is none.
pub(crate) fn node_key(path: &Path) -> Result<NodeKey, NodeError> {
    if path.exists() {
        return Ok(NodeKey::load(path)?);
    }
    let key = NodeKey::generate()?;
    key.save(path)?;
    Ok(key)
}

/// Who is told of what peers do and say.
pub(crate) struct Listeners {
    pub(crate) engine: EventSender,
    pub(crate) gossip: Gossip,
    pub(crate) arrivals: Arrivals,
}

/// Opens the port, dials the peers, and hands on what they say.
pub(crate) fn connect(
    config: &Config,
    spec: &ChainSpec,
    directory: &Path,
    validator: Option<&ValidatorKey>,
    certificate: Option<Vec<u8>>,
    admission: Option<Arc<dyn Admission>>,
    listeners: Listeners,
) -> Result<Arc<Network>, NodeError> {
    let path = config.network.key.clone().unwrap_or_else(|| directory.join("node.key"));
    let key = node_key(&path)?;
    let peers = configured(config)?;
    let settings = Settings {
        listen: Some(config.network.listen),
        // Where there are members, what a peer shows decides; else the operator's list.
        allow: match admission {
            Some(_) => AllowList::Open,
            None => allowed(config, &peers)?,
        },
        admission,
        // A node that is told of itself by the others' list is no peer of itself.
        peers: peers.into_iter().filter(|peer| peer.id != key.id()).collect(),
        clock: Clock::new(now_ms),
        ..Settings::default()
    };
    let hello = Hello {
        chain_id: spec.chain_id(),
        genesis_hash: spec.genesis_reference().hash,
        engine: PROTOCOL.to_owned(),
        software: client_version(),
        credential: credential(validator, certificate, spec, key.id())?,
    };
    let Listeners { engine: events, gossip, arrivals } = listeners;
    let handler = move |event: NetworkEvent| {
        // Errors say that the node is stopping.
        let _ = match event {
            NetworkEvent::Connected(peer, hello) => {
                let _ = arrivals.send(Arrival { peer, credential: hello.credential });
                gossip.welcome(peer);
                events.send(Event::Connected(peer).into())
            }
            NetworkEvent::Disconnected(peer, _) => events.send(Event::Disconnected(peer).into()),
            NetworkEvent::Message(message) if message.channel == Channel::Transactions => {
                gossip.take(message);
                Ok(())
            }
            NetworkEvent::Message(message) => events.send(Incoming::Message(message)),
        };
    };
    let network = Network::start(&Handle::current(), settings, &key, hello, handler)?;
    tracing::info!(key = %network.id(), listen = ?network.local(), "open to peers");
    Ok(Arc::new(network))
}

/// Peers that the operator has written down.
fn configured(config: &Config) -> Result<Vec<PeerAddress>, NodeError> {
    let peers = config.network.peers.iter().map(|peer| peer.parse::<PeerAddress>());
    Ok(peers.collect::<Result<Vec<_>, _>>()?)
}

/// Keys of peers that the operator has written down.
pub(crate) fn trusted(config: &Config) -> Result<BTreeSet<PeerId>, NodeError> {
    match allowed(config, &configured(config)?)? {
        AllowList::Only(keys) => Ok(keys),
        AllowList::Open => Ok(BTreeSet::new()),
    }
}

fn allowed(config: &Config, peers: &[PeerAddress]) -> Result<AllowList, NodeError> {
    if config.network.open {
        return Ok(AllowList::Open);
    }
    let mut allowed: BTreeSet<PeerId> = peers.iter().map(|peer| peer.id).collect();
    for text in &config.network.allow {
        allowed.insert(peer_key(text)?);
    }
    Ok(AllowList::Only(allowed))
}

/// The public key of a node, as an operator writes it into the list of those that may connect.
pub(crate) fn peer_key(text: &str) -> Result<PeerId, NodeError> {
    let mut key = [0; 32];
    alloy_primitives::hex::decode_to_slice(text, &mut key).map_err(|_| {
        NodeError::Config(format!("network.allow: '{text}' is no key of 64 hex digits"))
    })?;
    Ok(PeerId(key))
}
