//! JSON-RPC 2.0 as bytes: envelopes in, answers out, parameters between them. Everything is borrowed
//! from the request until a method asks for a value.

mod answer;
mod block_id;
mod envelope;
mod params;
mod shortcut;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use answer::{Reply, write_error, write_notification, write_result};
pub(crate) use block_id::{BlockId, BlockTag};
pub(crate) use envelope::{Envelope, Message, NULL_ID, read};
pub(crate) use params::Params;
pub(crate) use shortcut::transaction;
pub(crate) use value::{FromJson, Object, string};
