use crate::{CallError, ExecutionError, Executor, Overrides};
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use alloy_sol_types::SolCall;
use hanse_primitives::BlockHash;

/// Gas of one question.
const QUESTION_GAS: u64 = 30_000_000;

impl Executor {
    /// Asks a view of a contract of the law, on the state after `at`.
    pub(crate) fn ask_contract<C: SolCall>(
        &self,
        at: BlockHash,
        contract: Address,
        question: &C,
    ) -> Result<C::Return, ExecutionError> {
        let request = TransactionRequest {
            to: Some(TxKind::Call(contract)),
            gas: Some(QUESTION_GAS),
            input: TransactionInput::new(Bytes::from(question.abi_encode())),
            ..TransactionRequest::default()
        };
        let broken = |why: String| {
            ExecutionError::Internal(format!("{contract} does not answer {}: {why}", C::SIGNATURE))
        };
        let outcome =
            self.call(at, &request, &Overrides::default()).map_err(|error| match error {
                CallError::Store(error) => error.into(),
                CallError::UnknownBlock(hash) => ExecutionError::UnknownParent(hash),
                other => broken(other.to_string()),
            })?;
        C::abi_decode_returns(&outcome.output).map_err(|error| broken(error.to_string()))
    }
}
