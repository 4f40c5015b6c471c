//! Admits transactions and orders them for the next block. Does not execute, store or gossip them.
//!
//! Road: raw bytes, [`decode`] (shape, size, sender: the dear part, done once, in parallel,
//! and remembered for the block that brings the transaction again),
//! [`Pool::add`] (rules of the next block, nonce, balance, limits), [`Pool::best`] (an order for the
//! block builder), [`Pool::on_block`] (what a new head changes).
//!
//! ## What is kept
//! One queue a sender, by nonce. Its *pending* part is the longest run from the account's nonce that
//! the balance covers and that pays the next block's base fee; the rest is *queued*. Best-paid first,
//! then senders take turns, then first come first served: where nobody pays, nobody can crowd others
//! out, neither of a block nor of the pool.
//!
//! ## Pure
//! No clock, socket or disk: time (seconds since the Unix epoch), the head's state and bytes come in
//! as arguments, so that the simulator can drive it. The pool differs from node to node and decides
//! nothing that replicas must agree on.
//!
//! Limits: see [`limits`] and [`PoolSettings`]. Errors: [`PoolError`], which names whose fault it is.

mod account;
mod best;
mod check;
mod decode;
mod error;
pub mod limits;
mod pool;
mod pressure;
mod rules;
mod sender;
mod settings;
mod signers;
mod slab;
mod state;

pub use account::{Account, Accounts};
pub use best::Best;
pub use decode::{Admitted, Decoded, Sidecar, decode, decode_all};
pub use error::{Fault, PoolError, Shortfall};
pub use pool::{Pool, PoolStatus, SenderContent};
pub use rules::{BlobRules, Forks, Rules};
pub use settings::PoolSettings;
