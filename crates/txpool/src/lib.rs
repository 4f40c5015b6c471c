//! Admits transactions and orders them for the next block. Does not execute, store or gossip them.
//!
//! Pure: state, time and bytes come in as arguments, so that the simulator can drive it.

mod error;
mod pool;

pub use error::PoolError;
pub use pool::{Account, Accounts, Admitted, Change, Pool, PoolSettings, PoolStatus, Rules};
