//! Carries out what an engine wants done: messages to peers, a nonce to look for, an accusation.

use crate::{driver::Outside, miner::Miner, own::OwnAccount};
use hanse_consensus::{Effect, PeerFault, Urgency};
use hanse_network::{Channel, Network, Severity};
use hanse_primitives::Equivocation;
use std::sync::Arc;

/// The outside of a node that seals alone: there is nobody.
#[derive(Debug)]
pub(crate) struct Alone;

impl Outside for Alone {
    fn carry(&mut self, effect: Effect) {
        tracing::debug!(?effect, "there is nobody to tell");
    }
}

/// The outside of a node with peers.
pub(crate) struct Among {
    pub(crate) network: Arc<Network>,
    pub(crate) miner: Miner,
    pub(crate) accuser: Option<Accuser>,
}

impl Outside for Among {
    fn carry(&mut self, effect: Effect) {
        match effect {
            Effect::Broadcast(urgency, bytes) => {
                if let Err(error) = self.network.broadcast(channel(urgency), &bytes.0) {
                    tracing::error!(%error, "a message of our own cannot be sent");
                }
            }
            Effect::Send(peer, urgency, bytes) => {
                // A peer that has just gone needs no answer.
                if let Err(error) = self.network.send(peer, channel(urgency), bytes.0) {
                    tracing::debug!(%peer, %error, "not sent");
                }
            }
            Effect::Penalize(peer, fault) => {
                self.network.penalize(peer, severity(&fault), &fault.to_string());
            }
            Effect::Accuse(equivocation) => match &self.accuser {
                Some(accuser) => accuser.accuse(&equivocation),
                None => tracing::warn!(?equivocation, "a validator signed two things"),
            },
            Effect::Mine(job) => self.miner.mine(job),
            Effect::StopMining => self.miner.stop(),
        }
    }
}

const fn channel(urgency: Urgency) -> Channel {
    match urgency {
        Urgency::Vote => Channel::Consensus,
        Urgency::Block => Channel::Blocks,
        Urgency::Sync => Channel::Sync,
    }
}

const fn severity(fault: &PeerFault) -> Severity {
    match fault {
        PeerFault::Excess(_) => Severity::Slight,
        PeerFault::Malformed(_) => Severity::Serious,
        PeerFault::Forged(_) | PeerFault::InvalidBlock(_) => Severity::Grave,
    }
}

/// Sends what proves an equivocation to the contract, in a transaction.
pub(crate) struct Accuser(pub(crate) OwnAccount);

impl Accuser {
    pub(crate) fn accuse(&self, equivocation: &Equivocation) {
        let Some((_, contract)) = self.0.engine() else { return };
        match self.0.call(contract, hanse_execution::accusation(equivocation)) {
            Ok(hash) => tracing::warn!(%hash, "accused a validator of equivocation"),
            Err(error) => tracing::warn!(%error, "an accusation was not taken"),
        }
    }
}
