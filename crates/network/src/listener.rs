//! Takes connections, and no more of them than can be served.

use crate::{
    NetworkError, NetworkLimits, Refusal,
    connection::serve,
    handshake::{Problem, shake_hands},
    hub::Hub,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::net::TcpStream;

/// Wait after a connection could not be taken, for instance because there are too many open files.
const RETRY: Duration = Duration::from_millis(100);

/// Problems that are remembered so that each is said once.
const PROBLEMS_MAX: usize = 1_024;

/// Listens at once, so that a port in use is an error and no line in a log.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, NetworkError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => NetworkError::PortInUse(address),
        _ => NetworkError::Listen { address, source },
    })
}

#[derive(Default)]
struct Counts {
    all: usize,
    shaking: usize,
    by_ip: BTreeMap<IpAddr, usize>,
    /// Who was turned away and why, as far as a line in the log has said it.
    said: BTreeSet<String>,
}

/// Counts the connections that others opened.
#[derive(Clone)]
pub(crate) struct Gate {
    per_ip_max: usize,
    all_max: usize,
    shaking_max: usize,
    counts: Arc<Mutex<Counts>>,
}

/// A connection that others opened.
struct Place {
    gate: Gate,
    ip: IpAddr,
    shaking: bool,
}

/// One node may have a whole IPv6 network of 64 bits to itself, so that counts as one address.
fn counted(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & !u128::from(u64::MAX))),
    }
}

impl Gate {
    pub(crate) fn new(limits: &NetworkLimits) -> Self {
        Self {
            per_ip_max: limits.inbound_per_ip_max,
            all_max: limits.inbound_max,
            shaking_max: limits.handshakes_max,
            counts: Arc::default(),
        }
    }

    fn enter(&self, ip: IpAddr) -> Option<Place> {
        let ip = counted(ip);
        let mut counts = self.counts.lock();
        let from_there = counts.by_ip.get(&ip).copied().unwrap_or(0);
        if counts.all >= self.all_max
            || counts.shaking >= self.shaking_max
            || from_there >= self.per_ip_max
        {
            return None;
        }
        counts.all += 1;
        counts.shaking += 1;
        counts.by_ip.insert(ip, from_there + 1);
        Some(Place { gate: self.clone(), ip, shaking: true })
    }

    /// True when this was not said before.
    fn is_news(&self, line: &str) -> bool {
        let mut counts = self.counts.lock();
        counts.said.len() < PROBLEMS_MAX && counts.said.insert(line.to_owned())
    }
}

impl Place {
    fn proven(&mut self) {
        if std::mem::take(&mut self.shaking) {
            self.gate.counts.lock().shaking -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.proven();
        let mut counts = self.gate.counts.lock();
        counts.all -= 1;
        if let Some(from_there) = counts.by_ip.get_mut(&self.ip) {
            *from_there -= 1;
            if *from_there == 0 {
                counts.by_ip.remove(&self.ip);
            }
        }
    }
}

/// Takes connections until the network stops.
pub(crate) async fn accept_all(hub: Arc<Hub>, listener: tokio::net::TcpListener) {
    loop {
        let changed = hub.changed.notified();
        if hub.is_stopping() {
            return;
        }
        let accepted = tokio::select! {
            () = changed => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(RETRY).await;
            }
            Ok((tcp, remote)) => match hub.gate.enter(remote.ip()) {
                None => {
                    hub.counters.refused.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%remote, "too many connections");
                }
                Some(place) => {
                    let running = hub.tasks.begin();
                    let hub = Arc::clone(&hub);
                    tokio::spawn(async move {
                        receive(&hub, tcp, remote, place).await;
                        drop(running);
                    });
                }
            },
        }
    }
}

async fn receive(hub: &Arc<Hub>, tcp: TcpStream, remote: SocketAddr, mut place: Place) {
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    match shake_hands(hub, tcp, remote, None).await {
        Ok((registration, stream)) => {
            place.proven();
            serve(registration, stream).await;
        }
        Err(problem) => note(hub, remote, &problem),
    }
}

/// Says once what keeps a peer out that proved its key; whoever proved nothing is not worth a line.
fn note(hub: &Hub, remote: SocketAddr, problem: &Problem) {
    let proven = match problem {
        Problem::ByUs(peer, refusal, _)
        | Problem::Withdrawn(peer, refusal)
        | Problem::ByPeer(peer, refusal) => Some((peer, *refusal)),
        Problem::Failed(_) | Problem::Late | Problem::Stranger(_) => None,
    };
    match proven {
        Some((peer, refusal))
            if refusal != Refusal::Duplicate && hub.gate.is_news(&format!("{peer} {problem}")) =>
        {
            tracing::warn!(%peer, %remote, %problem, "a peer that called is not connected");
        }
        _ => tracing::debug!(%remote, %problem, "a caller is not connected"),
    }
}
