//! What a record says of what has been pruned of it, behind its seal:
//!
//! | bytes | |
//! |---|---|
//! | number | bytes of the whole block, RLP |
//! | number | transactions that the block had |
//! | each | 0: it is kept, and stands in the block with those that are |
//! | | or 1, hash (32 bytes), hashes of its leaf and of its receipt's (32 each), gas used in the block up to it, logs |
//!
//! Numbers are in seven-bit groups. Sender, receipt and transaction of those that are kept stand where
//! they always do, in order.

use super::{
    Payload,
    record::{length_bytes, parts},
};
use crate::codec::{Malformed, Reader, put_length, put_number};
use alloy_primitives::{Address, B256, TxHash};
use hanse_primitives::{Receipt, SealedBlock, StateChanges};

/// What is left of a transaction that has been pruned: enough to know that it was, where, and to prove that
/// it was the one that somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its hash.
    pub hash: TxHash,
    /// Hash of its leaf under the transactions root ([`hanse_primitives::OrderedList::leaf`]).
    pub transaction_leaf: B256,
    /// Hash of its receipt's leaf under the receipts root.
    pub receipt_leaf: B256,
    /// Gas that the block had used when it was done.
    pub cumulative_gas_used: u64,
    /// How many logs it wrote.
    pub logs: u64,
}

/// What is left of a block.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    /// The block with the transactions that are kept.
    pub(crate) block: SealedBlock,
    /// Of those: senders and receipts.
    pub(crate) senders: Vec<Address>,
    pub(crate) receipts: Vec<Receipt>,
    /// One for each transaction that the block had; `None` for those that are kept.
    pub(crate) gone: Vec<Option<Gone>>,
    /// Bytes of the whole block, RLP.
    pub(crate) block_bytes: u64,
}

/// The payload of a record of which this is left, with its seal.
pub(crate) fn put_left(left: &Left, seal: &[u8]) -> Vec<u8> {
    let mut bytes = parts(&left.block, &left.senders, &left.receipts, &StateChanges::default());
    bytes.extend_from_slice(&length_bytes(seal.len()));
    bytes.extend_from_slice(seal);
    put_number(&mut bytes, left.block_bytes);
    put_length(&mut bytes, left.gone.len());
    for gone in &left.gone {
        let Some(gone) = gone else {
            bytes.push(0);
            continue;
        };
        bytes.push(1);
        for hash in [gone.hash, gone.transaction_leaf, gone.receipt_leaf] {
            bytes.extend_from_slice(hash.as_slice());
        }
        put_number(&mut bytes, gone.cumulative_gas_used);
        put_number(&mut bytes, gone.logs);
    }
    bytes
}

impl Payload<'_> {
    /// What is left of a block; for a record of which something has been pruned.
    pub(crate) fn left(&self) -> Result<Left, Malformed> {
        let gone = self.gone.ok_or(Malformed("a record of which nothing has been pruned"))?;
        let mut reader = Reader::new(gone);
        let block_bytes = reader.number()?;
        let count = reader.length()?;
        let mut gone = Vec::with_capacity(count);
        for _ in 0..count {
            gone.push(match reader.byte()? {
                0 => None,
                1 => Some(Gone {
                    hash: B256::from(reader.array()?),
                    transaction_leaf: B256::from(reader.array()?),
                    receipt_leaf: B256::from(reader.array()?),
                    cumulative_gas_used: reader.number()?,
                    logs: reader.number()?,
                }),
                _ => return Err(Malformed("a transaction that is neither kept nor gone")),
            });
        }
        reader.end()?;
        let left = Left {
            block: self.block()?,
            senders: self.senders()?,
            receipts: self.receipts()?,
            gone,
            block_bytes,
        };
        let kept = left.gone.iter().filter(|gone| gone.is_none()).count();
        let counts = [left.block.transactions().len(), left.senders.len(), left.receipts.len()];
        if counts != [kept; 3] {
            return Err(Malformed("not one sender and one receipt a kept transaction"));
        }
        Ok(left)
    }
}
