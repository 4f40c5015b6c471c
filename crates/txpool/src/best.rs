use crate::{Admitted, Pool};
use alloy_primitives::Address;

/// The pending transactions in the order in which a builder should try them: best tip first, then
/// senders take turns, then in order of arrival; of one sender always by nonce.
///
/// It takes a chunk at a time from the pool and holds no lock between, so the EVM may take its time
/// and the pool may change. What arrives meanwhile of a sender that has none pending is not seen.
#[derive(Debug)]
pub struct Best {
    pool: Pool,
}

impl Best {
    /// Leaves out the rest of a sender's transactions: one was refused or does not fit, and the
    /// others cannot run before it.
    pub fn skip(&mut self, sender: Address) {
        todo!()
    }
}

impl Iterator for Best {
    type Item = Admitted;

    fn next(&mut self) -> Option<Admitted> {
        todo!()
    }
}
