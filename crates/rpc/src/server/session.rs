use crate::{
    Rpc, RpcError,
    wire::{Reply, write_notification},
};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    future::Future,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
        watch,
    },
    task::AbortHandle,
};

/// Why a connection is closed whose client does not keep up.
pub(crate) const TOO_SLOW: &str = "too slow: notifications were not read in time";

/// A connection that can carry notifications, with its subscriptions.
#[derive(Debug)]
pub(crate) struct Session {
    outgoing: mpsc::Sender<Bytes>,
    closing: Arc<watch::Sender<Option<&'static str>>>,
    count_max: usize,
    made: AtomicU64,
    random: RandomState,
    subscriptions: Mutex<BTreeMap<String, Subscription>>,
    /// Subscriptions whose id has not been told yet; they must not speak before.
    fresh: Mutex<Vec<Arc<Notify>>>,
}

/// A task that follows something for the client; it ends with its entry.
#[derive(Debug)]
struct Subscription(AbortHandle);

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The mouth of one subscription.
#[derive(Debug)]
pub(crate) struct Feed {
    id: String,
    outgoing: mpsc::Sender<Bytes>,
    closing: Arc<watch::Sender<Option<&'static str>>>,
    start: Arc<Notify>,
}

impl Session {
    pub(super) fn new(
        outgoing: mpsc::Sender<Bytes>,
        closing: Arc<watch::Sender<Option<&'static str>>>,
        count_max: usize,
    ) -> Self {
        Self {
            outgoing,
            closing,
            count_max,
            made: AtomicU64::new(0),
            random: RandomState::new(),
            subscriptions: Mutex::default(),
            fresh: Mutex::default(),
        }
    }

    /// Starts a subscription that `follow` feeds; it speaks once [`Session::start`] is called.
    ///
    /// # Errors
    /// [`RpcError::LimitExceeded`] when the connection has as many as it may have.
    pub(crate) fn follow<F: Future<Output = ()> + Send + 'static>(
        &self,
        follow: impl FnOnce(Feed) -> F,
    ) -> Result<String, RpcError> {
        let mut subscriptions = self.subscriptions.lock();
        if subscriptions.len() >= self.count_max {
            return Err(RpcError::LimitExceeded(format!(
                "too many subscriptions, at most {} a connection",
                self.count_max
            )));
        }
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:#x}", self.random.hash_one(made));
        let start = Arc::new(Notify::new());
        let feed = Feed {
            id: id.clone(),
            outgoing: self.outgoing.clone(),
            closing: Arc::clone(&self.closing),
            start: Arc::clone(&start),
        };
        let task = tokio::spawn(follow(feed));
        subscriptions.insert(id.clone(), Subscription(task.abort_handle()));
        self.fresh.lock().push(start);
        Ok(id)
    }

    /// Ends a subscription; false when there is none with this id.
    pub(crate) fn unfollow(&self, id: &str) -> bool {
        self.subscriptions.lock().remove(id).is_some()
    }

    /// Lets new subscriptions speak: the client has been told their ids.
    pub(super) fn start(&self) {
        for start in self.fresh.lock().drain(..) {
            start.notify_one();
        }
    }

    /// Ends all subscriptions.
    pub(super) fn end(&self) {
        self.subscriptions.lock().clear();
    }
}

impl Feed {
    /// Waits until the client knows the subscription's id.
    pub(crate) async fn started(&self) {
        self.start.notified().await;
    }

    /// Waits for the end of the connection.
    pub(crate) async fn until_closed(&self) {
        self.outgoing.closed().await;
    }

    /// Sends a notification; false when that was the last. Never waits: a client that does not keep
    /// up is closed.
    pub(crate) fn send<T: Serialize>(&self, rpc: &Rpc, value: &T) -> bool {
        let Ok(reply) = Reply::new(value) else { return false };
        let sent = match rpc.budget().hold(write_notification(&self.id, &reply)) {
            Some(message) => self.outgoing.try_send(message),
            None => Err(TrySendError::Full(Bytes::new())),
        };
        match sent {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.close(TOO_SLOW);
                false
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }

    /// Closes the whole connection.
    pub(crate) fn close(&self, why: &'static str) {
        let _ = self.closing.send(Some(why));
    }
}
