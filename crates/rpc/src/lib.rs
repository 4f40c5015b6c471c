//! Answers the world: Ethereum's JSON-RPC over HTTP and WebSocket, subscriptions, the REST routes of
//! the web pages, and the pages themselves.
//!
//! ## Road of a request
//! `server` (sockets, TLS, limits, hosts, origins) → `access` (who calls, and what they may) → `wire` (envelope, borrowed from the request) →
//! `dispatch` (single or batch, which lane) → `methods` (one file a family, one line a method in its
//! table) → `json` (shapes of blocks, transactions, receipts, logs) → `wire` (answer).
//! Transactions that stand next to each other in a batch reach the pool as one batch.
//!
//! ## Lanes
//! What only reads memory is answered on the thread that read it. What may touch the disk or run
//! the EVM goes to worker threads, a bounded number of each, with a bounded queue and a time limit:
//! an expensive trace delays other traces, and nothing else.
//!
//! ## Limits
//! See [`RpcLimits`] and [`limits`]. Every loop over chain data, every buffer and every table has one.
//!
//! ## Not here
//! Admission rules (the pool), EVM (execution), what an order means (commerce). No method moves the
//! chain; `evm_mine` and the wallet are seams that only a development node fills.

mod access;
mod budget;
mod context;
mod dispatch;
mod error;
mod events;
mod filters;
mod json;
mod lanes;
pub mod limits;
mod methods;
mod seams;
mod server;
mod wire;

pub use access::{Audit, AuditEntry, Guard, Identity};
pub use context::{Context, CurrencyInfo, NetworkInfo, NodeInfo, PartyInfo, Rpc};
pub use dispatch::handle_text;
pub use error::RpcError;
pub use events::{ChainEvent, Events};
pub use limits::RpcLimits;
pub use seams::{Consensus, Development, Faults, Meter, Peer, Stage, Submit, SubmitError, Wallet};
pub use server::{Methods, ServerOptions, Workers, serve_http, serve_web, serve_ws};
