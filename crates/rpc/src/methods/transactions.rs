use super::{
    Answer, Call,
    blocks::{index, named_by_hash, named_by_number},
};
use crate::{
    RpcError,
    json::{Place, ReceiptContext, ReceiptJson, TransactionJson},
    wire::Reply,
};
use alloy_primitives::TxHash;
use hanse_ledger::{LedgerError, Past};

/// `eth_getTransactionByHash`: of the chain, else of the pool.
pub(super) fn by_hash(call: &Call<'_>) -> Answer {
    let hash: TxHash = call.params.required(0)?;
    if let Some((block, index)) = locate(call, &hash)? {
        return Reply::new(&at(&block, index)?);
    }
    let waiting = call.rpc.pool.get(&hash);
    Reply::new(&waiting.map(|tx| TransactionJson::new(tx.transaction(), tx.sender(), None)))
}

/// `eth_getTransactionByBlockHashAndIndex`
pub(super) fn by_block_hash_and_index(call: &Call<'_>) -> Answer {
    let index = index(call)?;
    Reply::new(&named_by_hash(call)?.map_or(Ok(None), |block| at(&block, index))?)
}

/// `eth_getTransactionByBlockNumberAndIndex`
pub(super) fn by_block_number_and_index(call: &Call<'_>) -> Answer {
    let index = index(call)?;
    Reply::new(&named_by_number(call)?.map_or(Ok(None), |block| at(&block, index))?)
}

/// `eth_getTransactionReceipt`
pub(super) fn receipt(call: &Call<'_>) -> Answer {
    Reply::new(&receipt_of(call, &call.params.required(0)?)?)
}

/// The receipt of a transaction of the chain.
pub(super) fn receipt_of(call: &Call<'_>, hash: &TxHash) -> Result<Option<ReceiptJson>, RpcError> {
    let Some((block, index)) = locate(call, hash)? else { return Ok(None) };
    ReceiptContext::new(&block, &call.rpc.spec).receipt(index)
}

/// The block that holds a transaction, and its position there.
pub(super) fn locate(call: &Call<'_>, hash: &TxHash) -> Result<Option<(Past, usize)>, RpcError> {
    let Some(place) = call.rpc.ledger.transaction(hash)? else { return Ok(None) };
    let block = call.rpc.ledger.past(place.block.hash)?;
    Ok(block.map(|block| (block, place.index)))
}

fn at(past: &Past, index: usize) -> Result<Option<TransactionJson>, RpcError> {
    let Some(found) = past.transaction(index) else { return Ok(None) };
    let block = past.block();
    let (transaction, from, _) = found.kept().ok_or(LedgerError::Pruned(block.height()))?;
    let index = u64::try_from(index).expect("a position in a block fits in 64 bits");
    let place = Place { block_hash: block.hash(), header: block.header(), index };
    Ok(Some(TransactionJson::new(transaction, from, Some(place))))
}
