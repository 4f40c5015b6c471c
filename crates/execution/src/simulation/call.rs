use super::{CallOutcome, Overrides, session::Session};
use crate::{
    CallError, Executor,
    messages::halt_message,
    state::{BlockState, Source},
};
use alloy_rpc_types_eth::TransactionRequest;
use hanse_primitives::{BlockHash, ChainSpec, Header};
use revm::{
    context::result::{ExecutionResult, HaltReason},
    inspector::NoOpInspector,
};

impl Executor {
    /// Runs a call on the state after block `at`, in that block's environment (`eth_call`).
    ///
    /// # Errors
    /// [`CallError`]: a revert or a halt is one, too.
    pub fn call(
        &self,
        at: BlockHash,
        request: &TransactionRequest,
        overrides: &Overrides,
    ) -> Result<CallOutcome, CallError> {
        let (header, mut state) = self.view(at)?;
        call(self.spec(), &header, &mut state, request, overrides, self.call_gas_max())
    }
}

pub(crate) fn call<S: Source>(
    spec: &ChainSpec,
    header: &Header,
    state: &mut BlockState<S>,
    request: &TransactionRequest,
    overrides: &Overrides,
    gas_max: u64,
) -> Result<CallOutcome, CallError> {
    let mut session = Session::open(spec, header, state, overrides, gas_max, None, NoOpInspector)?;
    let gas = session.gas_limit(request);
    let env = session.prepare(request, gas)?;
    outcome(session.run(env)?.result)
}

/// What a run gave, with anything but success as an error.
pub(super) fn outcome(result: ExecutionResult<HaltReason>) -> Result<CallOutcome, CallError> {
    match result {
        ExecutionResult::Success { gas, logs, output, .. } => {
            Ok(CallOutcome { output: output.into_data(), gas_used: gas.tx_gas_used(), logs })
        }
        ExecutionResult::Revert { output, .. } => Err(CallError::Reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(CallError::Halted(halt_message(&reason))),
    }
}
