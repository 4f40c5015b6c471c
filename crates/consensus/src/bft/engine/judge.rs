//! Judges proposed blocks, and tells the library.

use super::{
    Bft,
    deciding::{Body, Doubted, Offer},
    inherit::Base,
};
use crate::{
    Chain, EngineError, Host, PeerFault, Verdict,
    bft::{
        limits::RETRY_MS,
        rules::{
            context::{BftHeight, Input, Tendermint, round_number},
            provenance::{self, Doubt},
            record::Record,
        },
    },
};
use alloy_primitives::Bytes;
use arc_malachitebft_core_consensus::ProposedValue;
use arc_malachitebft_core_types::{Round, Validity, ValueOrigin};
use hanse_primitives::{BlockHash, PeerId, Provenance, SealedBlock, decode_block};

/// What came of looking at a block.
enum Judgement {
    Valid,
    Invalid(String),
    /// The body is not the one that the header names.
    Foreign,
    /// Look again then.
    Later(u64),
    /// Its parent has to be fetched.
    Orphan(BlockHash),
}

impl Bft {
    /// Judges a block that `from` has sent for a proposal of `hash`.
    pub(super) fn judge<C: Chain>(
        &mut self,
        from: PeerId,
        hash: BlockHash,
        bytes: Bytes,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let block = match decode_block(&bytes) {
            Ok(block) => SealedBlock::new(block),
            Err(error) => {
                self.penalize(from, PeerFault::Malformed(error.to_string()), host);
                return Ok(());
            }
        };
        if block.hash() != hash {
            let fault = PeerFault::Forged("a block that is not the one proposed".to_owned());
            self.penalize(from, fault, host);
            return Ok(());
        }
        self.settle_body(from, block, bytes, host);
        Ok(())
    }

    /// Looks again at a block that could not be judged.
    pub(super) fn judge_again_if_due<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        let Some(deciding) = &mut self.deciding else { return Ok(false) };
        let mut doubted = deciding.doubted.iter();
        let due = doubted.find(|(_, doubted)| doubted.due_ms <= host.now_ms);
        let Some(hash) = due.map(|(hash, _)| *hash) else { return Ok(false) };
        let Some(Doubted { block, bytes, from, .. }) = deciding.doubted.remove(&hash) else {
            return Ok(false);
        };
        self.settle_body(from, block, bytes, host);
        self.tell_all(host)?;
        Ok(true)
    }

    /// Files a block under what it turns out to be.
    fn settle_body<C: Chain>(
        &mut self,
        from: PeerId,
        block: SealedBlock,
        bytes: Bytes,
        host: &mut Host<'_, C>,
    ) {
        let hash = block.hash();
        let judgement = self.look(&block, host);
        let is_valid = match judgement {
            Judgement::Valid => true,
            Judgement::Invalid(why) => {
                // Who sends a block has proposed it, or has seen it to be valid.
                self.penalize(from, PeerFault::InvalidBlock(why), host);
                false
            }
            Judgement::Foreign => {
                let why = "a block with the transactions of another".to_owned();
                self.penalize(from, PeerFault::Forged(why), host);
                return;
            }
            Judgement::Orphan(parent) => {
                self.note_orphan(parent, from);
                let due_ms = host.now_ms.saturating_add(RETRY_MS);
                if let Some(deciding) = &mut self.deciding {
                    deciding.doubted.insert(hash, Doubted { block, bytes, from, due_ms });
                }
                return;
            }
            Judgement::Later(due_ms) => {
                if let Some(deciding) = &mut self.deciding {
                    deciding.doubted.insert(hash, Doubted { block, bytes, from, due_ms });
                }
                return;
            }
        };
        let height = self.parent.reference.height.next();
        if is_valid {
            self.append(height, &Record::Body(bytes.clone()), host);
        }
        let first_round =
            Provenance::decode(&block.header().extra_data).ok().map(|made| made.round);
        // Nobody will be sent an invalid block by us.
        let bytes = if is_valid { bytes } else { Bytes::new() };
        let body = Body { block, bytes, first_round, is_valid, told: false };
        if let Some(deciding) = &mut self.deciding {
            deciding.bodies.insert(hash, body);
        }
    }

    fn look<C: Chain>(&self, block: &SealedBlock, host: &mut Host<'_, C>) -> Judgement {
        let Some(deciding) = &self.deciding else { return Judgement::Later(u64::MAX) };
        let voters = deciding.voters.set();
        let parent = match self.base(block, host.chain) {
            Ok(Base::Known(parent)) => parent,
            Ok(Base::Unknown(hash)) => return Judgement::Orphan(hash),
            // Our own failure says nothing about the block.
            Err(_) => return Judgement::Later(host.now_ms.saturating_add(RETRY_MS)),
        };
        match provenance::check(block, &parent, voters, &self.domain, host.now_ms) {
            Ok(_) => {}
            Err(Doubt::Invalid(why)) => return Judgement::Invalid(why),
            Err(Doubt::Early(due_ms)) => return Judgement::Later(due_ms),
        }
        match host.chain.import(block.clone()) {
            Verdict::Accept(_) => Judgement::Valid,
            // Anybody can put another body under a header, so this condemns only who sent it.
            Verdict::Reject(_) if !block.is_whole() => Judgement::Foreign,
            Verdict::Reject(error) => Judgement::Invalid(error.reason),
            Verdict::Later => Judgement::Later(host.now_ms.saturating_add(RETRY_MS)),
        }
    }

    /// Tells the library of all proposals whose block has been judged.
    pub(super) fn tell_all<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        while self.finished.is_none() {
            let Some((offer, value)) = self.next_offer(host) else { return Ok(()) };
            if let Some(value) = value {
                self.feed(Input::ProposedValue(value, ValueOrigin::Consensus), host)?;
            }
            if self.finished.is_none() {
                self.feed(Input::Proposal(offer.signed), host)?;
            }
        }
        Ok(())
    }

    /// The next proposal to tell of, and the judgement of its block if that is news too.
    fn next_offer<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Option<(Offer, Option<ProposedValue<Tendermint>>)> {
        loop {
            let deciding = self.deciding.as_mut().filter(|deciding| deciding.core.is_some())?;
            let mut offers = deciding.proposals.values_mut().flatten();
            let offer = offers
                .find(|offer| !offer.told && deciding.bodies.contains_key(&offer.signed.value.0))?;
            offer.told = true;
            let offer = offer.clone();
            let body = deciding.bodies.get_mut(&offer.signed.value.0)?;
            let (round, valid) = (round_number(offer.signed.round), offer.signed.valid_round);
            let fits = |first| provenance::fits_round(first, round, valid.as_u32());
            if body.is_valid && !body.first_round.is_some_and(fits) {
                if let Some(from) = offer.from {
                    let why = "it was made for another round".to_owned();
                    self.penalize(from, PeerFault::InvalidBlock(why), host);
                }
                continue;
            }
            let news = !std::mem::replace(&mut body.told, true);
            let value = news.then(|| ProposedValue {
                height: BftHeight(deciding.height),
                round: Round::new(round),
                valid_round: valid,
                proposer: offer.signed.proposer,
                value: offer.signed.value,
                validity: Validity::from_bool(body.is_valid),
            });
            return Some((offer, value));
        }
    }
}
