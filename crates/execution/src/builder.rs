use crate::{
    ExecutionError, Executor, SkipReason,
    error::Fault,
    executor::vouch,
    machine::{Ending, Machine, Refused},
    receipts, rules,
};
use alloy_consensus::Transaction as _;
use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip4895::Withdrawals, eip7685::Requests};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, TxHash, U256, map::AddressMap};
use alloy_rlp::Encodable;
use hanse_ledger::{PendingRoot, StateView};
use hanse_primitives::{
    Attributes, Block, BlockHash, Executed, Header, RecoveredTransaction, SealedBlock,
    StateChanges, Transaction, limits::BLOCK_BYTES_MAX,
};
use revm::context::result::InvalidTransaction;
use std::borrow::Borrow;

/// Gas that the cheapest transaction needs; with less than that left, a block is full.
const TRANSACTION_GAS_MIN: u64 = 21_000;

/// Bytes that a header and the list heads around it take at most.
const HEADER_BYTES_MAX: usize = 1_024;

/// Bytes that a withdrawal takes at most.
const WITHDRAWAL_BYTES_MAX: usize = 64;

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
    /// What the block asks of the consensus layer (EIP-7685); none before Prague.
    pub requests: Requests,
}

impl Default for BuildLimits {
    fn default() -> Self {
        Self { bytes_max: BLOCK_BYTES_MAX, transactions_max: usize::MAX, misfits_max: 64 }
    }
}

/// What has been taken into the block so far, and the room that is left.
struct Draft {
    /// Senders of whom a transaction was left out, with its nonce: what has a higher one waits for it.
    waiting: AddressMap<u64>,
    transactions: Vec<Transaction>,
    senders: Vec<Address>,
    skipped: Vec<(TxHash, SkipReason)>,
    fees: U256,
    misfits: usize,
    bytes_left: usize,
    blobs_left: u64,
    blobs: u64,
}

impl Executor {
    /// Builds a block on `parent` from `transactions`, in the order given. One that does not fit or
    /// is invalid at its turn is skipped, and so is what its sender has sent after it; the iterator is
    /// not asked for more once the block is full.
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
        let (parent_header, mut state) = self.open(parent)?;
        let engine = self.engine(parent_header.number.saturating_add(1), &mut state)?;
        let engine = engine.as_ref();
        let mut header =
            rules::next_header(self.spec(), engine, &parent_header, parent, attributes)
                .map_err(ExecutionError::Attributes)?;
        let shanghai = self.spec().is_shanghai_active_at_timestamp(header.timestamp);
        let withdrawals = shanghai.then_some(&attributes.withdrawals[..]);
        let mut draft = self.draft(&header, attributes.withdrawals.len(), limits);
        let roots = |changes: &StateChanges| self.state_root(parent, changes);
        let ending = Ending { ommers: &[], withdrawals };
        let mut machine = Machine::start(self.spec(), &mut state, &header, ending, &roots)
            .map_err(Fault::of_build)?;
        for transaction in transactions {
            draft.offer(&mut machine, self, &header, transaction.borrow())?;
            if draft.is_full(&header, machine.gas_used(), limits) {
                break;
            }
        }
        let mut outcome = machine.finish().map_err(Fault::of_build)?;
        let requests = std::mem::take(&mut outcome.requests);
        header.gas_used = outcome.gas_used;
        if self.spec().is_prague_active_at_timestamp(header.timestamp) {
            header.requests_hash = Some(requests.requests_hash());
        }
        if header.blob_gas_used.is_some() {
            header.blob_gas_used = Some(draft.blobs * DATA_GAS_PER_BLOB);
        }
        let changes = state.changes();
        let (settled, transactions_root) = self.on_threads(|| {
            rayon::join(
                || self.settle(parent, outcome, &changes),
                || receipts::transactions_root(&draft.transactions),
            )
        });
        let (finished, root) = settled?;
        header.transactions_root = transactions_root;
        header.receipts_root = finished.root;
        header.logs_bloom = finished.bloom;
        header.state_root = root.root();
        let mut block = Block::uncle(header);
        block.body.transactions = draft.transactions;
        block.body.withdrawals = withdrawals.map(|list| Withdrawals::new(list.to_vec()));
        let block = SealedBlock::new(block);
        let executed = vouch(block, draft.senders, finished.receipts, changes);
        Ok(Built { executed, root, skipped: draft.skipped, fees: draft.fees, requests })
    }

    fn draft(&self, header: &Header, withdrawals: usize, limits: &BuildLimits) -> Draft {
        let taken = HEADER_BYTES_MAX + withdrawals.saturating_mul(WITHDRAWAL_BYTES_MAX);
        let blobs = self.spec().blob_params_at(header.timestamp);
        Draft {
            waiting: AddressMap::default(),
            transactions: Vec::new(),
            senders: Vec::new(),
            skipped: Vec::new(),
            fees: U256::ZERO,
            misfits: 0,
            bytes_left: limits.bytes_max.min(BLOCK_BYTES_MAX).saturating_sub(taken),
            blobs_left: blobs.map_or(0, |params| params.max_blob_count),
            blobs: 0,
        }
    }
}

impl Draft {
    /// Takes a transaction in, or says why not.
    fn offer(
        &mut self,
        machine: &mut Machine<'_, StateView>,
        executor: &Executor,
        header: &Header,
        offered: &RecoveredTransaction,
    ) -> Result<(), ExecutionError> {
        let transaction = offered.inner();
        if let Some(nonce) = self.waiting.get(&offered.signer()).copied()
            && transaction.nonce() > nonce
        {
            self.skipped.push((*transaction.tx_hash(), SkipReason::Follows { nonce }));
            return Ok(());
        }
        let bytes = transaction.length();
        let blobs = rules::blob_count(transaction);
        if bytes > self.bytes_left || blobs > self.blobs_left {
            self.misfits += 1;
            self.skip(offered, SkipReason::DoesNotFit);
            return Ok(());
        }
        if let Some(reason) = rules::misplaced(executor.spec(), header.number, transaction) {
            self.skip(offered, SkipReason::Invalid(reason.to_owned()));
            return Ok(());
        }
        let gas = match machine.run(transaction, offered.signer()) {
            Ok(gas) => gas,
            Err(Refused::Failed(fault)) => return Err(fault.of_build()),
            Err(Refused::Forbidden(forbidden)) => {
                self.skip(offered, SkipReason::Invalid(forbidden.to_string()));
                return Ok(());
            }
            Err(Refused::NoRoom { .. }) => {
                self.misfits += 1;
                self.skip(offered, SkipReason::DoesNotFit);
                return Ok(());
            }
            Err(Refused::Invalid(invalid)) => {
                self.skip(offered, reason(&invalid));
                if matches!(invalid, InvalidTransaction::NonceTooLow { .. }) {
                    self.waiting.remove(&offered.signer()); // the next nonce may well be right
                }
                return Ok(());
            }
        };
        let base_fee = header.base_fee_per_gas.unwrap_or(0);
        let tip = transaction.effective_tip_per_gas(base_fee).unwrap_or(0);
        self.fees = self.fees.saturating_add(U256::from(tip).saturating_mul(U256::from(gas)));
        self.bytes_left -= bytes;
        self.blobs_left -= blobs;
        self.blobs += blobs;
        self.waiting.remove(&offered.signer()); // another one with the nonce of what was left out
        self.senders.push(offered.signer());
        self.transactions.push(transaction.clone());
        Ok(())
    }

    /// Leaves a transaction out. Those of its sender with a higher nonce are then not even tried.
    fn skip(&mut self, offered: &RecoveredTransaction, reason: SkipReason) {
        self.waiting.insert(offered.signer(), offered.nonce());
        self.skipped.push((*offered.tx_hash(), reason));
    }

    fn is_full(&self, header: &Header, gas_used: u64, limits: &BuildLimits) -> bool {
        header.gas_limit.saturating_sub(gas_used) < TRANSACTION_GAS_MIN
            || self.transactions.len() >= limits.transactions_max
            || self.misfits >= limits.misfits_max
    }
}

fn reason(invalid: &InvalidTransaction) -> SkipReason {
    match invalid {
        InvalidTransaction::NonceTooHigh { tx, state } => {
            SkipReason::NonceTooHigh { found: *tx, expected: *state }
        }
        // The gas limit may be fine for an emptier or larger block.
        InvalidTransaction::CallerGasLimitMoreThanBlock => SkipReason::DoesNotFit,
        other => SkipReason::Invalid(other.to_string()),
    }
}
