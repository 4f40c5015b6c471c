use super::{
    Answer, Call, LogFilter,
    log_filter::Blocks,
    logs::{in_range, search},
};
use crate::{
    RpcError,
    filters::Poll,
    json::{Hex, LogJson, TransactionJson},
    wire::{BlockTag, Reply},
};
use alloy_primitives::TxHash;
use hanse_ledger::StoredBlock;
use hanse_primitives::BlockRef;

/// `eth_newFilter`
pub(super) fn new_logs(call: &Call<'_>) -> Answer {
    let filter: LogFilter = call.params.required(0)?;
    Reply::new(&Hex(call.rpc.filters().add_logs(filter, call.rpc.ledger.head())?))
}

/// `eth_newBlockFilter`
pub(super) fn new_blocks(call: &Call<'_>) -> Answer {
    Reply::new(&Hex(call.rpc.filters().add_blocks(call.rpc.ledger.head())?))
}

/// `eth_newPendingTransactionFilter`
pub(super) fn new_pending(call: &Call<'_>) -> Answer {
    let full = call.params.optional(0)?.unwrap_or(false);
    Reply::new(&Hex(call.rpc.filters().add_pending(call.rpc.events.pending(), full)?))
}

/// `eth_uninstallFilter`
pub(super) fn uninstall(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.filters().remove(call.params.required(0)?))
}

/// `eth_getFilterLogs`
pub(super) fn logs(call: &Call<'_>) -> Answer {
    let filter = call.rpc.filters().logs(call.params.required(0)?).ok_or_else(not_found)?;
    Reply::new(&search(call, &filter)?)
}

/// `eth_getFilterChanges`
pub(super) fn changes(call: &Call<'_>) -> Answer {
    let head = call.rpc.ledger.head();
    match call.rpc.filters().poll(call.params.required(0)?, head).ok_or_else(not_found)? {
        Poll::Pending { hashes, full: false } => Reply::new(&hashes),
        Poll::Pending { hashes, full: true } => Reply::new(&in_full(call, &hashes)),
        Poll::Blocks { since } => {
            let (_, from) = left(call, since)?;
            let mut hashes = Vec::new();
            for height in from..=head.height.0 {
                call.cancel.check()?;
                hashes.extend(call.rpc.ledger.hash(hanse_primitives::Height(height))?);
            }
            Reply::new(&hashes)
        }
        Poll::Logs { wanted, since } => Reply::new(&log_changes(call, &wanted, since, head)?),
    }
}

/// Logs of blocks that left the chain since, then of those that joined it.
fn log_changes(
    call: &Call<'_>,
    wanted: &LogFilter,
    since: BlockRef,
    head: BlockRef,
) -> Result<Vec<LogJson>, RpcError> {
    let (reverted, from) = left(call, since)?;
    let mut found = Vec::new();
    for block in &reverted {
        LogJson::collect(&block.clone().into(), true, |log| wanted.wants(log), &mut found);
    }
    let Blocks::Range { from: first, to: last } = wanted.blocks else { return Ok(found) };
    let bound = |tag: Option<BlockTag>| match tag {
        Some(BlockTag::Number(number)) => Some(number),
        _ => None,
    };
    let from = from.max(bound(first).unwrap_or(0));
    let to = head.height.0.min(bound(last).unwrap_or(u64::MAX));
    if from <= to {
        found.extend(in_range(call, wanted, from..=to)?);
    }
    Ok(found)
}

/// The blocks from `since` back to the chain, newest first, and the height from which on the chain
/// is new.
fn left(call: &Call<'_>, since: BlockRef) -> Result<(Vec<StoredBlock>, u64), RpcError> {
    let ledger = &call.rpc.ledger;
    let mut reverted = Vec::new();
    let mut at = since;
    while !ledger.is_canonical(at)? {
        call.cancel.check()?;
        // A branch that was dropped for good is told of no more.
        let Some(block) = ledger.block(at.hash)? else { break };
        let parent = block.block().header().parent_hash;
        reverted.push(block);
        let Some(height) = at.height.previous() else { break };
        at = BlockRef { height, hash: parent };
    }
    let from = at.height.0.saturating_add(1);
    let head = ledger.head().height.0;
    let most = call.rpc.limits.log_blocks_max;
    if head.saturating_sub(at.height.0) > most {
        return Err(RpcError::LimitExceeded(format!(
            "the filter was not polled for more than {most} blocks; make a new one"
        )));
    }
    Ok((reverted, from))
}

fn in_full(call: &Call<'_>, hashes: &[TxHash]) -> Vec<TransactionJson> {
    let each = hashes.iter().filter_map(|hash| call.rpc.pool.get(hash));
    each.map(|tx| TransactionJson::new(tx.transaction(), tx.sender(), None)).collect()
}

fn not_found() -> RpcError {
    RpcError::Server("filter not found".to_owned())
}
