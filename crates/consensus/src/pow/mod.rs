//! Proof of work: miners compete, the heaviest chain counts, and a block is final once enough others
//! stand on it. The rules in bytes and formulas are in `docs/protocol/work.md`.
//!
//! - `rules` decides with values: difficulty, times, the check of a header, fork choice, messages.
//! - `engine` is the message loop, one file an event.
//! - [`search()`] looks for a nonce; the node runs it on threads of its own.

mod engine;
mod limits;
mod rules;
mod search;
#[cfg(feature = "test-utils")]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use engine::{MinerSettings, Pow, PowSettings};
pub use search::{Found, search};
