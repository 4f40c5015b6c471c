//! What a peer says before anybody looks at its content: the handshake, and frames.

use super::{Seeds, Target};
use hanse_network::testing;

/// Takes bytes for a message of the handshake; true when they are one. It is written as it was read.
#[must_use]
pub fn greetings() -> Target {
    Box::new(testing::decode_greeting)
}

/// Takes bytes for frames; true when they are that to the end. No message is longer than its channel
/// allows, and nothing comes out that did not go in.
#[must_use]
pub fn frames() -> Target {
    Box::new(testing::decode_frames)
}

/// Every message of a handshake.
pub(super) fn greeting_seeds() -> Seeds {
    named(testing::greetings())
}

/// Control frames, and messages of which one lets the other pass.
pub(super) fn frame_seeds() -> Seeds {
    named(testing::frames())
}

fn named(seeds: Vec<(&'static str, Vec<u8>)>) -> Seeds {
    seeds.into_iter().map(|(name, bytes)| (format!("good-{name}"), bytes)).collect()
}
