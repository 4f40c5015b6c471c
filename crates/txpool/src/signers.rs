//! Remembers who signed what has been looked at lately.
//!
//! A transaction comes to a node twice: from a client or a peer, for the pool, and in a block. Whichever
//! is looked at first pays for the recovery, and either may be: a block can overtake its transactions
//! that still stand in line for the pool, and leaves them behind to be refused.

use crate::limits::{SIGNER_SHARDS, SIGNERS_REMEMBERED};
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::{Address, TxHash, map::B256Map};
use hanse_primitives::Transaction;
use parking_lot::Mutex;

/// Signers by transaction hash, which covers the signature. Forgets the oldest half when full.
#[derive(Debug, Default)]
pub(crate) struct Signers([Mutex<Shard>; SIGNER_SHARDS]);

/// What was remembered last, and what before.
#[derive(Debug, Default)]
struct Shard {
    young: B256Map<Address>,
    old: B256Map<Address>,
}

impl Signers {
    /// Who signed a transaction: as remembered, or as found out now. `None` when nobody can have; of
    /// the two signatures that any one can be turned into, only that with the lower `s` counts.
    pub(crate) fn of(&self, transaction: &Transaction) -> Option<Address> {
        let hash = transaction.tx_hash();
        if let Some(signer) = self.get(hash) {
            return Some(signer);
        }
        let signer = transaction.recover_signer().ok()?;
        self.shard(hash).lock().put(*hash, signer);
        Some(signer)
    }

    /// Who signed a transaction, if that is remembered.
    pub(crate) fn get(&self, hash: &TxHash) -> Option<Address> {
        let shard = self.shard(hash).lock();
        shard.young.get(hash).or_else(|| shard.old.get(hash)).copied()
    }

    fn shard(&self, hash: &TxHash) -> &Mutex<Shard> {
        // The maps look at the first bytes of a hash.
        &self.0[usize::from(hash[31]) % SIGNER_SHARDS]
    }
}

impl Shard {
    fn put(&mut self, hash: TxHash, signer: Address) {
        if self.young.len() >= SIGNERS_REMEMBERED / SIGNER_SHARDS / 2 {
            // The table of the older ones is used again: it has the size that is needed.
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(hash, signer);
    }
}

#[cfg(test)]
mod tests;
