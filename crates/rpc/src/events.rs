use crate::limits::{CHAIN_EVENTS_MAX, PENDING_EVENTS_MAX};
use alloy_primitives::TxHash;
use hanse_ledger::StoredBlock;
use std::sync::Arc;
use tokio::sync::broadcast;

/// How the chain moved. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ChainEvent {
    /// Blocks that left the chain, newest first.
    pub reverted: Arc<[StoredBlock]>,
    /// Blocks that joined it, oldest first.
    pub adopted: Arc<[StoredBlock]>,
}

/// Tells subscribers what happens. The node publishes, the servers listen. Cheap to clone.
///
/// Publishing never waits: who lags more than the limits of this crate allow is told so, and its
/// connection is closed.
#[derive(Clone, Debug)]
pub struct Events {
    chain: broadcast::Sender<ChainEvent>,
    pending: broadcast::Sender<Arc<[TxHash]>>,
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl Events {
    /// No subscribers yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            chain: broadcast::channel(CHAIN_EVENTS_MAX).0,
            pending: broadcast::channel(PENDING_EVENTS_MAX).0,
        }
    }

    /// Tells that the head of the chain moved.
    pub fn publish_chain(&self, event: ChainEvent) {
        // An error says that nobody listens, which is no error.
        let _ = self.chain.send(event);
    }

    /// True when anybody wants to know of pending transactions. Ask before collecting hashes.
    #[must_use]
    pub fn wants_pending(&self) -> bool {
        self.pending.receiver_count() > 0
    }

    /// Tells that transactions became runnable; one call a batch.
    pub fn publish_pending(&self, hashes: Arc<[TxHash]>) {
        if !hashes.is_empty() {
            let _ = self.pending.send(hashes);
        }
    }

    /// Follows the chain from now on.
    #[must_use]
    pub fn chain(&self) -> broadcast::Receiver<ChainEvent> {
        self.chain.subscribe()
    }

    /// Follows the pending transactions from now on.
    #[must_use]
    pub fn pending(&self) -> broadcast::Receiver<Arc<[TxHash]>> {
        self.pending.subscribe()
    }
}
