//! How the ledger behaves as a whole.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may stop here")]

mod chain;
mod crash;
mod damage;
mod forks;
mod history;
mod prune;
mod threads;
