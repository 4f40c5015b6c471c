//! What all connections share, and every decision about who may have one.

use crate::{
    Admission, AllowList, Channel, Clock, Direction, Disconnect, Event, Handler, KnownPeer,
    NetworkError, NetworkLimits, NodeKey, PeerAddress, PeerInfo, Refusal, Settings, Severity,
    Totals,
    book::{Book, Retry},
    frame::Control,
    hello::{Greeting, Hello},
    limits::{DIALS_MAX, PEERS_SHARED_MAX},
    link::Link,
    listener::Gate,
    queue::Pushed,
    standing::Standings,
    tasks::Tasks,
    tls::Tls,
    traffic::{ChannelCounters, HubCounters, count},
};
use bytes::Bytes;
use hanse_primitives::PeerId;
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Whom a development network is cut off from.
#[derive(Clone, Debug, Default)]
enum Cut {
    #[default]
    Nobody,
    Everybody,
    Some(BTreeSet<PeerId>),
}

impl Cut {
    fn holds(&self, peer: &PeerId) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::Some(peers) => peers.contains(peer),
        }
    }
}

struct State {
    allow: AllowList,
    cut: Cut,
    expelled: BTreeSet<PeerId>,
    stopping: bool,
    links: BTreeMap<PeerId, Arc<Link>>,
    book: Book,
    standings: Standings,
}

pub(crate) struct Hub {
    pub(crate) id: PeerId,
    greeting: RwLock<Greeting>,
    admission: Option<Arc<dyn Admission>>,
    pub(crate) tls: Tls,
    pub(crate) limits: NetworkLimits,
    pub(crate) gate: Gate,
    pub(crate) tasks: Tasks,
    pub(crate) counters: HubCounters,
    pub(crate) channels: [ChannelCounters; Channel::COUNT],
    /// Wakes whoever dials, and whoever listens.
    pub(crate) changed: Notify,
    pub(crate) clock: Clock,
    exchange: bool,
    handler: Box<dyn Handler>,
    state: Mutex<State>,
    serials: AtomicU64,
    seed: u64,
}

impl Hub {
    pub(crate) fn new(
        settings: Settings,
        key: &NodeKey,
        hello: Hello,
        listen_port: u16,
        handler: Box<dyn Handler>,
    ) -> Result<Self, NetworkError> {
        let instance = u64::from_be_bytes(crate::key::random()?);
        let mut book = Book::default();
        for peer in settings.peers {
            if peer.id != key.id() {
                book.configure(peer, Instant::now())?;
            }
        }
        let state = State {
            allow: settings.allow,
            cut: Cut::Nobody,
            expelled: BTreeSet::new(),
            stopping: false,
            links: BTreeMap::new(),
            book,
            standings: Standings::default(),
        };
        Ok(Self {
            id: key.id(),
            greeting: RwLock::new(Greeting::new(hello, instance, listen_port)?),
            admission: settings.admission,
            tls: Tls::new(key)?,
            gate: Gate::new(&settings.limits),
            limits: settings.limits,
            tasks: Tasks::default(),
            counters: HubCounters::default(),
            channels: Default::default(),
            changed: Notify::new(),
            clock: settings.clock,
            exchange: settings.exchange,
            handler,
            state: Mutex::new(state),
            serials: AtomicU64::new(0),
            seed: instance,
        })
    }

    pub(crate) fn tell(&self, event: Event) {
        self.handler.handle(event);
    }

    /// Spread over all 32-bit values, other for each node and each call; nothing secret hangs on it.
    fn jitter(&self) -> u32 {
        let mixed = (self.seed ^ self.serials.fetch_add(1, Ordering::Relaxed))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        u32::try_from(mixed >> 32).expect("a 64-bit number without its lower half has 32 bits")
    }

    // -- who may connect --------------------------------------------------------------------------

    /// Why this peer may not have a connection now.
    pub(crate) fn objection(&self, peer: &PeerId) -> Option<Refusal> {
        self.object(&self.state.lock(), peer)
    }

    fn object(&self, state: &State, peer: &PeerId) -> Option<Refusal> {
        if *peer == self.id {
            Some(Refusal::Itself)
        } else if state.stopping {
            Some(Refusal::Stopping)
        } else if state.cut.holds(peer) {
            Some(Refusal::CutOff)
        } else if state.expelled.contains(peer) {
            Some(Refusal::Expelled)
        } else if !state.allow.permits(peer) {
            Some(Refusal::NotAllowed)
        } else if state.standings.is_banned(*peer, Instant::now()) {
            Some(Refusal::Banned)
        } else if state.links.len() >= self.limits.peers_max && !state.links.contains_key(peer) {
            Some(Refusal::Full)
        } else {
            None
        }
    }

    /// Makes this the connection to its peer. Of the two nodes, the one with the smaller key decides
    /// which of several connections stays: the first, unless the peer has been started anew since.
    /// Gives back the connection that it replaces.
    pub(crate) fn register(
        &self,
        peer: PeerId,
        greeting: Greeting,
        remote: SocketAddr,
        direction: Direction,
    ) -> Result<(Arc<Link>, Option<Arc<Link>>), Refusal> {
        let mut state = self.state.lock();
        if let Some(refusal) = self.object(&state, &peer) {
            return Err(refusal);
        }
        let old = state.links.get(&peer).cloned();
        match &old {
            Some(old)
                if self.id < peer
                    && old.greeting.instance == greeting.instance
                    && old.closing().is_none() =>
            {
                return Err(Refusal::Duplicate);
            }
            _ => {}
        }
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let link = Link::new(serial, peer, greeting, remote, direction, &self.limits);
        let link = Arc::new(link);
        state.links.insert(peer, Arc::clone(&link));
        state.book.connected(peer);
        if let Some(at) = link.listens_at().filter(|_| self.exchange) {
            state.book.learn(PeerAddress::new(peer, at), Instant::now());
        }
        drop(state);
        if let Some(old) = &old {
            old.close(Disconnect::ByUs(Refusal::Replaced));
        }
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        Ok((link, old))
    }

    /// The connection is over.
    pub(crate) fn deregister(&self, link: &Link, reason: &Disconnect) {
        let jitter = self.jitter();
        let mut state = self.state.lock();
        if state.links.get(&link.peer).is_some_and(|current| current.serial == link.serial) {
            state.links.remove(&link.peer);
            let lived = link.since.elapsed();
            let unexpected = reason.is_unexpected();
            state.book.lost(link.peer, lived, unexpected, Instant::now(), jitter);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Replaces the list of those who may connect, and applies it at once.
    pub(crate) fn allow(&self, allow: AllowList) {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.allow, allow);
        let State { allow, book, .. } = &mut *state;
        book.retry_now(Instant::now(), |peer| allow.permits(peer) && !before.permits(peer));
        self.close_where(&state, Refusal::NotAllowed, |peer| !state.allow.permits(peer));
        drop(state);
        self.changed.notify_waiters();
    }

    pub(crate) fn expel(&self, peer: PeerId) {
        let mut state = self.state.lock();
        if state.expelled.insert(peer) {
            self.close_where(&state, Refusal::Expelled, |other| *other == peer);
        }
    }

    pub(crate) fn dismiss(&self, peer: PeerId) {
        let state = self.state.lock();
        self.close_where(&state, Refusal::Uncertified, |other| *other == peer);
    }

    /// What we say first.
    pub(crate) fn greeting(&self) -> Greeting {
        self.greeting.read().clone()
    }

    pub(crate) fn show(&self, credential: Bytes) -> Result<(), NetworkError> {
        let mut greeting = self.greeting.write();
        let hello = Hello { credential, ..greeting.hello.clone() };
        *greeting = Greeting::new(hello, greeting.instance, greeting.listen_port)?;
        Ok(())
    }

    /// Whether a peer that greets so may stay.
    pub(crate) fn judge(&self, peer: PeerId, hello: &Hello) -> Result<(), String> {
        self.admission.as_ref().map_or(Ok(()), |admission| admission.judge(peer, hello))
    }

    fn close_where(&self, state: &State, refusal: Refusal, of: impl Fn(&PeerId) -> bool) {
        for link in state.links.values().filter(|link| of(&link.peer)) {
            link.close(Disconnect::ByUs(refusal));
        }
    }

    pub(crate) fn cut(&self, peers: Option<BTreeSet<PeerId>>) {
        let mut state = self.state.lock();
        state.cut = peers.map_or(Cut::Everybody, Cut::Some);
        self.close_where(&state, Refusal::CutOff, |peer| state.cut.holds(peer));
    }

    pub(crate) fn heal(&self) {
        let mut state = self.state.lock();
        let cut = std::mem::take(&mut state.cut);
        state.book.retry_now(Instant::now(), |peer| cut.holds(peer));
        drop(state);
        self.changed.notify_waiters();
    }

    /// Counts a proven fault; bans and disconnects the peer if it is one too many.
    pub(crate) fn penalize(&self, peer: PeerId, severity: Severity, reason: &str) {
        self.counters.faults.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut state = self.state.lock();
        let ban = state.standings.penalize(peer, severity, now);
        let points = state.standings.points(peer, now);
        let link = state.links.get(&peer).cloned();
        drop(state);
        match ban {
            None => tracing::debug!(%peer, ?severity, points, reason, "a peer is at fault"),
            Some(ban) => {
                self.counters.bans.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%peer, seconds = ban.as_secs(), reason, "a peer is banned");
                if let Some(link) = link {
                    link.close(Disconnect::ByUs(Refusal::Banned));
                }
            }
        }
    }

    pub(crate) fn pardon(&self, peer: PeerId) {
        let mut state = self.state.lock();
        state.standings.pardon(peer);
        state.book.retry_now(Instant::now(), |other| *other == peer);
        drop(state);
        self.changed.notify_waiters();
    }

    pub(crate) fn banned(&self) -> Vec<(PeerId, Duration)> {
        self.state.lock().standings.banned(Instant::now())
    }

    // -- dialling ---------------------------------------------------------------------------------

    pub(crate) fn configure(&self, address: PeerAddress) -> Result<(), NetworkError> {
        if address.id != self.id {
            self.state.lock().book.configure(address, Instant::now())?;
            self.changed.notify_waiters();
        }
        Ok(())
    }

    /// Whom to dial now, and when to look again.
    pub(crate) fn due(&self) -> (Vec<PeerAddress>, Option<Instant>) {
        let mut state = self.state.lock();
        let room = DIALS_MAX.min(self.limits.peers_max.saturating_sub(state.links.len()));
        let mut book = std::mem::take(&mut state.book);
        let wanted =
            |peer: &PeerId| !state.links.contains_key(peer) && self.object(&state, peer).is_none();
        let due = book.due(Instant::now(), room, wanted);
        // Without room there is nothing to wait for but a change.
        let next = if due.len() < room { book.next_due(wanted) } else { None };
        state.book = book;
        (due, next)
    }

    /// An attempt failed. True when it failed in another way than the last time.
    pub(crate) fn dial_failed(&self, peer: PeerId, retry: Retry, problem: String) -> bool {
        self.counters.dials_failed.fetch_add(1, Ordering::Relaxed);
        let jitter = self.jitter();
        let news = self.state.lock().book.failed(peer, retry, problem, Instant::now(), jitter);
        self.changed.notify_waiters();
        news
    }

    /// An attempt is over, for a good reason.
    pub(crate) fn dial_over(&self, peer: PeerId) {
        let jitter = self.jitter();
        let mut state = self.state.lock();
        if state.links.contains_key(&peer) {
            state.book.connected(peer);
        } else {
            state.book.lost(peer, Duration::ZERO, false, Instant::now(), jitter);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    pub(crate) fn forget(&self, peer: PeerId) {
        self.state.lock().book.forget(peer);
    }

    // -- peer exchange ----------------------------------------------------------------------------

    /// What to tell a peer about the others.
    pub(crate) fn addresses_for(&self, link: &Link) -> Option<Control> {
        if !self.exchange {
            return None;
        }
        let state = self.state.lock();
        let others = state.links.values().filter(|other| other.peer != link.peer);
        let listening = others.filter_map(|other| Some((other.peer, other.listens_at()?)));
        let reachable = listening.filter(|(_, at)| is_reachable(at, &link.remote));
        let peers: Vec<_> = reachable.take(PEERS_SHARED_MAX).collect();
        (!peers.is_empty()).then_some(Control::Peers(peers))
    }

    /// What a peer tells about others. It may lie: an address is only where to look, and whoever
    /// answers there has to prove the key.
    pub(crate) fn learn(&self, from: &Link, peers: Vec<(PeerId, SocketAddr)>) {
        if !self.exchange {
            return;
        }
        let mut state = self.state.lock();
        for (peer, at) in peers {
            let wanted = self.object(&state, &peer).is_none() && !state.links.contains_key(&peer);
            if wanted && is_reachable(&at, &from.remote) {
                state.book.learn(PeerAddress::new(peer, at), Instant::now());
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    // -- sending ----------------------------------------------------------------------------------

    pub(crate) fn broadcast(&self, channel: Channel, message: &Bytes) -> usize {
        let state = self.state.lock();
        let sent = state.links.values().filter(|link| self.push(link, channel, message.clone()));
        sent.count()
    }

    pub(crate) fn send(
        &self,
        peer: PeerId,
        channel: Channel,
        message: Bytes,
    ) -> Result<(), NetworkError> {
        let link = self.state.lock().links.get(&peer).cloned();
        let link = link.filter(|link| link.closing().is_none());
        let link = link.ok_or(NetworkError::NotConnected(peer))?;
        if self.push(&link, channel, message) { Ok(()) } else { Err(NetworkError::TooSlow(peer)) }
    }

    fn push(&self, link: &Link, channel: Channel, message: Bytes) -> bool {
        match link.push(channel, message) {
            Pushed::Waits => true,
            Pushed::Dropped(messages) => {
                let index = channel.index();
                let counters = [&link.counters[index], &self.channels[index]];
                count(counters.map(|counters| &counters.dropped_out), messages);
                true
            }
            Pushed::Overflow => {
                if link.closing().is_none() {
                    let peer = link.peer;
                    tracing::warn!(%peer, %channel, "a peer does not keep up; disconnecting");
                }
                link.close(Disconnect::ByUs(Refusal::TooSlow));
                false
            }
        }
    }

    // -- for people -------------------------------------------------------------------------------

    pub(crate) fn peers(&self) -> Vec<PeerInfo> {
        let now = Instant::now();
        let state = self.state.lock();
        let info = |link: &Arc<Link>| PeerInfo {
            id: link.peer,
            remote: link.remote,
            listens_at: link.listens_at(),
            direction: link.direction,
            connected_for: now.saturating_duration_since(link.since),
            hello: link.greeting.hello.clone(),
            traffic: std::array::from_fn(|index| link.counters[index].read()),
            queued_bytes: link.outbound().bytes(),
            points: state.standings.points(link.peer, now),
            round_trip: link.round_trip(),
            clock_ahead_ms: link.clock_ahead_ms(),
        };
        state.links.values().map(info).collect()
    }

    pub(crate) fn known(&self) -> Vec<KnownPeer> {
        self.state.lock().book.known()
    }

    pub(crate) fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            peers: self.state.lock().links.len(),
            traffic: std::array::from_fn(|index| self.channels[index].read()),
            connections: read(&self.counters.connections),
            dials: read(&self.counters.dials),
            dials_failed: read(&self.counters.dials_failed),
            refused: read(&self.counters.refused),
            faults: read(&self.counters.faults),
            bans: read(&self.counters.bans),
        }
    }

    // -- the end ----------------------------------------------------------------------------------

    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopping = true;
        self.close_where(&state, Refusal::Stopping, |_| true);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Until the network is to stop.
    pub(crate) async fn until_stopping(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_stopping() {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.state.lock().stopping
    }
}

/// True when an address makes sense to somebody at `from`.
fn is_reachable(at: &SocketAddr, from: &SocketAddr) -> bool {
    let ip = at.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let nowhere = ip.is_unspecified() || ip.is_multicast() || broadcast || at.port() == 0;
    !nowhere && (!ip.is_loopback() || from.ip().to_canonical().is_loopback())
}
