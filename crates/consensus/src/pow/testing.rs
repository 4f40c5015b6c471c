//! Messages between miners, for fuzzing.

use super::rules::Message;
use alloy_primitives::U256;
use hanse_primitives::{BlockRef, SealedBlock};

/// Takes bytes for a message. True when they are one.
///
/// # Panics
/// When what was read is not written as the same bytes.
#[must_use]
pub fn judge(bytes: &[u8]) -> bool {
    let Ok(message) = Message::decode(bytes) else { return false };
    assert_eq!(&message.encode()[..], bytes, "a message has one encoding");
    true
}

/// One of each message, about `block`.
#[must_use]
pub fn messages(block: &SealedBlock) -> Vec<(&'static str, Vec<u8>)> {
    let head = BlockRef { height: block.height(), hash: block.hash() };
    let work = U256::from(7);
    [
        ("status", Message::Status { head, work, finalized: head }),
        ("new-block", Message::NewBlock { work, block: block.clone() }),
        ("announce", Message::Announce { head, work }),
        ("get-blocks", Message::GetBlocks { id: 1, locator: vec![head.hash; 3] }),
        ("blocks", Message::Blocks { id: 1, blocks: vec![block.clone(), block.clone()] }),
    ]
    .map(|(name, message)| (name, message.encode().to_vec()))
    .to_vec()
}
