use super::{Emitter, Hex, LogJson};
use crate::RpcError;
use alloy_consensus::{Eip658Value, Transaction as _, TxReceipt};
use alloy_primitives::{Address, B256, Bloom, TxHash};
use hanse_ledger::{LedgerError, Past, Remaining};
use hanse_primitives::{ChainSpec, Receipt, Transaction};
use serde::Serialize;

/// A receipt with its place in the chain.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_price: Option<Hex<u128>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<Hex<u64>>,
    block_hash: B256,
    block_number: Hex<u64>,
    contract_address: Option<Address>,
    cumulative_gas_used: Hex<u64>,
    effective_gas_price: Hex<u128>,
    from: Address,
    gas_used: Hex<u64>,
    logs: Vec<LogJson>,
    logs_bloom: Bloom,
    /// State root after the transaction, before Byzantium.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Hex<u8>>,
    to: Option<Address>,
    transaction_hash: TxHash,
    transaction_index: Hex<u64>,
    #[serde(rename = "type")]
    kind: Hex<u8>,
}

/// The block that receipts belong to, with what all of them share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiptContext<'a> {
    block: &'a Past,
    blob_gas_price: Option<u128>,
}

/// What the transactions before one have used up.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    gas: u64,
    logs: u64,
}

impl<'a> ReceiptContext<'a> {
    pub(crate) fn new(block: &'a Past, spec: &ChainSpec) -> Self {
        let header = block.block().header();
        let blob_gas_price = spec
            .blob_params_at(header.timestamp)
            .and_then(|params| Some(params.calc_blob_fee(header.excess_blob_gas?)));
        Self { block, blob_gas_price }
    }

    /// The receipt of the transaction at `index`, if there is one.
    pub(crate) fn receipt(&self, index: usize) -> Result<Option<ReceiptJson>, RpcError> {
        let mut before = Before::default();
        for (at, one) in self.block.transactions().enumerate().take(index.saturating_add(1)) {
            if at == index {
                return self.each(at, one, before).map(Some);
            }
            before.add(&one);
        }
        Ok(None)
    }

    fn each(
        &self,
        index: usize,
        one: Remaining<'_>,
        before: Before,
    ) -> Result<ReceiptJson, RpcError> {
        let pruned = LedgerError::Pruned(self.block.block().height());
        let (transaction, from, receipt) = one.kept().ok_or(pruned)?;
        let index = u64::try_from(index).expect("a position in a block fits in 64 bits");
        Ok(self.build(index, transaction, from, receipt, before))
    }

    fn build(
        &self,
        index: u64,
        transaction: &Transaction,
        from: Address,
        receipt: &Receipt,
        before: Before,
    ) -> ReceiptJson {
        let block = self.block.block();
        let header = block.header();
        let cumulative = receipt.cumulative_gas_used();
        let emitter = Emitter { block, transaction, index };
        let logs = (before.logs..)
            .zip(receipt.logs())
            .map(|(log_index, log)| LogJson::new(log, emitter, log_index, false));
        let (status, root) = match receipt.status_or_post_state() {
            Eip658Value::Eip658(success) => (Some(Hex(u8::from(success))), None),
            Eip658Value::PostState(root) => (None, Some(root)),
        };
        ReceiptJson {
            blob_gas_price: transaction.blob_gas_used().and(self.blob_gas_price).map(Hex),
            blob_gas_used: transaction.blob_gas_used().map(Hex),
            block_hash: block.hash(),
            block_number: Hex(header.number),
            contract_address: transaction
                .kind()
                .is_create()
                .then(|| from.create(transaction.nonce())),
            cumulative_gas_used: Hex(cumulative),
            effective_gas_price: Hex(transaction.effective_gas_price(header.base_fee_per_gas)),
            from,
            gas_used: Hex(cumulative.saturating_sub(before.gas)),
            logs: logs.collect(),
            logs_bloom: *receipt.logs_bloom(),
            root,
            status,
            to: transaction.to(),
            transaction_hash: *transaction.tx_hash(),
            transaction_index: Hex(index),
            kind: Hex(u8::from(transaction.tx_type())),
        }
    }
}

/// All receipts of a block.
pub(crate) fn block_receipts(block: &Past, spec: &ChainSpec) -> Result<Vec<ReceiptJson>, RpcError> {
    let context = ReceiptContext::new(block, spec);
    let mut before = Before::default();
    let each = block.transactions().enumerate().map(|(index, one)| {
        let json = context.each(index, one, before)?;
        before.add(&one);
        Ok(json)
    });
    each.collect()
}

impl Before {
    fn add(&mut self, one: &Remaining<'_>) {
        self.gas = one.cumulative_gas_used();
        self.logs += one.log_count();
    }
}
