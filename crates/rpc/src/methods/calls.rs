use super::{Answer, Call};
use crate::{
    RpcError,
    json::Hex,
    wire::{Object, Reply},
};
use alloy_rpc_types_eth::{AccessList, TransactionRequest};
use hanse_execution::Overrides;
use serde::Serialize;

/// `eth_call`
pub(super) fn call(call: &Call<'_>) -> Answer {
    let Object(request) = call.params.required::<Object<TransactionRequest>>(0)?;
    let overrides = overrides(call)?;
    let at = call.known_block(1)?.hash;
    Reply::new(&call.executor().call(at, &request, &overrides)?.output)
}

/// `eth_estimateGas`
pub(super) fn estimate_gas(call: &Call<'_>) -> Answer {
    let Object(request) = call.params.required::<Object<TransactionRequest>>(0)?;
    let overrides = overrides(call)?;
    let at = call.known_block(1)?.hash;
    Reply::new(&Hex(call.executor().estimate_gas(at, &request, &overrides)?))
}

/// `eth_createAccessList`
pub(super) fn create_access_list(call: &Call<'_>) -> Answer {
    let Object(request) = call.params.required::<Object<TransactionRequest>>(0)?;
    let overrides = overrides(call)?;
    let at = call.known_block(1)?.hash;
    let outcome = call.executor().create_access_list(at, &request, &overrides)?;
    Reply::new(&AccessListJson {
        access_list: outcome.access_list,
        error: outcome.error,
        gas_used: Hex(outcome.gas_used),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessListJson {
    access_list: AccessList,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    gas_used: Hex<u64>,
}

/// The state of the third parameter and the block of the fourth.
fn overrides(call: &Call<'_>) -> Result<Overrides, RpcError> {
    let state = call.params.optional::<Object<_>>(2)?.map(|Object(state)| state);
    let block = call.params.optional::<Object<_>>(3)?.map(|Object(block)| block);
    Ok(Overrides { state, block })
}
