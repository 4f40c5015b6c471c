//! Puts the rooms together: configuration, the thread that steps the engine, servers, the command
//! line, and what drives a node from outside: demo and benchmark. The only room that reads the
//! clock and draws random numbers, and the home of the `hanse` binary.
//!
//! ## Road
//! `submit` takes a transaction to the pool and the journal and wakes the `driver`, which steps the
//! engine; the engine asks the `chain` (the one implementation of [`hanse_consensus::Chain`]) to
//! build, import and finalize; `chain` tells pool and subscribers of the new head.
//!
//! ## Not here
//! Rules of any kind. What this room decides is who runs when.

mod access;
mod anchor;
mod audit;
mod bench;
mod blocks;
mod chain;
mod cli;
mod client;
mod clock;
mod compiled;
mod config;
mod consortium;
mod demo;
mod development;
mod docket;
mod driver;
mod engines;
mod error;
mod exit;
mod faults;
mod files;
mod follow;
mod gossip;
mod gzip;
mod history;
mod latencies;
mod launch;
mod layout;
mod localnet;
mod member;
mod members;
mod metrics;
mod miner;
mod msp;
mod outside;
mod overview;
mod own;
mod peers;
mod process;
mod rejoin;
mod rooms;
mod roster;
#[cfg(feature = "simulation")]
pub mod simulation;
mod snapshots;
mod standstill;
mod submit;
mod validator;
mod wal;
mod workers;

pub use access::{Access, ByCertificate, Clients, Rate, Role, Tls};
pub use cli::{Cli, run};
pub use config::{
    Config, Dev, Http, LedgerConfig, Listen, Log, LogFormat, Metrics, Rpc, TxPool, Web,
};
pub use development::{DevelopmentWallet, Options};
pub use error::NodeError;
pub use gossip::transactions_of;
pub use history::History;
pub use launch::{Node, chain_spec, client_version};
