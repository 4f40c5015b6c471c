use alloy_consensus::{Eip658Value, EthereumReceipt, Receipt as Body, TxType};
use alloy_eips::Encodable2718;
use alloy_evm::{
    Evm,
    eth::receipt_builder::{ReceiptBuilder, ReceiptBuilderCtx},
};
use alloy_primitives::{B256, Bloom};
use alloy_trie::root::ordered_trie_root_encoded;
use hanse_primitives::{Receipt, Transaction};
use rayon::prelude::*;

/// A receipt as the EVM's thread writes it. Its bloom filter, three hashes a log, is left to
/// [`finish`], which does it on all cores.
pub(crate) type BareReceipt = EthereumReceipt<TxType>;

/// Turns what a transaction did into its receipt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipts;

impl ReceiptBuilder for Receipts {
    type Transaction = Transaction;
    type Receipt = BareReceipt;

    fn build_receipt<E: Evm>(&self, context: ReceiptBuilderCtx<'_, TxType, E>) -> BareReceipt {
        BareReceipt {
            tx_type: context.tx_type,
            success: context.result.is_success(),
            cumulative_gas_used: context.cumulative_gas_used,
            logs: context.result.into_logs(),
        }
    }
}

/// Receipts with all that the header says about them.
pub(crate) struct Finished {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) root: B256,
    pub(crate) bloom: Bloom,
}

/// Computes blooms and the receipts root. `states` holds the state root after each transaction on a
/// chain from before EIP-658, and is empty on any other.
pub(crate) fn finish(bare: Vec<BareReceipt>, states: &[B256]) -> Finished {
    let (receipts, encoded): (Vec<Receipt>, Vec<Vec<u8>>) = bare
        .into_par_iter()
        .with_min_len(64)
        .enumerate()
        .map(|(index, bare)| {
            let receipt = complete(bare, states.get(index).copied());
            let bytes = receipt.encoded_2718();
            (receipt, bytes)
        })
        .unzip();
    let root = ordered_trie_root_encoded(&encoded);
    let bloom = receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
    Finished { receipts, root, bloom }
}

fn complete(bare: BareReceipt, state: Option<B256>) -> Receipt {
    let status = state.map_or(Eip658Value::Eip658(bare.success), Eip658Value::PostState);
    let cumulative_gas_used = bare.cumulative_gas_used;
    let receipt = Body { status, cumulative_gas_used, logs: bare.logs }.with_bloom();
    match bare.tx_type {
        TxType::Legacy => Receipt::Legacy(receipt),
        TxType::Eip2930 => Receipt::Eip2930(receipt),
        TxType::Eip1559 => Receipt::Eip1559(receipt),
        TxType::Eip4844 => Receipt::Eip4844(receipt),
        TxType::Eip7702 => Receipt::Eip7702(receipt),
    }
}

/// Root of the trie that a block's transactions form.
pub(crate) fn transactions_root(transactions: &[Transaction]) -> B256 {
    let encoded: Vec<Vec<u8>> =
        transactions.par_iter().with_min_len(256).map(Encodable2718::encoded_2718).collect();
    ordered_trie_root_encoded(&encoded)
}
