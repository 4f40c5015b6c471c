use alloy_primitives::{Address, U256};
use std::fmt;
use thiserror::Error;

/// Who is to blame, and so what the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The transaction breaks a rule or its sender cannot pay: refuse it.
    Sender,
    /// Nothing is wrong with the transaction: try again later, or pay more.
    Full,
    /// Our own store or machinery failed.
    Internal,
}

/// How much an account lacks, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What it has.
    pub balance: U256,
    /// What its pending transactions before this one cost at most.
    pub queued: U256,
    /// What this one costs at most.
    pub cost: U256,
    /// What is missing.
    pub overshot: U256,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "balance {}, ", self.balance)?;
        if !self.queued.is_zero() {
            write!(f, "queued cost {}, ", self.queued)?;
        }
        write!(f, "tx cost {}, overshot {}", self.cost, self.overshot)
    }
}

/// Why a transaction was not admitted. The texts are those that Ethereum wallets look for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PoolError {
    /// The bytes are no transaction.
    #[error("invalid transaction: {0}")]
    Decode(String),
    /// More bytes than a transaction may have.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Its bytes.
        size: usize,
        /// The most there may be.
        limit: usize,
    },
    /// No account can have made the signature.
    #[error("invalid sender: the signature names no account")]
    Signature,
    /// It was signed for another chain.
    #[error("invalid sender: invalid chain id for signer: have {have} want {want}")]
    ChainId {
        /// The chain it names.
        have: u64,
        /// This chain.
        want: u64,
    },
    /// It names no chain, and the operator does not admit that.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// Its type comes with a later fork.
    #[error("transaction type not supported: type {kind} needs {fork}")]
    Type {
        /// EIP-2718 type.
        kind: u8,
        /// The fork that brings it.
        fork: &'static str,
    },
    /// It is in the pool already.
    #[error("already known")]
    AlreadyKnown,
    /// The account has used this nonce.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        nonce: u64,
    },
    /// No nonce could follow it (EIP-2681).
    #[error("nonce has max value: {0}")]
    NonceMax(u64),
    /// Another transaction with this nonce waits, and the fees are not raised enough to replace it.
    #[error(
        "replacement transaction underpriced: needs max fee {max_fee} and priority fee {priority_fee} wei per gas, blob fee {blob_fee} wei per blob gas"
    )]
    ReplacementUnderpriced {
        /// The least max fee, in wei per gas.
        max_fee: u128,
        /// The least priority fee, in wei per gas.
        priority_fee: u128,
        /// The least blob fee, in wei per blob gas; 0 without blobs.
        blob_fee: u128,
    },
    /// A blob transaction replaces only a blob transaction, and no other one.
    #[error("replacement transaction underpriced: one has blobs and the other has not")]
    ReplacementType,
    /// The priority fee is below what this node asks for.
    #[error("transaction underpriced: tip needed {needed}, tip permitted {offered}")]
    Underpriced {
        /// Wei per gas that this node asks for.
        needed: u128,
        /// Wei per gas that the transaction offers.
        offered: u128,
    },
    /// The priority fee cannot exceed the whole fee.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {priority_fee}, maxFeePerGas: {max_fee}"
    )]
    TipAboveFeeCap {
        /// Wei per gas.
        priority_fee: u128,
        /// Wei per gas.
        max_fee: u128,
    },
    /// The account cannot pay for it, or not for it besides those that wait before it.
    #[error("insufficient funds for gas * price + value: {0}")]
    InsufficientFunds(Box<Shortfall>),
    /// Its greatest cost is no 256-bit number.
    #[error("insufficient funds for gas * price + value: the cost exceeds 256 bits")]
    CostOverflow,
    /// No block can hold it.
    #[error("exceeds block gas limit: gas {gas}, limit {limit}")]
    BlockGasLimit {
        /// Its gas limit.
        gas: u64,
        /// The next block's.
        limit: u64,
    },
    /// One transaction may not ask for so much gas (EIP-7825).
    #[error("transaction gas limit too high (cap: {limit}, tx: {gas})")]
    GasCap {
        /// Its gas limit.
        gas: u64,
        /// The cap.
        limit: u64,
    },
    /// Its gas does not even pay for its bytes.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// Its gas limit.
        gas: u64,
        /// What it needs before it runs.
        needed: u64,
    },
    /// Its gas does not reach the calldata floor (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorGas {
        /// Its gas limit.
        gas: u64,
        /// The floor.
        needed: u64,
    },
    /// Too much init code (EIP-3860).
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCode {
        /// Its bytes.
        size: usize,
        /// The most there may be.
        limit: usize,
    },
    /// A contract cannot send transactions (EIP-3607).
    #[error("sender not an eoa: address {0} has code")]
    SenderHasCode(Address),
    /// A set-code transaction must authorize something (EIP-7702).
    #[error("set code tx must have at least one authorization tuple")]
    NoAuthorization,
    /// A rule for blobs is broken (EIP-4844, EIP-7594).
    #[error("invalid blob transaction: {0}")]
    Blob(String),
    /// The law of the network does not let its sender send it.
    #[error("not permitted: {0}")]
    Forbidden(String),
    /// The sender has as many transactions in the pool as it may have.
    #[error("account limit exceeded: {sender} has {limit} transactions in the pool")]
    SenderLimit {
        /// The sender.
        sender: Address,
        /// The most there may be.
        limit: usize,
    },
    /// The pool is full of transactions that have the better right to stay.
    #[error("txpool is full")]
    Full,
    /// The state could not be read.
    #[error("internal error: the state could not be read: {0}")]
    State(String),
}

impl PoolError {
    /// Whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Full | Self::SenderLimit { .. } | Self::Underpriced { .. } => Fault::Full,
            Self::State(_) => Fault::Internal,
            _ => Fault::Sender,
        }
    }
}
