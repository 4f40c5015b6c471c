//! Where the work is done. A request that only reads memory is answered on the thread that read it;
//! one that may touch the disk or run the EVM goes to a worker thread, a bounded number at a time
//! and kind, so that expensive calls cannot starve cheap ones.

use crate::{RpcError, RpcLimits, limits::LAST_WORD_TIME_MAX};
use hanse_execution::Interrupt;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// What a call costs, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Memory only: microseconds.
    Memory,
    /// The ledger, perhaps the disk.
    Read,
    /// The EVM.
    Evm,
}

/// Set when nobody waits for the answer any more; long loops ask from time to time, and the EVM does.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(Interrupt);

/// Cancels when it goes out of scope: the client has left, or the time is up.
#[derive(Debug)]
struct CancelOnDrop(Cancel);

/// The worker lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    reads: Queue,
    calls: Queue,
    time_max: Duration,
}

#[derive(Debug)]
struct Queue {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Cancel {
    /// For work that may take so long.
    fn after(time: Duration) -> Self {
        Self(Interrupt::new(&format!("timeout = {time:?}")))
    }

    /// For work on the thread that read the request, which nothing calls off.
    pub(crate) fn never() -> Self {
        Self(Interrupt::new("never"))
    }

    /// # Errors
    /// [`RpcError::Unavailable`] when nobody waits any more.
    pub(crate) fn check(&self) -> Result<(), RpcError> {
        if self.0.is_set() { Err(TOO_LONG) } else { Ok(()) }
    }

    /// What the EVM looks at.
    pub(crate) const fn interrupt(&self) -> &Interrupt {
        &self.0
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.set();
    }
}

const TOO_LONG: RpcError = RpcError::Unavailable("request timed out");
const BUSY: RpcError = RpcError::Unavailable("server is busy, try again later");

impl Lanes {
    pub(crate) fn new(limits: &RpcLimits) -> Self {
        let queue = |running: usize| Queue {
            running: Arc::new(Semaphore::new(running)),
            waiting: Semaphore::new(limits.waiting_max),
        };
        Self {
            reads: queue(limits.reads_max),
            calls: queue(limits.calls_max),
            time_max: limits.request_time_max,
        }
    }

    /// Runs `work` on a worker of the lane. A caller that goes away while it waits is forgotten;
    /// one that goes away later, or waits too long, leaves `work` cancelled. Cancelled work ends
    /// soon, and what it then says for itself (which call of a batch was cut short, and the answers
    /// of those before it) is better than what we could say here. The place in the lane is given
    /// back only when `work` has really ended.
    ///
    /// # Errors
    /// [`RpcError::Unavailable`] when too many wait already, or the time is up;
    /// [`RpcError::Internal`] when `work` panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T, RpcError> {
        let queue = if lane == Lane::Evm { &self.calls } else { &self.reads };
        let cancel = Cancel::after(self.time_max);
        let guard = CancelOnDrop(cancel.clone());
        let mut job = pin!(async move {
            let permit = queue.enter().await?;
            tokio::task::spawn_blocking(move || {
                let answer = work(&cancel);
                drop(permit);
                answer
            })
            .await
            .map_err(|error| RpcError::internal("a request failed", &error))
        });
        if let Ok(answer) = tokio::time::timeout(self.time_max, &mut job).await {
            return answer;
        }
        drop(guard);
        tokio::time::timeout(LAST_WORD_TIME_MAX, job).await.unwrap_or(Err(TOO_LONG))
    }
}

impl Queue {
    async fn enter(&self) -> Result<tokio::sync::OwnedSemaphorePermit, RpcError> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = self.waiting.try_acquire().map_err(|_| BUSY)?;
        Arc::clone(&self.running).acquire_owned().await.map_err(|_| BUSY)
    }
}
