//! The values that every other room speaks of: amounts of money, heights, transactions, blocks,
//! receipts, state changes, genesis, and their byte formats.
//!
//! Byte formats are Ethereum's (RLP and EIP-2718 envelopes, from `alloy`), so that Ethereum tools
//! read Hanse unchanged. Nothing here does I/O, reads a clock, or decides about consensus.
//!
//! Limits: see [`limits`]. Errors: [`PrimitiveError`], always the fault of whoever made the bytes.

mod attributes;
mod block;
mod changes;
mod error;
mod genesis;
#[cfg(test)]
mod golden;
mod height;
pub mod limits;
mod money;
#[cfg(test)]
mod tests;

pub use attributes::Attributes;
pub use block::{
    Block, BlockHash, BlockRef, Executed, Header, Receipt, RecoveredTransaction, SealedBlock,
    Transaction, decode_block, recover,
};
pub use changes::{AccountChange, AccountInfo, StateChanges};
pub use error::PrimitiveError;
pub use genesis::{BaseFee, ChainSpec, Contracts, Engine, HanseSettings, Party, Role};
pub use height::Height;
pub use money::{Currency, Money, MoneyError, Rounding};
