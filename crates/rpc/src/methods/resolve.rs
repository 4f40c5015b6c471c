//! From the names that requests give blocks to the blocks themselves.

use super::Call;
use crate::{
    Context, RpcError,
    wire::{BlockId, BlockTag},
};
use hanse_ledger::{Past, StateView};
use hanse_primitives::{BlockRef, Height};

impl Call<'_> {
    /// The block that parameter `at` names; the head when it names none. `None` when there is no
    /// such block. The pending block is taken for the head.
    pub(super) fn block_ref(&self, at: usize) -> Result<Option<BlockRef>, RpcError> {
        reference(self.rpc, self.params.optional::<BlockId>(at)?.unwrap_or_default())
    }

    /// As [`Call::block_ref`], and it must be there.
    pub(super) fn known_block(&self, at: usize) -> Result<BlockRef, RpcError> {
        self.block_ref(at)?.ok_or_else(RpcError::header_not_found)
    }

    /// The state after the block that parameter `at` names.
    pub(super) fn state(&self, at: usize) -> Result<StateView, RpcError> {
        Ok(self.rpc.ledger.state(self.known_block(at)?.hash)?)
    }
}

/// The block that `id` names, or `None`.
///
/// # Errors
/// When the block must be on the chain and is not, or the ledger failed.
pub(super) fn reference(context: &Context, id: BlockId) -> Result<Option<BlockRef>, RpcError> {
    match id {
        BlockId::Tag(tag) => by_tag(context, tag),
        BlockId::Hash { hash, require_canonical } => {
            let Some(found) = context.ledger.reference(hash)? else { return Ok(None) };
            if require_canonical && !context.ledger.is_canonical(found)? {
                return Err(RpcError::Server("hash is not currently canonical".to_owned()));
            }
            Ok(Some(found))
        }
    }
}

pub(super) fn by_tag(context: &Context, tag: BlockTag) -> Result<Option<BlockRef>, RpcError> {
    let ledger = &context.ledger;
    let height = match tag {
        BlockTag::Latest | BlockTag::Pending => return Ok(Some(ledger.head())),
        BlockTag::Safe | BlockTag::Finalized => return Ok(Some(ledger.finalized())),
        BlockTag::Earliest => Height::GENESIS,
        BlockTag::Number(number) => Height(number),
    };
    Ok(ledger.hash(height)?.map(|hash| BlockRef { height, hash }))
}

/// The block that `id` names, with receipts and senders, as far as it is kept.
pub(super) fn past(context: &Context, id: BlockId) -> Result<Option<Past>, RpcError> {
    match reference(context, id)? {
        Some(found) => Ok(context.ledger.past(found.hash)?),
        None => Ok(None),
    }
}
