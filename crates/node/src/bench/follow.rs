//! Reads blocks as they come and notes when each transaction was first seen in one.

use crate::{NodeError, client::Client};
use alloy_primitives::{TxHash, U256, map::B256HashMap};
use serde::Deserialize;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Time between looks at the head of the chain; latencies are that exact.
const POLL: Duration = Duration::from_millis(5);
/// Longest time without any of our transactions in a block.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A block as far as it is read.
#[derive(Debug, Deserialize)]
struct Block {
    transactions: Vec<TxHash>,
}

/// How far it is; read by whoever sends.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Transactions seen in blocks.
    pub(super) included: AtomicUsize,
    /// Transactions that are waited for: fewer when some were refused.
    pub(super) expected: AtomicUsize,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// When each transaction was.
    pub(super) at: Vec<Option<Instant>>,
    /// The heights to look at, first and last.
    pub(super) heights: (u64, u64),
    /// Blocks that had any of ours.
    pub(super) blocks: u64,
}

/// Follows the chain for the transactions of one load.
pub(super) struct Follower {
    client: Client,
    index: B256HashMap<usize>,
    progress: Arc<Progress>,
    seen: Seen,
}

impl Follower {
    /// Begins after the present head.
    pub(super) async fn new(
        mut client: Client,
        hashes: impl Iterator<Item = TxHash>,
        progress: Arc<Progress>,
    ) -> Result<Self, NodeError> {
        let index: B256HashMap<usize> =
            hashes.enumerate().map(|(index, hash)| (hash, index)).collect();
        let head: U256 = client.call("eth_blockNumber", &json!([])).await?;
        let head: u64 = head.saturating_to();
        let seen = Seen { at: vec![None; index.len()], heights: (head + 1, head), blocks: 0 };
        progress.expected.store(index.len(), Ordering::Release);
        Ok(Self { client, index, progress, seen })
    }

    /// Returns when everything that is expected was seen, or nothing has come for long.
    pub(super) async fn run(mut self) -> Result<Seen, NodeError> {
        let mut moved = Instant::now();
        let mut included = 0;
        while included < self.progress.expected.load(Ordering::Acquire) {
            let head: U256 = self.client.call("eth_blockNumber", &json!([])).await?;
            while U256::from(self.seen.heights.1) < head {
                let ours = self.read().await?;
                if ours > 0 {
                    moved = Instant::now();
                    included += ours;
                    self.progress.included.store(included, Ordering::Release);
                }
            }
            if moved.elapsed() > PATIENCE {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(self.seen)
    }

    /// Reads the next block; returns how many of ours are new in it.
    async fn read(&mut self) -> Result<usize, NodeError> {
        let height = self.seen.heights.1 + 1;
        let params = json!([format!("{height:#x}"), false]);
        let block: Block = self.client.call("eth_getBlockByNumber", &params).await?;
        let now = Instant::now();
        let mut ours = 0;
        for hash in &block.transactions {
            let Some(index) = self.index.get(hash) else { continue };
            if self.seen.at[*index].is_none() {
                self.seen.at[*index] = Some(now);
                ours += 1;
            }
        }
        self.seen.blocks += u64::from(ours > 0);
        self.seen.heights.1 = height;
        Ok(ours)
    }
}
