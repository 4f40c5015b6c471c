//! The engine of validators, many of them in one virtual network.

mod ledger;
mod live;
mod network;
