use super::{Answer, Call, namespaces};
use crate::{json::hex, wire::Reply};
use alloy_primitives::{Bytes, keccak256};
use std::collections::BTreeMap;

/// `net_listening`
pub(super) fn listening(_: &Call<'_>) -> Answer {
    Reply::new(&true)
}

/// `net_peerCount`
pub(super) fn peer_count(call: &Call<'_>) -> Answer {
    Reply::new(&hex((call.rpc.peers)()))
}

/// `net_version`: the network id, which is the chain id here.
pub(super) fn version(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.spec.chain_id().to_string())
}

/// `rpc_modules`
pub(super) fn modules(_: &Call<'_>) -> Answer {
    Reply::new(&namespaces().map(|name| (name, "1.0")).collect::<BTreeMap<_, _>>())
}

/// `web3_clientVersion`
pub(super) fn client_version(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.client_version)
}

/// `web3_sha3`
pub(super) fn sha3(call: &Call<'_>) -> Answer {
    Reply::new(&keccak256(call.params.required::<Bytes>(0)?))
}
