//! Reaches for the peers that are known and not connected.

use crate::{
    Host, PeerAddress, Refusal,
    book::Retry,
    connection::serve,
    handshake::{Problem, shake_hands},
    hub::Hub,
    limits::CONNECT_TIME_MAX,
};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};
use tokio::{
    net::TcpStream,
    time::{sleep_until, timeout},
};

/// Runs until the network stops.
pub(crate) async fn dial_all(hub: Arc<Hub>) {
    loop {
        // Made before looking, so that no change is missed in between.
        let changed = hub.changed.notified();
        if hub.is_stopping() {
            return;
        }
        let (due, next) = hub.due();
        for address in due {
            let running = hub.tasks.begin();
            let hub = Arc::clone(&hub);
            tokio::spawn(async move {
                dial(&hub, address).await;
                drop(running);
            });
        }
        match next {
            None => changed.await,
            Some(next) => tokio::select! {
                () = changed => {}
                () = sleep_until(next.into()) => {}
            },
        }
    }
}

/// One attempt, and the connection that comes of it.
async fn dial(hub: &Arc<Hub>, address: PeerAddress) {
    hub.counters.dials.fetch_add(1, Ordering::Relaxed);
    let peer = address.id;
    let connected = tokio::select! {
        connected = connect(&address) => connected,
        () = hub.until_stopping() => return,
    };
    match connected {
        Err(problem) => note(hub, &address, &problem),
        Ok((tcp, remote)) => match shake_hands(hub, tcp, remote, Some(peer)).await {
            Err(problem) => note(hub, &address, &problem),
            Ok((registration, stream)) => serve(registration, stream).await,
        },
    }
}

async fn connect(address: &PeerAddress) -> Result<(TcpStream, SocketAddr), Problem> {
    let connecting = async {
        let tcp = match &address.host {
            Host::Ip(ip) => TcpStream::connect((*ip, address.port)).await?,
            Host::Name(name) => TcpStream::connect((name.as_str(), address.port)).await?,
        };
        let remote = tcp.peer_addr()?;
        Ok((tcp, remote))
    };
    timeout(CONNECT_TIME_MAX, connecting).await.unwrap_or(Err(Problem::Late))
}

/// Remembers a failure, and says so when it is news.
fn note(hub: &Hub, address: &PeerAddress, problem: &Problem) {
    let peer = address.id;
    let refusal = match problem {
        Problem::ByUs(_, refusal, _)
        | Problem::Withdrawn(_, refusal)
        | Problem::ByPeer(_, refusal) => Some(*refusal),
        Problem::Failed(_) | Problem::Late | Problem::Stranger(_) => None,
    };
    let retry = match refusal {
        // The other of two crossing connections won, or soon will.
        Some(Refusal::Duplicate) => return hub.dial_over(peer),
        Some(Refusal::Itself) => return hub.forget(peer),
        Some(refusal) if refusal.is_mismatch() => Retry::Slowly,
        Some(Refusal::NotAllowed | Refusal::Banned | Refusal::Full | Refusal::Expelled) => {
            Retry::Late
        }
        _ => Retry::Soon,
    };
    if hub.dial_failed(peer, retry, problem.to_string()) {
        tracing::warn!(peer = %address, %problem, "no connection; trying again");
    } else {
        tracing::debug!(peer = %address, %problem, "no connection; trying again");
    }
}
