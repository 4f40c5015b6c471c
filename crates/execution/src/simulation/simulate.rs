use super::{
    SimulatedBlock, SimulatedCall, SimulatedFailure, overrides,
    request::{NONCE_MAX, Place, explain, other, transaction_env, unsigned},
    session::lenient,
    transfers::TransferLogs,
};
use crate::{
    CallError, Executor, InvalidCall,
    limits::{SIMULATED_BLOCKS_MAX, SIMULATED_CALLS_MAX},
    machine::{Done, Ending, Machine, Outcome, Refused, Roots, environment, evm},
    messages::halt_message,
    precompiles::PrecompileSet,
    receipts, rules,
    state::{BlockState, Source},
};
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_eips::eip4895::Withdrawals;
use alloy_evm::Evm;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionRequest,
    simulate::{SimBlock, SimulatePayload},
};
use hanse_primitives::{
    Block, BlockHash, ChainSpec, Header, SealedBlock, StateChanges, Transaction,
};
use revm::Database;

/// Seconds between imagined blocks that name no time of their own.
const BLOCK_SECONDS: u64 = 12;

impl Executor {
    /// Runs a chain of imagined blocks on the state after block `at` (`eth_simulateV1`).
    ///
    /// # Errors
    /// [`CallError`] when the payload is refused as a whole; failures of single calls are in the
    /// outcome.
    pub fn simulate(
        &self,
        at: BlockHash,
        payload: SimulatePayload,
    ) -> Result<Vec<SimulatedBlock>, CallError> {
        let (header, mut state) = self.view(at)?;
        let roots = |changes: &StateChanges| self.state_root(at, changes);
        let base = SealedBlock::new(Block::uncle(header));
        simulate(self.spec(), &base, &mut state, payload, self.call_gas_max(), &roots)
    }
}

/// What stays the same over all blocks of a simulation, and the gas that is left for them.
struct Simulation<'a> {
    spec: &'a ChainSpec,
    roots: Roots<'a>,
    validation: bool,
    trace_transfers: bool,
    gas_left: u64,
}

pub(crate) fn simulate<S: Source>(
    spec: &ChainSpec,
    base: &SealedBlock,
    state: &mut BlockState<S>,
    payload: SimulatePayload,
    gas_max: u64,
    roots: Roots<'_>,
) -> Result<Vec<SimulatedBlock>, CallError> {
    let mut simulation = Simulation {
        spec,
        roots,
        validation: payload.validation,
        trace_transfers: payload.trace_transfers,
        gas_left: gas_max,
    };
    let blocks = fill_gaps(base.header(), payload.block_state_calls)?;
    let mut parent = base.clone();
    let mut simulated = Vec::with_capacity(blocks.len());
    for block in &blocks {
        let done = simulation.block(&parent, state, block)?;
        parent = done.block.clone();
        simulated.push(done);
    }
    Ok(simulated)
}

/// Gives every block its number and time, with empty blocks where numbers were left out.
fn fill_gaps(base: &Header, asked: Vec<SimBlock>) -> Result<Vec<SimBlock>, CallError> {
    if asked.iter().map(|block| block.calls.len()).sum::<usize>() > SIMULATED_CALLS_MAX {
        return Err(refused(InvalidCall::TooManyCalls));
    }
    let mut blocks = Vec::new();
    let (mut number, mut time) = (base.number, base.timestamp);
    for mut block in asked {
        let overrides = block.block_overrides.get_or_insert_default();
        let wanted = overrides.number.unwrap_or_else(|| U256::from(number) + U256::ONE);
        if wanted <= U256::from(number) {
            return Err(refused(InvalidCall::BlockNumbers { found: wanted, previous: number }));
        }
        if wanted - U256::from(base.number) > U256::from(SIMULATED_BLOCKS_MAX) {
            return Err(refused(InvalidCall::TooManyBlocks));
        }
        while U256::from(number) + U256::ONE < wanted {
            number += 1;
            time = time.saturating_add(BLOCK_SECONDS);
            let empty = BlockOverrides::default().with_number(U256::from(number)).with_time(time);
            blocks.push(SimBlock::default().with_block_overrides(empty));
        }
        number += 1;
        let found = overrides.time.unwrap_or_else(|| time.saturating_add(BLOCK_SECONDS));
        if found <= time {
            return Err(refused(InvalidCall::BlockTimestamps { found, previous: time }));
        }
        time = found;
        overrides.number = Some(wanted);
        overrides.time = Some(time);
        blocks.push(block);
    }
    Ok(blocks)
}

fn refused(invalid: InvalidCall) -> CallError {
    CallError::SimulationRefused { invalid: Box::new(invalid), gas: None }
}

impl Simulation<'_> {
    fn block<S: Source>(
        &mut self,
        parent: &SealedBlock,
        state: &mut BlockState<S>,
        asked: &SimBlock,
    ) -> Result<SimulatedBlock, CallError> {
        let pretended = asked.block_overrides.clone().unwrap_or_default();
        let mut header = self.header(parent, &pretended)?;
        for (height, hash) in pretended.block_hash.iter().flatten() {
            state.set_block_hash(*height, *hash);
        }
        let blob_fee = overrides::blob_fee(&pretended)?;
        let env = lenient(environment(self.spec, &header), blob_fee, self.validation);
        let mut precompiles = PrecompileSet::new(env.cfg_env.spec);
        if let Some(accounts) = &asked.state_overrides {
            overrides::apply_to_state(state, &mut precompiles, accounts)?;
        }
        let shanghai = self.spec.is_shanghai_active_at_timestamp(header.timestamp);
        let watch = TransferLogs::default();
        let evm = evm(&mut *state, env, Some(precompiles), watch, self.trace_transfers);
        let ending = Ending { ommers: &[], withdrawals: shanghai.then_some(&[][..]) };
        let mut machine =
            Machine::start_on(self.spec, evm, &header, ending, Some(self.roots)).map_err(fault)?;
        let (mut transactions, mut senders, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        for request in &asked.calls {
            let (transaction, sender, done) = self.call(&mut machine, &header, request)?;
            transactions.push(transaction);
            senders.push(sender);
            calls.push(done);
        }
        let outcome = machine.finish().map_err(fault)?;
        let changes = state.changes();
        header.state_root = (self.roots)(&changes)?;
        seal(self.spec, &mut header, outcome, &transactions);
        let mut block = Block::uncle(header);
        block.body.transactions = transactions;
        block.body.withdrawals = shanghai.then(Withdrawals::default);
        let block = SealedBlock::new(block);
        state.set_block_hash(block.height().0, block.hash());
        Ok(SimulatedBlock { block, senders, calls })
    }

    /// The header as far as it is known before the calls ran.
    fn header(&self, parent: &SealedBlock, asked: &BlockOverrides) -> Result<Header, CallError> {
        let before = parent.header();
        let number = asked.number.and_then(|number| u64::try_from(number).ok());
        let number = number.unwrap_or(before.number.saturating_add(1));
        let time = asked.time.unwrap_or(before.timestamp);
        let cancun = self.spec.is_cancun_active_at_timestamp(time);
        let shanghai = self.spec.is_shanghai_active_at_timestamp(time);
        let merged = self.spec.is_paris_active_at_block(number);
        let base_fee = self.spec.next_base_fee(before);
        let mut header = Header {
            parent_hash: parent.hash(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: before.beneficiary,
            difficulty: if merged { U256::ZERO } else { before.difficulty },
            number,
            gas_limit: before.gas_limit,
            timestamp: time,
            // Calls need offer no fee unless they are to be validated, so the fee is nothing.
            base_fee_per_gas: base_fee.map(|fee| if self.validation { fee } else { 0 }),
            withdrawals_root: shanghai.then_some(EMPTY_WITHDRAWALS),
            parent_beacon_block_root: cancun.then_some(B256::ZERO),
            blob_gas_used: cancun.then_some(0),
            excess_blob_gas: rules::next_excess_blob_gas(self.spec, before, time),
            ..Header::default()
        };
        overrides::apply_to_header(&mut header, asked)?;
        if base_fee.is_none() {
            header.base_fee_per_gas = None;
        }
        if !cancun {
            header.parent_beacon_block_root = None;
        }
        Ok(header)
    }

    fn call<'a, S: Source>(
        &mut self,
        machine: &mut Machine<'a, S, TransferLogs>,
        header: &Header,
        request: &TransactionRequest,
    ) -> Result<(Transaction, Address, SimulatedCall), CallError> {
        let remaining = header.gas_limit.saturating_sub(machine.gas_used());
        let required = request.gas.unwrap_or(remaining);
        if required > remaining {
            return Err(refused(InvalidCall::BlockGasLimit { remaining, required }));
        }
        let gas = required.min(self.gas_left);
        let place = Place {
            chain_id: self.spec.chain_id(),
            base_fee: header.base_fee_per_gas,
            strict: self.validation,
        };
        let mut env = transaction_env(request, gas, place, machine.evm_mut().db_mut())
            .map_err(CallError::in_simulation)?;
        let transaction = unsigned(&env, self.spec.chain_id());
        let (sender, asked) = (env.caller, env.clone());
        let wraps = !self.validation && env.kind.is_call() && nonce(machine, sender)? == u64::MAX;
        if !self.validation {
            env.nonce = env.nonce.min(NONCE_MAX);
        }
        let done = machine.run_env(env, &transaction).map_err(|error| match error {
            Refused::Invalid(invalid) => CallError::SimulationRefused {
                invalid: Box::new(explain(&invalid, &asked)),
                gas: Some(gas),
            },
            Refused::NoRoom { gas_limit, left } => {
                refused(InvalidCall::BlockGasLimit { remaining: left, required: gas_limit })
            }
            Refused::Forbidden(forbidden) => refused(InvalidCall::Forbidden(forbidden)),
            Refused::Failed(error) => fault(error),
        })?;
        if wraps {
            set_nonce(machine, sender, 0)?;
        }
        self.gas_left -= done.gas_used.min(self.gas_left);
        let logs = if self.trace_transfers {
            machine.evm_mut().inspector_mut().take()
        } else {
            machine.last_logs().to_vec()
        };
        Ok((transaction, sender, told(done, logs)))
    }
}

fn nonce<S: Source>(
    machine: &mut Machine<'_, S, TransferLogs>,
    account: Address,
) -> Result<u64, CallError> {
    let state = machine.evm_mut().db_mut();
    let failure = state.failure();
    let info = state.basic(account).map_err(|error| CallError::unreadable(&failure, &error))?;
    Ok(info.unwrap_or_default().nonce)
}

/// Without validation a sender's last nonce is followed by 0, as in other clients.
fn set_nonce<S: Source>(
    machine: &mut Machine<'_, S, TransferLogs>,
    account: Address,
    nonce: u64,
) -> Result<(), CallError> {
    let state = machine.evm_mut().db_mut();
    let failure = state.failure();
    let done = state.alter(account, |info| info.nonce = nonce);
    done.map_err(|error| CallError::unreadable(&failure, &error))
}

fn told(done: Done, logs: Vec<alloy_primitives::Log>) -> SimulatedCall {
    let failure = match &done.halt {
        _ if done.success => None,
        None => Some(SimulatedFailure {
            code: CallError::REVERTED,
            message: crate::messages::revert_message(&done.output),
            data: Some(done.output.clone()),
        }),
        Some(reason) => Some(SimulatedFailure {
            code: CallError::VM_FAILED,
            message: halt_message(reason),
            data: None,
        }),
    };
    SimulatedCall {
        return_data: if done.success { done.output } else { Default::default() },
        logs: if failure.is_none() { logs } else { Vec::new() },
        gas_used: done.gas_used,
        gas_used_max: done.gas_peak,
        failure,
    }
}

/// Completes the header with what the calls gave.
fn seal(spec: &ChainSpec, header: &mut Header, outcome: Outcome, transactions: &[Transaction]) {
    header.gas_used = outcome.gas_used;
    if spec.is_cancun_active_at_timestamp(header.timestamp) {
        header.blob_gas_used = Some(outcome.blob_gas_used);
    }
    if spec.is_prague_active_at_timestamp(header.timestamp) {
        header.requests_hash = Some(outcome.requests.requests_hash());
    }
    let finished = receipts::finish(outcome.receipts, &outcome.states);
    header.receipts_root = finished.root;
    header.logs_bloom = finished.bloom;
    header.transactions_root = receipts::transactions_root(transactions);
}

fn fault(fault: crate::error::Fault) -> CallError {
    match fault {
        crate::error::Fault::Block(violation) => other(&violation.to_string()),
        crate::error::Fault::Other(error) => error.into(),
    }
}
