use super::{Answer, Call, LogFilter, log_filter::Blocks};
use crate::{RpcError, json::LogJson, wire::Reply};
use alloy_primitives::B256;
use hanse_ledger::{LedgerError, Past};
use hanse_primitives::Height;
use std::ops::RangeInclusive;

/// `eth_getLogs`
pub(super) fn logs(call: &Call<'_>) -> Answer {
    Reply::new(&search(call, &call.params.required(0)?)?)
}

/// The logs of the blocks that the filter names.
pub(super) fn search(call: &Call<'_>, filter: &LogFilter) -> Result<Vec<LogJson>, RpcError> {
    match filter.blocks {
        Blocks::Hash(hash) => in_block(call, filter, hash),
        Blocks::Range { from, to } => in_range(call, filter, LogFilter::range(call.rpc, from, to)?),
    }
}

fn in_block(call: &Call<'_>, filter: &LogFilter, hash: B256) -> Result<Vec<LogJson>, RpcError> {
    let block = call.rpc.ledger.past(hash)?;
    let block = block.ok_or_else(|| RpcError::Server("unknown block".to_owned()))?;
    let mut found = Vec::new();
    let may_be_gone = filter.may_be_in(&block.block().header().logs_bloom);
    collect(&block, may_be_gone, filter, &mut found)?;
    Ok(found)
}

/// Adds the logs of a block. Of transactions that have been pruned nobody knows what they wrote, so the
/// question has no answer then if the block may have had such logs.
fn collect(
    past: &Past,
    may_be_gone: bool,
    filter: &LogFilter,
    found: &mut Vec<LogJson>,
) -> Result<(), RpcError> {
    if may_be_gone && past.transactions().any(|one| one.kept().is_none() && one.log_count() > 0) {
        return Err(LedgerError::Pruned(past.block().height()).into());
    }
    LogJson::collect(past, false, |log| filter.wants(log), found);
    Ok(())
}

/// The logs of canonical blocks. Blocks whose bloom filter rules them out are not read.
pub(super) fn in_range(
    call: &Call<'_>,
    filter: &LogFilter,
    heights: RangeInclusive<u64>,
) -> Result<Vec<LogJson>, RpcError> {
    let ledger = &call.rpc.ledger;
    let most = call.rpc.limits.logs_max;
    let mut found = Vec::new();
    for height in heights {
        call.cancel.check()?;
        let Some(header) = ledger.header(Height(height))? else { break };
        if !filter.may_be_in(&header.logs_bloom) {
            continue;
        }
        let Some(block) = ledger.past(header.hash_slow())? else { break };
        collect(&block, true, filter, &mut found)?;
        if found.len() > most {
            return Err(RpcError::LimitExceeded(format!(
                "query returned more than {most} results; ask for blocks up to {} first",
                height.saturating_sub(1)
            )));
        }
    }
    Ok(found)
}
