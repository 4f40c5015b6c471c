use super::{Answer, Call, resolve::by_tag};
use crate::{
    Rpc, RpcError,
    json::Hex,
    limits::{FEE_HISTORY_BLOCKS_MAX, PERCENTILES_MAX, TIP_SAMPLE_MAX},
    wire::{BlockTag, FromJson, Object, Reply, string},
};
use alloy_consensus::Transaction as _;
use hanse_ledger::StoredBlock;
use hanse_primitives::{BaseFee, BlockHash, ChainSpec, Header, Height};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Blocks that a suggestion looks back on, and transactions of each that it takes.
const SAMPLE_BLOCKS: u64 = 20;
const SAMPLE_TRANSACTIONS: usize = 3;
const SAMPLE_PERCENTILE: usize = 60;

/// What a transaction is told to offer while nobody has offered anything: wei per gas.
const TIP_DEFAULT: u128 = 1_000_000_000;

/// The priority fee that was suggested last, with the head it holds for.
#[derive(Debug, Default)]
pub(crate) struct TipCache(Mutex<Option<(BlockHash, u128)>>);

/// `eth_baseFee`: of the next block.
pub(super) fn base_fee(call: &Call<'_>) -> Answer {
    let header = head(call.rpc)?;
    Reply::new(&call.rpc.spec.next_base_fee(&header).map(Hex))
}

/// `eth_blobBaseFee`: of the next block.
pub(super) fn blob_base_fee(call: &Call<'_>) -> Answer {
    let header = head(call.rpc)?;
    Reply::new(&next_blob_fee(&call.rpc.spec, &header).map(Hex))
}

/// `eth_maxPriorityFeePerGas`
pub(super) fn max_priority_fee(call: &Call<'_>) -> Answer {
    Reply::new(&Hex(suggested_tip(call.rpc)?))
}

/// `eth_gasPrice`: the suggested priority fee on top of the next block's base fee.
pub(super) fn gas_price(call: &Call<'_>) -> Answer {
    let header = head(call.rpc)?;
    let base_fee = u128::from(call.rpc.spec.next_base_fee(&header).unwrap_or(0));
    Reply::new(&Hex(base_fee.saturating_add(suggested_tip(call.rpc)?)))
}

/// `eth_feeHistory`
pub(super) fn fee_history(call: &Call<'_>) -> Answer {
    let count = call.params.required::<Count>(0)?.0.min(FEE_HISTORY_BLOCKS_MAX);
    let newest: BlockTag = call.params.required(1)?;
    let percentiles = percentiles(call)?;
    let newest = by_tag(call.rpc, newest)?
        .ok_or_else(|| RpcError::Server("request beyond head block".to_owned()))?
        .height;
    let count = count.min(newest.0.saturating_add(1));
    let oldest = newest.0.saturating_add(1).saturating_sub(count);
    let mut history = FeeHistory { oldest_block: Hex(oldest), ..FeeHistory::default() };
    let mut last = None;
    for height in oldest..oldest.saturating_add(count) {
        call.cancel.check()?;
        let header = call.rpc.ledger.header(Height(height))?;
        let header = header.ok_or_else(RpcError::header_not_found)?;
        history.add(&call.rpc.spec, &header);
        if let Some(percentiles) = &percentiles {
            // Only now the whole block is read.
            let block = call.rpc.ledger.block_at(Height(height))?;
            let block = block.ok_or_else(RpcError::header_not_found)?;
            history.reward.push(rewards(&block, percentiles));
        }
        last = Some(header);
    }
    if let Some(last) = last {
        let next = call.rpc.spec.next_base_fee(&last).unwrap_or(0);
        history.base_fee_per_gas.push(Hex(next));
        let next = next_blob_fee(&call.rpc.spec, &last).unwrap_or(0);
        history.base_fee_per_blob_gas.push(Hex(next));
    }
    Reply::new(&history)
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    oldest_block: Hex<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reward: Vec<Vec<Hex<u128>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    base_fee_per_gas: Vec<Hex<u64>>,
    gas_used_ratio: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    base_fee_per_blob_gas: Vec<Hex<u128>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blob_gas_used_ratio: Vec<f64>,
}

impl FeeHistory {
    fn add(&mut self, spec: &ChainSpec, header: &Header) {
        self.base_fee_per_gas.push(Hex(header.base_fee_per_gas.unwrap_or(0)));
        self.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
        let blobs = spec.blob_params_at(header.timestamp);
        let fee = blobs.and_then(|params| Some(params.calc_blob_fee(header.excess_blob_gas?)));
        self.base_fee_per_blob_gas.push(Hex(fee.unwrap_or(0)));
        let most = blobs.map_or(0, |params| params.max_blob_gas_per_block());
        self.blob_gas_used_ratio.push(ratio(header.blob_gas_used.unwrap_or(0), most));
    }
}

/// The tips of a block's transactions at each percentile of its gas.
fn rewards(block: &StoredBlock, percentiles: &[f64]) -> Vec<Hex<u128>> {
    let base_fee = block.block().header().base_fee_per_gas;
    let mut before = 0;
    let each = block.block().transactions().iter().zip(block.receipts());
    let mut tips: Vec<(u128, u64)> = each
        .map(|(transaction, receipt)| {
            let gas = receipt.cumulative_gas_used().saturating_sub(before);
            before = receipt.cumulative_gas_used();
            (transaction.effective_tip_per_gas(base_fee.unwrap_or(0)).unwrap_or(0), gas)
        })
        .collect();
    tips.sort_unstable();
    let mut at = 0;
    let mut gas = tips.first().map_or(0, |(_, gas)| *gas);
    let mut reward = Vec::with_capacity(percentiles.len());
    for percentile in percentiles {
        let wanted = share(block.block().header().gas_used, *percentile);
        while gas < wanted && at + 1 < tips.len() {
            at += 1;
            gas = gas.saturating_add(tips[at].1);
        }
        reward.push(Hex(tips.get(at).map_or(0, |(tip, _)| *tip)));
    }
    reward
}

/// The list of percentiles, which must ascend from 0 to 100.
fn percentiles(call: &Call<'_>) -> Result<Option<Vec<f64>>, RpcError> {
    let Some(Object(list)) = call.params.optional::<Object<Vec<f64>>>(2)? else { return Ok(None) };
    if list.len() > PERCENTILES_MAX {
        let why = format!("over the query limit {PERCENTILES_MAX}");
        return Err(RpcError::Server(format!("invalid reward percentile: {why}")));
    }
    if let Some(wrong) = list.iter().find(|p| !(0.0..=100.0).contains(*p)) {
        return Err(RpcError::Server(format!("invalid reward percentile: {wrong}")));
    }
    if let Some(pair) = list.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(RpcError::Server(format!(
            "invalid reward percentile: {} comes after {}",
            pair[1], pair[0]
        )));
    }
    Ok((!list.is_empty()).then_some(list))
}

/// What to offer on top of the base fee: a percentile of the cheapest tips of late blocks.
pub(super) fn suggested_tip(rpc: &Rpc) -> Result<u128, RpcError> {
    let head = rpc.ledger.head();
    // Held while we look, so that a crowd of askers at a new head costs one look.
    let mut cache = rpc.tip().0.lock();
    if let Some((_, tip)) = cache.filter(|(at, _)| *at == head.hash) {
        return Ok(tip);
    }
    let oldest = head.height.0.saturating_add(1).saturating_sub(SAMPLE_BLOCKS);
    let mut sample = Vec::new();
    for height in oldest..=head.height.0 {
        let Some(block) = rpc.ledger.block_at(Height(height))? else { continue };
        let base_fee = block.block().header().base_fee_per_gas.unwrap_or(0);
        let tips = block.block().transactions().iter().take(TIP_SAMPLE_MAX);
        let mut tips: Vec<u128> =
            tips.filter_map(|transaction| transaction.effective_tip_per_gas(base_fee)).collect();
        tips.sort_unstable();
        sample.extend(tips.into_iter().take(SAMPLE_TRANSACTIONS));
    }
    sample.sort_unstable();
    let at = sample.len().saturating_sub(1) * SAMPLE_PERCENTILE / 100;
    let tip = sample.get(at).copied().unwrap_or_else(|| tip_default(&rpc.spec));
    *cache = Some((head.hash, tip));
    Ok(tip)
}

/// Where gas is free nobody should be told to pay for it.
fn tip_default(spec: &ChainSpec) -> u128 {
    match spec.hanse().map(|settings| settings.base_fee) {
        Some(BaseFee::Fixed(0)) => 0,
        _ => TIP_DEFAULT,
    }
}

fn next_blob_fee(spec: &ChainSpec, parent: &Header) -> Option<u128> {
    parent.next_block_blob_fee(spec.blob_params_at(parent.timestamp)?)
}

pub(super) fn head(rpc: &Rpc) -> Result<Header, RpcError> {
    let head = rpc.ledger.block(rpc.ledger.head().hash)?;
    head.map(|block| block.block().header().clone()).ok_or_else(RpcError::header_not_found)
}

/// A count of blocks: a quantity, or a plain number as some tools send it.
struct Count(u64);

impl<'a> FromJson<'a> for Count {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        if let Ok(number) = serde_json::from_str(raw.get()) {
            return Ok(Self(number));
        }
        let text = string(raw)?;
        match text.parse() {
            Ok(number) => Ok(Self(number)),
            Err(_) => u64::from_json(raw).map(Self),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of gas for a chart, not for a decision")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a block's gas by a percentile between 0 and 100, for a chart"
)]
fn share(gas: u64, percentile: f64) -> u64 {
    (gas as f64 * percentile / 100.0) as u64
}
