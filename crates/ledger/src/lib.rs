//! The replicated record: blocks, world state, the tree of blocks that are not final yet, history
//! and proofs. The only room that touches the disk.
//!
//! ## What is where
//! - `log`: the append-only block log, the truth. One record a block (block, senders, receipts, state
//!   changes, seal), one `fdatasync` a commit. A crash loses no block whose commit has returned.
//! - `store`: fjall key spaces that are derived from the log and written behind it by a thread
//!   (`writer`, `checkpoint`): latest accounts and slots, all their versions, trie nodes, indexes.
//!   What it lacks after a crash is replayed from the log (`open`).
//! - `recent`: final blocks that the store lacks, with all `versions` of what they changed. `flat` reads through it, a cache and the store, as
//!   of any final height.
//! - `tree`: one overlay per block that is not final; the head; what finality drops.
//! - `view`: the state after one block, for whoever executes or asks. `proof`: Merkle proofs, also
//!   of the past. `trie`: the Merkle-Patricia trie, in memory up to a bound.
//! - `verify` recomputes everything; `rollback` takes blocks back; `prune` lets history go below a
//!   `horizon`, and `remains` is what is left of it; a `snapshot` has all of it in one file, which
//!   `restore` makes a ledger of; `journal` keeps records for the node.
//!
//! The road of a block: [`Ledger::root`] while it is executed, [`Ledger::insert`],
//! [`Ledger::set_head`], [`Ledger::finalize`]; some time later, a checkpoint. Why it is so:
//! `docs/adr/0002-the-log-is-the-truth.md`.
//!
//! ## Limits
//! See [`limits`]. Memory is bounded by [`Settings`], apart from the blocks that are not final.
//!
//! ## Not here
//! Executing a block (it arrives as [`hanse_primitives::Executed`]), choosing a head (the engine
//! says so), gossip.

mod blocks;
mod checkpoint;
mod codec;
mod error;
mod flat;
mod horizon;
mod journal;
mod ledger;
pub mod limits;
mod log;
mod open;
mod past_state;
mod proof;
mod prune;
mod recent;
mod records;
mod remains;
mod restore;
mod rollback;
mod settings;
mod shared;
mod snapshot;
mod store;
mod stored;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;
mod tree;
mod trie;
mod verify;
mod versions;
mod view;
mod writer;

pub use blocks::Blocks;
pub use error::LedgerError;
pub use horizon::{Horizon, PruneReport};
pub use journal::Journal;
pub use ledger::{
    AccountProof, HeadChange, Ledger, PendingRoot, StorageProof, TransactionPlace, Usage,
    VerifyReport,
};
pub use log::Gone;
pub use remains::{Past, Remaining, Remains};
pub use settings::Settings;
pub use stored::StoredBlock;
pub use view::StateView;
