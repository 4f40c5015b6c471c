//! Runs blocks and calls on the EVM: executes a block and checks everything its header claims,
//! builds a block from transactions, and answers "what if" for JSON-RPC (call, gas estimate, access
//! list, `eth_simulateV1`, traces). The only room that knows the EVM library.
//!
//! ## Road
//! - [`Executor::execute`]: header rules → senders (recovered in parallel, or known from the
//!   pool) → system calls, transactions, withdrawals, requests → gas, bloom, receipts root, requests
//!   hash, state root. What comes out is [`hanse_primitives::Executed`], the only kind of block
//!   the ledger stores, and it is vouched for in one place of this crate.
//! - [`Executor::build`]: the same machine, with the header sealed at the end instead of compared.
//! - Everything else reads a state and writes nowhere.
//!
//! State, blocks and time come in as arguments: nothing here opens a file or a socket, reads a clock
//! or draws a random number.
//!
//! ## Limits
//! See [`limits`]. A call of JSON-RPC spends at most [`Executor::call_gas_max`] gas, and can be called
//! off ([`Interrupt`]).
//!
//! ## Not here
//! Which transactions are worth including (the pool orders them), who may propose a block (the
//! engine), where blocks are kept (the ledger). Proof-of-work seals of foreign chains from before
//! the merge are not verified: such a chain is imported by someone who trusts the file, and every
//! state, receipts and transactions root in it is still recomputed.

mod builder;
mod error;
mod executor;
mod interrupt;
pub mod limits;
mod machine;
mod messages;
mod permissions;
mod precompiles;
mod question;
mod receipts;
mod recovery;
mod retention;
mod rules;
mod simulation;
mod slots;
mod state;
#[cfg(test)]
mod tests;
mod upgrades;
mod validators;

pub use builder::{BuildLimits, Built};
pub use error::{CallError, ExecutionError, InvalidCall, SkipReason, TraceError, Violation};
pub use executor::Executor;
pub use interrupt::Interrupt;
pub use permissions::{
    CertificateRecord, Doorkeeper, Forbidden, Needed, OrganizationRecord, changes_members,
};
pub use recovery::recover_all;
pub use retention::RetentionRule;
pub use rules::{next_blob_fee, next_excess_blob_gas};
pub use simulation::{
    AccessListOutcome, CallOutcome, Overrides, SimulatedBlock, SimulatedCall, SimulatedFailure,
};
pub use validators::{
    AbsenceRules, EngineVotes, ProvenEquivocation, Standing, ValidatorRecord, accusation, comeback,
    removes_validator,
};
