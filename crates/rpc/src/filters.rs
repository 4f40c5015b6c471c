//! Filters that clients poll (`eth_newFilter` and its kin). Nothing follows the chain for them: a
//! poll looks at what the chain did since the last one, so an idle filter costs a table entry.

use crate::{RpcError, RpcLimits, methods::LogFilter};
use alloy_primitives::TxHash;
use hanse_primitives::BlockRef;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

/// All filters of the node, whoever made them.
#[derive(Debug)]
pub(crate) struct Filters {
    count_max: usize,
    idle_max: Duration,
    /// Draws ids that nobody can guess: whoever knows an id can drain the filter.
    random: RandomState,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    made: u64,
    filters: BTreeMap<u64, Filter>,
}

#[derive(Debug)]
struct Filter {
    polled: Instant,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Logs { wanted: Arc<LogFilter>, seen: BlockRef },
    Blocks { seen: BlockRef },
    Pending(Pending),
}

/// A filter of pending transactions, and whether it wants them in full.
#[derive(Debug)]
struct Pending {
    receiver: Receiver<Arc<[TxHash]>>,
    full: bool,
}

/// What a poll has to look at.
#[derive(Debug)]
pub(crate) enum Poll {
    /// Logs of blocks after this one.
    Logs { wanted: Arc<LogFilter>, since: BlockRef },
    /// Blocks after this one.
    Blocks { since: BlockRef },
    /// These transactions.
    Pending { hashes: Vec<TxHash>, full: bool },
}

impl Filters {
    pub(crate) fn new(limits: &RpcLimits) -> Self {
        Self {
            count_max: limits.filters_max,
            idle_max: limits.filter_idle_max,
            random: RandomState::new(),
            table: Mutex::default(),
        }
    }

    /// A filter of logs in blocks after `head`.
    ///
    /// # Errors
    /// [`RpcError::LimitExceeded`] when there are too many filters.
    pub(crate) fn add_logs(&self, wanted: LogFilter, head: BlockRef) -> Result<u64, RpcError> {
        self.add(Kind::Logs { wanted: Arc::new(wanted), seen: head })
    }

    /// A filter of blocks after `head`.
    pub(crate) fn add_blocks(&self, head: BlockRef) -> Result<u64, RpcError> {
        self.add(Kind::Blocks { seen: head })
    }

    /// A filter of transactions that become pending.
    pub(crate) fn add_pending(
        &self,
        receiver: Receiver<Arc<[TxHash]>>,
        full: bool,
    ) -> Result<u64, RpcError> {
        self.add(Kind::Pending(Pending { receiver, full }))
    }

    fn add(&self, kind: Kind) -> Result<u64, RpcError> {
        let now = Instant::now();
        let mut table = self.table.lock();
        table.filters.retain(|_, filter| now.duration_since(filter.polled) < self.idle_max);
        if table.filters.len() >= self.count_max {
            return Err(RpcError::LimitExceeded(format!(
                "too many filters, at most {}; uninstall some",
                self.count_max
            )));
        }
        table.made += 1;
        let id = self.random.hash_one(table.made);
        table.filters.insert(id, Filter { polled: now, kind });
        Ok(id)
    }

    /// What to look at since the last poll, up to `head`; `None` when there is no such filter.
    pub(crate) fn poll(&self, id: u64, head: BlockRef) -> Option<Poll> {
        let now = Instant::now();
        let mut table = self.table.lock();
        let filter = table.filters.get_mut(&id)?;
        if now.duration_since(filter.polled) >= self.idle_max {
            table.filters.remove(&id);
            return None;
        }
        filter.polled = now;
        Some(match &mut filter.kind {
            Kind::Logs { wanted, seen } => {
                Poll::Logs { wanted: wanted.clone(), since: std::mem::replace(seen, head) }
            }
            Kind::Blocks { seen } => Poll::Blocks { since: std::mem::replace(seen, head) },
            Kind::Pending(pending) => {
                Poll::Pending { hashes: drain(&mut pending.receiver), full: pending.full }
            }
        })
    }

    /// The wish of a log filter, without moving it on.
    pub(crate) fn logs(&self, id: u64) -> Option<Arc<LogFilter>> {
        let mut table = self.table.lock();
        let filter = table.filters.get_mut(&id)?;
        filter.polled = Instant::now();
        match &filter.kind {
            Kind::Logs { wanted, .. } => Some(wanted.clone()),
            Kind::Blocks { .. } | Kind::Pending(_) => None,
        }
    }

    /// True when there was such a filter.
    pub(crate) fn remove(&self, id: u64) -> bool {
        self.table.lock().filters.remove(&id).is_some()
    }
}

/// What waits in the channel. Who polls too seldom misses some, as with any pool.
fn drain(receiver: &mut Receiver<Arc<[TxHash]>>) -> Vec<TxHash> {
    let mut hashes = Vec::new();
    loop {
        match receiver.try_recv() {
            Ok(batch) => hashes.extend_from_slice(&batch),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return hashes,
        }
    }
}
