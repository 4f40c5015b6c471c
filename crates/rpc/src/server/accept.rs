use super::{Workers, gate::Gate, stall::Stall};
use crate::RpcLimits;
use axum::http::Request;
use hanse_network::ServerTls;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// How long requests under way may take to finish once the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Fields of a request's head.
const HEAD_FIELDS_MAX: usize = 64;

/// Open connections by peer.
#[derive(Debug, Default)]
struct Census(Mutex<BTreeMap<IpAddr, usize>>);

/// A place in the census; given back when the last holder lets go, which for a WebSocket is not
/// when its HTTP part ends.
#[derive(Debug)]
pub(super) struct Seat {
    census: Arc<Census>,
    peer: IpAddr,
}

impl Census {
    fn admit(self: &Arc<Self>, peer: IpAddr, limits: &RpcLimits) -> Option<Arc<Seat>> {
        let mut counts = self.0.lock();
        let all: usize = counts.values().sum();
        let count = counts.entry(peer).or_default();
        if all >= limits.connections_max || *count >= limits.connections_per_peer_max {
            return None;
        }
        *count += 1;
        Some(Arc::new(Seat { census: Arc::clone(self), peer }))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.census.0.lock();
        if let Some(count) = counts.get_mut(&self.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

/// Who is let in, and where they are served.
pub(super) struct Door<'a> {
    pub(super) limits: &'a RpcLimits,
    pub(super) workers: &'a Workers,
    pub(super) tls: Option<&'a Arc<ServerTls>>,
    pub(super) gate: Gate,
}

/// Accepts connections until `shutdown` completes, then tells them through `stop` and waits a
/// moment for those under way.
///
/// # Errors
/// When the listener fails for good.
pub(super) async fn run(
    listener: TcpListener,
    Door { limits, workers, tls, gate }: Door<'_>,
    shutdown: impl Future<Output = ()> + Send + 'static,
    stop: &watch::Sender<bool>,
) -> io::Result<()> {
    let census = Arc::new(Census::default());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(seat) = census.admit(peer.ip(), limits) {
                        // Another runtime has another reactor: the socket moves to it.
                        let Ok(stream) = stream.into_std() else { continue };
                        let served = Connection {
                            visitor: Visitor { address: peer, certificate: None },
                            head_time_max: limits.head_time_max,
                            send_time_max: limits.send_time_max,
                            gate: gate.clone(),
                            seat,
                            stopping: stop.subscribe(),
                        };
                        connections.spawn_on(served.begin(stream, tls.cloned()), &workers.next());
                    } else {
                        tracing::debug!(%peer, "too many connections");
                    }
                }
                Err(error) if is_passing(&error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    // Out of file descriptors: asking again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            },
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, finish).await;
    Ok(())
}

/// True for failures of one connection, or a lack that may end by itself.
fn is_passing(error: &io::Error) -> bool {
    const OUT_OF_DESCRIPTORS: [i32; 2] = [23, 24]; // ENFILE, EMFILE
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::OutOfMemory
    ) || error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code))
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) address: SocketAddr,
    /// The certificate (DER) whose key was proven.
    pub(super) certificate: Option<Arc<[u8]>>,
}

struct Connection {
    visitor: Visitor,
    head_time_max: Duration,
    send_time_max: Duration,
    gate: Gate,
    seat: Arc<Seat>,
    stopping: watch::Receiver<bool>,
}

impl Connection {
    async fn begin(mut self, stream: std::net::TcpStream, tls: Option<Arc<ServerTls>>) {
        let Ok(stream) = TcpStream::from_std(stream) else { return };
        // Answers are written whole, so waiting for more bytes to fill a packet only costs time.
        let _ = stream.set_nodelay(true);
        let stall = Stall::new(stream, self.send_time_max);
        let Some(tls) = tls else { return self.serve(stall).await };
        match tokio::time::timeout(self.head_time_max, tls.accept(stall)).await {
            Ok(Ok((stream, certificate))) => {
                self.visitor.certificate = certificate.map(Arc::from);
                self.serve(stream).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.visitor.address, %error, "no TLS connection");
            }
            Err(_) => tracing::debug!(peer = %self.visitor.address, "no TLS connection in time"),
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { visitor, head_time_max, gate, seat, mut stopping, .. } = self;
        let peer = visitor.address;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Arc::clone(&seat));
            gate.clone().answer(request, visitor.clone())
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_time_max)
            .max_headers(HEAD_FIELDS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut serving = pin!(serving);
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = stopped(&mut stopping) => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = outcome {
            tracing::trace!(%peer, %error, "a connection ended early");
        }
    }
}

/// Waits until the server stops.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error says that the server is gone, which is stopping, too.
    let _ = stopping.wait_for(|stop| *stop).await;
}
