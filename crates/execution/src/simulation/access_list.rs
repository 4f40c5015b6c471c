use super::{AccessListOutcome, Overrides, call::outcome, request::other, session::Session};
use crate::{
    CallError, Executor,
    limits::ACCESS_LIST_ROUNDS_MAX,
    state::{BlockState, Source},
};
use alloy_evm::Evm;
use alloy_rpc_types_eth::TransactionRequest;
use hanse_primitives::{BlockHash, ChainSpec, Header};
use revm_inspectors::access_list::AccessListInspector;

impl Executor {
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
        let (header, mut state) = self.view(at)?;
        let gas_max = self.call_gas_max();
        create_access_list(self.spec(), &header, &mut state, request, overrides, gas_max)
    }
}

/// A list makes some slots cheaper, so that the call may go on to touch others: it is run again
/// with each list that it led to, until the list does not change any more.
pub(crate) fn create_access_list<S: Source>(
    spec: &ChainSpec,
    header: &Header,
    state: &mut BlockState<S>,
    request: &TransactionRequest,
    overrides: &Overrides,
    gas_max: u64,
) -> Result<AccessListOutcome, CallError> {
    let idle = AccessListInspector::default();
    let watch = Some(AccessListInspector::default());
    let mut session = Session::open(spec, header, state, overrides, gas_max, watch, idle)?;
    let gas = session.gas_limit(request);
    let mut request = request.clone();
    for _ in 0..ACCESS_LIST_ROUNDS_MAX {
        let before = request.access_list.clone().unwrap_or_default();
        *session.evm_mut().inspector_mut() = AccessListInspector::new(before.clone());
        request.access_list = Some(before.clone());
        let env = session.prepare(&request, gas)?;
        let result = session.run(env)?.result;
        let after = session.evm_mut().inspector().access_list();
        if after == before {
            let gas_used = result.tx_gas_used();
            let error = outcome(result).err().map(|error| match error {
                CallError::Reverted(_) => "execution reverted".to_owned(),
                other => other.to_string(),
            });
            return Ok(AccessListOutcome { access_list: after, gas_used, error });
        }
        request.access_list = Some(after);
    }
    Err(other("the access list does not settle"))
}
