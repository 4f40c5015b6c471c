//! Checks, without trusting who answers, that a transaction or a value of the state is in a final
//! block of a chain whose validators vote.
//!
//! ## Trust
//! A client trusts a [`Checkpoint`]: which chain it is, and who decides the block after some block of
//! it. Genesis is one ([`Verifier::genesis`]); every later one follows from what was verified, or is
//! taken from somebody who is trusted. All else comes from a server that may lie, and is checked:
//! signatures, hashes, Merkle proofs. The rules, and why they are sound: `docs/protocol/light.md`.
//!
//! ## The road
//! [`Verifier::finality`] turns the server's links into a [`FinalBlock`], the only type that
//! [`FinalBlock::transaction`] and [`FinalBlock::account`] can be asked of; what they give
//! ([`ProvenTransaction`], [`ProvenAccount`]) is proven.
//!
//! ## For whoever serves
//! [`prove_finality`] finds the links over a [`Record`], [`validators_in_state`] reads the set that a
//! state holds. [`hanse_primitives::OrderedList`] makes the Merkle proofs of transactions and receipts.
//!
//! ## Limits
//! See [`limits`]. Bytes that are no proof are refused, never a reason to panic.
//!
//! ## Not here
//! Asking a server, files, a clock. Execution: a light client believes what more than two thirds of
//! the validators have executed. Proof of work and single sealers sign nothing, so there is nothing
//! here to verify about their blocks.

mod error;
mod finality;
pub mod limits;
mod network;
mod quantity;
mod seats;
mod serve;
mod state;
mod transaction;
mod trie;

#[cfg(test)]
mod tests;

pub use error::{LightError, TrieFault};
pub use finality::{Certificate, Decision, FinalBlock, FinalityProof, Link, Support, Verifier};
pub use network::{Checkpoint, EngineName, Network, Seat, Span};
pub use seats::{SetProof, validators_in_state};
pub use serve::{Record, prove_finality};
pub use state::{AccountProof, ProvenAccount, SlotProof};
pub use transaction::{ProvenTransaction, TransactionProof};

/// Reads what a server answered.
///
/// # Errors
/// [`LightError::Malformed`] when it is no proof of this kind, [`LightError::TooLarge`] when it is
/// longer than any.
pub fn decode<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, LightError> {
    if json.len() > limits::ANSWER_BYTES_MAX {
        return Err(LightError::TooLarge {
            what: "bytes in the answer",
            count: json.len(),
            most: limits::ANSWER_BYTES_MAX,
        });
    }
    serde_json::from_slice(json).map_err(|error| LightError::Malformed(error.to_string()))
}
