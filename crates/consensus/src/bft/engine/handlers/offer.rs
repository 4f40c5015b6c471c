use super::super::Bft;
use crate::{
    Chain, EngineError, Host,
    bft::rules::{
        context::{SignedProposal, SignedVote, round_number},
        message::Message,
    },
};
use arc_malachitebft_core_types::VoteType;
use hanse_primitives::PeerId;

impl Bft {
    /// A peer shows what the proposer told it, since we voted for something else.
    pub(super) fn on_offer<C: Chain>(
        &mut self,
        from: PeerId,
        proposal: &SignedProposal,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(deciding) = &self.deciding else { return Ok(()) };
        let ours = deciding.proposals.get(&round_number(proposal.round)).into_iter().flatten();
        let differs = ours.into_iter().any(|ours| ours.signed.value != proposal.value);
        if differs && self.is_proposal(from, proposal, host) {
            self.accuse_proposer(proposal, host);
        }
        Ok(())
    }

    /// Shows who prevotes another block what the proposer told us, once a round: a proposer that tells
    /// each peer something else would not be found out otherwise.
    pub(super) fn compare_offers<C: Chain>(
        &mut self,
        from: PeerId,
        vote: &SignedVote,
        host: &mut Host<'_, C>,
    ) {
        let Some(deciding) = &mut self.deciding else { return };
        let round = round_number(vote.round);
        let Some(block) = vote.vote().block.filter(|_| vote.kind == VoteType::Prevote) else {
            return;
        };
        let Some(ours) = deciding.proposals.get(&round) else { return };
        let is_known = ours.iter().any(|offer| offer.signed.value.0 == block);
        let Some(offer) = ours.first().filter(|_| !is_known).cloned() else { return };
        if deciding.shown.insert((from, round)) {
            self.send(from, &Message::Offer(offer.signed), host);
        }
    }
}
