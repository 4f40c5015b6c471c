//! Taking over from an engine whose last blocks are not final: this one decides which of them counts.
//! The rules are in `docs/protocol/work.md`.

use super::Bft;
use crate::{
    Chain, ChainError, EngineError, Host,
    bft::{limits::ORPHANED_MAX, rules::provenance::Parent},
};
use hanse_primitives::{BlockHash, Height, PeerId, SealedBlock};

/// What a block stands on.
pub(super) enum Base {
    Known(Parent),
    /// It would have to be fetched.
    Unknown(BlockHash),
}

impl Bft {
    /// The first height that this engine decides.
    pub(crate) const fn first(&self) -> Height {
        self.settings.first
    }

    /// True while the block below the first height is not final.
    pub(super) fn inherits<C: Chain>(&self, chain: &C) -> bool {
        let parent = self.parent.reference.height;
        parent.next() == self.settings.first && chain.finalized().height < parent
    }

    /// What a proposed block stands on. As a rule that is the final block; at the first height it may be
    /// any block below it that is valid, whatever our own head is.
    pub(super) fn base<C: Chain>(
        &self,
        block: &SealedBlock,
        chain: &C,
    ) -> Result<Base, ChainError> {
        let hash = block.header().parent_hash;
        if hash == self.parent.reference.hash || !self.inherits(chain) {
            return Ok(Base::Known(self.parent.clone()));
        }
        let Some(found) = chain.block(hash)? else { return Ok(Base::Unknown(hash)) };
        if found.height() != self.parent.reference.height {
            // The check of the block finds that it does not follow.
            return Ok(Base::Known(self.parent.clone()));
        }
        let timestamp = found.header().timestamp;
        Ok(Base::Known(Parent { reference: found.reference(), timestamp, decided: None }))
    }

    /// Notes that the parent of a proposed block is not known, and who must have it.
    pub(super) fn note_orphan(&mut self, parent: BlockHash, from: PeerId) {
        if self.orphaned.len() >= ORPHANED_MAX && !self.orphaned.contains_key(&parent) {
            self.orphaned.pop_first();
        }
        self.orphaned.insert(parent, from);
    }

    /// Parents that somebody has to fetch.
    pub(crate) fn take_orphaned(&mut self) -> Vec<(BlockHash, PeerId)> {
        std::mem::take(&mut self.orphaned).into_iter().collect()
    }

    /// Blocks that could not be judged can be now.
    pub(crate) fn judge_again_at(&mut self, now_ms: u64) {
        if let Some(deciding) = &mut self.deciding {
            deciding.doubted.values_mut().for_each(|doubted| doubted.due_ms = now_ms);
        }
    }

    /// Proposes on the chain's head from now on, while the block below the first height is not final.
    pub(crate) fn rebase<C: Chain>(&mut self, host: &Host<'_, C>) -> Result<(), EngineError> {
        let head = host.chain.head();
        let fits = head.height == self.parent.reference.height && head != self.parent.reference;
        if !fits || !self.inherits(host.chain) {
            return Ok(());
        }
        let Some(block) = host.chain.block(head.hash)? else {
            return Err(ChainError::Unknown(head.hash).into());
        };
        let timestamp = block.header().timestamp;
        self.parent = Parent { reference: head, timestamp, decided: None };
        Ok(())
    }
}
