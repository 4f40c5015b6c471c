//! How the ledger behaves as a whole.

mod chain;
mod crash;
mod damage;
mod forks;
mod history;
mod threads;
