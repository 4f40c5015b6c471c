use super::{Answer, Call, transactions::receipt_of};
use crate::{RpcError, SubmitError, wire::Reply};
use alloy_primitives::{Bytes, TxHash, hex};
use hanse_txpool::{Fault, PoolError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::TryRecvError;

/// The method that must be fastest.
pub(crate) const SEND_RAW: &str = "eth_sendRawTransaction";

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

/// `eth_sendRawTransactionSync` (EIP-7966): sends, and waits for the receipt.
pub(super) fn send_raw_sync(call: &Call<'_>) -> Answer {
    let raw: Bytes = call.params.required(0)?;
    let longest = call.rpc.limits.receipt_wait_max;
    let wait = call.params.optional::<u64>(1)?.map_or(longest, Duration::from_millis).min(longest);
    let mut chain = call.rpc.events.chain();
    let hash = match submit(call, raw.clone()) {
        Ok(hash) => hash,
        // Sent before: there is nothing wrong with asking for its receipt again.
        Err(error) => sent_before(call, &raw, &error)?.ok_or_else(|| refusal(error))?,
    };
    let started = Instant::now();
    loop {
        if let Some(receipt) = receipt_of(call, &hash)? {
            return Reply::new(&receipt);
        }
        loop {
            match chain.try_recv() {
                Ok(_) | Err(TryRecvError::Lagged(_)) => break,
                Err(TryRecvError::Empty | TryRecvError::Closed) => {
                    call.cancel.check()?;
                    if started.elapsed() >= wait {
                        return Err(RpcError::Coded {
                            code: 4,
                            message: "The transaction was added to the mempool but wasn't \
                                      processed in time."
                                .to_owned(),
                            data: Some(hash.into()),
                        });
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }
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
