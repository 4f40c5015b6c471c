//! Takes real invoices through the order contract of a running node, as their parties would: over
//! JSON-RPC, each with a key of its own.

mod actors;
mod dataset;
mod load;
mod progress;
mod summary;
#[cfg(test)]
mod tests;

pub(crate) use actors::Market;
pub(crate) use dataset::{Dataset, read};
pub(crate) use load::run;
pub(crate) use summary::Summary;
