//! The business view of the chain: what the market's contracts did, in the market's words.
//!
//! Each subject is a follower: it reads final blocks, decodes the events of its contracts and
//! answers questions about them. It decides nothing about money (the contracts do) and changes
//! state by no road but ordinary transactions. What a follower knows can always be rebuilt from
//! the ledger, so nothing of it is stored.
//!
//! Subjects so far: [`orders`].

mod error;
pub mod limits;
pub mod orders;

pub use error::CommerceError;
