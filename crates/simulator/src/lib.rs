//! A whole network in one thread and virtual time, from one seed: the real engines, the real chain with its
//! execution, pool, contracts and ledger, and a world in which everything goes wrong that may.
//! Test-only: it stands beside `node`, and nothing depends on it.
//!
//! ## Road
//! [`Simulation`] draws a [`Scenario`] from its seed: who lies, how bad the network is, who crashes when.
//! `run` steps through events in virtual time: deliveries, ticks, nonces, transactions, faults. After every
//! event the `laws` look at who was called; what they refuse ends the run with a [`Failure`] that names the
//! seed. The same seed gives the same run, to the byte.
//!
//! ## What is real, and what is not
//! Real: `hanse_consensus`, the chain of `hanse-node` over execution, pool and ledger, the engines' log
//! files, the contracts, the signatures, the nonces of miners. Each member has a folder of its own, in
//! memory where the system has such a file system. Simulated: time, the network (every message may be lost,
//! late, doubled or out of order), the threads of `node::driver`, and power cuts: what was not synced is lost
//! from some byte on.
//!
//! ## Not here
//! The TLS network, JSON-RPC, the clock of the machine. A ledger's store is written only at shutdown or when
//! a scenario asks for it, so that nothing depends on a thread's pace.

mod council;
mod disk;
mod error;
mod genesis;
mod laws;
pub mod limits;
mod member;
mod money;
mod network;
mod report;
mod run;
mod sabotage;
mod scenario;
mod shop;
mod simulation;

pub use error::{Failure, Law};
pub use genesis::Rules;
pub use report::Report;
pub use sabotage::Sabotage;
pub use scenario::{Crash, Fault, Scenario, Split, Weather};
pub use simulation::Simulation;
