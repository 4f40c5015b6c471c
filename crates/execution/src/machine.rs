//! The EVM with a block around it: what comes before the first transaction, each transaction, what
//! comes after the last. Executing, building, simulating and tracing all drive this one machine.

use crate::{
    ExecutionError, Violation,
    error::Fault,
    interrupt,
    permissions::{self, Admitted, Forbidden, Stopped, Subject},
    precompiles::PrecompileSet,
    receipts::{BareReceipt, Receipts},
    rules::ForkRules,
    state::{BlockState, Failure, Source, Unreadable},
    upgrades, validators,
};
use alloy_consensus::transaction::Recovered;
use alloy_eips::{eip4895::Withdrawal, eip7685::Requests};
use alloy_evm::{
    Evm, EvmEnv,
    block::{BlockExecutionError, BlockExecutor, BlockValidationError, TxResult as _},
    eth::{EthBlockExecutionCtx, EthBlockExecutor, EthEvm, EthEvmContext, dao_fork},
};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use hanse_ledger::LedgerError;
use hanse_primitives::{ChainSpec, Header, StateChanges, Transaction};
use revm::{
    Context, Inspector, MainBuilder, MainContext,
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason, InvalidTransaction},
    },
    inspector::NoOpInspector,
    interpreter::Instruction,
};
use std::borrow::Cow;

/// Computes the state root that some changes lead to. Asked only on chains from before Byzantium,
/// whose receipts bear the root after each transaction.
pub(crate) type Roots<'a> = &'a dyn Fn(&StateChanges) -> Result<B256, LedgerError>;

/// What a jump target costs (yellow paper, appendix G).
const JUMPDEST: u8 = revm::bytecode::opcode::JUMPDEST;
const JUMPDEST_GAS: u16 = 1;

/// The EVM on the state of a block.
pub(crate) type BlockEvm<'a, S, I> = EthEvm<&'a mut BlockState<S>, I, PrecompileSet>;

type Inner<'a, S, I> = EthBlockExecutor<'a, BlockEvm<'a, S, I>, ForkRules<'a>, Receipts>;

/// A block that is being run. Blocks that count are run with no inspector.
pub(crate) struct Machine<'a, S: Source, I = NoOpInspector> {
    inner: Inner<'a, S, I>,
    roots: Option<Roots<'a>>,
    states: Vec<B256>,
    failure: Failure,
}

/// What a block did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) receipts: Vec<BareReceipt>,
    /// State root after each transaction; empty from Byzantium on.
    pub(crate) states: Vec<B256>,
    pub(crate) requests: Requests,
    pub(crate) gas_used: u64,
    pub(crate) blob_gas_used: u64,
}

/// Parts of a block's body that take effect after its transactions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) ommers: &'a [Header],
    pub(crate) withdrawals: Option<&'a [Withdrawal]>,
}

/// What a transaction gave.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) success: bool,
    /// Why it failed, unless it reverted.
    pub(crate) halt: Option<HaltReason>,
    pub(crate) output: Bytes,
    /// Gas after refunds.
    pub(crate) gas_used: u64,
    /// Gas before refunds.
    pub(crate) gas_peak: u64,
}

/// Why a transaction was not run. The state is as before it.
#[derive(Debug)]
pub(crate) enum Refused {
    /// More gas than the block has left.
    NoRoom { gas_limit: u64, left: u64 },
    /// It can be no transaction on this state.
    Invalid(InvalidTransaction),
    /// The law of the network forbids it.
    Forbidden(Box<Forbidden>),
    /// Our own failure.
    Failed(Fault),
}

/// The environment that a block of this header gives to the EVM.
pub(crate) fn environment(spec: &ChainSpec, header: &Header) -> EvmEnv {
    let blobs = spec.blob_params_at(header.timestamp);
    EvmEnv::for_eth_block(header, ForkRules(spec), spec.chain_id(), blobs)
}

/// The EVM on a state, with the precompiles of the fork unless others are given.
pub(crate) fn evm<'a, S: Source, I>(
    state: &'a mut BlockState<S>,
    env: EvmEnv,
    precompiles: Option<PrecompileSet>,
    inspector: I,
    inspect: bool,
) -> BlockEvm<'a, S, I> {
    let mut precompiles = precompiles.unwrap_or_else(|| PrecompileSet::new(env.cfg_env.spec));
    let watch = state.watch().cloned();
    let (watched, guarded) = (watch.is_some(), state.gate().is_some());
    precompiles.set_watch(watch);
    let mut inner = Context::mainnet()
        .with_block(env.block_env)
        .with_cfg(env.cfg_env)
        .with_db(state)
        .build_mainnet_with_inspector(inspector)
        .with_precompiles(precompiles);
    if watched {
        let jump_target = Instruction::new(interrupt::jump_target::<S>);
        inner.instruction.insert_instruction(JUMPDEST, jump_target, JUMPDEST_GAS);
    }
    if guarded {
        permissions::install(&mut inner.instruction);
    }
    EthEvm::new(inner, inspect)
}

impl From<Stopped> for Refused {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Forbidden(forbidden) => Self::Forbidden(forbidden),
            Stopped::Failed(error) => Self::Failed(Fault::Other(error)),
        }
    }
}

impl<'a, S: Source> Machine<'a, S> {
    /// Makes ready the block that `header` begins: system calls, upgrades and irregular state changes are done.
    pub(crate) fn start(
        spec: &'a ChainSpec,
        state: &'a mut BlockState<S>,
        header: &Header,
        ending: Ending<'a>,
        roots: Roots<'a>,
    ) -> Result<Self, Fault> {
        let evm = evm(state, environment(spec, header), None, NoOpInspector, false);
        Self::start_on(spec, evm, header, ending, Some(roots))
    }
}

impl<'a, S: Source, I: Inspector<EthEvmContext<&'a mut BlockState<S>>>> Machine<'a, S, I> {
    /// The same on an EVM that has been prepared, with or without an inspector.
    pub(crate) fn start_on(
        spec: &'a ChainSpec,
        mut evm: BlockEvm<'a, S, I>,
        header: &Header,
        ending: Ending<'a>,
        roots: Option<Roots<'a>>,
    ) -> Result<Self, Fault> {
        let failure = evm.db().failure();
        if spec.ethereum_fork_activation(EthereumHardfork::Dao).transitions_at_block(header.number)
        {
            move_dao_money(evm.db_mut()).map_err(|error| failure.behind(error))?;
        }
        let context = EthBlockExecutionCtx {
            parent_hash: header.parent_hash,
            parent_beacon_block_root: header.parent_beacon_block_root,
            ommers: ending.ommers,
            withdrawals: ending.withdrawals.map(Cow::Borrowed),
            extra_data: header.extra_data.clone(),
            tx_count_hint: None,
            slot_number: None,
        };
        let inner = EthBlockExecutor::new(evm, context, ForkRules(spec), Receipts);
        let byzantium = spec.is_byzantium_active_at_block(header.number);
        let roots = roots.filter(|_| !byzantium);
        let mut machine = Self { inner, roots, states: Vec::new(), failure };
        let started = machine.inner.apply_pre_execution_changes();
        started.map_err(|error| judge(&machine.failure, error))?;
        validators::tell(spec, machine.inner.evm_mut(), &machine.failure, header)?;
        upgrades::carry_out(spec, machine.inner.evm_mut(), &machine.failure, header)?;
        Ok(machine)
    }

    /// Lets a transaction in that its sender may send; whatever runs until [`permissions::leave`] is
    /// measured by the sender's rights.
    pub(crate) fn enter<'t>(
        &mut self,
        transaction: &'t Transaction,
        sender: Address,
    ) -> Result<Admitted<'t>, Refused> {
        let subject = Subject::new(transaction, sender);
        Ok(permissions::enter(&mut self.inner.evm, &self.failure, subject)?)
    }

    /// Runs a transaction and keeps what it did. Returns the gas it used.
    pub(crate) fn run(
        &mut self,
        transaction: &Transaction,
        sender: Address,
    ) -> Result<u64, Refused> {
        let admitted = self.enter(transaction, sender)?;
        let recovered = Recovered::new_unchecked(transaction, sender);
        let result = self.inner.execute_transaction_without_commit(recovered);
        permissions::leave(self.inner.evm.db_mut());
        let output = result.map_err(|error| self.refuse(error))?;
        let changed = &output.result().state;
        let evm = &mut self.inner.evm;
        permissions::endorsed(evm, &self.failure, &admitted, |guard| guard.is_hit(changed))?;
        let gas = output.result().result.tx_gas_used();
        self.keep(output)?;
        Ok(gas)
    }

    /// Runs a transaction whose environment differs from what its bytes say (it bears no signature),
    /// keeps what it did, and tells it.
    pub(crate) fn run_env(
        &mut self,
        env: TxEnv,
        transaction: &Transaction,
    ) -> Result<Done, Refused> {
        let recovered = Recovered::new_unchecked(transaction, env.caller);
        let result = self.inner.execute_transaction_without_commit((env, recovered));
        let output = result.map_err(|error| self.refuse(error))?;
        let result = &output.result().result;
        let done = Done {
            success: result.is_success(),
            halt: match result {
                ExecutionResult::Halt { reason, .. } => Some(reason.clone()),
                _ => None,
            },
            output: result.output().cloned().unwrap_or_default(),
            gas_used: result.tx_gas_used(),
            gas_peak: result.gas().total_gas_spent().max(result.tx_gas_used()),
        };
        self.keep(output)?;
        Ok(done)
    }

    fn keep(&mut self, output: <Inner<'a, S, I> as BlockExecutor>::Result) -> Result<(), Refused> {
        self.inner.commit_transaction(output);
        if let Some(roots) = self.roots {
            let root = roots(&self.inner.evm.db().changes());
            self.states.push(root.map_err(|error| Refused::Failed(Fault::Other(error.into())))?);
        }
        Ok(())
    }

    /// Events of the last transaction.
    pub(crate) fn last_logs(&self) -> &[Log] {
        self.inner.receipts.last().map_or(&[], |receipt| &receipt.logs)
    }

    pub(crate) const fn evm_mut(&mut self) -> &mut BlockEvm<'a, S, I> {
        &mut self.inner.evm
    }

    /// Does what comes after the last transaction: requests, rewards, withdrawals.
    pub(crate) fn finish(self) -> Result<Outcome, Fault> {
        let Self { inner, states, failure, .. } = self;
        let (_, result) = inner.finish().map_err(|error| judge(&failure, error))?;
        let (requests, gas_used) = (result.requests, result.gas_used);
        let blob_gas_used = result.blob_gas_used;
        Ok(Outcome { receipts: result.receipts, states, requests, gas_used, blob_gas_used })
    }

    /// Gas used so far.
    pub(crate) const fn gas_used(&self) -> u64 {
        self.inner.cumulative_tx_gas_used
    }

    fn refuse(&self, error: BlockExecutionError) -> Refused {
        if let Some(error) = self.failure.take() {
            return Refused::Failed(Fault::Other(error));
        }
        use BlockValidationError::{InvalidTx, TransactionGasLimitMoreThanAvailableBlockGas};
        match error {
            BlockExecutionError::Validation(TransactionGasLimitMoreThanAvailableBlockGas {
                transaction_gas_limit: gas_limit,
                block_available_gas: left,
            }) => Refused::NoRoom { gas_limit, left },
            BlockExecutionError::Validation(InvalidTx { error, .. }) => {
                match error.as_invalid_tx_err() {
                    Some(invalid) => Refused::Invalid(invalid.clone()),
                    None => {
                        Refused::Failed(Fault::Other(ExecutionError::Internal(error.to_string())))
                    }
                }
            }
            other => Refused::Failed(judge(&self.failure, other)),
        }
    }
}

/// Says whose fault an error is. The EVM library takes a failed read in a system call for a fault of
/// the block, so the reason of our own is asked for first.
fn judge(failure: &Failure, error: BlockExecutionError) -> Fault {
    if let Some(error) = failure.take() {
        return Fault::Other(error);
    }
    match error {
        BlockExecutionError::Validation(error) => {
            Fault::Block(Violation::System(error.to_string()))
        }
        BlockExecutionError::Internal(error) => {
            Fault::Other(ExecutionError::Internal(error.to_string()))
        }
    }
}

/// EIP-779: the accounts of The DAO are drained into the refund contract before anything else runs.
/// On a chain of that age an emptied account goes on existing.
fn move_dao_money<S: Source>(state: &mut BlockState<S>) -> Result<(), Unreadable> {
    let mut total = U256::ZERO;
    for account in dao_fork::DAO_HARDFORK_ACCOUNTS {
        total += state.alter(account, |info| std::mem::take(&mut info.balance))?;
    }
    state.alter(dao_fork::DAO_HARDFORK_BENEFICIARY, |info| info.balance += total)
}
