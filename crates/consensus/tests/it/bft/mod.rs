//! The engine of validators, many of them in one virtual network.

mod hostile;
mod ledger;
mod live;
mod network;
mod storm;
mod sync;
