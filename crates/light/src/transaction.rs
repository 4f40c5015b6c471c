use crate::{FinalBlock, FinalityProof, LightError, quantity, trie::Nodes};
use alloy_eips::Decodable2718;
use alloy_primitives::{B256, Bytes, TxHash, keccak256};
use hanse_primitives::{Receipt, RecoveredTransaction, Transaction, recover};
use serde::{Deserialize, Serialize};

/// Proves that a transaction is in a final block, and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionProof {
    /// That the block is final.
    #[serde(flatten)]
    pub finality: FinalityProof,
    /// Position in the block.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Nodes of the trie of transactions on the way to it.
    pub transaction: Vec<Bytes>,
    /// Nodes of the trie of receipts on the way to its receipt.
    pub receipt: Vec<Bytes>,
}

/// A transaction that is in a final block, with what it did there.
#[derive(Clone, Debug)]
pub struct ProvenTransaction {
    /// Position in the block.
    pub index: u64,
    /// The transaction, and who signed it.
    pub transaction: RecoveredTransaction,
    /// What it did.
    pub receipt: Receipt,
}

impl FinalBlock {
    /// Checks that the transaction with this hash is in the block, and reads its receipt.
    ///
    /// # Errors
    /// [`LightError`]: nothing is proven.
    pub fn transaction(
        &self,
        proof: &TransactionProof,
        hash: TxHash,
    ) -> Result<ProvenTransaction, LightError> {
        let header = self.header();
        let index = proof.index;
        let bytes =
            self.item(&proof.transaction, header.transactions_root, index, "transaction")?;
        let found = keccak256(bytes);
        if found != hash {
            return Err(LightError::OtherTransaction { asked: hash, found });
        }
        let transaction =
            exactly::<Transaction>(bytes).ok_or(LightError::Undecodable("transaction"))?;
        let transaction =
            recover(transaction).map_err(|_| LightError::Undecodable("transaction's signature"))?;
        let bytes = self.item(&proof.receipt, header.receipts_root, index, "receipt")?;
        let receipt = exactly::<Receipt>(bytes).ok_or(LightError::Undecodable("receipt"))?;
        Ok(ProvenTransaction { index, transaction, receipt })
    }

    fn item<'a>(
        &self,
        nodes: &'a [Bytes],
        root: B256,
        index: u64,
        what: &'static str,
    ) -> Result<&'a [u8], LightError> {
        let failed = |fault| LightError::Proof { what, fault };
        let mut nodes = Nodes::new(nodes).map_err(failed)?;
        let found = nodes.get(root, &alloy_rlp::encode(index)).map_err(failed)?;
        let nothing = LightError::NothingThere { number: self.header().number, what, index };
        let value = found.ok_or(nothing)?;
        nodes.finish().map_err(failed)?;
        Ok(value)
    }
}

fn exactly<T: Decodable2718>(mut bytes: &[u8]) -> Option<T> {
    let value = T::decode_2718(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}
