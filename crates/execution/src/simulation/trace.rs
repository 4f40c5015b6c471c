use super::{Overrides, session::Session};
use crate::{
    CallError, Executor, TraceError,
    error::Fault,
    limits::TRACE_BYTES_MAX,
    machine::{Ending, Machine, environment, evm},
    permissions,
    state::{BlockState, Failure, Source, Unreadable},
};
use alloy_consensus::transaction::Recovered;
use alloy_evm::{Evm, ToTxEnv};
use alloy_primitives::{Address, Log, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugTracerType, GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace, StructLog,
};
use hanse_ledger::StoredBlock;
use hanse_primitives::BlockHash;
use revm::{
    DatabaseCommit, DatabaseRef, Inspector,
    context::{BlockEnv, TxEnv, result::HaltReason, result::ResultAndState},
    context_interface::ContextTr,
    handler::FrameResult,
    inspector::JournalExt,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, FrameInput, Interpreter},
};
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError, TransactionContext};

impl Executor {
    /// Traces a transaction of a stored block (`debug_traceTransaction`).
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn trace_transaction(
        &self,
        block: BlockHash,
        index: usize,
        options: &GethDebugTracingOptions,
    ) -> Result<GethTrace, TraceError> {
        let stored = self.traceable(block)?;
        if index >= stored.block().transactions().len() {
            return Err(TraceError::UnknownTransaction(index));
        }
        let mut traces = self.replay(&stored, index..=index, options)?;
        traces.pop().ok_or(TraceError::UnknownTransaction(index))
    }

    /// Traces all transactions of a stored block, in order (`debug_traceBlockBy...`).
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn trace_block(
        &self,
        block: BlockHash,
        options: &GethDebugTracingOptions,
    ) -> Result<Vec<GethTrace>, TraceError> {
        let stored = self.traceable(block)?;
        self.replay(&stored, 0..=usize::MAX, options)
    }

    /// Traces a call on the state after block `at` (`debug_traceCall`); with `tx_index`, on the state
    /// before that transaction of the block.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn trace_call(
        &self,
        at: BlockHash,
        request: &TransactionRequest,
        options: &GethDebugTracingCallOptions,
    ) -> Result<GethTrace, TraceError> {
        let tracer = Tracer::new(&options.tracing_options)?;
        let (header, mut state) = match options.tx_index {
            None => self.view(at)?,
            Some(index) => {
                let stored = self.traceable(at)?;
                let header = stored.block().header().clone();
                let (_, mut state) = self.view(header.parent_hash)?;
                let idle = Tracer::new(&GethDebugTracingOptions::default())?;
                let mut machine = self.start(&stored, &mut state, idle)?;
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                for (at, transaction) in
                    stored.block().transactions().iter().enumerate().take(index)
                {
                    run(&mut machine, transaction, stored.senders()[at], at)?;
                }
                drop(machine);
                (header, state)
            }
        };
        let pretended = Overrides {
            state: options.state_overrides.clone(),
            block: options.block_overrides.clone(),
        };
        let idle = Tracer::new(&GethDebugTracingOptions::default())?;
        let gas_max = self.call_gas_max();
        let mut session = Session::open(
            self.spec(),
            &header,
            &mut state,
            &pretended,
            gas_max,
            Some(tracer),
            idle,
        )?;
        let gas = session.gas_limit(request);
        let env = session.prepare(request, gas)?;
        let result = session.run(env.clone())?;
        let failure = session.failure().clone();
        let block = session.evm_mut().block().clone();
        let (state, tracer, _) = session.evm_mut().components_mut();
        tracer.finish(None, &env, &block, &result, state, &failure)
    }

    fn traceable(&self, block: BlockHash) -> Result<StoredBlock, TraceError> {
        let stored = self.ledger().block(block).map_err(CallError::from)?;
        let stored = stored.ok_or(CallError::UnknownBlock(block))?;
        if stored.block().height().previous().is_none() {
            return Err(TraceError::Genesis);
        }
        Ok(stored)
    }

    fn start<'a, S: Source>(
        &'a self,
        stored: &'a StoredBlock,
        state: &'a mut BlockState<S>,
        tracer: Tracer,
    ) -> Result<Machine<'a, S, Tracer>, TraceError> {
        let block = stored.block();
        let body = &block.block().body;
        let env = environment(self.spec(), block.header());
        let evm = evm(state, env, None, tracer, false);
        let withdrawals = body.withdrawals.as_ref().map(|list| &list[..]);
        let ending = Ending { ommers: &body.ommers, withdrawals };
        Machine::start_on(self.spec(), evm, block.header(), ending, None).map_err(broken)
    }

    /// Runs a block again up to the end of `wanted`, with the tracer on for those.
    fn replay(
        &self,
        stored: &StoredBlock,
        wanted: std::ops::RangeInclusive<usize>,
        options: &GethDebugTracingOptions,
    ) -> Result<Vec<GethTrace>, TraceError> {
        let parent = stored.block().header().parent_hash;
        let (_, mut state) = self.view(parent)?;
        let failure = state.failure();
        let mut machine = self.start(stored, &mut state, Tracer::new(options)?)?;
        let mut traces = Vec::new();
        let transactions = stored.block().transactions();
        for (index, transaction) in transactions.iter().enumerate() {
            if index > *wanted.end() {
                break;
            }
            let sender = stored.senders()[index];
            if !wanted.contains(&index) {
                run(&mut machine, transaction, sender, index)?;
                continue;
            }
            let env: TxEnv = Recovered::new_unchecked(transaction, sender).to_tx_env();
            let entered = machine.enter(transaction, sender);
            entered.map_err(|refused| broken(refused.in_block(index, *transaction.tx_hash())))?;
            let evm = machine.evm_mut();
            *evm.inspector_mut() = Tracer::new(options)?;
            evm.enable_inspector();
            let result = evm.transact_raw(env.clone());
            let result = result.map_err(|error| CallError::unreadable(&failure, &error))?;
            evm.disable_inspector();
            permissions::leave(evm.db_mut());
            let context = TransactionContext {
                block_hash: Some(stored.block().hash()),
                tx_hash: Some(*transaction.tx_hash()),
                tx_index: Some(index),
            };
            let block = evm.block().clone();
            let (state, tracer, _) = evm.components_mut();
            traces.push(tracer.finish(Some(context), &env, &block, &result, state, &failure)?);
            state.commit(result.state);
        }
        Ok(traces)
    }
}

fn run<S: Source>(
    machine: &mut Machine<'_, S, Tracer>,
    transaction: &hanse_primitives::Transaction,
    sender: Address,
    index: usize,
) -> Result<(), TraceError> {
    let done = machine.run(transaction, sender);
    done.map(drop).map_err(|refused| broken(refused.in_block(index, *transaction.tx_hash())))
}

/// A stored block has run before, so whatever stops it now is our own fault.
fn broken(fault: Fault) -> TraceError {
    match fault {
        Fault::Block(violation) => CallError::Internal(violation.to_string()).into(),
        Fault::Other(error) => CallError::from(error).into(),
    }
}

/// One of the tracers that geth names, within a bound of memory: a step with a deep stack may cost
/// 32 KiB, and a block has room for ten million steps.
#[derive(Debug)]
pub(super) struct Tracer {
    inner: DebugInspector,
    step_bytes: StepBytes,
    bytes: usize,
}

/// What a tracer keeps of each step.
#[derive(Clone, Copy, Debug, Default)]
struct StepBytes {
    step: bool,
    stack: bool,
    memory: bool,
}

/// Bytes of a step apart from stack and memory.
const STEP_BYTES: usize = 256;

impl Tracer {
    fn new(options: &GethDebugTracingOptions) -> Result<Self, TraceError> {
        if let Some(GethDebugTracerType::JsTracer(_)) = &options.tracer {
            let why = "tracers written in JavaScript are not supported; use callTracer, \
                prestateTracer, 4byteTracer, flatCallTracer, muxTracer or noopTracer";
            return Err(TraceError::Tracer(why.to_owned()));
        }
        let steps = options.tracer.is_none();
        let step_bytes = StepBytes {
            step: steps,
            stack: steps && options.config.disable_stack != Some(true),
            memory: steps && options.config.enable_memory == Some(true),
        };
        let inner = DebugInspector::new(options.clone())
            .map_err(|error: DebugInspectorError| TraceError::Tracer(error.to_string()))?;
        Ok(Self { inner, step_bytes, bytes: 0 })
    }

    const fn is_full(&self) -> bool {
        self.bytes > TRACE_BYTES_MAX
    }

    fn finish<D: DatabaseRef<Error = Unreadable>>(
        &mut self,
        context: Option<TransactionContext>,
        env: &TxEnv,
        block: &BlockEnv,
        result: &ResultAndState<HaltReason>,
        state: &mut D,
        failure: &Failure,
    ) -> Result<GethTrace, TraceError> {
        if self.is_full() {
            return Err(TraceError::TooLarge(TRACE_BYTES_MAX));
        }
        let trace = self.inner.get_result(context, env, block, result, state);
        let mut trace = trace.map_err(|error| match error {
            DebugInspectorError::Database(error) => CallError::unreadable(failure, &error).into(),
            other => TraceError::Tracer(other.to_string()),
        })?;
        if let GethTrace::Default(frame) = &mut trace {
            frame.struct_logs.iter_mut().for_each(leave_out_nothings);
        }
        Ok(trace)
    }
}

/// The format of a step has no place for an empty memory, empty return data or no refund.
fn leave_out_nothings(step: &mut StructLog) {
    step.refund_counter = step.refund_counter.filter(|refund| *refund != 0);
    step.memory = step.memory.take().filter(|memory| !memory.is_empty());
    step.return_data = step.return_data.take().filter(|data| !data.is_empty());
}

impl<C: ContextTr<Journal: JournalExt>> Inspector<C> for Tracer {
    fn initialize_interp(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        self.inner.initialize_interp(interpreter, context);
    }

    fn step(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        if self.step_bytes.step {
            self.bytes += STEP_BYTES;
            if self.step_bytes.stack {
                self.bytes += interpreter.stack.len() * 32;
            }
            if self.step_bytes.memory {
                self.bytes += interpreter.memory.len();
            }
        }
        if !self.is_full() {
            self.inner.step(interpreter, context);
        }
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        if !self.is_full() {
            self.inner.step_end(interpreter, context);
        }
    }

    fn log(&mut self, context: &mut C, log: Log) {
        self.inner.log(context, log);
    }

    fn log_full(&mut self, interpreter: &mut Interpreter, context: &mut C, log: Log) {
        self.inner.log_full(interpreter, context, log);
    }

    fn frame_start(&mut self, context: &mut C, input: &mut FrameInput) -> Option<FrameResult> {
        self.inner.frame_start(context, input)
    }

    fn frame_end(&mut self, context: &mut C, input: &FrameInput, result: &mut FrameResult) {
        self.inner.frame_end(context, input, result);
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.inner.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut C, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.inner.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.inner.create(context, inputs)
    }

    fn create_end(&mut self, context: &mut C, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.inner.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        Inspector::<C>::selfdestruct(&mut self.inner, contract, target, value);
    }
}
