use super::Hex;
use alloy_primitives::{Address, B256, Bytes, Log, TxHash};
use hanse_ledger::Past;
use hanse_primitives::{SealedBlock, Transaction};
use serde::Serialize;

/// A log with its place in the chain.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogJson {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    pub(crate) block_number: Hex<u64>,
    pub(crate) transaction_hash: TxHash,
    pub(crate) transaction_index: Hex<u64>,
    pub(crate) block_hash: B256,
    pub(crate) block_timestamp: Hex<u64>,
    pub(crate) log_index: Hex<u64>,
    pub(crate) removed: bool,
}

/// The transaction that a log belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emitter<'a> {
    pub(crate) block: &'a SealedBlock,
    pub(crate) transaction: &'a Transaction,
    pub(crate) index: u64,
}

impl LogJson {
    /// `log_index` counts within the block; `removed` says that the block left the chain.
    pub(crate) fn new(log: &Log, emitter: Emitter<'_>, log_index: u64, removed: bool) -> Self {
        let Emitter { block, transaction, index } = emitter;
        Self {
            address: log.address,
            topics: log.topics().to_vec(),
            data: log.data.data.clone(),
            block_number: Hex(block.height().0),
            transaction_hash: *transaction.tx_hash(),
            transaction_index: Hex(index),
            block_hash: block.hash(),
            block_timestamp: Hex(block.header().timestamp),
            log_index: Hex(log_index),
            removed,
        }
    }

    /// Adds the logs that are kept of a block and that `wanted` accepts, in order.
    pub(crate) fn collect(
        past: &Past,
        removed: bool,
        wanted: impl Fn(&Log) -> bool,
        found: &mut Vec<Self>,
    ) {
        let block = past.block();
        let mut log_index = 0;
        for (index, one) in (0..).zip(past.transactions()) {
            let Some((transaction, _, receipt)) = one.kept() else {
                log_index += one.log_count();
                continue;
            };
            for log in receipt.logs() {
                if wanted(log) {
                    let emitter = Emitter { block, transaction, index };
                    found.push(Self::new(log, emitter, log_index, removed));
                }
                log_index += 1;
            }
        }
    }
}
