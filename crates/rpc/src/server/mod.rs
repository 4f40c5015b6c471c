//! Sockets: who may connect, how much they may send and how long they may take.

mod accept;
mod assets;
mod gate;
mod http;
mod options;
mod rest;
mod session;
mod stall;
mod ws;

pub use options::{Methods, ServerOptions, Workers};
pub(crate) use session::{Feed, Session, TOO_SLOW};

use crate::Rpc;
use axum::{
    Router,
    routing::{get, post},
};
use gate::Gate;
use std::{future::Future, io, sync::Arc};
use tokio::{net::TcpListener, sync::watch};

/// What the handlers of one server share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) rpc: Rpc,
    pub(crate) methods: Arc<Methods>,
    pub(crate) options: Arc<ServerOptions>,
    /// Becomes true when the server shuts down.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Serves JSON-RPC over HTTP (`POST /`) until `shutdown` completes, then finishes the requests under
/// way.
///
/// # Errors
/// When the listener fails.
pub async fn serve_http(
    listener: TcpListener,
    rpc: Rpc,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve(listener, rpc, options, shutdown, |shared| {
        Router::new().route("/", post(http::rpc).get(http::alive)).with_state(shared)
    })
    .await
}

/// Serves JSON-RPC over WebSocket (`GET /`) until `shutdown` completes.
///
/// # Errors
/// When the listener fails.
pub async fn serve_ws(
    listener: TcpListener,
    rpc: Rpc,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve(listener, rpc, options, shutdown, |shared| {
        Router::new().route("/", get(ws::upgrade)).with_state(shared)
    })
    .await
}

/// Serves the web pages, their REST routes, `/rpc`, `/ws`, `/health` and `/metrics` until `shutdown`
/// completes.
///
/// # Errors
/// When the listener fails.
pub async fn serve_web(
    listener: TcpListener,
    rpc: Rpc,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve(listener, rpc, options, shutdown, |shared| {
        Router::new()
            .route("/rpc", post(http::rpc))
            .route("/ws", get(ws::upgrade))
            .route("/health", get(rest::health))
            .route("/metrics", get(rest::metrics))
            .merge(
                Router::new()
                    .route("/api/network", get(rest::network))
                    .route("/api/orders", get(rest::orders))
                    .route("/api/orders/{id}", get(rest::order))
                    .fallback(assets::page)
                    .layer(tower_http::compression::CompressionLayer::new()),
            )
            .with_state(shared)
    })
    .await
}

async fn serve(
    listener: TcpListener,
    rpc: Rpc,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
    routes: impl FnOnce(Shared) -> Router,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let shared = Shared {
        methods: Arc::new(options.methods.clone()),
        options: Arc::new(options),
        stopping,
        rpc,
    };
    let gate = Gate::new(shared.clone(), routes(shared.clone()));
    let options = &shared.options;
    let (workers, tls) = (&options.workers, options.tls.as_ref());
    let door = accept::Door { limits: &shared.rpc.limits, workers, tls, gate };
    accept::run(listener, door, shutdown, &stop).await
}
