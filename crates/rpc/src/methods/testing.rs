//! For tests and development only; absent unless the node enables it.

use super::{Answer, Call};
use crate::{
    RpcError,
    json::Hex,
    limits::TESTING_TRANSACTIONS_MAX,
    wire::{Object, Reply},
};
use alloy_eips::{Encodable2718, eip2718::Decodable2718, eip4895::Withdrawal};
use alloy_primitives::{Address, B256, Bloom, Bytes, U256};
use hanse_execution::{BuildLimits, Built, ExecutionError, SkipReason};
use hanse_primitives::{Attributes, RecoveredTransaction, Transaction, recover};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `evm_mine`
pub(super) fn mine(call: &Call<'_>) -> Answer {
    let chain = call.rpc.development.as_ref().ok_or_else(|| absent("evm_mine"))?;
    chain.mine().map_err(RpcError::Server)?;
    Reply::new("0x0")
}

/// `testing_buildBlockV1`: builds a block and forgets it.
pub(super) fn build_block(call: &Call<'_>) -> Answer {
    if !call.rpc.testing {
        return Err(absent("testing_buildBlockV1"));
    }
    let parent: B256 = call.params.required(0)?;
    let Object(given) = call.params.required::<Object<PayloadAttributes>>(1)?;
    let attributes = Attributes {
        timestamp: given.timestamp,
        fee_recipient: given.suggested_fee_recipient,
        prev_randao: given.prev_randao,
        parent_beacon_block_root: given.parent_beacon_block_root,
        withdrawals: given.withdrawals.unwrap_or_default(),
        extra_data: call.params.optional(3)?.unwrap_or_default(),
        gas_limit: call.rpc.gas_limit,
        ..Attributes::default()
    };
    let built = match call.params.optional::<Vec<&RawValue>>(2)? {
        Some(list) => exactly(call, parent, &attributes, list)?,
        None => from_pool(call, parent, &attributes)?,
    };
    Reply::new(&Envelope::new(&built))
}

/// A block with these transactions and no others.
fn exactly(
    call: &Call<'_>,
    parent: B256,
    attributes: &Attributes,
    list: Vec<&RawValue>,
) -> Result<Built, RpcError> {
    if list.len() > TESTING_TRANSACTIONS_MAX {
        return Err(RpcError::argument(2, format!("at most {TESTING_TRANSACTIONS_MAX}")));
    }
    let transactions = call.params.required::<Vec<Bytes>>(2)?;
    let transactions = transactions.iter().map(|raw| decode(raw)).collect::<Result<Vec<_>, _>>()?;
    let limits = BuildLimits::default();
    let built = call.rpc.executor.build(parent, attributes, &transactions, &limits);
    let built = built.map_err(build_error)?;
    let Some((hash, reason)) = built.skipped.first() else { return Ok(built) };
    let culprit = transactions.iter().find(|transaction| transaction.tx_hash() == hash);
    Err(RpcError::Server(match (reason, culprit) {
        (SkipReason::NonceTooHigh { found, expected }, Some(culprit)) => {
            format!("nonce too high: address {}, tx: {found} state: {expected}", culprit.signer())
        }
        _ => reason.to_string(),
    }))
}

fn from_pool(call: &Call<'_>, parent: B256, attributes: &Attributes) -> Result<Built, RpcError> {
    let rules = call.rpc.pool.rules();
    let blob_fee = rules.blobs.as_ref().map_or(0, |blobs| blobs.fee);
    let best = call.rpc.pool.best(rules.base_fee, blob_fee);
    let best = best.map(|admitted| admitted.recovered().clone());
    let built = call.rpc.executor.build(parent, attributes, best, &BuildLimits::default());
    built.map_err(build_error)
}

fn decode(raw: &[u8]) -> Result<RecoveredTransaction, RpcError> {
    let transaction = Transaction::decode_2718_exact(raw)
        .map_err(|error| RpcError::argument(2, format!("invalid transaction: {error}")))?;
    recover(transaction).map_err(|error| RpcError::argument(2, error))
}

fn build_error(error: ExecutionError) -> RpcError {
    match error {
        ExecutionError::UnknownParent(_) => RpcError::Server("unknown parent".to_owned()),
        ExecutionError::Attributes(why) => RpcError::argument(1, why),
        ExecutionError::Store(error) => error.into(),
        error @ (ExecutionError::Invalid { .. }
        | ExecutionError::Interrupted(_)
        | ExecutionError::Internal(_)) => RpcError::internal("the block cannot be built", &error),
    }
}

fn absent(method: &str) -> RpcError {
    RpcError::MethodNotFound(method.to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadAttributes {
    #[serde(with = "alloy_serde::quantity")]
    timestamp: u64,
    prev_randao: B256,
    suggested_fee_recipient: Address,
    withdrawals: Option<Vec<Withdrawal>>,
    parent_beacon_block_root: Option<B256>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    execution_payload: Payload,
    block_value: U256,
    blobs_bundle: Blobs,
    /// What the block asks of the consensus layer, each a type byte and its data (EIP-7685).
    execution_requests: Vec<Bytes>,
    should_override_builder: bool,
}

#[derive(Default, Serialize)]
struct Blobs {
    commitments: [Bytes; 0],
    proofs: [Bytes; 0],
    blobs: [Bytes; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    parent_hash: B256,
    fee_recipient: Address,
    state_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    prev_randao: B256,
    block_number: Hex<u64>,
    gas_limit: Hex<u64>,
    gas_used: Hex<u64>,
    timestamp: Hex<u64>,
    extra_data: Bytes,
    base_fee_per_gas: Hex<u64>,
    block_hash: B256,
    transactions: Vec<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals: Option<Vec<Withdrawal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<Hex<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excess_blob_gas: Option<Hex<u64>>,
}

impl Envelope {
    fn new(built: &Built) -> Self {
        let block = built.executed.block();
        let header = block.header();
        Self {
            execution_payload: Payload {
                parent_hash: header.parent_hash,
                fee_recipient: header.beneficiary,
                state_root: header.state_root,
                receipts_root: header.receipts_root,
                logs_bloom: header.logs_bloom,
                prev_randao: header.mix_hash,
                block_number: Hex(header.number),
                gas_limit: Hex(header.gas_limit),
                gas_used: Hex(header.gas_used),
                timestamp: Hex(header.timestamp),
                extra_data: header.extra_data.clone(),
                base_fee_per_gas: Hex(header.base_fee_per_gas.unwrap_or(0)),
                block_hash: block.hash(),
                transactions: block
                    .transactions()
                    .iter()
                    .map(|transaction| transaction.encoded_2718().into())
                    .collect(),
                withdrawals: block.block().body.withdrawals.clone().map(|list| list.into_inner()),
                blob_gas_used: header.blob_gas_used.map(Hex),
                excess_blob_gas: header.excess_blob_gas.map(Hex),
            },
            block_value: built.fees,
            blobs_bundle: Blobs::default(),
            execution_requests: built.requests.iter().cloned().collect(),
            should_override_builder: false,
        }
    }
}
