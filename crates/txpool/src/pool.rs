use crate::{Accounts, Admitted, Best, Decoded, PoolError, PoolSettings, Rules};
use alloy_primitives::{Address, Bytes, TxHash};
use hanse_primitives::Executed;
use std::{collections::BTreeMap, sync::Arc};

/// Transactions that wait for a block. Cheap to clone; every method may be called from any thread.
#[derive(Clone, Debug)]
pub struct Pool(Arc<()>);

/// How full the pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that can run in the next block.
    pub pending: usize,
    /// Transactions that wait for a nonce, balance or fee.
    pub queued: usize,
    /// Encoded bytes of all, sidecars included.
    pub bytes: usize,
    /// Accounts with a transaction in the pool.
    pub senders: usize,
}

/// The transactions of one sender, each part ascending by nonce.
#[derive(Clone, Debug, Default)]
pub struct SenderContent {
    /// Can run in the next block, one after the other.
    pub pending: Vec<Admitted>,
    /// Wait for a nonce, balance or fee.
    pub queued: Vec<Admitted>,
}

impl Pool {
    /// An empty pool for the block that follows a head: its rules, and the head's state.
    #[must_use]
    pub fn new(settings: PoolSettings, rules: Rules, accounts: Arc<dyn Accounts>) -> Self {
        todo!()
    }

    /// Decodes and adds a batch of raw transactions; what is in the pool already is recognized by
    /// its hash before a signature is checked. Results are in the order given.
    pub fn submit(&self, raw: &[Bytes], now: u64) -> Vec<Result<TxHash, PoolError>> {
        todo!()
    }

    /// Adds a batch under one lock, in order. `now` is in seconds since the Unix epoch.
    ///
    /// A transaction that pays less than the next block's base fee is admitted and waits.
    pub fn add(&self, batch: Vec<Decoded>, now: u64) -> Vec<Result<TxHash, PoolError>> {
        todo!()
    }

    /// Follows the chain to a new head: drops what was included or became impossible, takes back what
    /// was reverted (newest first) and not adopted (oldest first), and looks again at every sender
    /// whose account changed. `rules` are those of the next block, `accounts` is the new head's state.
    ///
    /// Reverted blob transactions are not taken back: blocks do not carry their sidecars.
    ///
    /// # Errors
    /// [`PoolError::State`] when accounts could not be read. The pool is consistent all the same: the
    /// transactions of those senders are gone.
    pub fn on_block(
        &self,
        adopted: &[Executed],
        reverted: &[Executed],
        rules: Rules,
        accounts: Arc<dyn Accounts>,
        now: u64,
    ) -> Result<(), PoolError> {
        todo!()
    }

    /// The pending transactions in the order for a block with these fees (wei per gas, wei per blob
    /// gas); those that do not pay them are left out.
    #[must_use]
    pub fn best(&self, base_fee: u64, blob_fee: u128) -> Best {
        todo!()
    }

    /// Drops transactions (found to be impossible, or at an operator's wish); those of the same sender
    /// behind them are queued. Returns how many there were.
    pub fn remove(&self, hashes: &[TxHash]) -> usize {
        todo!()
    }

    /// Calls `follower` with each batch of transactions that became pending, in an order that can
    /// run. It is called on the thread that added them or brought the block, after the lock is
    /// released, so it may use the pool but should not take long. One transaction may be told of
    /// again, after a reorganization or when fees moved.
    pub fn follow(&self, follower: Box<dyn Fn(&[Admitted]) + Send + Sync>) {
        todo!()
    }

    /// A transaction by its hash.
    #[must_use]
    pub fn get(&self, hash: &TxHash) -> Option<Admitted> {
        todo!()
    }

    /// True when the transaction can run in the next block.
    #[must_use]
    pub fn is_pending(&self, hash: &TxHash) -> bool {
        todo!()
    }

    /// Who signed a transaction of the pool: spares an importer the recovery.
    #[must_use]
    pub fn sender_of(&self, hash: &TxHash) -> Option<Address> {
        todo!()
    }

    /// [`Pool::sender_of`] for the transactions of a block, under one lock.
    #[must_use]
    pub fn senders_of(&self, hashes: &[TxHash]) -> Vec<Option<Address>> {
        todo!()
    }

    /// The nonce after an account's pending transactions; `None` when it has none in the pool, so
    /// that the state tells.
    #[must_use]
    pub fn pending_nonce(&self, sender: &Address) -> Option<u64> {
        todo!()
    }

    /// All transactions by sender. Takes the lock for long when the pool is full.
    #[must_use]
    pub fn content(&self) -> BTreeMap<Address, SenderContent> {
        todo!()
    }

    /// The transactions of one sender.
    #[must_use]
    pub fn content_from(&self, sender: &Address) -> SenderContent {
        todo!()
    }

    /// Hashes of the pending transactions, in order of arrival.
    #[must_use]
    pub fn pending_hashes(&self) -> Vec<TxHash> {
        todo!()
    }

    /// All transactions in order of arrival: added in this order to an empty pool, each is admitted
    /// again. For the journal of a restart.
    #[must_use]
    pub fn all(&self) -> Vec<Admitted> {
        todo!()
    }

    /// How full the pool is.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        todo!()
    }

    /// The rules that transactions are measured against now.
    #[must_use]
    pub fn rules(&self) -> Rules {
        todo!()
    }
}
