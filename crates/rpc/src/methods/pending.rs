//! The block that would come next if it were sealed now.

use crate::{Context, Rpc, RpcError};
use alloy_primitives::Address;
use hanse_execution::BuildLimits;
use hanse_primitives::{Attributes, BlockHash, SealedBlock};
use parking_lot::Mutex;

/// Transactions that the pending block shows. It is rebuilt at most once a second, but by anybody.
const TRANSACTIONS_MAX: usize = 1_000;

/// The pending block as it was last built. Only one thread builds it, so that a crowd of askers
/// costs one build; meanwhile the others get the last one.
#[derive(Debug, Default)]
pub(crate) struct PendingCache {
    last: Mutex<Option<(BlockHash, u64, Pending)>>,
    building: Mutex<()>,
}

/// A block that nobody has sealed.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(super) block: SealedBlock,
    pub(super) senders: Vec<Address>,
}

/// The pending block.
///
/// # Errors
/// When it cannot be built, which is our own fault.
pub(super) fn block(rpc: &Rpc) -> Result<Pending, RpcError> {
    let cache = rpc.pending();
    let head = rpc.ledger.head().hash;
    let now = (rpc.clock)();
    let last = cache.last.lock().clone();
    let fresh = |(on, at, pending): &(BlockHash, u64, Pending)| {
        (*on == head && *at == now).then(|| pending.clone())
    };
    if let Some(pending) = last.as_ref().and_then(fresh) {
        return Ok(pending);
    }
    let _building = match (cache.building.try_lock(), last) {
        (Some(building), _) => building,
        (None, Some((.., stale))) => return Ok(stale),
        (None, None) => cache.building.lock(),
    };
    if let Some(pending) = cache.last.lock().as_ref().and_then(fresh) {
        return Ok(pending); // built while we waited
    }
    let pending = build(rpc, head, now)?;
    *cache.last.lock() = Some((head, now, pending.clone()));
    Ok(pending)
}

fn build(rpc: &Rpc, head: BlockHash, now: u64) -> Result<Pending, RpcError> {
    let attributes = attributes(rpc, head, now)?;
    let rules = rpc.pool.rules();
    let blob_fee = rules.blobs.as_ref().map_or(0, |blobs| blobs.fee);
    let best = rpc.pool.best(rules.base_fee, blob_fee);
    let limits = BuildLimits { transactions_max: TRANSACTIONS_MAX, ..BuildLimits::default() };
    let built = rpc
        .executor
        .build(head, &attributes, best.map(|admitted| admitted.recovered().clone()), &limits)
        .map_err(|error| RpcError::internal("the pending block cannot be built", &error))?;
    let executed = &built.executed;
    Ok(Pending { block: executed.block().clone(), senders: executed.senders().to_vec() })
}

fn attributes(context: &Context, head: BlockHash, now: u64) -> Result<Attributes, RpcError> {
    use alloy_hardforks::EthereumHardforks;
    let stored = context.ledger.block(head)?.ok_or_else(RpcError::header_not_found)?;
    let parent = stored.block().header();
    let timestamp = now.max(parent.timestamp.saturating_add(1));
    Ok(Attributes {
        timestamp,
        fee_recipient: context.fee_recipient.unwrap_or_default(),
        parent_beacon_block_root: context
            .spec
            .is_cancun_active_at_timestamp(timestamp)
            .then(Default::default),
        gas_limit: context.gas_limit,
        ..Attributes::default()
    })
}
