//! What is right, as pure functions: no chain, no log, no clock.

pub(crate) mod certificate;
pub(crate) mod codec;
pub(crate) mod context;
pub(crate) mod evidence;
pub(crate) mod message;
pub(crate) mod proposer;
pub(crate) mod provenance;
pub(crate) mod record;
pub(crate) mod stamp;
#[cfg(test)]
mod tests;
pub(crate) mod timing;
pub(crate) mod voters;
