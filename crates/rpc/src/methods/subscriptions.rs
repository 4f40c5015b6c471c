use super::{Answer, Call, LogFilter};
use crate::{
    Rpc, RpcError,
    json::{HeaderJson, LogJson, TransactionJson},
    server::{Feed, TOO_SLOW},
    wire::Reply,
};
use std::sync::Arc;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// `eth_subscribe`
pub(super) fn subscribe(call: &Call<'_>) -> Answer {
    let session = call.session.ok_or(RpcError::NotificationsUnsupported)?;
    let kind: String = call.params.required(0)?;
    let id = match kind.as_str() {
        "newHeads" => {
            let (rpc, chain) = (call.rpc.clone(), call.rpc.events.chain());
            session.follow(|feed| heads(rpc, chain, feed))?
        }
        "logs" => {
            let filter = call.params.optional::<LogFilter>(1)?.unwrap_or_default();
            let (rpc, chain) = (call.rpc.clone(), call.rpc.events.chain());
            session.follow(|feed| logs(rpc, chain, filter, feed))?
        }
        "newPendingTransactions" => {
            let full = call.params.optional(1)?.unwrap_or(false);
            let (rpc, pending) = (call.rpc.clone(), call.rpc.events.pending());
            session.follow(move |feed| transactions(rpc, pending, full, feed))?
        }
        // There is never anything to tell: see `eth_syncing`.
        "syncing" => session.follow(|feed| async move { feed.until_closed().await })?,
        other => {
            return Err(RpcError::InvalidParams(
                format!("no {other:?} subscription in eth namespace").into(),
            ));
        }
    };
    Reply::new(&id)
}

/// `eth_unsubscribe`
pub(super) fn unsubscribe(call: &Call<'_>) -> Answer {
    let session = call.session.ok_or(RpcError::NotificationsUnsupported)?;
    let id: String = call.params.required(0)?;
    if session.unfollow(&id) {
        Reply::new(&true)
    } else {
        Err(RpcError::Server("subscription not found".to_owned()))
    }
}

/// What an event becomes, or the end of the subscription.
async fn next<T: Clone>(receiver: &mut Receiver<T>, feed: &Feed) -> Option<T> {
    match receiver.recv().await {
        Ok(event) => Some(event),
        Err(RecvError::Closed) => None,
        Err(RecvError::Lagged(_)) => {
            feed.close(TOO_SLOW);
            None
        }
    }
}

async fn heads(rpc: Rpc, mut chain: Receiver<crate::ChainEvent>, feed: Feed) {
    feed.started().await;
    while let Some(event) = next(&mut chain, &feed).await {
        for block in event.adopted.iter() {
            let block = block.block();
            if !feed.send(&rpc, &HeaderJson::new(block.header(), block.hash())) {
                return;
            }
        }
    }
}

async fn logs(rpc: Rpc, mut chain: Receiver<crate::ChainEvent>, filter: LogFilter, feed: Feed) {
    feed.started().await;
    while let Some(event) = next(&mut chain, &feed).await {
        let mut found = Vec::new();
        for block in event.reverted.iter() {
            LogJson::collect(&block.clone().into(), true, |log| filter.wants(log), &mut found);
        }
        for block in event.adopted.iter() {
            if filter.may_be_in(&block.block().header().logs_bloom) {
                LogJson::collect(&block.clone().into(), false, |log| filter.wants(log), &mut found);
            }
        }
        for log in &found {
            if !feed.send(&rpc, log) {
                return;
            }
        }
    }
}

async fn transactions(
    rpc: Rpc,
    mut pending: Receiver<Arc<[alloy_primitives::TxHash]>>,
    full: bool,
    feed: Feed,
) {
    feed.started().await;
    while let Some(hashes) = next(&mut pending, &feed).await {
        for hash in hashes.iter() {
            let sent = if full {
                // One that has left the pool meanwhile is in a block, or was dropped.
                rpc.pool.get(hash).is_none_or(|tx| {
                    feed.send(&rpc, &TransactionJson::new(tx.transaction(), tx.sender(), None))
                })
            } else {
                feed.send(&rpc, hash)
            };
            if !sent {
                return;
            }
        }
    }
}
