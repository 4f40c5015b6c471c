use super::{Answer, Call};
use crate::{json::Hex, wire::Reply};
use serde_json::json;

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

/// `eth_capabilities`: everything, from genesis on, for ever.
pub(super) fn capabilities(call: &Call<'_>) -> Answer {
    let head = call.rpc.ledger.head();
    let all = json!({ "disabled": false, "oldestBlock": "0x0" });
    Reply::new(&json!({
        "head": { "number": Hex(head.height.0), "hash": head.hash },
        "state": all,
        "tx": all,
        "logs": all,
        "receipts": all,
        "blocks": all,
        "stateproofs": all,
    }))
}

/// `hanse_getContracts`: the contracts that genesis names; `null` on a chain that is not ours.
pub(super) fn contracts(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.spec.hanse().map(|hanse| &hanse.contracts))
}
