use super::{Answer, Call};
use crate::{
    RpcError,
    json::{TransactionJson, hex},
    limits::POOL_CONTENT_MAX,
    wire::Reply,
};
use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use hanse_txpool::Admitted;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// By sender, then by nonce. The addresses are keys, so they are written with their checksum.
type BySender<T> = BTreeMap<String, BTreeMap<u64, T>>;

#[derive(Default, Serialize)]
struct Parts<T> {
    pending: T,
    queued: T,
}

/// `txpool_status`
pub(super) fn status(call: &Call<'_>) -> Answer {
    let status = call.rpc.pool.status();
    Reply::new(&json!({ "pending": hex(status.pending), "queued": hex(status.queued) }))
}

/// `txpool_content`
pub(super) fn content(call: &Call<'_>) -> Answer {
    Reply::new(&all(call, full)?)
}

/// `txpool_inspect`: one line a transaction.
pub(super) fn inspect(call: &Call<'_>) -> Answer {
    Reply::new(&all(call, |admitted| {
        let tx = admitted.transaction();
        let to = tx.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_string());
        let (value, gas, price) = (tx.value(), tx.gas_limit(), tx.max_fee_per_gas());
        format!("{to}: {value} wei + {gas} gas × {price} wei")
    })?)
}

/// `txpool_contentFrom`
pub(super) fn content_from(call: &Call<'_>) -> Answer {
    let content = call.rpc.pool.content_from(&call.params.required::<Address>(0)?);
    Reply::new(&Parts {
        pending: by_nonce(&content.pending, full),
        queued: by_nonce(&content.queued, full),
    })
}

fn all<T>(
    call: &Call<'_>,
    show: impl Fn(&Admitted) -> T + Copy,
) -> Result<Parts<BySender<T>>, RpcError> {
    let status = call.rpc.pool.status();
    let count = status.pending.saturating_add(status.queued);
    if count > POOL_CONTENT_MAX {
        return Err(RpcError::LimitExceeded(format!(
            "the pool has {count} transactions, at most {POOL_CONTENT_MAX} can be shown; \
             ask by sender with txpool_contentFrom"
        )));
    }
    let mut parts = Parts { pending: BTreeMap::new(), queued: BTreeMap::new() };
    for (sender, content) in call.rpc.pool.content() {
        if !content.pending.is_empty() {
            parts.pending.insert(sender.to_string(), by_nonce(&content.pending, show));
        }
        if !content.queued.is_empty() {
            parts.queued.insert(sender.to_string(), by_nonce(&content.queued, show));
        }
    }
    Ok(parts)
}

fn by_nonce<T>(list: &[Admitted], show: impl Fn(&Admitted) -> T) -> BTreeMap<u64, T> {
    list.iter().map(|admitted| (admitted.nonce(), show(admitted))).collect()
}

fn full(admitted: &Admitted) -> TransactionJson {
    TransactionJson::new(admitted.transaction(), admitted.sender(), None)
}
