//! Feeds the library, and carries out what it wants.

use super::{Bft, deciding::Wanted};
use crate::{
    Chain, Effect as Left, EngineError, Host, PeerFault,
    bft::{
        limits::ACCUSED_MAX,
        rules::{
            certificate::{
                check_commit, check_polka, check_round, is_signed_proposal, is_signed_vote,
            },
            context::{BftAddress, Input, Tendermint, round_number},
            evidence,
            message::Message,
            record::Record,
            timing,
        },
    },
};
use alloy_primitives::{Address, B256};
use arc_malachitebft_core_consensus::{
    ConsensusMsg, Effect, Error as LibraryError, LivenessMsg, Resumable, Resume, State, process,
};
use arc_malachitebft_core_types::{Round, SignedMessage, Threshold, Timeout, VoteType};
use hanse_primitives::{Equivocation, Height, ValidatorSignature};
use std::convert::Infallible;

impl Bft {
    /// Feeds the library, if the height is started.
    pub(super) fn feed<C: Chain>(
        &mut self,
        input: Input,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(deciding) = &mut self.deciding else { return Ok(()) };
        let Some(mut core) = deciding.core.take() else { return Ok(()) };
        let result: Result<(), LibraryError<Tendermint>> = process!(
            input: input,
            state: &mut *core,
            metrics: &(),
            with: effect => Ok::<_, Infallible>(self.perform(effect, host))
        );
        let height = core.height().0;
        let noticed = evidence::noticed(&self.domain, &core, |account| {
            self.accused.contains(&(height, *account))
        });
        if let Some(deciding) = &mut self.deciding {
            if is_given_up(&core) {
                deciding.timers.hurry(Timeout::precommit(core.round()), host.now_ms);
            }
            deciding.core = Some(core);
        }
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        result.map_err(|error| EngineError::Broken(error.to_string()))?;
        for (guilty, proof) in noticed {
            self.accuse(guilty, proof, host);
        }
        Ok(())
    }

    /// Feeds the library a timeout that has run out.
    pub(super) fn fire_if_due<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        let timers = self.deciding.as_mut().map(|deciding| &mut deciding.timers);
        let Some(timeout) = timers.and_then(|timers| timers.fire(host.now_ms)) else {
            return Ok(false);
        };
        self.feed(Input::TimeoutElapsed(timeout), host)?;
        Ok(true)
    }

    /// Names a validator that contradicts itself, once a height.
    pub(super) fn accuse<C: Chain>(
        &mut self,
        guilty: Address,
        proof: Equivocation,
        host: &mut Host<'_, C>,
    ) {
        let is_ours = self.account() == Some(guilty);
        if is_ours || !self.accused.insert((proof.height(), guilty)) {
            return;
        }
        if self.accused.len() > ACCUSED_MAX {
            self.accused.pop_first();
        }
        host.effects.push_back(Left::Accuse(proof));
    }

    fn perform<C: Chain>(
        &mut self,
        effect: Effect<Tendermint>,
        host: &mut Host<'_, C>,
    ) -> Resume<Tendermint> {
        match effect {
            Effect::CancelAllTimeouts(r) => {
                self.with_timers(|timers| timers.clear());
                r.resume_with(())
            }
            Effect::CancelTimeout(timeout, r) => {
                self.with_timers(|timers| timers.cancel(timeout));
                r.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, r) => {
                self.schedule(timeout, host.now_ms);
                r.resume_with(())
            }
            Effect::StartRound(.., r) => {
                self.with_deciding(|deciding| deciding.wanted = None);
                r.resume_with(())
            }
            Effect::GetValue(_, round, _, r) => {
                self.want(round_number(round), host.now_ms);
                r.resume_with(())
            }
            // The proposal itself is published next, and its block goes with it.
            Effect::RestreamProposal(.., r) => r.resume_with(()),
            Effect::WalAppend(height, input, r) => {
                self.append(height.0, &Record::Input(input), host);
                r.resume_with(())
            }
            Effect::Decide(certificate, _, r) => {
                self.decide(certificate, host);
                r.resume_with(())
            }
            // `feed` looks for evidence after each input; the certificate is that of `Decide`.
            Effect::Finalize(.., r) => r.resume_with(()),
            effect => self.perform_signed(effect, host),
        }
    }

    /// The effects around signatures.
    fn perform_signed<C: Chain>(
        &mut self,
        effect: Effect<Tendermint>,
        host: &mut Host<'_, C>,
    ) -> Resume<Tendermint> {
        match effect {
            Effect::PublishConsensusMsg(message, r) => {
                if self.fault.is_none() {
                    self.publish(message, host);
                }
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(LivenessMsg::Vote(vote), r)
            | Effect::RepublishVote(vote, r) => {
                self.publish_again(&Message::Vote(vote), host);
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(LivenessMsg::PolkaCertificate(certificate), r) => {
                self.publish_again(&Message::Polka(certificate), host);
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(LivenessMsg::SkipRoundCertificate(certificate), r)
            | Effect::RepublishRoundCertificate(certificate, r) => {
                self.publish_again(&Message::Round(certificate), host);
                r.resume_with(())
            }
            Effect::SignVote(vote, r) => {
                let signature = self.sign(vote.validator, vote.vote().digest(&self.domain));
                r.resume_with(SignedMessage::new(vote, signature))
            }
            Effect::SignProposal(proposal, r) => {
                let digest = proposal.proposal().digest(&self.domain);
                let signature = self.sign(proposal.proposer, digest);
                r.resume_with(SignedMessage::new(proposal, signature))
            }
            effect => self.perform_check(effect, host),
        }
    }

    /// The effects that ask whether something is right.
    fn perform_check<C: Chain>(
        &mut self,
        effect: Effect<Tendermint>,
        host: &mut Host<'_, C>,
    ) -> Resume<Tendermint> {
        match effect {
            Effect::VerifySignature(message, _, r) => {
                let is_signed = self.is_signed(&message);
                if !is_signed {
                    self.blame_sender("a signature", host);
                }
                r.resume_with(is_signed)
            }
            Effect::VerifyPolkaCertificate(certificate, voters, thresholds, r) => {
                let checked = check_polka(&self.domain, &certificate, &voters, thresholds);
                if let Err(error) = &checked {
                    self.blame_sender(&error.to_string(), host);
                }
                r.resume_with(checked)
            }
            Effect::VerifyRoundCertificate(certificate, voters, thresholds, r) => {
                let checked = check_round(&self.domain, &certificate, &voters, thresholds);
                if let Err(error) = &checked {
                    self.blame_sender(&error.to_string(), host);
                }
                r.resume_with(checked)
            }
            Effect::VerifyCommitCertificate(certificate, voters, _, r) => {
                r.resume_with(check_commit(&self.domain, &certificate, &voters))
            }
            Effect::VerifyExtendedCommitCertificate(certificate, voters, _, _, r) => {
                let certificate = certificate.trim_vote_extensions();
                r.resume_with(check_commit(&self.domain, &certificate, &voters))
            }
            // Votes have no extensions, and final blocks from peers go around the library.
            Effect::ExtendVote(.., r) => r.resume_with(None),
            Effect::VerifyVoteExtension(.., r) => r.resume_with(Ok(())),
            Effect::CertVerifiedSyncValue(.., r) => r.resume_with(()),
            Effect::CertRejectedSyncValue(.., r) => r.resume_with(()),
            other => unreachable!("{other:?} is handled before"),
        }
    }

    /// Adds a record to the log, if we sign at this height: who does not sign has nothing to forget.
    pub(super) fn append<C: Chain>(
        &mut self,
        height: Height,
        record: &Record,
        host: &mut Host<'_, C>,
    ) {
        let signs = self.deciding.as_ref().is_some_and(|deciding| deciding.signs);
        if !signs || self.fault.is_some() {
            return;
        }
        if let Err(error) = self.log.append(height, record, host) {
            self.fault = Some(error.into());
        }
    }

    /// Sends again what was said before, or what others signed. It rests on the log all the same.
    fn publish_again<C: Chain>(&mut self, message: &Message, host: &mut Host<'_, C>) {
        if self.fault.is_none() {
            self.log.owe();
            self.broadcast(message, host);
        }
    }

    fn sign(&mut self, account: BftAddress, digest: B256) -> ValidatorSignature {
        match &self.signer {
            Some(signer) if signer.address() == account.0 => signer.sign(digest),
            _ => {
                let why = format!("asked to sign as {account}, whose key is not ours");
                self.fault.get_or_insert(EngineError::Broken(why));
                ValidatorSignature(Default::default())
            }
        }
    }

    fn is_signed(&self, message: &SignedMessage<Tendermint, ConsensusMsg<Tendermint>>) -> bool {
        match &message.message {
            ConsensusMsg::Vote(vote) => is_signed_vote(&self.domain, vote, &message.signature),
            ConsensusMsg::Proposal(proposal) => {
                is_signed_proposal(&self.domain, proposal, &message.signature)
            }
        }
    }

    /// Votes are sent by who cast them, and certificates by who checked them: if they do not check
    /// out, the sender is at fault.
    pub(super) fn blame_sender<C: Chain>(&self, why: &str, host: &mut Host<'_, C>) {
        if let Some(sender) = self.sender {
            self.penalize(sender, PeerFault::Forged(why.to_owned()), host);
        }
    }

    fn want(&mut self, round: u32, now_ms: u64) {
        // Others have started their clocks: an empty block must come while they still wait.
        let timeout = Timeout::propose(Round::new(round));
        let patience_ms = timing::duration_ms(&self.settings.timing, timeout) / 4;
        let latest_ms = now_ms.saturating_add(patience_ms);
        let wanted = Wanted { round, latest_ms, earliest_ms: now_ms };
        self.with_deciding(|deciding| deciding.wanted = Some(wanted));
    }

    fn schedule(&mut self, timeout: Timeout, now_ms: u64) {
        let due_ms = now_ms.saturating_add(timing::duration_ms(&self.settings.timing, timeout));
        self.with_timers(|timers| timers.set(timeout, due_ms));
    }

    fn with_timers(&mut self, change: impl FnOnce(&mut super::timers::Timers)) {
        self.with_deciding(|deciding| change(&mut deciding.timers));
    }

    fn with_deciding(&mut self, change: impl FnOnce(&mut super::deciding::Deciding)) {
        if let Some(deciding) = &mut self.deciding {
            change(deciding);
        }
    }
}

/// True when a quorum has precommitted nil: no further precommit can decide anything in this round, so
/// there is nothing to wait for.
fn is_given_up(core: &State<Tendermint>) -> bool {
    let votes = core.driver.votes();
    votes.is_threshold_met(&core.round(), VoteType::Precommit, Threshold::Nil)
}
