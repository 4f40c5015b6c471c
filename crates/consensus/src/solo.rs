//! One node seals alone: for development, and for a network of one.

use crate::randao::prev_randao;
use crate::{
    BuildError, Chain, ChainError, Engine, EngineError, EngineStatus, Event, Host, Seal, Verdict,
};
use alloy_primitives::{Address, B256};
use hanse_primitives::{Attributes, BlockRef, SealedBlock};
use thiserror::Error;

/// Least milliseconds between two blocks on demand. The first transaction after a pause is sealed at
/// once; under load, a block takes what has gathered meanwhile, since each block costs a disk sync.
const GAP_MS: u64 = 10;

/// Milliseconds to wait after a block could not be built, or would have been empty on demand: what
/// stood in the way then (a full disk, a transaction that no longer runs) needs time to go away.
const RETRY_MS: u64 = 1_000;

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
    head: BlockRef,
    /// Of the head, in seconds since the Unix epoch.
    timestamp: u64,
    /// No block is sealed before; milliseconds since the Unix epoch.
    due_ms: u64,
    /// When to step again; milliseconds since the Unix epoch.
    wake_at_ms: Option<u64>,
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
    /// No block could be built. Nothing has changed; steps within the next second do nothing, a later
    /// one tries again.
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
        let timestamp = head.header().timestamp;
        let head_ms = timestamp.saturating_mul(1_000);
        let due_ms = match settings.block_time_ms {
            0 => 0,
            block_time_ms => head_ms.saturating_add(block_time_ms),
        };
        Self { settings, head: head.reference(), timestamp, due_ms, wake_at_ms: None }
    }

    /// The last block.
    #[must_use]
    pub const fn head(&self) -> BlockRef {
        self.head
    }

    /// Seals a block if it is time: `pending` tells that a transaction waits. `now_ms` is in
    /// milliseconds since the Unix epoch.
    ///
    /// On demand, a block that would turn out empty is not sealed: the pool thought a transaction
    /// could run and the builder found otherwise.
    ///
    /// # Errors
    /// [`SoloError`]; after [`SoloError::Build`] the engine goes on.
    ///
    /// # Panics
    /// When the chain rejects the block that it has just built: its rules contradict themselves, and
    /// a stopped node is safe where a wrong one is not.
    pub fn step(
        &mut self,
        now_ms: u64,
        pending: bool,
        chain: &mut impl Chain,
    ) -> Result<Step, SoloError> {
        let on_demand = self.settings.block_time_ms == 0;
        // A clock that was set back, or a head from the future, must not stop the chain.
        let wait_ms = self.settings.block_time_ms.max(RETRY_MS);
        self.due_ms = self.due_ms.min(now_ms.saturating_add(wait_ms));
        if on_demand && !pending {
            return Ok(Step::default());
        }
        if now_ms < self.due_ms {
            return Ok(Step { sealed: None, wake_at_ms: Some(self.due_ms) });
        }
        let block = self.build(now_ms, chain)?;
        if on_demand && block.transactions().is_empty() {
            self.due_ms = now_ms.saturating_add(RETRY_MS);
            return Ok(Step { sealed: None, wake_at_ms: Some(self.due_ms) });
        }
        let sealed = self.seal(block, chain)?;
        if on_demand {
            self.due_ms = now_ms.saturating_add(GAP_MS);
            return Ok(Step { sealed: Some(sealed), wake_at_ms: None });
        }
        // Keep the beat, but do not make up for beats that were missed.
        let beat_ms = self.settings.block_time_ms;
        let next_ms = self.due_ms.saturating_add(beat_ms);
        self.due_ms = if next_ms > now_ms { next_ms } else { now_ms.saturating_add(beat_ms) };
        Ok(Step { sealed: Some(sealed), wake_at_ms: Some(self.due_ms) })
    }

    /// Seals a block now, whatever waits (`evm_mine`). The beat goes on as before.
    ///
    /// # Errors
    /// [`SoloError`], as for [`Solo::step`].
    ///
    /// # Panics
    /// As [`Solo::step`].
    pub fn seal_now(&mut self, now_ms: u64, chain: &mut impl Chain) -> Result<BlockRef, SoloError> {
        let block = self.build(now_ms, chain)?;
        Ok(self.seal(block, chain)?)
    }

    fn build(&mut self, now_ms: u64, chain: &impl Chain) -> Result<SealedBlock, BuildError> {
        let height = self.head.height.next();
        let attributes = Attributes {
            // Equal timestamps are allowed: several blocks may be sealed within one second.
            timestamp: self.timestamp.max(now_ms / 1_000),
            fee_recipient: self.settings.fee_recipient,
            prev_randao: prev_randao(self.head.hash, height),
            // There is no consensus block beside the chain's own. The builder knows the forks and
            // leaves this out before Cancun.
            parent_beacon_block_root: Some(B256::ZERO),
            ..Attributes::default()
        };
        let built = chain.build(self.head.hash, attributes);
        if built.is_err() {
            self.due_ms = now_ms.saturating_add(RETRY_MS);
        }
        let block = built?;
        assert_eq!(block.height(), height, "a block is one above its parent");
        assert_eq!(block.header().parent_hash, self.head.hash, "a block names its parent");
        Ok(block)
    }

    fn seal(&mut self, block: SealedBlock, chain: &mut impl Chain) -> Result<BlockRef, ChainError> {
        let (sealed, timestamp) = (block.reference(), block.header().timestamp);
        match chain.import(block) {
            Verdict::Accept(executed) => {
                assert_eq!(executed.block().hash(), sealed.hash, "the chain took another block");
            }
            Verdict::Reject(error) => panic!("our own block was rejected: {error}"),
            // Its parent is the head, so this is no judgement: the chain's machinery failed.
            Verdict::Later => {
                let why = format!("our own block {} could not be kept", sealed.hash);
                return Err(ChainError::Storage(why));
            }
        }
        let update = chain.set_head(sealed.hash)?;
        assert!(update.reverted.is_empty(), "a single sealer never reorganizes");
        assert_eq!(update.adopted, [sealed.hash], "the head moves by one block");
        chain.finalize(sealed.hash, Seal::Solo)?;
        (self.head, self.timestamp) = (sealed, timestamp);
        Ok(sealed)
    }
}

impl<C: Chain> Engine<C> for Solo {
    fn start(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.handle(Event::Tick, host)
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        match event {
            Event::Tick | Event::Pending => {}
            // Nobody else has a say in what is sealed here.
            Event::Connected(_)
            | Event::Disconnected(_)
            | Event::Message { .. }
            | Event::Mined { .. } => return Ok(()),
        }
        let stepped = self.step(host.now_ms, host.pending, host.chain);
        self.wake_at_ms = match &stepped {
            // Look again at once: more may have come in meanwhile.
            Ok(step) if step.sealed.is_some() => Some(host.now_ms),
            Ok(step) => step.wake_at_ms,
            Err(_) => Some(host.now_ms.saturating_add(RETRY_MS)),
        };
        stepped?;
        Ok(())
    }

    fn wake_at_ms(&self) -> Option<u64> {
        self.wake_at_ms
    }

    fn awaits_transactions(&self) -> bool {
        self.settings.block_time_ms == 0 && self.wake_at_ms.is_none()
    }

    fn seal_now(&mut self, host: &mut Host<'_, C>) -> Result<BlockRef, EngineError> {
        let sealed = Self::seal_now(self, host.now_ms, host.chain)?;
        self.wake_at_ms = Some(host.now_ms);
        Ok(sealed)
    }

    fn status(&self) -> EngineStatus {
        EngineStatus {
            height: self.head.height.next(),
            round: 0,
            step: "seal",
            best_known: self.head.height,
        }
    }
}

impl From<SoloError> for EngineError {
    fn from(error: SoloError) -> Self {
        match error {
            SoloError::Build(error) => error.into(),
            SoloError::Chain(error) => error.into(),
        }
    }
}
