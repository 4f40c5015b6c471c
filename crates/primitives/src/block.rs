use crate::{Height, PrimitiveError, StateChanges, certificate::decode_exact};
use alloy_consensus::{
    EthereumTxEnvelope, ReceiptEnvelope, TxEip4844,
    proofs::{calculate_ommers_root, calculate_transaction_root, calculate_withdrawals_root},
    transaction::SignerRecoverable,
};
use alloy_primitives::{Address, B256, TxHash};
use alloy_rlp::Encodable;
use std::sync::Arc;

/// A signed transaction as blocks carry it: all Ethereum types, blobs without their sidecar.
pub type Transaction = EthereumTxEnvelope<TxEip4844>;

/// A transaction's receipt with its logs and their bloom filter.
pub type Receipt = ReceiptEnvelope;

/// An Ethereum block header.
pub type Header = alloy_consensus::Header;

/// An Ethereum block: header, transactions, ommers, withdrawals.
pub type Block = alloy_consensus::Block<Transaction>;

/// keccak256 of the RLP of a header.
pub type BlockHash = B256;

/// A transaction whose signature has been checked, with the account that signed it.
pub type RecoveredTransaction = alloy_consensus::transaction::Recovered<Transaction>;

/// Names a block by height and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// Distance from genesis.
    pub height: Height,
    /// Hash of the header.
    pub hash: BlockHash,
}

/// A block together with its hash, which is computed once. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBlock {
    hash: BlockHash,
    block: Arc<Block>,
}

impl SealedBlock {
    /// Hashes the header and seals the block with it.
    #[must_use]
    pub fn new(block: Block) -> Self {
        Self { hash: block.header.hash_slow(), block: Arc::new(block) }
    }

    /// Hash of the header.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Height of the block.
    #[must_use]
    pub fn height(&self) -> Height {
        Height(self.block.header.number)
    }

    /// Height and hash.
    #[must_use]
    pub fn reference(&self) -> BlockRef {
        BlockRef { height: self.height(), hash: self.hash }
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.block.header
    }

    /// The transactions in order.
    #[must_use]
    pub fn transactions(&self) -> &[Transaction] {
        &self.block.body.transactions
    }

    /// True when the body is the one that the header names. The hash covers the header alone, so
    /// anybody can put another body under it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let (header, body) = (&self.block.header, &self.block.body);
        let withdrawals = body.withdrawals.as_ref().map(|list| calculate_withdrawals_root(list));
        calculate_transaction_root(&body.transactions) == header.transactions_root
            && calculate_ommers_root(&body.ommers) == header.ommers_hash
            && withdrawals == header.withdrawals_root
    }

    /// The whole block.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }
}

/// A block that has been executed on its parent's state and found to keep every rule: roots, gas,
/// bloom and requests are what its header says. The only kind of block that the ledger stores.
///
/// Only `hanse-execution` makes one (the house test guards the call of [`Executed::vouch`]).
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Executed(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    block: SealedBlock,
    senders: Vec<Address>,
    receipts: Vec<Receipt>,
    changes: StateChanges,
}

impl Executed {
    /// Vouches that `block` was executed with this outcome. One sender and one receipt for each
    /// transaction, in the block's order.
    #[must_use]
    pub fn vouch(
        block: SealedBlock,
        senders: Vec<Address>,
        receipts: Vec<Receipt>,
        changes: StateChanges,
    ) -> Self {
        assert_eq!(block.transactions().len(), senders.len(), "one sender a transaction");
        assert_eq!(block.transactions().len(), receipts.len(), "one receipt a transaction");
        Self(Arc::new(Parts { block, senders, receipts, changes }))
    }

    /// The block.
    #[must_use]
    pub fn block(&self) -> &SealedBlock {
        &self.0.block
    }

    /// Who sent each transaction.
    #[must_use]
    pub fn senders(&self) -> &[Address] {
        &self.0.senders
    }

    /// What each transaction did.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.0.receipts
    }

    /// What the block changed in the world state.
    #[must_use]
    pub fn changes(&self) -> &StateChanges {
        &self.0.changes
    }
}

/// Reads one RLP block. A block has one spelling: whatever else the RLP library may take for the same
/// block is refused here, as other clients refuse it.
///
/// # Errors
/// [`PrimitiveError::Rlp`] when the bytes are not exactly one block.
pub fn decode_block(bytes: &[u8]) -> Result<Block, PrimitiveError> {
    let block: Block = decode_exact(bytes)?;
    let mut again = Vec::with_capacity(bytes.len());
    block.encode(&mut again);
    if again != bytes {
        return Err(alloy_rlp::Error::Custom("a block in another spelling than its own").into());
    }
    Ok(block)
}

/// Checks a transaction's signature (low `s` only, EIP-2) and names its sender. About 27 us.
///
/// # Errors
/// [`PrimitiveError::Signature`] when no account can have signed it.
pub fn recover(transaction: Transaction) -> Result<RecoveredTransaction, PrimitiveError> {
    let _: &TxHash = transaction.tx_hash(); // computed here, off the execution thread, and cached
    transaction.try_into_recovered().map_err(|_| PrimitiveError::Signature)
}
