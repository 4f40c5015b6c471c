//! Validators decide each block together (Tendermint); what is decided is final. One engine for `bft`
//! and `pos`: the weights come from the chain.
//!
//! The library's I/O-free core keeps the rounds and the votes (Buchman, Kwon, Milosevic: "The latest
//! gossip on BFT consensus", algorithm 1). This room does everything around it:
//!
//! - **start** (`engine::start`): the height is started, and the clocks of its rounds with it, only
//!   when a block is wanted: a transaction waits, the time for an empty block has come, or others
//!   have started. Nobody's patience runs out while there is nothing to do.
//! - **build** (`engine::build`): the proposer of a round builds a block. Its header carries a
//!   [`Provenance`](hanse_primitives::Provenance): who, when, and the certificate of the parent.
//! - **parts** (`engine::assemble`): a proposal is signed and travels with its block, in parts, from the
//!   proposer to everybody.
//! - **judge** (`engine::judge`): provenance and clock first (`rules::provenance`), then the chain
//!   executes the block. Nobody votes for a block whose outcome he has not seen.
//! - **vote**: the library's business; each vote goes from its signer to everybody, relayed by nobody.
//! - **decide** (`engine::decide`): the block becomes the head and is final, sealed by the certificate.
//! - **log** (`engine::log`): all that the library must not forget, and the blocks we may have voted
//!   for, are in the write-ahead log before a signature leaves. After a crash (`engine::recover`) the
//!   library is fed its own log and finds itself where it was: it never signs twice.
//! - **sync** (`engine::sync`): who is behind asks one peer at a time for final blocks and checks each by
//!   its certificate against the set that its own state names. Those who do not vote follow in the
//!   same way, and listen to the votes.
//! - **accuse** (`rules::evidence`): who signs two different things is named, with proof, to the chain.
//!   No node punishes anybody by itself.
//!
//! Limits: `limits`. Not here: who votes (the contract), what a block does (execution), sockets, clocks.

mod engine;
mod limits;
mod rules;
#[cfg(feature = "test-utils")]
pub(crate) mod testing;
#[cfg(feature = "treason")]
mod treason;

pub use engine::{Ballot, Bft, BftSettings, RoundView, logged_height};
pub use limits::MESSAGE_BYTES_MAX;
#[cfg(feature = "treason")]
pub use treason::{Said, Traitor, Treason, TreasonOrder, said};
