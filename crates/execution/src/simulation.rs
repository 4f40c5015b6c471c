use crate::{CallError, Executor, TraceError};
use alloy_primitives::{Address, Bytes, Log};
use alloy_rpc_types_eth::{
    AccessList, BlockOverrides, TransactionRequest, simulate::SimulatePayload, state::StateOverride,
};
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use hanse_primitives::{BlockHash, SealedBlock};

/// What a call pretends about state and block.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Accounts that differ from the state.
    pub state: Option<StateOverride>,
    /// Block fields that differ from the block.
    pub block: Option<BlockOverrides>,
}

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOutcome {
    /// What it returned.
    pub output: Bytes,
    /// Gas it used, after refunds.
    pub gas_used: u64,
    /// Events it emitted.
    pub logs: Vec<Log>,
}

/// An access list that covers what a call touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessListOutcome {
    /// The list.
    pub access_list: AccessList,
    /// Gas that the call uses with it.
    pub gas_used: u64,
    /// Why the call failed, if it did; the list is still right.
    pub error: Option<String>,
}

/// A block of `eth_simulateV1`.
#[derive(Clone, Debug)]
pub struct SimulatedBlock {
    /// The block. Its transactions bear no signature (`r`, `s` and `v` are zero).
    pub block: SealedBlock,
    /// Who sends each transaction.
    pub senders: Vec<Address>,
    /// What each call did.
    pub calls: Vec<SimulatedCall>,
}

/// What a call of `eth_simulateV1` did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulatedCall {
    /// What it returned, or reverted with.
    pub return_data: Bytes,
    /// Events, and transfers of ether as pseudo-events of ERC-7528 when they were asked for.
    pub logs: Vec<Log>,
    /// Gas after refunds.
    pub gas_used: u64,
    /// Gas before refunds.
    pub gas_used_max: u64,
    /// Why it failed, if it did.
    pub failure: Option<SimulatedFailure>,
}

/// Why a call of `eth_simulateV1` failed, as its `error` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedFailure {
    /// 3 for a revert, -32015 for any other failure of the EVM.
    pub code: i64,
    /// For people.
    pub message: String,
    /// What it reverted with.
    pub data: Option<Bytes>,
}

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
        let _ = (at, request, overrides);
        todo!()
    }

    /// The least gas limit with which the request succeeds, up to 1.5 percent above
    /// (`eth_estimateGas`).
    ///
    /// # Errors
    /// [`CallError`] of the request at the largest gas limit that it may have.
    pub fn estimate_gas(
        &self,
        at: BlockHash,
        request: &TransactionRequest,
        overrides: &Overrides,
    ) -> Result<u64, CallError> {
        let _ = (at, request, overrides);
        todo!()
    }

    /// The accounts and slots that the request touches (`eth_createAccessList`).
    ///
    /// # Errors
    /// [`CallError`] when the request can be no transaction; that it reverts is told in the outcome.
    pub fn create_access_list(
        &self,
        at: BlockHash,
        request: &TransactionRequest,
        overrides: &Overrides,
    ) -> Result<AccessListOutcome, CallError> {
        let _ = (at, request, overrides);
        todo!()
    }

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
        let _ = (at, payload);
        todo!()
    }

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
        let _ = (block, index, options);
        todo!()
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
        let _ = (block, options);
        todo!()
    }

    /// Traces a call on the state after block `at` (`debug_traceCall`).
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn trace_call(
        &self,
        at: BlockHash,
        request: &TransactionRequest,
        options: &GethDebugTracingCallOptions,
    ) -> Result<GethTrace, TraceError> {
        let _ = (at, request, options);
        todo!()
    }
}
