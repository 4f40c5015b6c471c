//! How fast a validator that was away catches up, beside the rate of the network that went on without it.

use super::host::Host;
use crate::{NodeError, client::Client};
use alloy_primitives::U256;
use serde_json::json;
use std::time::{Duration, Instant};

/// Time between looks at the node's head.
const POLL: Duration = Duration::from_millis(2);

/// Longest time that it may stand still before it has caught up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a node has caught up with, from the moment at which its first missed block was there: before,
/// it starts and finds its peers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CatchUp {
    pub(super) transactions: u64,
    pub(super) blocks: u64,
    pub(super) elapsed: Duration,
}

/// Starts the last node again and waits until it has the head of the first. `None` when it was there before
/// anybody could see it move.
pub(super) async fn measure(host: &mut Host) -> Result<Option<CatchUp>, NodeError> {
    let mut ahead = Client::new(host.endpoint.clone());
    let target = head(&mut ahead).await?;
    let mut behind = Client::new(host.start_last().await?);
    let before = head(&mut behind).await?;
    let (mut begun, mut at, mut moved) = (None, before, Instant::now());
    while at < target {
        tokio::time::sleep(POLL).await;
        let now = head(&mut behind).await?;
        if now > at {
            (at, moved) = (now, Instant::now());
            begun.get_or_insert((moved, now));
        } else if moved.elapsed() > PATIENCE {
            return Err(NodeError::Failed(format!("a node stands at {at} and not at {target}")));
        }
    }
    let Some((begun, first)) = begun.filter(|(_, first)| *first < target) else { return Ok(None) };
    let elapsed = moved - begun;
    let mut transactions = 0;
    for height in first + 1..=target {
        let params = json!([format!("{height:#x}")]);
        let count: U256 = ahead.call("eth_getBlockTransactionCountByNumber", &params).await?;
        transactions += count.saturating_to::<u64>();
    }
    Ok(Some(CatchUp { transactions, blocks: target - first, elapsed }))
}

async fn head(client: &mut Client) -> Result<u64, NodeError> {
    let head: U256 = client.call("eth_blockNumber", &json!([])).await?;
    Ok(head.saturating_to())
}
