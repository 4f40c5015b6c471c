//! Decoders over bytes from anywhere, for fuzzing.

use crate::{
    frame::{self, Content, Decoder},
    hello::Salutation,
};
use bytes::BytesMut;

/// Takes bytes for a message of the handshake. What can be decoded encodes to the same bytes again,
/// but for a greeting of another version, of which only the version is kept.
///
/// # Panics
/// When it does not.
pub fn decode_greeting(bytes: &[u8]) {
    let Ok(salutation) = Salutation::decode(bytes) else { return };
    let again = salutation.encode();
    assert_eq!(Salutation::decode(&again[2..]), Ok(salutation));
}

/// Takes bytes for frames, until they are none. Gives the messages and their bytes.
///
/// # Panics
/// When more bytes come out than went in.
#[must_use]
pub fn decode_frames(bytes: &[u8]) -> (usize, usize) {
    let mut buffer = BytesMut::from(bytes);
    let mut decoder = Decoder::default();
    let (mut messages, mut total) = (0, 0);
    while let Ok(Some(frame)) = decoder.next(&mut buffer) {
        match frame.content {
            Content::Message(channel, message) => {
                assert!(message.len() <= channel.message_bytes_max());
                messages += 1;
                total += message.len();
            }
            Content::Control(control) => frame::control(&mut BytesMut::new(), &control),
            Content::Part => {}
        }
    }
    assert!(total <= bytes.len());
    (messages, total)
}
