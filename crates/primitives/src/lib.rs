//! The values that every other room speaks of: amounts of money, heights, transactions, blocks,
//! receipts, state changes, genesis, and their byte formats.
//!
//! Byte formats are Ethereum's (RLP and EIP-2718 envelopes, from `alloy`), so that Ethereum tools
//! read Hanse unchanged. Nothing here does I/O, reads a clock, or decides about consensus.
//!
//! Limits: see [`limits`]. Errors: [`PrimitiveError`], always the fault of whoever made the bytes.

mod attributes;
mod block;
mod certificate;
mod changes;
mod engine;
mod error;
mod genesis;
#[cfg(test)]
mod golden;
mod height;
pub mod limits;
mod money;
mod ordered;
mod peer;
mod signing;
mod tenure;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod validator_tests;
mod validators;

pub use attributes::Attributes;
pub use block::{
    Block, BlockHash, BlockRef, Executed, Header, Receipt, RecoveredTransaction, SealedBlock,
    Transaction, decode_block, recover,
};
pub use certificate::{
    CertificateError, CommitCertificate, CommitSignature, Equivocation, Provenance,
};
pub use changes::{AccountChange, AccountInfo, StateChanges};
pub use engine::{Engine, EngineChange, ValidatorSettings, WorkSettings};
pub use error::PrimitiveError;
pub use genesis::{BaseFee, ChainSpec, Contracts, HanseSettings, Membership, Party, Role};
pub use height::Height;
pub use money::{Currency, Money, MoneyError, Rounding};
pub use ordered::{OrderedItem, OrderedList};
pub use peer::PeerId;
pub use signing::{Proposal, SigningDomain, ValidatorSignature, Vote, VoteKind};
pub use tenure::{Tenure, VotedChange, VotedChanges};
pub use validators::{Validator, ValidatorSet};
