use super::{Answer, Call};
use crate::{
    json::SimulatedBlockJson,
    wire::{Object, Reply},
};
use alloy_rpc_types_eth::simulate::SimulatePayload;

/// `eth_simulateV1`
pub(super) fn simulate(call: &Call<'_>) -> Answer {
    let Object(payload) = call.params.required::<Object<SimulatePayload>>(0)?;
    let full = payload.return_full_transactions;
    let blocks = call.executor().simulate(call.known_block(1)?.hash, payload)?;
    let blocks = blocks.iter().map(|block| SimulatedBlockJson::new(block, full));
    Reply::new(&blocks.collect::<Vec<_>>())
}
