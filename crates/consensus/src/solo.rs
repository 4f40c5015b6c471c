//! One node seals alone: for development, and for a network of one.

use crate::{BuildError, Chain, ChainError};
use alloy_primitives::Address;
use hanse_primitives::{BlockRef, SealedBlock};
use thiserror::Error;

/// How blocks come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoloSettings {
    /// Milliseconds between blocks, which are then made even when nothing waits; 0 makes a block as
    /// soon as a transaction waits.
    pub block_time_ms: u64,
    /// Who receives the priority fees.
    pub fee_recipient: Address,
}

/// The engine of a chain with a single sealer.
#[derive(Clone, Debug)]
pub struct Solo {
    settings: SoloSettings,
}

/// What a step did, and when to take the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The block that was made final, if one was.
    pub sealed: Option<BlockRef>,
    /// Milliseconds since the Unix epoch at which to step again; `None` when only a new pending
    /// transaction calls for it.
    pub wake_at_ms: Option<u64>,
}

/// Why no block was sealed.
#[derive(Debug, Error)]
pub enum SoloError {
    /// No block could be built. Nothing has changed; a later step tries again.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The chain could not take the block as head or make it final. The node must stop.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl Solo {
    /// Continues after `head`, the chain's last block.
    #[must_use]
    pub fn new(settings: SoloSettings, head: &SealedBlock) -> Self {
        todo!()
    }

    /// Seals a block if it is time: `pending` tells that a transaction waits. `now_ms` is in
    /// milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`SoloError`]; after [`SoloError::Build`] the engine goes on.
    pub fn step(
        &mut self,
        now_ms: u64,
        pending: bool,
        chain: &mut impl Chain,
    ) -> Result<Step, SoloError> {
        todo!()
    }

    /// Seals a block now, whatever waits (`evm_mine`).
    ///
    /// # Errors
    /// [`SoloError`], as for [`Solo::step`].
    pub fn seal_now(&mut self, now_ms: u64, chain: &mut impl Chain) -> Result<BlockRef, SoloError> {
        todo!()
    }
}
