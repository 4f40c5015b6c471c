use super::{
    Answer, Call,
    pending::{self, Pending},
    resolve::past,
};
use crate::{
    RpcError,
    json::{BlockJson, block_receipts, hex},
    wire::{BlockId, BlockTag, Reply},
};
use alloy_primitives::B256;
use hanse_ledger::{LedgerError, Past};

const PENDING: BlockTag = BlockTag::Pending;

/// `eth_getBlockByHash`
pub(super) fn by_hash(call: &Call<'_>) -> Answer {
    let full = call.params.optional(1)?.unwrap_or(false);
    block(named_by_hash(call)?, full)
}

/// `eth_getBlockByNumber`; the pending block is built on the head.
pub(super) fn by_number(call: &Call<'_>) -> Answer {
    let full = call.params.optional(1)?.unwrap_or(false);
    if call.params.required::<BlockTag>(0)? == PENDING {
        let Pending { block, senders } = pending::block(call.rpc)?;
        return Reply::new(&BlockJson::new(&block, &senders, full).unsealed());
    }
    block(named_by_number(call)?, full)
}

/// Of a block that has been pruned all is left but the transactions themselves.
fn block(found: Option<Past>, full: bool) -> Answer {
    let json = |past: Past| match past {
        Past::Pruned(remains) if !full => Ok(BlockJson::left(&remains)),
        past => {
            let whole = past.whole()?;
            Ok(BlockJson::new(whole.block(), whole.senders(), full))
        }
    };
    Reply::new(&found.map(json).transpose().map_err(|error: LedgerError| RpcError::from(error))?)
}

/// `eth_getBlockReceipts`
pub(super) fn receipts(call: &Call<'_>) -> Answer {
    let found = past(call.rpc, call.params.required::<BlockId>(0)?)?;
    let found = found.map(|found| block_receipts(&found, &call.rpc.spec));
    Reply::new(&found.transpose()?)
}

/// `eth_getBlockTransactionCountByHash`
pub(super) fn transaction_count_by_hash(call: &Call<'_>) -> Answer {
    transaction_count(named_by_hash(call)?)
}

/// `eth_getBlockTransactionCountByNumber`
pub(super) fn transaction_count_by_number(call: &Call<'_>) -> Answer {
    if call.params.required::<BlockTag>(0)? == PENDING {
        let pending = pending::block(call.rpc)?;
        return Reply::new(&hex(pending.block.transactions().len()));
    }
    transaction_count(named_by_number(call)?)
}

fn transaction_count(found: Option<Past>) -> Answer {
    Reply::new(&found.map(|found| hex(found.transactions().count())))
}

/// `eth_getUncleCountByBlockHash`
pub(super) fn uncle_count_by_hash(call: &Call<'_>) -> Answer {
    uncle_count(named_by_hash(call)?)
}

/// `eth_getUncleCountByBlockNumber`
pub(super) fn uncle_count_by_number(call: &Call<'_>) -> Answer {
    uncle_count(named_by_number(call)?)
}

fn uncle_count(found: Option<Past>) -> Answer {
    Reply::new(&found.map(|found| hex(found.block().block().body.ommers.len())))
}

/// `eth_getUncleByBlockHashAndIndex`
pub(super) fn uncle_by_hash(call: &Call<'_>) -> Answer {
    uncle(named_by_hash(call)?, index(call)?)
}

/// `eth_getUncleByBlockNumberAndIndex`
pub(super) fn uncle_by_number(call: &Call<'_>) -> Answer {
    uncle(named_by_number(call)?, index(call)?)
}

fn uncle(found: Option<Past>, index: usize) -> Answer {
    let found = found.as_ref();
    let ommer = found.and_then(|found| found.block().block().body.ommers.get(index));
    Reply::new(&ommer.map(BlockJson::ommer))
}

/// The block of the first parameter, a hash.
pub(super) fn named_by_hash(call: &Call<'_>) -> Result<Option<Past>, RpcError> {
    Ok(call.rpc.ledger.past(call.params.required::<B256>(0)?)?)
}

/// The block of the first parameter, a number or tag.
pub(super) fn named_by_number(call: &Call<'_>) -> Result<Option<Past>, RpcError> {
    past(call.rpc, BlockId::Tag(call.params.required(0)?))
}

/// The position of the second parameter. One beyond memory is beyond any block.
pub(super) fn index(call: &Call<'_>) -> Result<usize, RpcError> {
    Ok(usize::try_from(call.params.required::<u64>(1)?).unwrap_or(usize::MAX))
}
