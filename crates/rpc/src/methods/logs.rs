use super::{Answer, Call, LogFilter, log_filter::Blocks};
use crate::{RpcError, json::LogJson, wire::Reply};
use alloy_primitives::B256;
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
    let block = call.rpc.ledger.block(hash)?;
    let block = block.ok_or_else(|| RpcError::Server("unknown block".to_owned()))?;
    let mut found = Vec::new();
    LogJson::collect(&block, false, |log| filter.wants(log), &mut found);
    Ok(found)
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
        let Some(block) = ledger.block_at(Height(height))? else { break };
        LogJson::collect(&block, false, |log| filter.wants(log), &mut found);
        if found.len() > most {
            return Err(RpcError::LimitExceeded(format!(
                "query returned more than {most} results; ask for blocks up to {} first",
                height.saturating_sub(1)
            )));
        }
    }
    Ok(found)
}
