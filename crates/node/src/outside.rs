//! Carries out what an engine wants done: messages to peers, a nonce to look for, an accusation.

use crate::{driver::Outside, miner::Miner, validator::ValidatorKey};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_signer::SignerSync;
use hanse_consensus::{Effect, PeerFault, Urgency};
use hanse_ledger::Ledger;
use hanse_network::{Channel, Network, Severity};
use hanse_primitives::{ChainSpec, Equivocation, Transaction};
use hanse_rpc::Submit;
use hanse_txpool::Pool;
use std::sync::Arc;

/// Gas that an accusation may use.
const ACCUSATION_GAS: u64 = 2_000_000;

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

/// Takes proofs of equivocation to the contract that knows the validators, as a transaction of this
/// validator.
pub(crate) struct Accuser {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) pool: Pool,
    pub(crate) submit: Arc<dyn Submit>,
    pub(crate) key: ValidatorKey,
}

impl Accuser {
    pub(crate) fn accuse(&self, equivocation: &Equivocation) {
        let next = self.ledger.head().height.next();
        let engine = self.spec.engine_at(next).and_then(|engine| engine.validators());
        let Some(settings) = engine else { return };
        match self.transaction(settings.contract, equivocation) {
            Ok(raw) => {
                let outcome = self.submit.submit(vec![raw]).pop();
                match outcome {
                    Some(Ok(hash)) => tracing::warn!(%hash, "accused a validator of equivocation"),
                    Some(Err(error)) => tracing::warn!(%error, "an accusation was not taken"),
                    None => {}
                }
            }
            Err(error) => tracing::error!(%error, "an accusation cannot be made"),
        }
    }

    fn transaction(&self, contract: Address, equivocation: &Equivocation) -> Result<Bytes, String> {
        let account = self.key.account();
        let state = self.ledger.state(self.ledger.head().hash).map_err(|e| e.to_string())?;
        let info = state.account(&account).map_err(|e| e.to_string())?;
        let nonce = info.map_or(0, |info| info.nonce);
        let transaction = TxEip1559 {
            chain_id: self.spec.chain_id(),
            nonce: self.pool.pending_nonce(&account).unwrap_or(nonce),
            gas_limit: ACCUSATION_GAS,
            // Enough for some blocks in which the base fee rises.
            max_fee_per_gas: u128::from(self.pool.rules().base_fee).saturating_mul(2),
            to: TxKind::Call(contract),
            input: hanse_execution::accusation(equivocation),
            ..TxEip1559::default()
        };
        let digest = transaction.signature_hash();
        let signature = self.key.wallet().sign_hash_sync(&digest).map_err(|e| e.to_string())?;
        let signed: Transaction = transaction.into_signed(signature).into();
        Ok(signed.encoded_2718().into())
    }
}
