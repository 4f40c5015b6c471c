use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use hanse_ledger::LedgerError;
use hanse_primitives::BlockHash;
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
    /// The EVM failed in a way that no block can cause: our own fault.
    #[error("the EVM failed: {0}")]
    Internal(String),
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
    /// Its nonce is above its sender's: one before it was skipped or never came.
    #[error("nonce {found} is above the sender's {expected}")]
    NonceTooHigh {
        /// Nonce of the transaction.
        found: u64,
        /// Nonce of the account.
        expected: u64,
    },
}

/// Why a call, an estimate or a simulation gave no result. [`CallError::code`] and
/// [`CallError::data`] are what JSON-RPC answers with.
#[derive(Debug, Error)]
pub enum CallError {
    /// The code reverted.
    #[error("{}", crate::error::revert_message(.0))]
    Reverted(Bytes),
    /// The code ran out of gas, hit an invalid opcode, and so on.
    #[error("{0}")]
    Halted(String),
    /// The request can never be a transaction on that state.
    #[error("{0}")]
    Invalid(InvalidCall),
    /// The block is not known, or its state is no longer there.
    #[error("header not found")]
    UnknownBlock(BlockHash),
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
    /// The gas limit does not even pay for the transaction's bytes.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
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
    #[error("block gas limit reached: {used} >= {limit}")]
    BlockGasLimit {
        /// Gas used so far, with the call's.
        used: u64,
        /// Gas limit of the block.
        limit: u64,
    },
    /// Init code beyond the limit of EIP-3860.
    #[error("max initcode size exceeded: code size {size} limit {limit}")]
    InitCodeSize {
        /// Its bytes.
        size: usize,
        /// The most bytes.
        limit: usize,
    },
    /// The sender has code (EIP-3607).
    #[error("sender not an eoa: address {address}, codehash: {code_hash}")]
    SenderHasCode {
        /// The sender.
        address: Address,
        /// keccak256 of its code.
        code_hash: B256,
    },
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
    /// A precompile cannot be moved to itself.
    #[error("account {0} is not a precompile")]
    NotAPrecompile(Address),
    /// A precompile cannot be moved to itself.
    #[error("the precompile at {0} cannot be moved to its own address")]
    MovedToItself(Address),
    /// Two precompiles cannot be moved to one place, or a place whose account is overridden too.
    #[error("account {0} is already overridden")]
    MovedTwice(Address),
    /// More simulated blocks than [`crate::limits::SIMULATED_BLOCKS_MAX`].
    #[error("too many blocks")]
    TooManyBlocks,
    /// No gas limit makes the call succeed.
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
        "the trace is larger than {0} bytes; ask for less with disableStack, disableStorage or limit"
    )]
    TooLarge(usize),
    /// As for a call.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl CallError {
    /// The error code of JSON-RPC.
    #[must_use]
    pub fn code(&self) -> i64 {
        todo!()
    }

    /// The `data` of the JSON-RPC error: what the code reverted with.
    #[must_use]
    pub const fn data(&self) -> Option<&Bytes> {
        match self {
            Self::Reverted(data) => Some(data),
            _ => None,
        }
    }
}

pub(crate) fn revert_message(output: &Bytes) -> String {
    let _ = output;
    todo!()
}
