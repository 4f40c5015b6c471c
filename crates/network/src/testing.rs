//! Decoders over bytes from anywhere, for fuzzing.

use crate::{
    Channel, Hello, Refusal,
    frame::{self, Content, Control, Decoder},
    hello::{Greeting, Salutation},
};
use alloy_primitives::B256;
use bytes::BytesMut;
use hanse_primitives::PeerId;
use std::net::SocketAddr;

/// Takes bytes for a message of the handshake; true when they are one. What can be decoded encodes to the same bytes again,
/// but for a greeting of another version, of which only the version is kept.
///
/// # Panics
/// When it does not.
#[must_use]
pub fn decode_greeting(bytes: &[u8]) -> bool {
    let Ok(salutation) = Salutation::decode(bytes) else { return false };
    let again = salutation.encode();
    assert_eq!(Salutation::decode(&again[2..]), Ok(salutation));
    true
}

/// The messages of a handshake, without their lengths.
#[must_use]
pub fn greetings() -> Vec<(&'static str, Vec<u8>)> {
    let hello = Hello {
        chain_id: 1337,
        genesis_hash: B256::repeat_byte(1),
        engine: "votes".to_owned(),
        software: "a node".to_owned(),
        credential: vec![9; 65].into(),
    };
    let greeting = Greeting::new(hello, 7, 30303).expect("the texts are short");
    [
        ("hello", Salutation::Hello(greeting)),
        ("accept", Salutation::Accept),
        ("refuse", Salutation::Refuse(Refusal::WrongGenesis)),
    ]
    .map(|(name, salutation)| (name, salutation.encode()[2..].to_vec()))
    .to_vec()
}

/// Takes bytes for frames, until they are none. True when they are whole frames to the end.
///
/// # Panics
/// When more bytes come out than went in, or a control frame is not written as it was read.
#[must_use]
pub fn decode_frames(bytes: &[u8]) -> bool {
    let mut buffer = BytesMut::from(bytes);
    let mut decoder = Decoder::default();
    let (mut frames, mut total) = (0, 0);
    while let Ok(Some(frame)) = decoder.next(&mut buffer) {
        frames += 1;
        match frame.content {
            Content::Message(channel, message) => {
                assert!(message.len() <= channel.message_bytes_max());
                total += message.len();
            }
            Content::Control(control) => {
                let mut again = BytesMut::new();
                frame::control(&mut again, &control);
                assert_eq!(again.len(), frame.bytes, "a control frame has one length");
                let again = Decoder::default().next(&mut again);
                let again = again.ok().flatten().map(|frame| frame.content);
                assert_eq!(again, Some(Content::Control(control)));
            }
            Content::Part => {}
        }
    }
    assert!(total <= bytes.len());
    frames > 0 && buffer.is_empty()
}

/// Some frames, as one node writes them to another.
#[must_use]
pub fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let controls = |controls: &[Control]| {
        let mut batch = BytesMut::new();
        controls.iter().for_each(|control| frame::control(&mut batch, control));
        batch.to_vec()
    };
    let peers = vec![
        (PeerId([1; 32]), SocketAddr::from(([10, 0, 0, 1], 30303))),
        (PeerId([2; 32]), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1_u16], 30303))),
    ];
    // A long message lets a vote pass between its parts.
    let mut messages = BytesMut::new();
    frame::begin(&mut messages, Channel::Blocks, 6, b"blo");
    frame::begin(&mut messages, Channel::Consensus, 4, b"vote");
    frame::go_on(&mut messages, Channel::Blocks, b"ck!");
    vec![
        ("pings", controls(&[Control::Ping(1), Control::Pong(2, 3)])),
        ("peers", controls(&[Control::Peers(peers)])),
        ("farewell", controls(&[Control::Farewell(Refusal::Stopping)])),
        ("messages", messages.to_vec()),
    ]
}
