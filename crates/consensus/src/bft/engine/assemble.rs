//! Puts proposed blocks together from their parts.

use super::{
    Bft,
    deciding::{Deciding, Offer},
};
use crate::{
    Chain, EngineError, Host, PeerFault,
    bft::{
        limits::{ASSEMBLIES_PER_PEER_MAX, PROPOSALS_PER_ROUND_MAX, ROUNDS_AHEAD_MAX},
        rules::{
            certificate::is_signed_proposal,
            context::{SignedProposal, round_number},
            evidence,
            message::Part,
            proposer,
        },
    },
};
use alloy_primitives::Bytes;
use hanse_primitives::PeerId;
use std::collections::BTreeMap;

/// A block on its way.
#[derive(Debug)]
pub(super) struct Assembly {
    proposal: SignedProposal,
    total: usize,
    parts: BTreeMap<usize, Bytes>,
}

impl Assembly {
    /// The whole block, if it is there.
    fn whole(&self) -> Option<Bytes> {
        if self.parts.len() < Part::count(self.total) {
            return None;
        }
        let mut whole = Vec::with_capacity(self.total);
        self.parts.values().for_each(|part| whole.extend_from_slice(part));
        Some(whole.into())
    }
}

impl Deciding {
    /// Notes a proposal whose signature is good. False when its proposer has made enough others for
    /// the round.
    pub(super) fn note_offer(&mut self, signed: &SignedProposal, from: Option<PeerId>) -> bool {
        let offers = self.proposals.entry(round_number(signed.round)).or_default();
        if offers.iter().any(|offer| offer.signed.message == signed.message) {
            return true;
        }
        if offers.len() >= PROPOSALS_PER_ROUND_MAX {
            return false;
        }
        offers.push(Offer { signed: signed.clone(), from, told: false });
        true
    }

    /// Notes that the library knows of a proposal, or never shall.
    pub(super) fn mark_told(&mut self, signed: &SignedProposal) {
        let offers = self.proposals.entry(round_number(signed.round)).or_default();
        let same = offers.iter_mut().filter(|offer| offer.signed.message == signed.message);
        same.for_each(|offer| offer.told = true);
    }

    /// True when nothing more can be learned from parts of this proposal.
    pub(super) fn has(&self, signed: &SignedProposal) -> bool {
        let block = &signed.value.0;
        let offers = self.proposals.get(&round_number(signed.round)).into_iter().flatten();
        let mut offers = offers.filter(|offer| offer.signed.message == signed.message);
        (self.bodies.contains_key(block) || self.doubted.contains_key(block))
            && offers.next().is_some()
    }

    /// Adds a part to those of its sender. The signature of the proposal has been checked.
    fn add_part(&mut self, from: PeerId, part: Part) -> Option<Bytes> {
        let assemblies = self.assemblies.entry(from).or_default();
        let is_same = |one: &Assembly| one.proposal == part.proposal && one.total == part.total;
        let at = match assemblies.iter().position(is_same) {
            Some(at) => at,
            None => {
                if assemblies.len() >= ASSEMBLIES_PER_PEER_MAX {
                    assemblies.remove(0);
                }
                let (proposal, total) = (part.proposal, part.total);
                assemblies.push(Assembly { proposal, total, parts: BTreeMap::new() });
                assemblies.len() - 1
            }
        };
        assemblies[at].parts.entry(part.index).or_insert(part.data);
        let whole = assemblies[at].whole()?;
        assemblies.remove(at);
        Some(whole)
    }
}

impl Bft {
    /// A part of a block proposed for this height.
    pub(super) fn assemble<C: Chain>(
        &mut self,
        from: PeerId,
        part: Part,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(deciding) = &mut self.deciding else { return Ok(()) };
        let round = round_number(part.proposal.round);
        let too_far = round > deciding.round().saturating_add(ROUNDS_AHEAD_MAX);
        if too_far || deciding.has(&part.proposal) {
            return Ok(());
        }
        let assemblies = deciding.assemblies.get(&from).into_iter().flatten();
        let is_known = assemblies.into_iter().any(|one| one.proposal == part.proposal);
        if !is_known && !self.admit(from, &part.proposal, host) {
            return Ok(());
        }
        let Some(deciding) = &mut self.deciding else { return Ok(()) };
        let signed = part.proposal.clone();
        if deciding.bodies.contains_key(&signed.value.0) {
            return self.tell_all(host);
        }
        if deciding.doubted.contains_key(&signed.value.0) {
            return Ok(());
        }
        let Some(whole) = deciding.add_part(from, part) else { return Ok(()) };
        self.judge(from, signed.value.0, whole, host)?;
        self.tell_all(host)
    }

    /// Takes a proposal, if it is its proposer's and he may make one more for the round.
    fn admit<C: Chain>(
        &mut self,
        from: PeerId,
        signed: &SignedProposal,
        host: &mut Host<'_, C>,
    ) -> bool {
        if !self.is_proposal(from, signed, host) {
            return false;
        }
        self.accuse_proposer(signed, host);
        let Some(deciding) = &mut self.deciding else { return false };
        let admitted = deciding.note_offer(signed, Some(from));
        deciding.call.proposal |= admitted;
        admitted
    }

    /// Checks that a proposal of this height is what it says. If not, who sent it should have known.
    pub(super) fn is_proposal<C: Chain>(
        &self,
        from: PeerId,
        signed: &SignedProposal,
        host: &mut Host<'_, C>,
    ) -> bool {
        let Some(deciding) = &self.deciding else { return false };
        let round = round_number(signed.round);
        let forged = |why: &str| PeerFault::Forged(why.to_owned());
        let fault = if signed.valid_round.as_u32().is_some_and(|valid| valid >= round) {
            PeerFault::Malformed("a proposal that was valid before it was made".to_owned())
        } else if proposer::select(deciding.voters.set(), deciding.height, round)
            != signed.proposer.0
        {
            forged("a proposal out of turn")
        } else if !is_signed_proposal(&self.domain, signed, &signed.signature) {
            forged("the signature of a proposal")
        } else {
            return true;
        };
        self.penalize(from, fault, host);
        false
    }

    /// Accuses the proposer of a good proposal if we know of another one of his for the round.
    pub(super) fn accuse_proposer<C: Chain>(
        &mut self,
        signed: &SignedProposal,
        host: &mut Host<'_, C>,
    ) {
        let Some(deciding) = &self.deciding else { return };
        let others = deciding.proposals.get(&round_number(signed.round)).into_iter().flatten();
        let mut proofs =
            others.filter_map(|other| evidence::of_proposals(&self.domain, &other.signed, signed));
        if let Some((guilty, proof)) = proofs.next() {
            self.accuse(guilty, proof, host);
        }
    }
}
