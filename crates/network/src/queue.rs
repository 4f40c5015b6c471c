//! What waits to be sent to one peer.

use crate::{
    Channel,
    frame::{self, Control},
    limits::{
        BATCH_BYTES, CHUNK_BYTES_MAX, CONTROL_FRAMES_MAX, FRAME_HEAD_BYTES, NetworkLimits,
        QueueLimit,
    },
};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// What became of a message that was to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits.
    Waits,
    /// It waits, and that many older ones had to go.
    Dropped(u64),
    /// It does not wait: the peer is too slow for a channel that drops nothing.
    Overflow,
}

struct Lane {
    channel: Channel,
    limit: QueueLimit,
    waiting: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes of the first that are sent; `None` when nothing of it is.
    begun: Option<usize>,
}

impl Lane {
    fn is_full_for(&self, bytes: usize) -> bool {
        self.waiting.len() >= self.limit.messages_max || self.bytes + bytes > self.limit.bytes_max
    }

    fn push(&mut self, message: Bytes) -> Pushed {
        let mut dropped = 0;
        while self.is_full_for(message.len()) {
            // A message that is half sent cannot be taken back.
            let oldest = usize::from(self.begun.is_some());
            let removed = if self.channel.is_lossy() { self.waiting.remove(oldest) } else { None };
            match removed {
                Some(removed) => self.bytes -= removed.len(),
                // The new one is what has no place.
                None if self.channel.is_lossy() => return Pushed::Dropped(dropped + 1),
                None => return Pushed::Overflow,
            }
            dropped += 1;
        }
        self.bytes += message.len();
        self.waiting.push_back(message);
        if dropped == 0 { Pushed::Waits } else { Pushed::Dropped(dropped) }
    }

    /// Appends the next frame, if there is one and `room` suffices for more than its head.
    fn write(&mut self, batch: &mut BytesMut, room: usize) -> Option<Written> {
        let first = self.waiting.front()?;
        let head = FRAME_HEAD_BYTES + if self.begun.is_none() { 4 } else { 0 };
        let room = room.checked_sub(head)?.min(CHUNK_BYTES_MAX - 4);
        let sent = self.begun.unwrap_or(0);
        let left = first.len() - sent;
        // No crumbs at the end of a batch: a message is cut where a full chunk ends.
        if room < left && room < CHUNK_BYTES_MAX / 4 {
            return None;
        }
        let chunk = &first[sent..sent + left.min(room)];
        match self.begun {
            None => frame::begin(batch, self.channel, first.len(), chunk),
            Some(_) => frame::go_on(batch, self.channel, chunk),
        }
        let written = Written { bytes: chunk.len(), ended: chunk.len() == left };
        if written.ended {
            self.bytes -= first.len();
            self.waiting.pop_front();
            self.begun = None;
        } else {
            self.begun = Some(sent + written.bytes);
        }
        Some(written)
    }
}

struct Written {
    bytes: usize,
    ended: bool,
}

/// Messages and bytes of one batch, by channel.
pub(crate) type Batched = [(u64, u64); Channel::COUNT];

/// Everything that waits for one peer. Messages share their bytes with those of other peers.
pub(crate) struct Outbound {
    control: VecDeque<Control>,
    lanes: [Lane; Channel::COUNT],
}

impl Outbound {
    pub(crate) fn new(limits: &NetworkLimits) -> Self {
        let lane = |channel: Channel| Lane {
            channel,
            limit: limits.channel(channel).queue,
            waiting: VecDeque::new(),
            bytes: 0,
            begun: None,
        };
        Self { control: VecDeque::new(), lanes: Channel::ALL.map(lane) }
    }

    pub(crate) fn push(&mut self, channel: Channel, message: Bytes) -> Pushed {
        self.lanes[channel.index()].push(message)
    }

    /// Control frames beyond the bound are left out: the next ping makes up for a lost one.
    pub(crate) fn push_control(&mut self, control: Control) {
        if self.control.len() < CONTROL_FRAMES_MAX {
            self.control.push_back(control);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.bytes).sum()
    }

    /// Appends whole frames to a batch, the most urgent first, until it is full or nothing waits.
    pub(crate) fn fill(&mut self, batch: &mut BytesMut) -> Batched {
        let mut batched = Batched::default();
        while batch.len() + FRAME_HEAD_BYTES + CHUNK_BYTES_MAX <= BATCH_BYTES {
            let Some(control) = self.control.pop_front() else { break };
            frame::control(batch, &control);
        }
        for lane in &mut self.lanes {
            while let Some(written) = lane.write(batch, BATCH_BYTES.saturating_sub(batch.len())) {
                let (messages, bytes) = &mut batched[lane.channel.index()];
                *messages += u64::from(written.ended);
                *bytes += u64::try_from(written.bytes).unwrap_or(u64::MAX);
            }
        }
        batched
    }
}
