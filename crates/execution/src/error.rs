use crate::{messages::revert_message, state::Failure};
use alloy_primitives::{Address, Bytes, TxHash, U256};
use hanse_ledger::LedgerError;
use hanse_primitives::BlockHash;
use std::{fmt::Display, sync::Arc};
use thiserror::Error;

/// Why a block was not executed or built. The variants say whose fault it is.
#[derive(Debug, Error)]
pub enum ExecutionError {
    /// A rule is broken, whoever looks at the block and whenever: its proposer's fault.
    #[error("invalid block {hash}: {violation}")]
    Invalid {
        /// The block.
        hash: BlockHash,
        /// The broken rule.
        violation: Violation,
    },
    /// The parent is not known (yet): nobody's fault, try later.
    #[error("the parent {0} is not known")]
    UnknownParent(BlockHash),
    /// [`crate::Executor::build`] was asked for a block that would break a rule: the engine's fault.
    #[error("cannot build with these attributes: {0}")]
    Attributes(Violation),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// Nobody waits for the outcome any more. Never happens to a block that counts.
    #[error("execution aborted ({0})")]
    Interrupted(Arc<str>),
    /// The EVM failed in a way that no block can cause: our own fault.
    #[error("the EVM failed: {0}")]
    Internal(String),
}

/// What went wrong while a block ran, before it is known whose block it is.
#[derive(Debug)]
pub(crate) enum Fault {
    Block(Violation),
    Other(ExecutionError),
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self::Block(violation)
    }
}

impl From<ExecutionError> for Fault {
    fn from(error: ExecutionError) -> Self {
        Self::Other(error)
    }
}

impl Fault {
    /// The error when the block came from somebody else.
    pub(crate) fn of_block(self, hash: BlockHash) -> ExecutionError {
        match self {
            Self::Block(violation) => ExecutionError::Invalid { hash, violation },
            Self::Other(error) => error,
        }
    }

    /// The error when the block is our own.
    pub(crate) fn of_build(self) -> ExecutionError {
        match self {
            Self::Block(violation) => ExecutionError::Attributes(violation),
            Self::Other(error) => error,
        }
    }
}

/// A rule that a block breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// A header field is not what parent, fork and body ask for.
    #[error("{field} is {found}, expected {expected}")]
    Mismatch {
        /// Name of the field.
        field: &'static str,
        /// What the header says.
        found: String,
        /// What it must say.
        expected: String,
    },
    /// A field of the header or the body must be there at this fork.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field of the header or the body must not be there at this fork.
    #[error("{0} does not belong in a block of this fork")]
    Unexpected(&'static str),
    /// A value is out of its bounds.
    #[error("{0}")]
    OutOfBounds(String),
    /// A transaction cannot be in the block.
    #[error("transaction {index} ({hash}): {reason}")]
    Transaction {
        /// Its position.
        index: usize,
        /// Its hash.
        hash: TxHash,
        /// What is wrong with it.
        reason: String,
    },
    /// A system contract is missing or failed, or a deposit event is malformed.
    #[error("{0}")]
    System(String),
}

/// Why the builder left a transaction out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SkipReason {
    /// It did not fit in what was left of gas, bytes or blobs; it may fit in the next block.
    #[error("does not fit in the rest of the block")]
    DoesNotFit,
    /// It can never run on this state: nonce used, balance too low, fee too low, and so on.
    #[error("{0}")]
    Invalid(String),
    /// It comes after another of its sender that was left out, and so was not tried.
    #[error("comes after nonce {nonce} of its sender, which was left out")]
    Follows {
        /// Nonce of the other.
        nonce: u64,
    },
    /// Its nonce is above its sender's: one before it never came.
    #[error("nonce {found} is above the sender's {expected}")]
    NonceTooHigh {
        /// Nonce of the transaction.
        found: u64,
        /// Nonce of the account.
        expected: u64,
    },
}

/// Why a call, an estimate or a simulation gave no result. [`CallError::code`] and
/// [`CallError::data`] are what JSON-RPC answers with, and the text is its message.
#[derive(Debug, Error)]
pub enum CallError {
    /// The code reverted.
    #[error("{}", revert_message(.0))]
    Reverted(Bytes),
    /// The code ran out of gas, hit an invalid opcode, and so on.
    #[error("{0}")]
    Halted(String),
    /// The request can never be run.
    #[error("{0}")]
    Invalid(#[from] InvalidCall),
    /// The request can be no transaction on that state.
    #[error("err: {invalid} (supplied gas {gas})")]
    Refused {
        /// What is wrong with it.
        invalid: Box<InvalidCall>,
        /// Its gas limit.
        gas: u64,
    },
    /// A call of a simulation can be no transaction, or the whole simulation makes no sense.
    #[error("{}", refusal_message(invalid, *gas))]
    SimulationRefused {
        /// What is wrong.
        invalid: Box<InvalidCall>,
        /// Gas limit of the call, if it is about one.
        gas: Option<u64>,
    },
    /// The block is not known, or its state is no longer there.
    #[error("header not found")]
    UnknownBlock(BlockHash),
    /// It was called off before it was done.
    #[error("execution aborted ({0})")]
    Interrupted(Arc<str>),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// The EVM failed in a way that no request can cause.
    #[error("the EVM failed: {0}")]
    Internal(String),
}

/// What is wrong with the request of a call. The texts are the ones that Ethereum tools know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidCall {
    /// The nonce is below the sender's.
    #[error("nonce too low: address {address}, tx: {found} state: {expected}")]
    NonceTooLow {
        /// The sender.
        address: Address,
        /// Nonce of the request.
        found: u64,
        /// Nonce of the account.
        expected: u64,
    },
    /// The nonce is above the sender's.
    #[error("nonce too high: address {address}, tx: {found} state: {expected}")]
    NonceTooHigh {
        /// The sender.
        address: Address,
        /// Nonce of the request.
        found: u64,
        /// Nonce of the account.
        expected: u64,
    },
    /// The sender's nonce cannot rise any more.
    #[error("nonce has max value: address {address}, nonce: {nonce}")]
    NonceMax {
        /// The sender.
        address: Address,
        /// Its nonce.
        nonce: u64,
    },
    /// The fee cap is below the block's base fee.
    #[error(
        "max fee per gas less than block base fee: address {address}, maxFeePerGas: {fee}, baseFee: {base_fee}"
    )]
    FeeTooLow {
        /// The sender.
        address: Address,
        /// Fee cap, wei per gas.
        fee: u128,
        /// Base fee, wei per gas.
        base_fee: u64,
    },
    /// The priority fee is above the fee cap.
    #[error(
        "max priority fee per gas higher than max fee per gas: address {address}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
    )]
    TipAboveFee {
        /// The sender.
        address: Address,
        /// Priority fee, wei per gas.
        tip: u128,
        /// Fee cap, wei per gas.
        fee: u128,
    },
    /// The gas limit does not even pay for the transaction's bytes.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Gas limit of the request.
        have: u64,
        /// Least gas limit.
        want: u64,
    },
    /// The gas limit is below the floor that call data has (EIP-7623).
    #[error("insufficient gas for floor data gas cost: have {have}, want {want}")]
    FloorGas {
        /// Gas limit of the request.
        have: u64,
        /// Least gas limit.
        want: u64,
    },
    /// The sender cannot pay.
    #[error(
        "insufficient funds for gas * price + value: address {address} have {have} want {want}"
    )]
    InsufficientFunds {
        /// The sender.
        address: Address,
        /// Its balance in wei.
        have: U256,
        /// What the call costs at most, in wei.
        want: U256,
    },
    /// More gas than the block has left.
    #[error("block gas limit reached: remaining: {remaining}, required: {required}")]
    BlockGasLimit {
        /// Gas that is left.
        remaining: u64,
        /// Gas limit of the call.
        required: u64,
    },
    /// Init code beyond the limit of EIP-3860.
    #[error("max initcode size exceeded: code size {0}")]
    InitCodeSize(usize),
    /// The sender has code (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderHasCode(Address),
    /// Numbers of simulated blocks must rise.
    #[error("block numbers must be in order: {found} <= {previous}")]
    BlockNumbers {
        /// The number asked for.
        found: U256,
        /// The block before.
        previous: u64,
    },
    /// Timestamps of simulated blocks must rise.
    #[error("block timestamps must be in order: {found} <= {previous}")]
    BlockTimestamps {
        /// The time asked for.
        found: u64,
        /// The block before.
        previous: u64,
    },
    /// Only a precompile can be moved.
    #[error("account {0} is not a precompile")]
    NotAPrecompile(Address),
    /// A precompile cannot be moved to an account that is overridden too, nor the reverse.
    #[error("account {0} is already overridden")]
    MovedTwice(Address),
    /// More simulated blocks than [`crate::limits::SIMULATED_BLOCKS_MAX`].
    #[error("too many blocks")]
    TooManyBlocks,
    /// More simulated calls than [`crate::limits::SIMULATED_CALLS_MAX`].
    #[error("too many calls")]
    TooManyCalls,
    /// The law of the network forbids the sender to make it a transaction.
    #[error("{0}")]
    Forbidden(Box<crate::Forbidden>),
    /// No gas limit that the call may have makes it succeed.
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    /// Anything else, for people.
    #[error("{0}")]
    Other(String),
}

/// Why a trace could not be made.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The tracer or its settings are not supported.
    #[error("{0}")]
    Tracer(String),
    /// The block has no such transaction.
    #[error("transaction {0} is not in the block")]
    UnknownTransaction(usize),
    /// The genesis block ran no transactions.
    #[error("genesis is not traceable")]
    Genesis,
    /// The trace would be too large.
    #[error(
        "the trace takes more than {0} bytes; ask for less with disableStack, disableStorage or limit"
    )]
    TooLarge(usize),
    /// As for a call.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl CallError {
    /// Code of a revert.
    pub(crate) const REVERTED: i64 = 3;

    /// Code of any other failure of the EVM within a simulation.
    pub(crate) const VM_FAILED: i64 = -32_015;

    /// The error code of JSON-RPC.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self {
            Self::Reverted(_) => Self::REVERTED,
            Self::SimulationRefused { invalid, .. } => invalid.simulation_code(),
            Self::Store(_) | Self::Internal(_) => -32_603,
            Self::Halted(_)
            | Self::Invalid(_)
            | Self::Refused { .. }
            | Self::UnknownBlock(_)
            | Self::Interrupted(_) => -32_000,
        }
    }

    /// The `data` of the JSON-RPC error: what the code reverted with.
    #[must_use]
    pub const fn data(&self) -> Option<&Bytes> {
        match self {
            Self::Reverted(data) => Some(data),
            _ => None,
        }
    }

    /// The same complaint with the code that it has in `eth_simulateV1`.
    pub(crate) fn in_simulation(self) -> Self {
        match self {
            Self::Refused { invalid, gas } => Self::SimulationRefused { invalid, gas: Some(gas) },
            other => other,
        }
    }

    /// [`Failure::behind`] an error, for whoever asked for a call.
    pub(crate) fn unreadable(failure: &Failure, error: &impl Display) -> Self {
        failure.take().map_or_else(|| Self::Internal(error.to_string()), Into::into)
    }
}

impl From<ExecutionError> for CallError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::UnknownParent(hash) => Self::UnknownBlock(hash),
            ExecutionError::Store(error) => Self::Store(error),
            ExecutionError::Interrupted(reason) => Self::Interrupted(reason),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl InvalidCall {
    /// More gas may mend it.
    pub(crate) const fn is_about_intrinsic_gas(&self) -> bool {
        matches!(self, Self::IntrinsicGas { .. } | Self::FloorGas { .. })
    }

    /// The code that execution-apis gives to this in `eth_simulateV1`.
    const fn simulation_code(&self) -> i64 {
        match self {
            Self::NonceTooLow { .. } => -38_010,
            Self::NonceTooHigh { .. } => -38_011,
            Self::FeeTooLow { .. } => -38_012,
            Self::IntrinsicGas { .. } | Self::FloorGas { .. } => -38_013,
            Self::InsufficientFunds { .. } => -38_014,
            Self::BlockGasLimit { .. } => -38_015,
            Self::BlockNumbers { .. } => -38_020,
            Self::BlockTimestamps { .. } => -38_021,
            Self::SenderHasCode(_) => -38_024,
            Self::InitCodeSize(_) => -38_025,
            Self::TooManyBlocks | Self::TooManyCalls => -38_026,
            Self::TipAboveFee { .. } => -32_602,
            Self::NonceMax { .. } => -32_603,
            Self::Forbidden(_) => -32_003,
            Self::NotAPrecompile(_)
            | Self::MovedTwice(_)
            | Self::GasAllowance(_)
            | Self::Other(_) => -32_000,
        }
    }
}

fn refusal_message(invalid: &InvalidCall, gas: Option<u64>) -> String {
    gas.map_or_else(|| invalid.to_string(), |gas| format!("err: {invalid} (supplied gas {gas})"))
}
