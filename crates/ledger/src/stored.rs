//! Blocks as they are handed out, from memory or from the log.

use crate::{codec::Malformed, log::Payload};
use alloy_primitives::Address;
use hanse_primitives::{Executed, Receipt, SealedBlock, Transaction};
use quick_cache::Weighter;
use std::sync::Arc;

/// A block with what executing it gave, as history keeps it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StoredBlock(Arc<Source>);

#[derive(Debug)]
enum Source {
    /// It was executed by this process.
    Executed(Executed),
    /// It was read from the log.
    Read { block: SealedBlock, senders: Vec<Address>, receipts: Vec<Receipt> },
}

impl StoredBlock {
    pub(crate) fn executed(executed: Executed) -> Self {
        Self(Arc::new(Source::Executed(executed)))
    }

    pub(crate) fn new(block: SealedBlock, senders: Vec<Address>, receipts: Vec<Receipt>) -> Self {
        Self(Arc::new(Source::Read { block, senders, receipts }))
    }

    pub(crate) fn read(payload: &Payload<'_>) -> Result<Self, Malformed> {
        let block = payload.block()?;
        let senders = payload.senders()?;
        let receipts = payload.receipts()?;
        let transactions = block.transactions().len();
        if senders.len() != transactions || receipts.len() != transactions {
            return Err(Malformed("not one sender and one receipt a transaction"));
        }
        Ok(Self::new(block, senders, receipts))
    }

    /// The block.
    #[must_use]
    pub fn block(&self) -> &SealedBlock {
        match &*self.0 {
            Source::Executed(executed) => executed.block(),
            Source::Read { block, .. } => block,
        }
    }

    /// Who sent each transaction.
    #[must_use]
    pub fn senders(&self) -> &[Address] {
        match &*self.0 {
            Source::Executed(executed) => executed.senders(),
            Source::Read { senders, .. } => senders,
        }
    }

    /// What each transaction did.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        match &*self.0 {
            Source::Executed(executed) => executed.receipts(),
            Source::Read { receipts, .. } => receipts,
        }
    }

    /// A transaction with its sender and receipt.
    #[must_use]
    pub fn transaction(&self, index: usize) -> Option<(&Transaction, Address, &Receipt)> {
        let transaction = self.block().transactions().get(index)?;
        Some((transaction, *self.senders().get(index)?, self.receipts().get(index)?))
    }

    /// About how many bytes of memory it takes.
    fn memory_bytes(&self) -> usize {
        const BLOCK: usize = 2048;
        const TRANSACTION: usize = size_of::<Transaction>() + size_of::<Receipt>() + 32;
        const LOG: usize = 160;
        let inputs: usize = self.block().transactions().iter().map(input_bytes).sum();
        let logs: usize = self
            .receipts()
            .iter()
            .flat_map(Receipt::logs)
            .map(|log| LOG + 32 * log.topics().len() + log.data.data.len())
            .sum();
        let changes = match &*self.0 {
            Source::Executed(executed) => executed
                .changes()
                .accounts()
                .iter()
                .map(|(_, change)| 128 + 64 * change.storage.len())
                .sum(),
            Source::Read { .. } => 0,
        };
        BLOCK + self.senders().len() * TRANSACTION + inputs + logs + changes
    }
}

fn input_bytes(transaction: &Transaction) -> usize {
    alloy_consensus::Transaction::input(transaction).len()
}

/// Weighs cached blocks by their bytes.
#[derive(Clone, Debug)]
pub(crate) struct BlockWeight;

impl<K> Weighter<K, StoredBlock> for BlockWeight {
    fn weight(&self, _: &K, block: &StoredBlock) -> u64 {
        u64::try_from(block.memory_bytes()).unwrap_or(u64::MAX)
    }
}
