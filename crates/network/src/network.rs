use crate::{
    Channel, Clock, Handler, Hello, KnownPeer, NetworkError, NetworkLimits, NodeKey, PeerAddress,
    PeerInfo, Severity, Totals, dialer, hub::Hub, listener,
};
use bytes::Bytes;
use hanse_primitives::PeerId;
use std::{collections::BTreeSet, fmt, net::SocketAddr, sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// Who may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowList {
    /// Everybody who is of our chain: for development.
    Open,
    /// These, and nobody else.
    Only(BTreeSet<PeerId>),
}

impl AllowList {
    /// True when this peer may connect.
    #[must_use]
    pub fn permits(&self, peer: &PeerId) -> bool {
        match self {
            Self::Open => true,
            Self::Only(peers) => peers.contains(peer),
        }
    }
}

/// Judges what peers show for themselves. Asked in every handshake, on the threads that shake hands.
pub trait Admission: Send + Sync + std::fmt::Debug {
    /// Whether a peer that has proven its key may stay.
    ///
    /// # Errors
    /// Why not, for the log.
    fn judge(&self, peer: PeerId, hello: &Hello) -> Result<(), String>;
}

/// How the network is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to take connections; port 0 draws a free one. `None` only dials.
    pub listen: Option<SocketAddr>,
    /// Who may connect, until [`Network::allow`] says otherwise.
    pub allow: AllowList,
    /// Whom to be connected to, always.
    pub peers: Vec<PeerAddress>,
    /// Tell peers of each other, and dial those that are told of.
    pub exchange: bool,
    /// Who judges what peers show; none: whoever may connect may stay.
    pub admission: Option<Arc<dyn Admission>>,
    /// Bounds.
    pub limits: NetworkLimits,
    /// The time that peers are told, and that theirs is compared with.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            allow: AllowList::Open,
            peers: Vec::new(),
            exchange: true,
            admission: None,
            limits: NetworkLimits::default(),
            clock: Clock::default(),
        }
    }
}

/// The running network. Its calls never wait for a peer and may come from any thread. Dropping it
/// stops it.
pub struct Network {
    hub: Arc<Hub>,
    local: Option<SocketAddr>,
}

impl Network {
    /// Listens, dials, and tells the handler what happens, on the threads of a runtime with I/O and
    /// time.
    ///
    /// # Errors
    /// When the port is in use, or the settings cannot be used.
    pub fn start(
        runtime: &Handle,
        settings: Settings,
        key: &NodeKey,
        hello: Hello,
        handler: impl Handler,
    ) -> Result<Self, NetworkError> {
        let listener = settings.listen.map(listener::bind).transpose()?;
        let local = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let port = local.map_or(0, |local| local.port());
        let hub = Arc::new(Hub::new(settings, key, hello, port, Box::new(handler))?);
        if let Some(listener) = listener {
            let _entered = runtime.enter();
            let address = local.unwrap_or_else(|| ([0, 0, 0, 0], 0).into());
            let listener = tokio::net::TcpListener::from_std(listener)
                .map_err(|source| NetworkError::Listen { address, source })?;
            let (running, hub) = (hub.tasks.begin(), Arc::clone(&hub));
            runtime.spawn(async move {
                listener::accept_all(hub, listener).await;
                drop(running);
            });
        }
        let (running, dialling) = (hub.tasks.begin(), Arc::clone(&hub));
        runtime.spawn(async move {
            dialer::dial_all(dialling).await;
            drop(running);
        });
        Ok(Self { hub, local })
    }

    /// This node.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.hub.id
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Sends to every connected peer; all share the same bytes. Says how many there are.
    ///
    /// # Errors
    /// [`NetworkError::Oversized`].
    pub fn broadcast(&self, channel: Channel, message: &Bytes) -> Result<usize, NetworkError> {
        check_length(channel, message)?;
        Ok(self.hub.broadcast(channel, message))
    }

    /// Sends to one peer. It is on its way when this returns, not there: the connection may end first.
    ///
    /// # Errors
    /// When the peer is not connected, too slow, or the message too long.
    pub fn send(&self, peer: PeerId, channel: Channel, message: Bytes) -> Result<(), NetworkError> {
        check_length(channel, &message)?;
        self.hub.send(peer, channel, message)
    }

    /// Replaces the list of those who may connect. Whoever is no longer on it is disconnected at once;
    /// whoever is new and has a known address is dialled.
    pub fn allow(&self, allow: AllowList) {
        self.hub.allow(allow);
    }

    /// Adds a peer to be connected to, always. Adding it twice changes nothing.
    ///
    /// # Errors
    /// [`NetworkError::TooManyPeers`].
    pub fn add_peer(&self, address: PeerAddress) -> Result<(), NetworkError> {
        self.hub.configure(address)
    }

    /// Counts a proven fault of a peer. One too many, and it is disconnected and banned for a time
    /// that doubles from ban to ban. Slowness is no fault.
    pub fn penalize(&self, peer: PeerId, severity: Severity, reason: &str) {
        self.hub.penalize(peer, severity, reason);
    }

    /// Ends the connection to a peer that the chain has put out, and refuses it from now on.
    pub fn expel(&self, peer: PeerId) {
        self.hub.expel(peer);
    }

    /// Ends the connection to a peer that shows nothing valid any more. It may come again with something
    /// better.
    pub fn dismiss(&self, peer: PeerId) {
        self.hub.dismiss(peer);
    }

    /// What this node shows from now on; connections that are open stay.
    ///
    /// # Errors
    /// [`NetworkError::Setup`] when it is too long.
    pub fn show(&self, credential: Bytes) -> Result<(), NetworkError> {
        self.hub.show(credential)
    }

    /// Lifts a ban and forgets the faults.
    pub fn pardon(&self, peer: PeerId) {
        self.hub.pardon(peer);
    }

    /// Those who are banned, and for how long yet.
    #[must_use]
    pub fn banned(&self) -> Vec<(PeerId, Duration)> {
        self.hub.banned()
    }

    /// Plays being cut off from everybody, for development networks.
    pub fn cut_all(&self) {
        self.hub.cut(None);
    }

    /// Plays being cut off from these and nobody else, for development networks.
    pub fn cut(&self, peers: BTreeSet<PeerId>) {
        self.hub.cut(Some(peers));
    }

    /// Ends every cut, and dials those who were cut off.
    pub fn heal(&self) {
        self.hub.heal();
    }

    /// The connected peers.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.hub.peers()
    }

    /// The peers whose address is known, connected or not.
    #[must_use]
    pub fn known(&self) -> Vec<KnownPeer> {
        self.hub.known()
    }

    /// What happened since the start.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.hub.totals()
    }

    /// Says farewell to all peers and gives up the port. Blocks for up to three seconds: from an
    /// asynchronous task, call it where blocking is allowed. False when something still runs then.
    pub fn shutdown(&self) -> bool {
        const TIME_MAX: Duration = Duration::from_secs(3);
        self.hub.stop();
        self.hub.tasks.wait(TIME_MAX)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.hub.stop();
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("id", &self.hub.id).field("local", &self.local).finish()
    }
}

fn check_length(channel: Channel, message: &Bytes) -> Result<(), NetworkError> {
    if message.len() > channel.message_bytes_max() {
        return Err(NetworkError::Oversized { channel, bytes: message.len() });
    }
    Ok(())
}
