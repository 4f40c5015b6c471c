//! What we say to others.

use super::Bft;
use crate::{
    Chain, Effect, Host,
    bft::rules::{
        context::SignedProposal,
        message::{Message, Part},
    },
};
use arc_malachitebft_core_consensus::SignedConsensusMsg;
use arc_malachitebft_core_types::{Proposal as _, Round};
use hanse_primitives::{BlockRef, PeerId};

impl Bft {
    /// Sends something to everybody that holds no new signature of ours.
    pub(super) fn broadcast<C: Chain>(&self, message: &Message, host: &mut Host<'_, C>) {
        host.effects.push_back(Effect::Broadcast(message.urgency(), message.encode()));
    }

    /// Sends something to one peer.
    pub(super) fn send<C: Chain>(&self, peer: PeerId, message: &Message, host: &mut Host<'_, C>) {
        host.effects.push_back(Effect::Send(peer, message.urgency(), message.encode()));
    }

    /// Sends what bears a signature to everybody, once the log is durable.
    pub(super) fn publish<C: Chain>(
        &mut self,
        message: SignedConsensusMsg<crate::bft::rules::context::Tendermint>,
        host: &mut Host<'_, C>,
    ) {
        self.log.owe();
        match message {
            SignedConsensusMsg::Vote(vote) => self.broadcast(&Message::Vote(vote), host),
            SignedConsensusMsg::Proposal(proposal) => {
                for part in self.parts(&proposal) {
                    self.broadcast(&Message::Part(part), host);
                }
            }
        }
    }

    /// Our head, for others.
    pub(super) fn status_message(&self) -> Message {
        let BlockRef { height, hash } = self.parent.reference;
        Message::Status(BlockRef { height, hash })
    }

    /// Tells a new peer where we are, and what we have said in this round: it may have missed it.
    pub(super) fn greet<C: Chain>(&mut self, peer: PeerId, host: &mut Host<'_, C>) {
        self.send(peer, &self.status_message(), host);
        let Some(deciding) = self.deciding.as_ref().filter(|deciding| deciding.signs) else {
            return;
        };
        let Some(core) = &deciding.core else { return };
        let proposal =
            core.full_proposal_at_round_and_proposer(&core.height(), core.round(), core.address());
        let mut said = Vec::new();
        if let Some(full) = proposal {
            said.extend(self.parts(&full.proposal).into_iter().map(Message::Part));
        }
        let votes = [&core.last_signed_prevote, &core.last_signed_precommit];
        said.extend(votes.into_iter().flatten().cloned().map(Message::Vote));
        for message in &said {
            self.send(peer, message, host);
        }
        self.log.owe();
    }

    /// A proposal with its block. Nothing when we do not have the block: the library offers only what
    /// it knows to be valid.
    fn parts(&self, proposal: &SignedProposal) -> Vec<Part> {
        debug_assert_ne!(proposal.round(), Round::Nil, "proposals are made for a round");
        let body =
            self.deciding.as_ref().and_then(|deciding| deciding.bodies.get(&proposal.value.0));
        body.map(|body| Part::cut(proposal, &body.bytes).collect()).unwrap_or_default()
    }
}
