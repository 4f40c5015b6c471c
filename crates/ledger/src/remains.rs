//! What is left of blocks of which something has been pruned.

use crate::{
    LedgerError,
    codec::Malformed,
    log::{Gone, Left, Payload},
    stored::StoredBlock,
};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, TxHash};
use alloy_rlp::Encodable;
use hanse_primitives::{Header, OrderedItem, Receipt, SealedBlock, Transaction};
use std::sync::Arc;

/// A final block of which something has been pruned. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Remains(Arc<Left>);

/// What is left of one of its transactions.
#[derive(Clone, Copy, Debug)]
pub enum Remaining<'a> {
    /// All of it.
    Kept {
        /// The transaction.
        transaction: &'a Transaction,
        /// Who sent it.
        sender: Address,
        /// What it did.
        receipt: &'a Receipt,
    },
    /// Its hashes.
    Gone(&'a Gone),
}

/// A final block, as far as it is still there.
#[derive(Clone, Debug)]
pub enum Past {
    /// All of it.
    Whole(StoredBlock),
    /// Something has been pruned.
    Pruned(Remains),
}

impl Remains {
    pub(crate) fn read(payload: &Payload<'_>) -> Result<Self, Malformed> {
        Ok(Self(Arc::new(payload.left()?)))
    }

    /// The block with those of its transactions that are kept. Header and hash are those of the whole block.
    #[must_use]
    pub fn block(&self) -> &SealedBlock {
        &self.0.block
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.0.block.header()
    }

    /// Receipts of the transactions that are kept, in the order of [`Remains::block`].
    #[must_use]
    pub fn kept_receipts(&self) -> &[Receipt] {
        &self.0.receipts
    }

    /// Senders of the transactions that are kept.
    #[must_use]
    pub fn kept_senders(&self) -> &[Address] {
        &self.0.senders
    }

    /// Bytes that the whole block had, RLP.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.0.block_bytes
    }

    /// The transactions that the block had, in order.
    pub fn transactions(&self) -> impl ExactSizeIterator<Item = Remaining<'_>> {
        let left = &*self.0;
        let mut kept = 0;
        left.gone.iter().map(move |gone| match gone {
            Some(gone) => Remaining::Gone(gone),
            None => {
                kept += 1;
                Remaining::Kept {
                    transaction: &left.block.transactions()[kept - 1],
                    sender: left.senders[kept - 1],
                    receipt: &left.receipts[kept - 1],
                }
            }
        })
    }
}

impl<'a> Remaining<'a> {
    /// Transaction, sender and receipt, if they are kept.
    #[must_use]
    pub const fn kept(self) -> Option<(&'a Transaction, Address, &'a Receipt)> {
        match self {
            Self::Kept { transaction, sender, receipt } => Some((transaction, sender, receipt)),
            Self::Gone(_) => None,
        }
    }

    /// The transaction's hash.
    #[must_use]
    pub fn hash(&self) -> TxHash {
        match self {
            Self::Kept { transaction, .. } => *transaction.tx_hash(),
            Self::Gone(gone) => gone.hash,
        }
    }

    /// The transaction under the transactions root: whole, or its leaf's hash.
    #[must_use]
    pub fn transaction_item(&self) -> OrderedItem {
        match self {
            Self::Kept { transaction, .. } => OrderedItem::Whole(transaction.encoded_2718()),
            Self::Gone(gone) => OrderedItem::Leaf(gone.transaction_leaf),
        }
    }

    /// Its receipt under the receipts root: whole, or its leaf's hash.
    #[must_use]
    pub fn receipt_item(&self) -> OrderedItem {
        match self {
            Self::Kept { receipt, .. } => OrderedItem::Whole(receipt.encoded_2718()),
            Self::Gone(gone) => OrderedItem::Leaf(gone.receipt_leaf),
        }
    }

    /// Gas that the block had used when it was done.
    #[must_use]
    pub fn cumulative_gas_used(&self) -> u64 {
        match self {
            Self::Kept { receipt, .. } => receipt.cumulative_gas_used(),
            Self::Gone(gone) => gone.cumulative_gas_used,
        }
    }

    /// How many logs it wrote.
    #[must_use]
    pub fn log_count(&self) -> u64 {
        match self {
            Self::Kept { receipt, .. } => {
                u64::try_from(receipt.logs().len()).expect("a count in memory fits in 64 bits")
            }
            Self::Gone(gone) => gone.logs,
        }
    }
}

impl From<StoredBlock> for Past {
    fn from(block: StoredBlock) -> Self {
        Self::Whole(block)
    }
}

impl Past {
    /// The block with those of its transactions that are kept. Header and hash are those of the whole block.
    #[must_use]
    pub fn block(&self) -> &SealedBlock {
        match self {
            Self::Whole(stored) => stored.block(),
            Self::Pruned(remains) => remains.block(),
        }
    }

    /// Bytes that the whole block has or had, RLP.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        match self {
            Self::Whole(stored) => u64::try_from(stored.block().block().length())
                .expect("a length in memory fits in 64 bits"),
            Self::Pruned(remains) => remains.block_bytes(),
        }
    }

    /// The transactions that the block has or had, in order.
    pub fn transactions(&self) -> impl Iterator<Item = Remaining<'_>> {
        let (stored, remains) = match self {
            Self::Whole(stored) => (Some(stored), None),
            Self::Pruned(remains) => (None, Some(remains)),
        };
        let kept = stored.into_iter().flat_map(|stored| {
            let count = stored.block().transactions().len();
            (0..count).filter_map(|index| {
                let (transaction, sender, receipt) = stored.transaction(index)?;
                Some(Remaining::Kept { transaction, sender, receipt })
            })
        });
        kept.chain(remains.into_iter().flat_map(Remains::transactions))
    }

    /// One of them.
    #[must_use]
    pub fn transaction(&self, index: usize) -> Option<Remaining<'_>> {
        match self {
            Self::Whole(stored) => {
                let (transaction, sender, receipt) = stored.transaction(index)?;
                Some(Remaining::Kept { transaction, sender, receipt })
            }
            Self::Pruned(remains) => remains.transactions().nth(index),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// [`LedgerError::Pruned`] when not all of it is there.
    pub fn whole(self) -> Result<StoredBlock, LedgerError> {
        match self {
            Self::Whole(block) => Ok(block),
            Self::Pruned(remains) => Err(LedgerError::Pruned(remains.block().height())),
        }
    }

    pub(crate) fn read(payload: &Payload<'_>) -> Result<Self, Malformed> {
        match payload.gone {
            None => StoredBlock::read(payload).map(Self::Whole),
            Some(_) => Remains::read(payload).map(Self::Pruned),
        }
    }
}
