use crate::PoolError;
use alloy_primitives::{Address, Bytes, TxHash, U256};
use hanse_primitives::{Executed, RecoveredTransaction};
use std::sync::Arc;

/// Transactions that wait for a block. Cheap to clone; every method may be called from any thread.
#[derive(Clone, Debug)]
pub struct Pool(Arc<()>);

/// What an operator may tune.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Transactions in the pool.
    pub transactions_max: usize,
    /// Encoded bytes in the pool.
    pub bytes_max: usize,
    /// Transactions of one sender.
    pub sender_transactions_max: usize,
    /// Seconds after which a transaction that cannot run yet is dropped.
    pub queued_seconds_max: u64,
    /// Percent by which a replacement must raise both fees.
    pub replacement_percent_min: u64,
    /// Least priority fee, in wei per gas.
    pub priority_fee_min: u128,
}

/// What the next block asks of a transaction; given anew with each block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas limit of the next block.
    pub gas_limit: u64,
    /// Base fee of the next block.
    pub base_fee: u64,
    /// Blob base fee of the next block and the most blobs a transaction may have; `None` before Cancun.
    pub blobs: Option<(u128, u64)>,
    /// Access lists, dynamic fees, set-code, EIP-7825 cap and so on: which forks are active.
    pub forks: Forks,
}

/// Which forks decide what the pool admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forks {
    /// Access-list transactions.
    pub berlin: bool,
    /// Dynamic-fee transactions.
    pub london: bool,
    /// Init-code limit.
    pub shanghai: bool,
    /// Blob transactions.
    pub cancun: bool,
    /// Set-code transactions, calldata floor.
    pub prague: bool,
    /// Gas cap of a transaction, cell proofs.
    pub osaka: bool,
}

/// The part of an account that admission looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Next nonce.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// It has code other than an EIP-7702 delegation (such an account cannot send, EIP-3607).
    pub has_code: bool,
}

/// Where the pool looks accounts up: the head's state.
pub trait Accounts {
    /// The account; default when there is none.
    ///
    /// # Errors
    /// A text when the store failed.
    fn account(&self, address: &Address) -> Result<Account, String>;
}

/// A transaction in the pool.
#[derive(Clone, Debug)]
pub struct Admitted(Arc<()>);

/// What [`Pool`] tells those who follow it.
#[derive(Clone, Debug)]
pub enum Change {
    /// It can run on the head's state, after those of its sender before it.
    Pending(TxHash),
}

/// How full the pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that can run now.
    pub pending: usize,
    /// Transactions that wait for a nonce, balance or fee.
    pub queued: usize,
    /// Encoded bytes of all.
    pub bytes: usize,
}
