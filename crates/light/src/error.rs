use crate::EngineName;
use alloy_primitives::{Address, B256, TxHash, U256};
use hanse_primitives::CertificateError;
use thiserror::Error;

/// Why nothing is proven. Each lie of a server has a variant of its own; none is our own fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LightError {
    /// The bytes are no proof of this kind.
    #[error("the answer is no proof: {0}")]
    Malformed(String),
    /// More of something than any honest answer has.
    #[error("{count} {what} are more than the {most} that there may be")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Nobody signs the blocks at this height.
    #[error("block {height} is {}: there are no signatures to verify", .engine.told())]
    NotSigned {
        /// The height.
        height: u64,
        /// How blocks come about there.
        engine: EngineName,
    },
    /// The genesis is of a chain that no engine of ours decides.
    #[error("the genesis says nothing of validators (config.hanse)")]
    Foreign,
    /// The checkpoint is of another network than the one that is expected.
    #[error("the checkpoint is of another network: its {0} differs")]
    OtherNetwork(&'static str),
    /// The checkpoint contradicts itself.
    #[error("the checkpoint is not valid: {0}")]
    Checkpoint(&'static str),
    /// The block that was asked for is older than what is trusted.
    #[error(
        "block {target} is older than the trusted block {trusted}; start from an older checkpoint or genesis"
    )]
    BeforeTrust {
        /// The block that was asked for.
        target: u64,
        /// The trusted one.
        trusted: u64,
    },
    /// Nothing is signed above the trusted block yet.
    #[error("no block above the trusted block {0} is final yet; try again when there is one")]
    NoneAbove(u64),
    /// A header does not decode.
    #[error("a header is not valid: {0}")]
    Header(&'static str),
    /// A link's header is not above what is trusted.
    #[error("block {number} is not above the trusted block {trusted}")]
    NotAhead {
        /// Height of the link's header.
        number: u64,
        /// The trusted height.
        trusted: u64,
    },
    /// A header names another parent than the one it is said to have.
    #[error("block {number} is not the child of {parent}")]
    NotChild {
        /// Height of the child.
        number: u64,
        /// The parent that was claimed.
        parent: B256,
    },
    /// A link further ahead came without the parent of its header.
    #[error("the parent of block {0} is missing")]
    NoParent(u64),
    /// A link that is not the last one did not lead any further.
    #[error("the link to block {0} leads nowhere")]
    Idle(u64),
    /// There are no links, or they end at another block than the one asked for.
    #[error("the links do not lead to block {0}")]
    WrongEnd(u64),
    /// The signatures are not by those who decide the block.
    #[error("block {number}: {fault}")]
    Certificate {
        /// Height of the block.
        number: u64,
        /// What is wrong.
        fault: CertificateError,
    },
    /// Too few of those who are trusted have signed.
    #[error(
        "block {number} is signed by {signed} of the {total} voting power that is trusted since block {trusted}, which is not more than two thirds"
    )]
    TooLittleTrust {
        /// Height of the block.
        number: u64,
        /// Trusted power that signed.
        signed: u128,
        /// All trusted power.
        total: u128,
        /// The trusted height.
        trusted: u64,
    },
    /// It was asked about a block whose own validators are not proven.
    #[error("nothing proves who decides block {0}")]
    NotDecided(u64),
    /// Members may have voted for another engine; without proof of that nobody knows whose word counts.
    #[error(
        "it is not proven which contract knows the validators of block {0}: members may have changed it"
    )]
    NoEngine(u64),
    /// A set of validators that no contract of ours can hold.
    #[error("the validators of block {number} make no set: {why}")]
    Seats {
        /// The height that they decide.
        number: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A Merkle proof proves nothing.
    #[error("the Merkle proof of {what} is not valid: {fault}")]
    Proof {
        /// Of what.
        what: &'static str,
        /// What is wrong.
        fault: TrieFault,
    },
    /// There is no such contract in the proven state.
    #[error("there is no contract at {0}")]
    NoContract(Address),
    /// The transaction is another one than was asked for.
    #[error("the proven transaction is {found}, not {asked}")]
    OtherTransaction {
        /// Which one was asked for.
        asked: TxHash,
        /// Which one is proven.
        found: TxHash,
    },
    /// No transaction or receipt has this place.
    #[error("block {number} has no {what} at {index}")]
    NothingThere {
        /// Height of the block.
        number: u64,
        /// Transaction or receipt.
        what: &'static str,
        /// The place.
        index: u64,
    },
    /// What is proven does not decode.
    #[error("the proven {0} does not decode")]
    Undecodable(&'static str),
    /// A proof of another account or other slots than were asked for.
    #[error("the proof is of another {0}")]
    OtherAccount(&'static str),
    /// What the server says beside a proof is not what the proof says.
    #[error("the {field} is {proven}, the server says {said}")]
    Contradiction {
        /// Of what.
        field: &'static str,
        /// What is proven.
        proven: String,
        /// What was said.
        said: String,
    },
    /// The same for a slot.
    #[error("slot {slot:#x} is {proven:#x}, the server says {said:#x}")]
    OtherValue {
        /// The slot.
        slot: U256,
        /// What is proven.
        proven: U256,
        /// What was said.
        said: U256,
    },
}

/// Why nodes of a Merkle-Patricia trie prove nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrieFault {
    /// A node on the way is not there, or is another one.
    #[error("node {0} is missing")]
    Missing(B256),
    /// A node has nothing to do with it.
    #[error("a node is not on the way")]
    Spare,
    /// A node is not one of a trie.
    #[error("a node does not decode")]
    Node,
    /// A value does not decode.
    #[error("the value does not decode")]
    Value,
}
