use super::{Answer, Call, transactions::receipt_of};
use crate::{
    RpcError, SubmitError,
    wire::{Params, Reply},
};
use alloy_primitives::{Bytes, TxHash, hex};
use hanse_txpool::{Fault, PoolError};
use serde_json::value::RawValue;
use std::time::Duration;

/// The method that must be fastest.
pub(crate) const SEND_RAW: &str = "eth_sendRawTransaction";

/// The one that waits for the receipt.
pub(crate) const SEND_RAW_SYNC: &str = "eth_sendRawTransactionSync";

/// The error code of a receipt that did not come in time (EIP-7966).
const NOT_YET: i64 = 4;

/// `eth_sendRawTransaction`
pub(super) fn send_raw(call: &Call<'_>) -> Answer {
    reply(submit(call, call.params.required(0)?))
}

/// The answer to a submitted transaction.
pub(crate) fn reply(outcome: Result<TxHash, SubmitError>) -> Answer {
    let hash = outcome.map_err(refusal)?;
    let mut json = Vec::with_capacity(68);
    json.push(b'"');
    json.extend_from_slice(hex::Buffer::<32, true>::new().format(&hash.0).as_bytes());
    json.push(b'"');
    Ok(Reply::raw(json))
}

/// Hands one transaction on.
pub(super) fn submit(call: &Call<'_>, raw: Bytes) -> Result<TxHash, SubmitError> {
    let outcome = call.rpc.submit.submit(vec![raw]).pop();
    outcome.expect("there is one outcome for each transaction, as Submit promises")
}

/// Wallets look for the text; the code only tells whose fault it is.
pub(super) fn refusal(error: SubmitError) -> RpcError {
    match &error {
        SubmitError::Unavailable(_) => RpcError::Unavailable("the node takes no transactions now"),
        SubmitError::Refused(pool) if pool.fault() == Fault::Internal => {
            RpcError::internal("the pool failed", &error)
        }
        SubmitError::Malformed(_) | SubmitError::Refused(_) => RpcError::Server(error.to_string()),
    }
}

/// `eth_sendRawTransactionSync` (EIP-7966): sends, and answers with the receipt. The server asks
/// again with each new block (see [`crate::dispatch`]), so that nobody waits on a worker thread; within
/// a batch there is no waiting.
pub(super) fn send_raw_sync(call: &Call<'_>) -> Answer {
    let raw: Bytes = call.params.required(0)?;
    let _: Option<u64> = call.params.optional(1)?;
    let hash = match submit(call, raw.clone()) {
        Ok(hash) => hash,
        // Sent before: there is nothing wrong with asking for its receipt again.
        Err(error) => sent_before(call, &raw, &error)?.ok_or_else(|| refusal(error))?,
    };
    match receipt_of(call, &hash)? {
        Some(receipt) => Reply::new(&receipt),
        None => Err(RpcError::Coded {
            code: NOT_YET,
            message: "the transaction was accepted, but is in no block yet".to_owned(),
            data: Some(hash.into()),
        }),
    }
}

/// How long a request wants to wait for its receipt, at most `longest`.
pub(crate) fn wait(params: Option<&RawValue>, longest: Duration) -> Duration {
    let asked = Params::split(params, 2).and_then(|params| params.optional::<u64>(1));
    asked.ok().flatten().map_or(longest, Duration::from_millis).min(longest)
}

/// True when the receipt may still come.
pub(crate) const fn is_not_yet(error: &RpcError) -> bool {
    matches!(error, RpcError::Coded { code: NOT_YET, .. })
}

/// The hash of a refused transaction that is in the pool or the chain all the same.
fn sent_before(
    call: &Call<'_>,
    raw: &[u8],
    error: &SubmitError,
) -> Result<Option<TxHash>, RpcError> {
    let (SubmitError::Refused(reason), Ok(decoded)) = (error, hanse_txpool::decode(raw)) else {
        return Ok(None);
    };
    let hash = *decoded.hash();
    let known = *reason == PoolError::AlreadyKnown || call.rpc.ledger.transaction(&hash)?.is_some();
    Ok(known.then_some(hash))
}
