use super::{Answer, Call, resolve::past, transactions::locate};
use crate::{
    RpcError,
    wire::{BlockId, BlockTag, Object, Reply},
};
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes, TxHash};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use hanse_ledger::{LedgerError, Past, StoredBlock};
use hanse_primitives::Height;
use serde::Serialize;

/// `debug_getBadBlocks`: an invalid block is not kept here.
pub(super) fn bad_blocks(_: &Call<'_>) -> Answer {
    Ok(Reply::raw(b"[]".to_vec()))
}

/// `debug_getRawBlock`
pub(super) fn raw_block(call: &Call<'_>) -> Answer {
    let mut out = Vec::new();
    named(call)?.whole()?.block().block().encode(&mut out);
    Reply::new(&Bytes::from(out))
}

/// `debug_getRawHeader`
pub(super) fn raw_header(call: &Call<'_>) -> Answer {
    let mut out = Vec::new();
    named(call)?.block().header().encode(&mut out);
    Reply::new(&Bytes::from(out))
}

/// `debug_getRawReceipts`
pub(super) fn raw_receipts(call: &Call<'_>) -> Answer {
    let block = named(call)?.whole()?;
    let receipts = block.receipts().iter().map(|receipt| Bytes::from(receipt.encoded_2718()));
    Reply::new(&receipts.collect::<Vec<_>>())
}

/// `debug_getRawTransaction`: of the chain, else of the pool (there with its blobs).
pub(super) fn raw_transaction(call: &Call<'_>) -> Answer {
    let hash: TxHash = call.params.required(0)?;
    let located = locate(call, &hash)?;
    let found = located.as_ref().and_then(|(block, index)| block.transaction(*index));
    let raw = match found {
        Some(found) => {
            let kept = found.kept().map(|(transaction, ..)| transaction.encoded_2718());
            let height =
                located.as_ref().map_or(Height::GENESIS, |(past, _)| past.block().height());
            Some(Bytes::from(kept.ok_or(LedgerError::Pruned(height))?))
        }
        None => call.rpc.pool.get(&hash).map(|admitted| admitted.raw()),
    };
    Reply::new(&raw.unwrap_or_default())
}

/// `debug_traceTransaction`
pub(super) fn trace_transaction(call: &Call<'_>) -> Answer {
    let hash: TxHash = call.params.required(0)?;
    let (block, index) =
        locate(call, &hash)?.ok_or_else(|| RpcError::Server("transaction not found".to_owned()))?;
    let options = options(call)?;
    Reply::new(&call.executor().trace_transaction(block.block().hash(), index, &options)?)
}

/// `debug_traceBlockByHash`
pub(super) fn trace_block_by_hash(call: &Call<'_>) -> Answer {
    let hash: B256 = call.params.required(0)?;
    let options = options(call)?;
    let block = call.rpc.ledger.block(hash)?;
    let block = block.ok_or_else(|| RpcError::Server(format!("block {hash} not found")))?;
    trace_block(call, &block, &options)
}

/// `debug_traceBlockByNumber`
pub(super) fn trace_block_by_number(call: &Call<'_>) -> Answer {
    let tag: BlockTag = call.params.required(0)?;
    let options = options(call)?;
    let missing = || match tag {
        BlockTag::Number(number) => RpcError::Server(format!("block #{number} not found")),
        _ => RpcError::header_not_found(),
    };
    let block = past(call.rpc, BlockId::Tag(tag))?.ok_or_else(missing)?.whole()?;
    trace_block(call, &block, &options)
}

/// `debug_traceCall`
pub(super) fn trace_call(call: &Call<'_>) -> Answer {
    let Object(request) = call.params.required::<Object<TransactionRequest>>(0)?;
    let options = call.params.optional::<Object<GethDebugTracingCallOptions>>(2)?;
    let options = options.map(|Object(options)| options).unwrap_or_default();
    let at = call.known_block(1)?.hash;
    Reply::new(&call.executor().trace_call(at, &request, &options)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    tx_hash: TxHash,
    result: GethTrace,
}

fn trace_block(call: &Call<'_>, block: &StoredBlock, options: &GethDebugTracingOptions) -> Answer {
    let block = block.block();
    let traces = call.executor().trace_block(block.hash(), options)?;
    let each = block.transactions().iter().zip(traces);
    let traced =
        each.map(|(transaction, result)| Traced { tx_hash: *transaction.tx_hash(), result });
    Reply::new(&traced.collect::<Vec<_>>())
}

fn options(call: &Call<'_>) -> Result<GethDebugTracingOptions, RpcError> {
    let options = call.params.optional::<Object<_>>(1)?;
    Ok(options.map(|Object(options)| options).unwrap_or_default())
}

/// The block of the first parameter, which must be there.
fn named(call: &Call<'_>) -> Result<Past, RpcError> {
    past(call.rpc, call.params.required::<BlockId>(0)?)?.ok_or_else(RpcError::header_not_found)
}
