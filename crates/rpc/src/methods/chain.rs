use super::{Answer, Call};
use crate::{json::Hex, wire::Reply};
use hanse_ledger::limits::PROOF_BLOCKS_MAX;
use hanse_primitives::Height;
use serde_json::json;
use std::collections::BTreeMap;

/// `eth_blockNumber`
pub(super) fn block_number(call: &Call<'_>) -> Answer {
    Reply::new(&Hex(call.rpc.ledger.head().height.0))
}

/// `eth_chainId`
pub(super) fn chain_id(call: &Call<'_>) -> Answer {
    Reply::new(&Hex(call.rpc.spec.chain_id()))
}

/// `eth_coinbase`
pub(super) fn coinbase(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.fee_recipient.unwrap_or_default())
}

/// `eth_protocolVersion`: no Ethereum wire protocol is spoken; 69 is the version whose data we serve.
pub(super) fn protocol_version(_: &Call<'_>) -> Answer {
    Reply::new(&Hex(69))
}

/// `eth_syncing`: what the ledger has is always executed, so there is nothing to catch up with here.
pub(super) fn syncing(_: &Call<'_>) -> Answer {
    Reply::new(&false)
}

/// `eth_capabilities`: since which block all is there. Of older ones some may be.
pub(super) fn capabilities(call: &Call<'_>) -> Answer {
    let head = call.rpc.ledger.head();
    let whole = call.rpc.ledger.horizon().highest();
    let state = whole.previous().unwrap_or_default();
    let proofs = Height(head.height.0.saturating_sub(PROOF_BLOCKS_MAX)).max(state);
    let since = |height: Height| json!({ "disabled": false, "oldestBlock": Hex(height.0) });
    Reply::new(&json!({
        "head": { "number": Hex(head.height.0), "hash": head.hash },
        "state": since(state),
        "tx": since(whole),
        "logs": since(whole),
        "receipts": since(whole),
        "blocks": since(whole),
        "stateproofs": since(proofs),
    }))
}

/// `hanse_getHistory`: the height below which only headers, seals and proofs are kept, of everything and of
/// single contracts.
pub(super) fn history(call: &Call<'_>) -> Answer {
    let horizon = call.rpc.ledger.horizon();
    let contracts: BTreeMap<_, _> =
        horizon.contracts.iter().map(|(contract, below)| (contract, Hex(below.0))).collect();
    Reply::new(&json!({ "below": Hex(horizon.all.0), "contracts": contracts }))
}

/// `hanse_getContracts`: the contracts that genesis names; `null` on a chain that is not ours.
pub(super) fn contracts(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.spec.hanse().map(|hanse| &hanse.contracts))
}
