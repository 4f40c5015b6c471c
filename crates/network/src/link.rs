//! One connection, as the rest of the network sees it.

use crate::{
    Channel, Direction, Disconnect, NetworkLimits,
    frame::Control,
    hello::Greeting,
    limits::CREDIT_UNIT_BYTES,
    queue::{Outbound, Pushed},
    traffic::ChannelCounters,
};
use bytes::Bytes;
use hanse_primitives::PeerId;
use parking_lot::Mutex;
use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A connection to a peer that proved its key and greeted us.
pub(crate) struct Link {
    pub(crate) serial: u64,
    pub(crate) peer: PeerId,
    pub(crate) greeting: Greeting,
    pub(crate) remote: SocketAddr,
    pub(crate) direction: Direction,
    pub(crate) since: Instant,
    pub(crate) counters: [ChannelCounters; Channel::COUNT],
    outbound: Mutex<Outbound>,
    written: Notify,
    closing: OnceLock<Disconnect>,
    closed: Notify,
    /// Its `Disconnected` has been told, or it never was told as connected.
    ended: Semaphore,
    credit: [Arc<Semaphore>; Channel::COUNT],
    ping: Mutex<Option<(u64, Instant)>>,
    round_trip_us: AtomicU64,
    /// By how much its clock is ahead of ours, in milliseconds.
    clock_ahead_ms: Mutex<Option<i64>>,
}

impl Link {
    pub(crate) fn new(
        serial: u64,
        peer: PeerId,
        greeting: Greeting,
        remote: SocketAddr,
        direction: Direction,
        limits: &NetworkLimits,
    ) -> Self {
        let credit = |channel| {
            let units = limits.channel(channel).unread_bytes_max.div_ceil(CREDIT_UNIT_BYTES);
            let least = channel.message_bytes_max().div_ceil(CREDIT_UNIT_BYTES);
            Arc::new(Semaphore::new(units.clamp(least, Semaphore::MAX_PERMITS)))
        };
        Self {
            serial,
            peer,
            greeting,
            remote,
            direction,
            since: Instant::now(),
            counters: Default::default(),
            outbound: Mutex::new(Outbound::new(limits)),
            written: Notify::new(),
            closing: OnceLock::new(),
            closed: Notify::new(),
            ended: Semaphore::new(0),
            credit: Channel::ALL.map(credit),
            ping: Mutex::new(None),
            round_trip_us: AtomicU64::new(0),
            clock_ahead_ms: Mutex::new(None),
        }
    }

    /// Where the peer listens, as far as that can be told.
    pub(crate) fn listens_at(&self) -> Option<SocketAddr> {
        match (self.direction, self.greeting.listen_port) {
            (Direction::Outbound, _) => Some(self.remote),
            (Direction::Inbound, 0) => None,
            (Direction::Inbound, port) => Some(SocketAddr::new(self.remote.ip(), port)),
        }
    }

    /// Lets a message wait to be sent.
    pub(crate) fn push(&self, channel: Channel, message: Bytes) -> Pushed {
        let pushed = self.outbound.lock().push(channel, message);
        self.written.notify_one();
        pushed
    }

    pub(crate) fn push_control(&self, control: Control) {
        self.outbound.lock().push_control(control);
        self.written.notify_one();
    }

    pub(crate) fn outbound(&self) -> parking_lot::MutexGuard<'_, Outbound> {
        self.outbound.lock()
    }

    /// Until something was pushed, or the connection is to end.
    pub(crate) async fn something_to_write(&self) {
        self.written.notified().await;
    }

    /// Ends the connection; the first reason counts.
    pub(crate) fn close(&self, reason: Disconnect) {
        // A later reason changes nothing.
        let _ = self.closing.set(reason);
        self.closed.notify_waiters();
        self.written.notify_one();
    }

    pub(crate) fn closing(&self) -> Option<&Disconnect> {
        self.closing.get()
    }

    /// Until somebody ends the connection.
    pub(crate) async fn until_closing(&self) -> Disconnect {
        loop {
            let closed = self.closed.notified();
            if let Some(reason) = self.closing.get() {
                return reason.clone();
            }
            closed.await;
        }
    }

    /// Lets those go on who wait for its end.
    pub(crate) fn set_ended(&self) {
        self.ended.close();
    }

    /// Until its end has been told.
    pub(crate) async fn until_ended(&self) {
        // It has no permits: all that can happen is that it is closed.
        let _ = self.ended.acquire().await;
    }

    /// Room for a received message; waits for it, or, where messages may be dropped, does not.
    pub(crate) async fn credit(
        &self,
        channel: Channel,
        bytes: usize,
    ) -> Option<OwnedSemaphorePermit> {
        let semaphore = Arc::clone(&self.credit[channel.index()]);
        let units = u32::try_from(bytes.div_ceil(CREDIT_UNIT_BYTES).max(1)).ok()?;
        if channel.is_lossy() {
            return semaphore.try_acquire_many_owned(units).ok();
        }
        semaphore.acquire_many_owned(units).await.ok()
    }

    /// A ping to be sent.
    pub(crate) fn next_ping(&self, now: Instant) -> Control {
        let mut ping = self.ping.lock();
        let nonce = ping.map_or(1, |(nonce, _)| nonce + 1);
        *ping = Some((nonce, now));
        Control::Ping(nonce)
    }

    /// An answer to a ping; to another than the last it says nothing.
    pub(crate) fn answered(&self, nonce: u64, now: Instant, theirs_ms: u64, ours_ms: u64) {
        if let Some((expected, sent)) = *self.ping.lock()
            && expected == nonce
        {
            let took = now.saturating_duration_since(sent).as_micros();
            let took = u64::try_from(took).unwrap_or(u64::MAX).max(1);
            self.round_trip_us.store(took, Ordering::Relaxed);
            *self.clock_ahead_ms.lock() = clock_ahead_ms(theirs_ms, ours_ms, took);
        }
    }

    pub(crate) fn clock_ahead_ms(&self) -> Option<i64> {
        *self.clock_ahead_ms.lock()
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let us = self.round_trip_us.load(Ordering::Relaxed);
        (us > 0).then(|| Duration::from_micros(us))
    }
}

/// By how much a peer's clock is ahead of ours, if both tell the time: it wrote its answer about half a
/// round trip before we read it.
fn clock_ahead_ms(theirs_ms: u64, ours_ms: u64, round_trip_us: u64) -> Option<i64> {
    if theirs_ms == 0 || ours_ms == 0 {
        return None;
    }
    let theirs = i128::from(theirs_ms) + i128::from(round_trip_us / 2_000);
    let ahead = theirs - i128::from(ours_ms);
    // Whoever claims to live in another geological era is that far off, or farther.
    Some(i64::try_from(ahead).unwrap_or(if ahead < 0 { i64::MIN } else { i64::MAX }))
}
