//! Bytes between two nodes that have greeted each other.
//!
//! A frame is one byte of kind, three of length, and as many bytes. Kinds `0x00 + channel` go on with
//! a message, `0x10 + channel` begin one (its length stands in front, four bytes), `0x20` and above
//! are for the nodes' own use. All numbers are big-endian. Messages of one channel follow each other;
//! those of different channels may be interleaved.

use crate::{
    Channel, Refusal,
    error::WireError,
    limits::{CHUNK_BYTES_MAX, FRAME_HEAD_BYTES, PEERS_SHARED_MAX},
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use hanse_primitives::PeerId;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const BEGIN: u8 = 0x10;
const PING: u8 = 0x20;
const PONG: u8 = 0x21;
const PEERS: u8 = 0x22;
const FAREWELL: u8 = 0x23;

/// What nodes tell each other besides messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Ping(u64),
    /// The ping that it answers, and the time by the clock of who answers, in milliseconds since the
    /// Unix epoch; 0 when it tells none.
    Pong(u64, u64),
    /// Where others are.
    Peers(Vec<(PeerId, SocketAddr)>),
    /// The last word before the connection ends.
    Farewell(Refusal),
}

fn head(batch: &mut BytesMut, kind: u8, length: usize) {
    let length = u32::try_from(length).expect("a chunk's length has 24 bits, checked in limits.rs");
    batch.put_u32(u32::from(kind) << 24 | length);
}

fn kind_of(channel: Channel) -> u8 {
    u8::try_from(channel.index()).expect("there are four channels")
}

/// Appends the first frame of a message.
pub(crate) fn begin(batch: &mut BytesMut, channel: Channel, total: usize, chunk: &[u8]) {
    head(batch, BEGIN + kind_of(channel), chunk.len() + 4);
    batch.put_u32(u32::try_from(total).expect("a message is checked to fit its channel"));
    batch.put_slice(chunk);
}

/// Appends a further frame of a message.
pub(crate) fn go_on(batch: &mut BytesMut, channel: Channel, chunk: &[u8]) {
    head(batch, kind_of(channel), chunk.len());
    batch.put_slice(chunk);
}

/// Appends a control frame.
pub(crate) fn control(batch: &mut BytesMut, control: &Control) {
    match control {
        Control::Ping(nonce) => {
            head(batch, PING, 8);
            batch.put_u64(*nonce);
        }
        Control::Pong(nonce, clock_ms) => {
            head(batch, PONG, 16);
            batch.put_u64(*nonce);
            batch.put_u64(*clock_ms);
        }
        Control::Farewell(refusal) => {
            head(batch, FAREWELL, 1);
            batch.put_u8(refusal.code());
        }
        Control::Peers(peers) => {
            let mut body = BytesMut::new();
            for (id, at) in peers.iter().take(PEERS_SHARED_MAX) {
                body.put_slice(&id.0);
                match at.ip() {
                    IpAddr::V4(ip) => {
                        body.put_u8(4);
                        body.put_slice(&ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        body.put_u8(6);
                        body.put_slice(&ip.octets());
                    }
                }
                body.put_u16(at.port());
            }
            head(batch, PEERS, body.len());
            batch.put_slice(&body);
        }
    }
}

/// A frame that came in whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// `None` for a control frame.
    pub(crate) channel: Option<Channel>,
    /// A message begins with it.
    pub(crate) begins: bool,
    /// Its bytes, head included.
    pub(crate) bytes: usize,
    pub(crate) content: Content,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A message goes on.
    Part,
    /// A message is complete.
    Message(Channel, Bytes),
    Control(Control),
}

#[derive(Debug)]
struct Partial {
    total: usize,
    bytes: BytesMut,
}

/// Puts messages together. Memory grows with what has arrived, not with what was announced.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    partial: [Option<Partial>; Channel::COUNT],
}

impl Decoder {
    /// Takes the next whole frame out of `buffer`; `None` when more bytes must come first.
    pub(crate) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, WireError> {
        let Some(head) = buffer.first_chunk::<FRAME_HEAD_BYTES>() else {
            return Ok(None);
        };
        let [kind, high, middle, low] = *head;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if length > CHUNK_BYTES_MAX {
            return Err(WireError::ChunkTooLong(length));
        }
        if buffer.len() < FRAME_HEAD_BYTES + length {
            return Ok(None);
        }
        buffer.advance(FRAME_HEAD_BYTES);
        let body = buffer.split_to(length);
        let bytes = FRAME_HEAD_BYTES + length;
        if kind >= PING {
            let content = Content::Control(decode_control(kind, &body)?);
            return Ok(Some(Frame { channel: None, begins: false, bytes, content }));
        }
        let begins = kind & BEGIN != 0;
        let channel =
            *Channel::ALL.get(usize::from(kind & !BEGIN)).ok_or(WireError::UnknownKind(kind))?;
        let content =
            if begins { self.begin(channel, &body)? } else { self.go_on(channel, &body)? };
        Ok(Some(Frame { channel: Some(channel), begins, bytes, content }))
    }

    fn begin(&mut self, channel: Channel, mut body: &[u8]) -> Result<Content, WireError> {
        let total = body.try_get_u32().map_err(|_| WireError::EmptyChunk)? as usize;
        if total > channel.message_bytes_max() {
            return Err(WireError::Oversized { channel, bytes: total });
        }
        if self.partial[channel.index()].is_some() {
            return Err(WireError::Interleaved(channel));
        }
        if body.is_empty() && total > 0 {
            return Err(WireError::EmptyChunk);
        }
        self.add(channel, Partial { total, bytes: BytesMut::new() }, body)
    }

    fn go_on(&mut self, channel: Channel, body: &[u8]) -> Result<Content, WireError> {
        let partial = self.partial[channel.index()].take().ok_or(WireError::Unbegun(channel))?;
        if body.is_empty() {
            return Err(WireError::EmptyChunk);
        }
        self.add(channel, partial, body)
    }

    fn add(
        &mut self,
        channel: Channel,
        mut partial: Partial,
        body: &[u8],
    ) -> Result<Content, WireError> {
        if partial.bytes.len() + body.len() > partial.total {
            return Err(WireError::Overrun(channel));
        }
        partial.bytes.extend_from_slice(body);
        if partial.bytes.len() == partial.total {
            return Ok(Content::Message(channel, partial.bytes.freeze()));
        }
        self.partial[channel.index()] = Some(partial);
        Ok(Content::Part)
    }
}

fn decode_control(kind: u8, mut body: &[u8]) -> Result<Control, WireError> {
    let bad = |_| WireError::BadControl;
    let control = match kind {
        PING => Control::Ping(body.try_get_u64().map_err(bad)?),
        PONG => {
            let nonce = body.try_get_u64().map_err(bad)?;
            Control::Pong(nonce, body.try_get_u64().map_err(bad)?)
        }
        FAREWELL => Control::Farewell(Refusal::from_code(body.try_get_u8().map_err(bad)?)),
        PEERS => Control::Peers(decode_peers(&mut body)?),
        _ => return Err(WireError::UnknownKind(kind)),
    };
    if body.is_empty() { Ok(control) } else { Err(WireError::BadControl) }
}

fn decode_peers(body: &mut &[u8]) -> Result<Vec<(PeerId, SocketAddr)>, WireError> {
    let mut peers = Vec::new();
    while !body.is_empty() {
        if peers.len() == PEERS_SHARED_MAX {
            return Err(WireError::BadControl);
        }
        peers.push(decode_peer(body).ok_or(WireError::BadControl)?);
    }
    Ok(peers)
}

fn decode_peer(body: &mut &[u8]) -> Option<(PeerId, SocketAddr)> {
    let id = PeerId(take(body)?);
    let ip = match body.try_get_u8().ok()? {
        4 => IpAddr::V4(Ipv4Addr::from(take::<4>(body)?)),
        6 => IpAddr::V6(Ipv6Addr::from(take::<16>(body)?)),
        _ => return None,
    };
    Some((id, SocketAddr::new(ip, body.try_get_u16().ok()?)))
}

fn take<const N: usize>(body: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = body.split_first_chunk::<N>()?;
    *body = rest;
    Some(*taken)
}
