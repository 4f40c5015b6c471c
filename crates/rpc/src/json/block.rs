use super::{Emitter, Hex, LogJson, TransactionJson, hex};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256};
use alloy_rlp::Encodable;
use hanse_execution::{SimulatedBlock, SimulatedFailure};
use hanse_ledger::Remains;
use hanse_primitives::{Header, SealedBlock};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// A block header, as `newHeads` tells it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeaderJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    base_fee_per_gas: Option<Hex<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<Hex<u64>>,
    difficulty: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    excess_blob_gas: Option<Hex<u64>>,
    extra_data: Bytes,
    gas_limit: Hex<u64>,
    gas_used: Hex<u64>,
    hash: Option<B256>,
    logs_bloom: Bloom,
    miner: Option<Address>,
    mix_hash: B256,
    nonce: Option<B64>,
    number: Hex<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_beacon_block_root: Option<B256>,
    parent_hash: B256,
    receipts_root: B256,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_hash: Option<B256>,
    #[serde(rename = "sha3Uncles")]
    sha3_uncles: B256,
    state_root: B256,
    timestamp: Hex<u64>,
    transactions_root: B256,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals_root: Option<B256>,
}

/// A block with its transactions, in full or by hash.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockJson {
    #[serde(flatten)]
    header: HeaderJson,
    size: Hex<u64>,
    transactions: Transactions,
    uncles: Vec<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals: Option<Vec<Withdrawal>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Transactions {
    Full(Vec<TransactionJson>),
    Hashes(Vec<B256>),
}

/// A block of `eth_simulateV1`: a block, and what each call did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SimulatedBlockJson {
    #[serde(flatten)]
    block: BlockJson,
    calls: Vec<SimulatedCallJson>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SimulatedCallJson {
    return_data: Bytes,
    logs: Vec<LogJson>,
    gas_used: Hex<u64>,
    max_used_gas: Hex<u64>,
    status: Hex<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureJson>,
}

#[derive(Clone, Debug)]
struct FailureJson(SimulatedFailure);

impl HeaderJson {
    pub(crate) fn new(header: &Header, hash: B256) -> Self {
        Self {
            base_fee_per_gas: header.base_fee_per_gas.map(Hex),
            blob_gas_used: header.blob_gas_used.map(Hex),
            difficulty: header.difficulty,
            excess_blob_gas: header.excess_blob_gas.map(Hex),
            extra_data: header.extra_data.clone(),
            gas_limit: Hex(header.gas_limit),
            gas_used: Hex(header.gas_used),
            hash: Some(hash),
            logs_bloom: header.logs_bloom,
            miner: Some(header.beneficiary),
            mix_hash: header.mix_hash,
            nonce: Some(header.nonce),
            number: Hex(header.number),
            parent_beacon_block_root: header.parent_beacon_block_root,
            parent_hash: header.parent_hash,
            receipts_root: header.receipts_root,
            requests_hash: header.requests_hash,
            sha3_uncles: header.ommers_hash,
            state_root: header.state_root,
            timestamp: Hex(header.timestamp),
            transactions_root: header.transactions_root,
            withdrawals_root: header.withdrawals_root,
        }
    }
}

impl BlockJson {
    pub(crate) fn new(sealed: &SealedBlock, senders: &[Address], full: bool) -> Self {
        let block = sealed.block();
        let transactions = if full {
            Transactions::Full(TransactionJson::of_block(sealed, senders))
        } else {
            Transactions::Hashes(sealed.transactions().iter().map(|tx| *tx.tx_hash()).collect())
        };
        Self {
            header: HeaderJson::new(sealed.header(), sealed.hash()),
            size: hex(block.length()),
            transactions,
            uncles: block.body.ommers.iter().map(Header::hash_slow).collect(),
            withdrawals: block.body.withdrawals.clone().map(|list| list.into_inner()),
        }
    }

    /// What is left of a block that has been pruned, which has its transactions' hashes.
    pub(crate) fn left(remains: &Remains) -> Self {
        let mut left = Self::new(remains.block(), &[], false);
        left.size = Hex(remains.block_bytes());
        left.transactions =
            Transactions::Hashes(remains.transactions().map(|one| one.hash()).collect());
        left
    }

    /// As a block that nobody has sealed: what the seal would say is null.
    pub(crate) fn unsealed(mut self) -> Self {
        self.header.hash = None;
        self.header.miner = None;
        self.header.nonce = None;
        self
    }

    /// An ommer looks like a block without a body.
    pub(crate) fn ommer(header: &Header) -> Self {
        let block = hanse_primitives::Block::uncle(header.clone());
        Self::new(&SealedBlock::new(block), &[], false)
    }
}

impl SimulatedBlockJson {
    pub(crate) fn new(simulated: &SimulatedBlock, full: bool) -> Self {
        let sealed = &simulated.block;
        let block = BlockJson::new(sealed, &simulated.senders, full);
        let mut log_index = 0_u64;
        let each = sealed.transactions().iter().zip(&simulated.calls);
        let calls = (0..)
            .zip(each)
            .map(|(index, (transaction, call))| SimulatedCallJson {
                return_data: call.return_data.clone(),
                logs: call
                    .logs
                    .iter()
                    .map(|log| {
                        let emitter = Emitter { block: sealed, transaction, index };
                        log_index += 1;
                        LogJson::new(log, emitter, log_index - 1, false)
                    })
                    .collect(),
                gas_used: Hex(call.gas_used),
                max_used_gas: Hex(call.gas_used_max),
                status: Hex(u8::from(call.failure.is_none())),
                error: call.failure.clone().map(FailureJson),
            })
            .collect();
        Self { block, calls }
    }
}

impl Serialize for FailureJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.0.message)?;
        map.serialize_entry("code", &self.0.code)?;
        if let Some(data) = &self.0.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}
