//! Networks of several nodes over real sockets on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod flow;
mod node;
mod reach;
