//! What decides without a clock, a disk or a peer.

mod bounded;
mod difficulty;
mod header;
mod log;
mod message;
mod seal;
mod times;
mod tree;

pub(super) use bounded::BoundedSet;
pub(super) use difficulty::{Schedule, next_difficulty};
pub(super) use header::{Fault, Judgement, check_work, expected_difficulty, judge};
pub(super) use log::Record;
pub(super) use message::Message;
pub(super) use seal::{is_good, seal_hash, target};
pub(super) use times::earliest;
pub(super) use tree::{Context, Final, Tree};
