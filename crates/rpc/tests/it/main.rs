//! The interface as its clients see it: over real sockets, and against the recorded exchanges of the
//! specification.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod chain;
mod limits;
mod methods;
mod sockets;
mod subscriptions;
mod suite;
mod web;
