//! Peers' messages over bytes from anywhere, for fuzzing: what is read, is it written the same, and does
//! what it claims check out.

pub use crate::{
    bft::testing::{judge as judge_votes, messages as messages_of_votes},
    pow::testing::{judge as judge_work, messages as messages_of_work},
};
