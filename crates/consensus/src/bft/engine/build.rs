//! Builds the block that we propose.

use super::{
    Bft,
    deciding::{Body, Wanted},
};
use crate::{
    Chain, ChainError, EngineError, Host, Verdict,
    bft::{
        limits::RETRY_MS,
        rules::{
            context::{BftHeight, BftValue, Input},
            provenance,
            record::Record,
        },
    },
    randao::prev_randao,
};
use alloy_primitives::{Address, B256, Bytes};
use arc_malachitebft_core_consensus::LocallyProposedValue;
use arc_malachitebft_core_types::Round;
use hanse_primitives::{Attributes, BlockHash, SealedBlock, limits::BLOCK_BYTES_MAX};

impl Bft {
    /// When the block that the library waits for is to be built.
    pub(super) fn build_due_ms(&self, pending: bool) -> Option<u64> {
        let wanted = self.wanted()?;
        if self.counts(pending) {
            return Some(wanted.earliest_ms);
        }
        Some(wanted.latest_ms.min(self.empty_due_ms()).max(wanted.earliest_ms))
    }

    /// The round for which we are still to propose.
    fn wanted(&self) -> Option<Wanted> {
        let deciding = self.deciding.as_ref()?;
        let core = deciding.core.as_ref()?;
        let wanted = deciding.wanted?;
        let round = Round::new(wanted.round);
        let proposed = core
            .full_proposal_at_round_and_proposer(&core.height(), round, core.address())
            .is_some();
        (core.round() == round && core.driver.step_is_propose() && !proposed).then_some(wanted)
    }

    /// Builds and proposes a block if it is time.
    pub(super) fn build_if_due<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        let due = self.build_due_ms(host.pending).is_some_and(|due_ms| due_ms <= host.now_ms);
        let (Some(wanted), Some(account), true) = (self.wanted(), self.account(), due) else {
            return Ok(false);
        };
        let hash = match self.built_before(account, wanted.round) {
            Some(hash) => hash,
            None => self.build(account, wanted, host)?,
        };
        let Some(deciding) = &mut self.deciding else { return Ok(false) };
        deciding.wanted = None;
        let value = LocallyProposedValue::new(
            BftHeight(deciding.height),
            Round::new(wanted.round),
            BftValue(hash),
        );
        self.feed(Input::Propose(value), host)?;
        Ok(true)
    }

    /// The block that we built for this round before a crash and did not come to propose.
    fn built_before(&self, account: Address, round: u32) -> Option<BlockHash> {
        let deciding = self.deciding.as_ref()?;
        let is_ours = |body: &&Body| {
            let decoded = hanse_primitives::Provenance::decode(&body.block.header().extra_data);
            let ours = decoded.is_ok_and(|made| made.proposer == account && made.round == round);
            ours && body.is_valid
        };
        deciding.bodies.values().find(is_ours).map(|body| body.block.hash())
    }

    fn build<C: Chain>(
        &mut self,
        account: Address,
        wanted: Wanted,
        host: &mut Host<'_, C>,
    ) -> Result<BlockHash, EngineError> {
        let height = provenance::next_height(&self.parent);
        let made = provenance::of_new_block(account, wanted.round, &self.parent);
        let attributes = Attributes {
            timestamp: self.stamp.seconds(self.parent.timestamp, self.decided_ms, host.now_ms),
            fee_recipient: self.settings.fee_recipient,
            prev_randao: prev_randao(self.parent.reference.hash, height),
            // The builder knows the forks and leaves this out before Cancun.
            parent_beacon_block_root: Some(B256::ZERO),
            extra_data: made.encode(),
            ..Attributes::default()
        };
        let built = host.chain.build(self.parent.reference.hash, attributes);
        let block = match built {
            Ok(block) => block,
            Err(error) => {
                // The round may still be saved; if not, it is the next proposer's turn.
                let later = host.now_ms.saturating_add(RETRY_MS);
                if let Some(wanted) = self.deciding.as_mut().and_then(|d| d.wanted.as_mut()) {
                    wanted.earliest_ms = later;
                }
                return Err(error.into());
            }
        };
        assert_eq!(block.height(), height, "a block is one above its parent");
        assert_eq!(block.header().parent_hash, self.parent.reference.hash, "and names it");
        self.keep_built(block, wanted.round, host)
    }

    /// Executes our own block, as everybody else will, and writes it down before it is proposed.
    fn keep_built<C: Chain>(
        &mut self,
        block: SealedBlock,
        round: u32,
        host: &mut Host<'_, C>,
    ) -> Result<BlockHash, EngineError> {
        let (height, hash) = (block.height(), block.hash());
        let bytes: Bytes = alloy_rlp::encode(block.block()).into();
        assert!(bytes.len() <= BLOCK_BYTES_MAX, "the builder keeps to the size of a block");
        match host.chain.import(block.clone()) {
            Verdict::Accept(_) => {}
            // The rules contradict themselves; a stopped node is safe where a wrong one is not.
            Verdict::Reject(error) => {
                return Err(EngineError::Broken(format!("our own block was rejected: {error}")));
            }
            // Its parent is the head, so this is no judgement: the chain's machinery failed.
            Verdict::Later => {
                let why = format!("our own block {hash} could not be kept");
                return Err(ChainError::Storage(why).into());
            }
        }
        self.append(height, &Record::Body(bytes.clone()), host);
        let body = Body { block, bytes, first_round: Some(round), is_valid: true, told: true };
        if let Some(deciding) = &mut self.deciding {
            deciding.bodies.insert(hash, body);
        }
        Ok(hash)
    }
}
