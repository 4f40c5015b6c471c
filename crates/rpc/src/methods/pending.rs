//! The block that would come next if it were sealed now.

use crate::{Context, Rpc, RpcError};
use alloy_primitives::Address;
use hanse_execution::BuildLimits;
use hanse_primitives::{Attributes, BlockHash, SealedBlock};
use parking_lot::Mutex;

/// Transactions that the pending block shows. It is rebuilt at most once a second, but by anybody.
const TRANSACTIONS_MAX: usize = 1_000;

/// The pending block as it was last built. The lock is held while it is built, so that a crowd of
/// askers costs one build.
#[derive(Debug, Default)]
pub(crate) struct PendingCache(Mutex<Option<(BlockHash, u64, Pending)>>);

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
    let head = rpc.ledger.head().hash;
    let now = (rpc.clock)();
    let mut cache = rpc.pending().0.lock();
    if let Some((.., pending)) = cache.as_ref().filter(|(on, at, _)| *on == head && *at == now) {
        return Ok(pending.clone());
    }
    let attributes = attributes(rpc, head, now)?;
    let rules = rpc.pool.rules();
    let blob_fee = rules.blobs.as_ref().map_or(0, |blobs| blobs.fee);
    let best = rpc.pool.best(rules.base_fee, blob_fee);
    let limits = BuildLimits { transactions_max: TRANSACTIONS_MAX, ..BuildLimits::default() };
    let built = rpc
        .executor
        .build(head, &attributes, best.map(|admitted| admitted.recovered().clone()), &limits)
        .map_err(|error| RpcError::internal("the pending block cannot be built", &error))?;
    let pending = Pending {
        block: built.executed.block().clone(),
        senders: built.executed.senders().to_vec(),
    };
    *cache = Some((head, now, pending.clone()));
    Ok(pending)
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
