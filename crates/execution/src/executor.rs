use crate::{ExecutionError, SkipReason, limits};
use alloy_primitives::{Address, TxHash, U256};
use hanse_ledger::{Ledger, PendingRoot};
use hanse_primitives::{
    Attributes, BlockHash, ChainSpec, Executed, RecoveredTransaction, SealedBlock,
};
use std::{borrow::Borrow, sync::Arc};

/// Executes and builds blocks on the states that a ledger holds. Cheap to clone; every method may be
/// called from any thread. It never writes to the ledger.
#[derive(Clone, Debug)]
pub struct Executor {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) call_gas_max: u64,
}

/// Where the builder stops, besides the gas limit and the blob limit of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildLimits {
    /// RLP bytes of the block, at most [`hanse_primitives::limits::BLOCK_BYTES_MAX`].
    pub bytes_max: usize,
    /// Transactions in the block.
    pub transactions_max: usize,
    /// Transactions that did not fit after which the builder looks no further.
    pub misfits_max: usize,
}

/// A block that was built, and what was left out of it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The block, executed.
    pub executed: Executed,
    /// Its state root with the trie behind it, for `Ledger::insert`.
    pub root: PendingRoot,
    /// Transactions that were looked at and left out, in that order.
    pub skipped: Vec<(TxHash, SkipReason)>,
    /// Priority fees of all transactions, in wei: what the fee recipient earned.
    pub fees: U256,
}

impl Default for BuildLimits {
    fn default() -> Self {
        Self {
            bytes_max: hanse_primitives::limits::BLOCK_BYTES_MAX,
            transactions_max: usize::MAX,
            misfits_max: 64,
        }
    }
}

impl Executor {
    /// An executor of the chain with these rules, on the states of `ledger`.
    #[must_use]
    pub const fn new(spec: Arc<ChainSpec>, ledger: Ledger) -> Self {
        Self { spec, ledger, call_gas_max: limits::CALL_GAS_MAX }
    }

    /// Sets the gas that one call, estimate or simulation may spend; by default
    /// [`limits::CALL_GAS_MAX`].
    #[must_use]
    pub const fn with_call_gas_max(mut self, gas: u64) -> Self {
        self.call_gas_max = gas;
        self
    }

    /// Gas that one call, estimate or simulation may spend.
    #[must_use]
    pub const fn call_gas_max(&self) -> u64 {
        self.call_gas_max
    }

    /// The rules of the chain.
    #[must_use]
    pub const fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }

    /// Executes a block on its parent's state and checks everything that its header says.
    ///
    /// `known` names the sender of a transaction that the pool has verified already; the others are
    /// recovered on all cores.
    ///
    /// # Errors
    /// [`ExecutionError::Invalid`] when the block breaks a rule, [`ExecutionError::UnknownParent`]
    /// when it cannot be judged yet, and otherwise our own failure.
    pub fn execute(
        &self,
        block: SealedBlock,
        known: &(dyn Fn(&TxHash) -> Option<Address> + Sync),
    ) -> Result<(Executed, PendingRoot), ExecutionError> {
        let _ = (block, known);
        todo!()
    }

    /// Builds a block on `parent` from `transactions`, in the order given. One that does not fit or
    /// is invalid at its turn is skipped; the iterator is not asked for more once the block is full.
    ///
    /// # Errors
    /// [`ExecutionError::UnknownParent`], [`ExecutionError::Attributes`] when `attributes` break a
    /// rule, and otherwise our own failure.
    pub fn build<T: Borrow<RecoveredTransaction>>(
        &self,
        parent: BlockHash,
        attributes: &Attributes,
        transactions: impl IntoIterator<Item = T>,
        limits: &BuildLimits,
    ) -> Result<Built, ExecutionError> {
        let _ = (parent, attributes, transactions.into_iter(), limits);
        todo!()
    }
}
