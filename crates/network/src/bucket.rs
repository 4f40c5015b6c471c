//! How fast a peer is read.

use crate::{Channel, limits::NetworkLimits};
use std::time::{Duration, Instant};

/// A token bucket that may run into debt: what came has come, so it is taken in whole, and the next
/// read waits until the debt is paid.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(per_second: u32, burst_seconds: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second.max(1));
        let burst = per_second * f64::from(burst_seconds.max(1));
        Self { per_second, burst, tokens: burst, at: now }
    }

    /// Takes tokens; how long to wait before the next are taken.
    pub(crate) fn take(&mut self, tokens: u32, now: Instant) -> Duration {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.burst) - f64::from(tokens);
        self.at = now;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / self.per_second)
    }
}

/// Frames and bytes that anything but messages may take, each second.
const CONTROL_PER_SECOND: u32 = 64;

/// All buckets of one connection, and how long they made the peer wait.
#[derive(Debug)]
pub(crate) struct Meter {
    channels: Vec<(Bucket, Bucket)>,
    control: Bucket,
    window: Duration,
    window_began: Instant,
    paused: Duration,
}

impl Meter {
    pub(crate) fn new(limits: &NetworkLimits, now: Instant) -> Self {
        let buckets = |channel: &Channel| {
            let rate = limits.channel(*channel).rate;
            let bucket = |per_second| Bucket::new(per_second, rate.burst_seconds, now);
            (bucket(rate.messages_per_second), bucket(rate.bytes_per_second))
        };
        Self {
            channels: Channel::ALL.iter().map(buckets).collect(),
            control: Bucket::new(CONTROL_PER_SECOND, 2, now),
            window: limits.excess_window,
            window_began: now,
            paused: Duration::ZERO,
        }
    }

    /// Counts a frame; how long to read nothing.
    pub(crate) fn take(
        &mut self,
        channel: Option<Channel>,
        begins: bool,
        bytes: usize,
        now: Instant,
    ) -> Duration {
        let Some(channel) = channel else {
            return self.control.take(1, now);
        };
        let (messages, volume) = &mut self.channels[channel.index()];
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        messages.take(u32::from(begins), now).max(volume.take(bytes, now))
    }

    /// Counts a pause; true when the peer has been held back for half of a window.
    pub(crate) fn paused(&mut self, pause: Duration, now: Instant) -> bool {
        if now.saturating_duration_since(self.window_began) > self.window {
            self.window_began = now;
            self.paused = Duration::ZERO;
        }
        self.paused += pause;
        if self.paused * 2 < self.window {
            return false;
        }
        self.window_began = now;
        self.paused = Duration::ZERO;
        true
    }
}
