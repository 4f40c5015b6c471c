use crate::{
    CallError, ExecutionError, Interrupt, Violation,
    error::Fault,
    limits,
    machine::{Ending, Machine, Outcome, Refused},
    permissions::Gate,
    receipts::{self, Finished},
    recovery::{SignatureRule, recover_with},
    rules::{self, expect},
    state::BlockState,
    validators,
};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, TxHash};
use hanse_ledger::{Ledger, LedgerError, PendingRoot, StateView};
use hanse_primitives::{
    BlockHash, ChainSpec, Engine, Executed, Header, Height, Receipt, SealedBlock, StateChanges,
    Transaction,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;

/// Executes and builds blocks on the states that a ledger holds. Cheap to clone; every method may be
/// called from any thread. It never writes to the ledger.
#[derive(Clone, Debug)]
pub struct Executor {
    spec: Arc<ChainSpec>,
    ledger: Ledger,
    call_gas_max: u64,
    interrupt: Option<Interrupt>,
    /// Threads of our own: on those that everybody shares, a block would wait behind whatever the
    /// servers have queued there. `None` when the system gave us none; then we do share.
    threads: Option<Arc<ThreadPool>>,
    /// Who may do what, where the chain says so.
    gate: Option<Gate>,
}

impl Executor {
    /// An executor of the chain with these rules, on the states of `ledger`.
    #[must_use]
    pub fn new(spec: Arc<ChainSpec>, ledger: Ledger) -> Self {
        let threads = ThreadPoolBuilder::new().thread_name(|at| format!("execution-{at}")).build();
        let threads = threads.ok().map(Arc::new);
        let gate = Gate::new(&spec);
        Self { spec, ledger, call_gas_max: limits::CALL_GAS_MAX, interrupt: None, threads, gate }
    }

    /// Sets the gas that one call, estimate or simulation may spend; by default
    /// [`limits::CALL_GAS_MAX`].
    #[must_use]
    pub const fn with_call_gas_max(mut self, gas: u64) -> Self {
        self.call_gas_max = gas;
        self
    }

    /// The same executor, whose calls, estimates, simulations and traces can be called off.
    #[must_use]
    pub fn interruptible(&self, interrupt: Interrupt) -> Self {
        Self { interrupt: Some(interrupt), ..self.clone() }
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

    pub(crate) const fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Executes a block on its parent's state and checks everything that its header says.
    ///
    /// `known` names the sender of a transaction where somebody knows it already, or remembers it from
    /// now on; the others are recovered. It is asked on all cores.
    ///
    /// # Errors
    /// [`ExecutionError::Invalid`] when the block breaks a rule, [`ExecutionError::UnknownParent`]
    /// when it cannot be judged yet, and otherwise our own failure.
    pub fn execute(
        &self,
        block: SealedBlock,
        known: &(dyn Fn(&Transaction) -> Option<Address> + Sync),
    ) -> Result<(Executed, PendingRoot), ExecutionError> {
        let hash = block.hash();
        self.on_threads(|| self.try_execute(block, known)).map_err(|fault| fault.of_block(hash))
    }

    /// An executed block with another nonce in its header. Executing does not read the nonce, so that
    /// nothing else changes but the hash.
    #[must_use]
    pub fn reseal(&self, executed: &Executed, nonce: u64) -> Executed {
        let mut block = executed.block().block().clone();
        block.header.nonce = nonce.into();
        let (senders, receipts) = (executed.senders().to_vec(), executed.receipts().to_vec());
        vouch(SealedBlock::new(block), senders, receipts, executed.changes().clone())
    }

    /// Does something on our own threads.
    pub(crate) fn on_threads<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.threads {
            Some(threads) => threads.install(work),
            None => work(),
        }
    }

    fn try_execute(
        &self,
        block: SealedBlock,
        known: &(dyn Fn(&Transaction) -> Option<Address> + Sync),
    ) -> Result<(Executed, PendingRoot), Fault> {
        let header = block.header();
        let (parent, mut state) = self.open(header.parent_hash).map_err(Fault::Other)?;
        let engine = self.engine(header.number, &mut state).map_err(Fault::Other)?;
        let engine = engine.as_ref();
        rules::check_header(&self.spec, engine, &parent, header.parent_hash, header)?;
        validators::provenance(engine, header)?;
        rules::check_body(&self.spec, &block)?;
        self.check_ommers(&block)?;
        let senders = self.senders(&block, known)?;
        let (outcome, root) = rayon::join(
            || self.run(&block, &senders, &mut state),
            || receipts::transactions_root(block.transactions()),
        );
        expect("transactions root", header.transactions_root, root)?;
        let outcome = outcome?;
        expect("gas used", header.gas_used, outcome.gas_used)?;
        if self.spec.is_prague_active_at_timestamp(header.timestamp) {
            let requests = outcome.requests.requests_hash();
            expect("requests hash", header.requests_hash, Some(requests))?;
        }
        let changes = state.changes();
        let (finished, root) =
            self.settle(header.parent_hash, outcome, &changes).map_err(Fault::Other)?;
        expect("receipts root", header.receipts_root, finished.root)?;
        expect("logs bloom", header.logs_bloom, finished.bloom)?;
        expect("state root", header.state_root, root.root())?;
        Ok((vouch(block, senders, finished.receipts, changes), root))
    }

    /// The engine that decides the block at a height, by its parent's state.
    pub(crate) fn engine(
        &self,
        number: u64,
        state: &mut BlockState<StateView>,
    ) -> Result<Option<Engine>, ExecutionError> {
        let failure = state.failure();
        let tenure = self.spec.tenure(Height(number), |contract, slot| state.read(contract, slot));
        let tenure = tenure.map_err(|error| failure.behind(error))?;
        Ok(tenure.map(|tenure| tenure.engine))
    }

    /// The parent's header, and its state to run a block on.
    pub(crate) fn open(
        &self,
        parent: BlockHash,
    ) -> Result<(Header, BlockState<StateView>), ExecutionError> {
        let unknown = || ExecutionError::UnknownParent(parent);
        let header = self.ledger.block(parent)?.ok_or_else(unknown)?.block().header().clone();
        let view = self.ledger.state(parent).map_err(|error| match error {
            LedgerError::UnknownBlock(_) => unknown(),
            other => other.into(),
        })?;
        Ok((header, BlockState::new(view).with_gate(self.gate.clone())))
    }

    /// The header of a block, and the state after it, for what can be called off.
    pub(crate) fn view(&self, at: BlockHash) -> Result<(Header, BlockState<StateView>), CallError> {
        let (header, state) = self.open(at)?;
        Ok((header, state.with_interrupt(self.interrupt.clone())))
    }

    fn check_ommers(&self, block: &SealedBlock) -> Result<(), Fault> {
        if block.block().body.ommers.is_empty() {
            return Ok(());
        }
        let mut ancestors = Vec::new();
        let mut next = block.header().parent_hash;
        for _ in 0..=rules::OMMER_AGE_MAX {
            let stored = self.ledger.block(next).map_err(|error| Fault::Other(error.into()))?;
            let Some(ancestor) = stored else { break };
            let body = &ancestor.block().block().body;
            ancestors.push((next, body.ommers.iter().map(Header::hash_slow).collect()));
            next = ancestor.block().header().parent_hash;
        }
        Ok(rules::check_ommers(block, &ancestors)?)
    }

    fn senders(
        &self,
        block: &SealedBlock,
        known: &(dyn Fn(&Transaction) -> Option<Address> + Sync),
    ) -> Result<Vec<Address>, Fault> {
        let rule = if self.spec.is_homestead_active_at_block(block.header().number) {
            SignatureRule::LowOnly
        } else {
            SignatureRule::Any
        };
        recover_with(block.transactions(), known, rule).map_err(|index| {
            let hash = *block.transactions()[index].tx_hash();
            let reason = "the signature is invalid".to_owned();
            Violation::Transaction { index, hash, reason }.into()
        })
    }

    fn run(
        &self,
        block: &SealedBlock,
        senders: &[Address],
        state: &mut BlockState<StateView>,
    ) -> Result<Outcome, Fault> {
        let header = block.header();
        let body = &block.block().body;
        let withdrawals = body.withdrawals.as_ref().map(|list| &list[..]);
        let roots = |changes: &StateChanges| self.state_root(header.parent_hash, changes);
        let ending = Ending { ommers: &body.ommers, withdrawals };
        let mut machine = Machine::start(&self.spec, state, header, ending, &roots)?;
        for (index, (transaction, sender)) in block.transactions().iter().zip(senders).enumerate() {
            if let Err(refused) = machine.run(transaction, *sender) {
                return Err(refused.in_block(index, *transaction.tx_hash()));
            }
        }
        machine.finish()
    }

    pub(crate) fn state_root(
        &self,
        parent: BlockHash,
        changes: &StateChanges,
    ) -> Result<B256, LedgerError> {
        self.ledger.root(parent, changes).map(|root| root.root())
    }

    /// Receipts and state root, the two slow roots, side by side.
    pub(crate) fn settle(
        &self,
        parent: BlockHash,
        outcome: Outcome,
        changes: &StateChanges,
    ) -> Result<(Finished, PendingRoot), ExecutionError> {
        let (finished, root) = rayon::join(
            || receipts::finish(outcome.receipts, &outcome.states),
            || self.ledger.root(parent, changes),
        );
        Ok((finished, root?))
    }
}

impl Refused {
    /// A transaction that cannot run makes its block invalid.
    pub(crate) fn in_block(self, index: usize, hash: TxHash) -> Fault {
        let reason = match self {
            Self::Failed(fault) => return fault,
            Self::Invalid(invalid) => invalid.to_string(),
            Self::Forbidden(forbidden) => forbidden.to_string(),
            Self::NoRoom { gas_limit, left } => {
                format!("its gas limit {gas_limit} is above the {left} left in the block")
            }
        };
        Violation::Transaction { index, hash, reason }.into()
    }
}

/// The one place where a block is vouched for: every claim of its header has been compared with, or
/// sealed from, what executing it gave.
pub(crate) fn vouch(
    block: SealedBlock,
    senders: Vec<Address>,
    receipts: Vec<Receipt>,
    changes: StateChanges,
) -> Executed {
    Executed::vouch(block, senders, receipts, changes)
}
