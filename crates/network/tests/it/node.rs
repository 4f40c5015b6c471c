//! A node of a test: a network, its runtime, and everything that it was told.

use hanse_network::{
    AllowList, Channel, Disconnect, Event, Hello, Message, Network, NetworkLimits, NodeKey,
    PeerAddress, Settings,
};
use hanse_primitives::PeerId;
use std::{
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Longest wait for anything; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a node was told, in order. Messages are kept as they are only if the test wants so.
#[derive(Debug)]
pub(crate) enum Told {
    Connected(PeerId, Hello),
    Disconnected(PeerId, Disconnect),
    Message(PeerId, Channel, bytes::Bytes),
    Unread(Message),
}

#[derive(Default)]
pub(crate) struct Diary {
    told: Mutex<Vec<Told>>,
    changed: Condvar,
}

impl Diary {
    /// Until what was told is enough.
    pub(crate) fn wait<T>(&self, what: &str, look: impl Fn(&[Told]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut told = self.told.lock().unwrap();
        loop {
            if let Some(found) = look(&told) {
                return found;
            }
            let left = deadline.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("waited in vain for: {what}"));
            told = self.changed.wait_timeout(told, left).unwrap().0;
        }
    }

    pub(crate) fn count(&self, of: impl Fn(&Told) -> bool) -> usize {
        self.told.lock().unwrap().iter().filter(|told| of(told)).count()
    }

    /// The messages of a peer on a channel, so far.
    pub(crate) fn messages(&self, peer: PeerId, channel: Channel) -> Vec<bytes::Bytes> {
        messages(&self.told.lock().unwrap(), peer, channel)
    }

    /// Lets go of what was kept.
    pub(crate) fn clear(&self) {
        self.told.lock().unwrap().clear();
    }
}

pub(crate) fn messages(told: &[Told], peer: PeerId, channel: Channel) -> Vec<bytes::Bytes> {
    let of = |told: &Told| match told {
        Told::Message(from, on, bytes) if *from == peer && *on == channel => Some(bytes.clone()),
        _ => None,
    };
    told.iter().filter_map(of).collect()
}

pub(crate) struct Node {
    pub(crate) network: Network,
    pub(crate) diary: Arc<Diary>,
    runtime: Option<Runtime>,
}

/// How a node of a test is set up.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) seed: u8,
    pub(crate) hello: Hello,
    pub(crate) settings: Settings,
    /// Keep messages, so that they count as unread.
    pub(crate) hoards: bool,
}

impl Setup {
    pub(crate) fn new(seed: u8) -> Self {
        let hello = Hello {
            chain_id: 7,
            genesis_hash: [7; 32].into(),
            engine: "bft".into(),
            software: format!("node {seed}"),
            credential: bytes::Bytes::from_static(b"for somebody"),
        };
        let settings = Settings {
            listen: Some(([127, 0, 0, 1], 0).into()),
            exchange: false,
            ..Settings::default()
        };
        Self { seed, hello, settings, hoards: false }
    }

    pub(crate) fn peers(mut self, peers: &[&Node]) -> Self {
        self.settings.peers = peers.iter().map(|peer| peer.address()).collect();
        self
    }

    pub(crate) fn listen(mut self, at: SocketAddr) -> Self {
        self.settings.listen = Some(at);
        self
    }

    pub(crate) fn allow(mut self, peers: &[PeerId]) -> Self {
        self.settings.allow = AllowList::Only(peers.iter().copied().collect());
        self
    }

    pub(crate) fn exchange(mut self) -> Self {
        self.settings.exchange = true;
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut NetworkLimits)) -> Self {
        change(&mut self.settings.limits);
        self
    }

    pub(crate) fn hoards(mut self) -> Self {
        self.hoards = true;
        self
    }

    pub(crate) fn key(&self) -> NodeKey {
        NodeKey::from_seed([self.seed; 32])
    }

    pub(crate) fn start(self) -> Node {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let diary = Arc::new(Diary::default());
        let (writes, hoards) = (Arc::clone(&diary), self.hoards);
        let handler = move |event| {
            let told = match event {
                Event::Connected(peer, hello) => Told::Connected(peer, hello),
                Event::Disconnected(peer, reason) => Told::Disconnected(peer, reason),
                Event::Message(message) if hoards => Told::Unread(message),
                Event::Message(message) => {
                    Told::Message(message.from, message.channel, message.bytes)
                }
            };
            writes.told.lock().unwrap().push(told);
            writes.changed.notify_all();
        };
        let key = self.key();
        let network =
            Network::start(runtime.handle(), self.settings, &key, self.hello, handler).unwrap();
        Node { network, diary, runtime: Some(runtime) }
    }
}

impl Node {
    pub(crate) fn id(&self) -> PeerId {
        self.network.id()
    }

    pub(crate) fn address(&self) -> PeerAddress {
        PeerAddress::new(self.id(), self.network.local().unwrap())
    }

    pub(crate) fn is_connected_to(&self, peer: PeerId) -> bool {
        self.network.peers().iter().any(|info| info.id == peer)
    }

    pub(crate) fn wait_connected(&self, peer: PeerId) -> Hello {
        self.diary.wait(&format!("a connection to {peer:?}"), |told| {
            told.iter().find_map(|told| match told {
                Told::Connected(who, hello) if *who == peer => Some(hello.clone()),
                _ => None,
            })
        })
    }

    pub(crate) fn wait_disconnected(&self, peer: PeerId) -> Disconnect {
        self.diary.wait(&format!("the end of the connection to {peer:?}"), |told| {
            told.iter().find_map(|told| match told {
                Told::Disconnected(who, reason) if *who == peer => Some(reason.clone()),
                _ => None,
            })
        })
    }

    /// Until the last attempt to reach a peer failed in these words.
    pub(crate) fn wait_problem(&self, peer: PeerId, words: &str) {
        wait(&format!("the problem {words:?} with {peer:?}"), || {
            let known = self.network.known();
            let problem = known.into_iter().find(|known| known.id == peer)?.problem?;
            problem.contains(words).then_some(())
        });
    }

    /// As a crash would: all tasks end where they are, and nobody says farewell.
    pub(crate) fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Until something holds.
pub(crate) fn wait<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
