//! Puts a node under load and measures it: transactions a second, time to inclusion, processor
//! time, memory and disk a transaction.
//!
//! ## Road
//! `plan` says what is measured. For each row a `host` is started (or a running node taken),
//! `setup` funds senders and makes accounts, `book` writes and signs every transaction, `load`
//! sends them while `follow` reads blocks, and `check` compares receipts and balances with what
//! was sent. `row` does this in order; `summary` tells it.
//!
//! All of it goes over JSON-RPC, so that any Ethereum node can be measured the same way.
//!
//! ## Not here
//! Judging speed: a slow node is no failure, a transaction that is lost or counted twice is.

mod accounts;
mod book;
mod catch_up;
mod check;
mod follow;
mod host;
mod load;
mod plan;
mod row;
mod setup;
mod summary;
#[cfg(test)]
mod tests;
mod usage;
mod wallet;

pub(crate) use host::{Own, Peer, Running};
pub(crate) use plan::{Kind, Plan, Target, Workload};
pub(crate) use row::run;
pub(crate) use summary::Summary;
