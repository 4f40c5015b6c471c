//! Sockets: who may connect, how much they may send and how long they may take.

mod options;

pub use options::{Methods, ServerOptions};

use crate::Rpc;
use std::{future::Future, io};
use tokio::net::TcpListener;

/// Serves JSON-RPC over HTTP until `shutdown` completes, then finishes the requests under way.
///
/// # Errors
/// When the listener fails.
pub async fn serve_http(
    listener: TcpListener,
    rpc: Rpc,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let _ = (listener, rpc, options, shutdown);
    todo!()
}

/// Serves JSON-RPC over WebSocket until `shutdown` completes.
///
/// # Errors
/// When the listener fails.
pub async fn serve_ws(
    listener: TcpListener,
    rpc: Rpc,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let _ = (listener, rpc, options, shutdown);
    todo!()
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
    let _ = (listener, rpc, options, shutdown);
    todo!()
}
