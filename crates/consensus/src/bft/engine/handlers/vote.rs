use super::super::Bft;
use crate::{
    Chain, EngineError, Host,
    bft::{
        limits::{EARLY_VOTES_MAX, ROUNDS_AHEAD_MAX},
        rules::{
            certificate::is_signed_vote,
            context::{Input, SignedVote, round_number},
        },
    },
};
use hanse_primitives::{CommitSignature, PeerId};

impl Bft {
    /// A vote. Its signer sends it itself, so that a bad one is the sender's fault.
    pub(super) fn on_vote<C: Chain>(
        &mut self,
        from: PeerId,
        vote: SignedVote,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(deciding) = &mut self.deciding else { return Ok(()) };
        let round = round_number(vote.round);
        if round > deciding.round().saturating_add(ROUNDS_AHEAD_MAX) {
            return Ok(());
        }
        if deciding.voters.voter(&vote.validator.0).is_none() {
            self.blame_sender("a vote of somebody who may not vote", host);
            return Ok(());
        }
        if deciding.core.is_some() {
            deciding.call.one = true;
            self.compare_offers(from, &vote, host);
            return self.feed(Input::Vote(vote), host);
        }
        let input = Input::Vote(vote.clone());
        let is_known = deciding.early.iter().any(|(_, early)| *early == input);
        let is_his = |early: &&(PeerId, Input)| matches!(&early.1, Input::Vote(other) if other.validator == vote.validator);
        if is_known || deciding.early.iter().filter(is_his).count() >= EARLY_VOTES_MAX {
            return Ok(());
        }
        if !is_signed_vote(&self.domain, &vote, &vote.signature) {
            self.blame_sender("the signature of a vote", host);
            return Ok(());
        }
        deciding.note_voter(vote.validator.0);
        deciding.early.push((from, input));
        Ok(())
    }

    /// A precommit of the block that a quorum has made final without it: its signer was late and not
    /// absent, so the next header names it too.
    pub(super) fn on_late_vote<C: Chain>(&mut self, signed: &SignedVote, host: &mut Host<'_, C>) {
        let Some((certificate, voters)) = &mut self.parent.decided else { return };
        let validator = signed.validator.0;
        if signed.vote() != certificate.vote() || voters.get(&validator).is_none() {
            return;
        }
        let known = certificate.signatures.binary_search_by_key(&validator, |one| one.validator);
        let Err(place) = known else { return };
        if !is_signed_vote(&self.domain, signed, &signed.signature) {
            self.blame_sender("the signature of a vote", host);
            return;
        }
        let signature = CommitSignature { validator, signature: signed.signature };
        certificate.signatures.insert(place, signature);
    }
}
