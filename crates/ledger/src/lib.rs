//! The replicated record: blocks, world state, the tree of blocks that are not final yet, history
//! and proofs. The only room that touches the disk.
//!
//! ## What is where
//! - `log`: the append-only block log, the truth. One record a block (block, receipts, state
//!   changes, seal), one `fdatasync` each. A crash loses no block whose commit has returned.
//! - `store`: fjall key spaces that are derived from the log and written behind it: flat state,
//!   its history, trie nodes, indexes by hash. One atomic batch a checkpoint, which also says up to
//!   which height it goes; what is missing after a crash is replayed from the log.
//! - `trie`: the Merkle-Patricia trie over the world state, in memory up to a bound, nodes on disk.
//! - `tree`: the finalized state and one overlay per unfinalized block.
//!
//! ## Not here
//! Executing a block (it arrives as [`hanse_primitives::Executed`]), choosing a head (the engine
//! says so), gossip.

mod blocks;
mod checkpoint;
mod codec;
mod error;
mod flat;
mod journal;
mod ledger;
pub mod limits;
mod log;
mod open;
mod proof;
mod recent;
mod records;
mod rollback;
mod settings;
mod shared;
mod store;
mod stored;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;
mod tree;
mod trie;
mod verify;
mod view;
mod writer;

pub use blocks::Blocks;
pub use error::LedgerError;
pub use journal::Journal;
pub use ledger::{
    AccountProof, HeadChange, Ledger, PendingRoot, StorageProof, TransactionPlace, Usage,
    VerifyReport,
};
pub use settings::Settings;
pub use stored::StoredBlock;
pub use view::StateView;
