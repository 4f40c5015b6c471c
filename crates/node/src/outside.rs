//! Carries out what an engine wants done: messages to peers, a nonce to look for, an accusation.

use crate::{driver::Outside, miner::Miner, own::OwnAccount};
use alloy_primitives::Address;
use hanse_consensus::{Effect, PeerFault, Urgency};
use hanse_execution::ExecutionError;
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
        let contracts = match self.contracts(equivocation) {
            Ok(contracts) => contracts,
            Err(error) => return tracing::error!(%error, "it cannot be read where to accuse"),
        };
        for contract in contracts {
            match self.0.call(contract, hanse_execution::accusation(equivocation)) {
                Ok(hash) => tracing::warn!(%hash, "accused a validator of equivocation"),
                Err(error) => tracing::warn!(%error, "an accusation was not taken"),
            }
        }
    }

    /// The contract that knew the accused when it signed; and after a change of engine that which knows now who
    /// votes, if it knows the accused.
    fn contracts(&self, equivocation: &Equivocation) -> Result<Vec<Address>, ExecutionError> {
        let own = &self.0;
        let then = own.engine_at(equivocation.height())?.map(|(_, contract)| contract);
        let now = own.engine()?.map(|(_, contract)| contract).filter(|now| Some(*now) != then);
        let accused = equivocation.verify(&own.spec.signing_domain()).ok();
        let known = match now.zip(accused) {
            Some((now, accused)) => {
                own.executor.standing(own.ledger.head().hash, now, accused)?.map(|_| now)
            }
            None => None,
        };
        Ok(then.into_iter().chain(known).collect())
    }
}
