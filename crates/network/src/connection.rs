//! Serves one connection from the greeting to the farewell.

use crate::{
    Channel, Disconnect, Event, Message, Refusal, Severity,
    bucket::Meter,
    frame::{self, Content, Control, Decoder, Frame},
    hub::Hub,
    limits::{
        BATCH_BYTES, FAREWELL_TIME_MAX, PING_INTERVAL, READ_BYTES, SHARE_INTERVAL, SILENCE_MAX,
        STALL_MAX,
    },
    link::Link,
    traffic::count,
};
use bytes::BytesMut;
use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{sleep, sleep_until, timeout},
};

/// A place among the connections, given up when it is dropped.
pub(crate) struct Registration {
    hub: Arc<Hub>,
    link: Arc<Link>,
    replaces: Option<Arc<Link>>,
    told: bool,
}

impl Registration {
    pub(crate) fn new(hub: Arc<Hub>, link: Arc<Link>, replaces: Option<Arc<Link>>) -> Self {
        Self { hub, link, replaces, told: false }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.link.close(Disconnect::Closed);
        let reason = self.link.closing().cloned().unwrap_or(Disconnect::Closed);
        self.hub.deregister(&self.link, &reason);
        if self.told {
            let peer = self.link.peer;
            tracing::info!(%peer, %reason, "disconnected");
            self.hub.tell(Event::Disconnected(peer, reason));
        }
        self.link.set_ended();
    }
}

/// Carries frames both ways until either side wants no more.
pub(crate) async fn serve<S>(mut registration: Registration, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let hub = Arc::clone(&registration.hub);
    let link = Arc::clone(&registration.link);
    if let Some(old) = registration.replaces.take() {
        old.until_ended().await;
    }
    let hello = link.greeting.hello.clone();
    tracing::info!(
        peer = %link.peer, remote = %link.remote, direction = ?link.direction,
        software = %hello.software.escape_debug(), "connected"
    );
    registration.told = true;
    hub.tell(Event::Connected(link.peer, hello));

    let (reader, writer) = tokio::io::split(stream);
    let mut writing = pin!(write(&hub, &link, writer));
    let mut written = false;
    let reason = tokio::select! {
        reason = read(&hub, &link, reader) => reason,
        reason = &mut writing => {
            written = true;
            reason
        }
        reason = link.until_closing() => reason,
    };
    link.close(reason);
    // Nobody needs to wait until the peer has heard our last word.
    drop(registration);
    if !written {
        // It fails, if it does, since the peer is gone.
        let _ = timeout(FAREWELL_TIME_MAX, writing).await;
    }
}

/// What to tell the peer at the end.
fn farewell(reason: &Disconnect) -> Option<Refusal> {
    match reason {
        Disconnect::ByUs(refusal) => Some(*refusal),
        Disconnect::Silent | Disconnect::Stalled => Some(Refusal::TooSlow),
        Disconnect::ByPeer(_) | Disconnect::Closed | Disconnect::Failed(_) => None,
    }
}

/// Writes what waits, the most urgent first; batch after batch, so that what became urgent meanwhile
/// waits for no more than one. A batch holds whole frames only.
async fn write(hub: &Hub, link: &Link, mut writer: impl AsyncWrite + Unpin) -> Disconnect {
    let mut batch = BytesMut::with_capacity(BATCH_BYTES);
    let mut ping_at = Instant::now();
    let mut share_at = ping_at;
    loop {
        let now = Instant::now();
        if now >= ping_at {
            link.push_control(link.next_ping(now));
            ping_at = now + PING_INTERVAL;
        }
        if now >= share_at {
            if let Some(peers) = hub.addresses_for(link) {
                link.push_control(peers);
            }
            share_at = now + SHARE_INTERVAL;
        }
        if let Some(reason) = link.closing() {
            if let Some(refusal) = farewell(reason) {
                frame::control(&mut batch, &Control::Farewell(refusal));
                // The peer may be gone already.
                let _ = writer.write_all(&batch).await;
            }
            let _ = writer.shutdown().await;
            return reason.clone();
        }
        let batched = link.outbound().fill(&mut batch);
        if batch.is_empty() {
            tokio::select! {
                () = link.something_to_write() => {}
                () = sleep_until(ping_at.min(share_at).into()) => {}
            }
            continue;
        }
        let flushed = async {
            writer.write_all(&batch).await?;
            writer.flush().await
        };
        match timeout(STALL_MAX, flushed).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Disconnect::Failed(error.to_string()),
            Err(_) => return Disconnect::Stalled,
        }
        batch.clear();
        for (index, (messages, bytes)) in batched.into_iter().enumerate() {
            let counters = [&link.counters[index], &hub.channels[index]];
            count(counters.map(|counters| &counters.messages_out), messages);
            count(counters.map(|counters| &counters.bytes_out), bytes);
        }
    }
}

/// Reads frames and hands messages to the node.
async fn read(hub: &Hub, link: &Link, mut reader: impl AsyncRead + Unpin) -> Disconnect {
    let mut buffer = BytesMut::with_capacity(READ_BYTES);
    let mut decoder = Decoder::default();
    let mut meter = Meter::new(&hub.limits, Instant::now());
    loop {
        loop {
            let frame = match decoder.next(&mut buffer) {
                Ok(None) => break,
                Ok(Some(frame)) => frame,
                Err(error) => {
                    hub.penalize(link.peer, Severity::Serious, &error.to_string());
                    tracing::warn!(peer = %link.peer, %error, "a peer sent malformed bytes");
                    return Disconnect::ByUs(Refusal::Malformed);
                }
            };
            let now = Instant::now();
            let pause = meter.take(frame.channel, frame.begins, frame.bytes, now);
            if let Some(reason) = take(hub, link, frame).await {
                return reason;
            }
            if !pause.is_zero() {
                hold_back(hub, link, &mut meter, pause).await;
            }
        }
        buffer.reserve(READ_BYTES);
        match timeout(SILENCE_MAX, reader.read_buf(&mut buffer)).await {
            Ok(Ok(0)) => return Disconnect::Closed,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Disconnect::Failed(error.to_string()),
            Err(_) => return Disconnect::Silent,
        }
    }
}

/// Reads nothing for a while. A peer that needs this half of the time gets a mark for it.
async fn hold_back(hub: &Hub, link: &Link, meter: &mut Meter, pause: Duration) {
    sleep(pause).await;
    if meter.paused(pause, Instant::now()) {
        hub.penalize(link.peer, Severity::Slight, "it sends more than its share without pause");
    }
}

/// Deals with one frame; a reason if it was the last.
async fn take(hub: &Hub, link: &Link, frame: Frame) -> Option<Disconnect> {
    match frame.content {
        Content::Part => {}
        Content::Message(channel, bytes) => deliver(hub, link, channel, bytes).await,
        Content::Control(Control::Ping(nonce)) => {
            link.push_control(Control::Pong(nonce, hub.clock.now_ms()));
        }
        Content::Control(Control::Pong(nonce, theirs_ms)) => {
            link.answered(nonce, Instant::now(), theirs_ms, hub.clock.now_ms());
        }
        Content::Control(Control::Peers(peers)) => hub.learn(link, peers),
        Content::Control(Control::Farewell(refusal)) => return Some(Disconnect::ByPeer(refusal)),
    }
    None
}

async fn deliver(hub: &Hub, link: &Link, channel: Channel, bytes: bytes::Bytes) {
    let index = channel.index();
    let counters = [&link.counters[index], &hub.channels[index]];
    let Some(credit) = link.credit(channel, bytes.len()).await else {
        count(counters.map(|counters| &counters.dropped_in), 1);
        return;
    };
    count(counters.map(|counters| &counters.messages_in), 1);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    count(counters.map(|counters| &counters.bytes_in), length);
    hub.tell(Event::Message(Message { from: link.peer, channel, bytes, _credit: credit }));
}
