//! Which peer acts for which validator, and the end of that: whom the chain has put out for good, no
//! node keeps as a peer.

use crate::{NodeError, validator::ValidatorKey};
use alloy_primitives::Address;
use bytes::Bytes;
use hanse_consensus::Signer;
use hanse_execution::{Executor, removes_validator};
use hanse_ledger::{Ledger, StoredBlock};
use hanse_network::{Network, Severity};
use hanse_primitives::{ChainSpec, PeerId, ValidatorSignature};
use hanse_rpc::Events;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{broadcast::error::RecvError, mpsc};

/// The peers that have proven to act for a validator, since this node started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster(Arc<Mutex<BTreeMap<Address, PeerId>>>);

/// A peer that has come, with what it shows.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: PeerId,
    pub(crate) credential: Bytes,
}

/// Tells [`Watch`] of peers. Never waits; there are at most as many as connections came about.
pub(crate) type Arrivals = mpsc::UnboundedSender<Arrival>;

/// What a node shows its peers: its validator's word that it acts for it.
pub(crate) fn credential(key: Option<&ValidatorKey>, spec: &ChainSpec, peer: PeerId) -> Bytes {
    key.map_or_else(Bytes::new, |key| {
        let signature = key.sign(peer.digest(&spec.signing_domain()));
        Bytes::copy_from_slice(signature.0.as_slice())
    })
}

impl Roster {
    /// The peer that acts for a validator.
    pub(crate) fn peer_of(&self, validator: &Address) -> Option<PeerId> {
        self.0.lock().get(validator).copied()
    }

    /// The validator that a peer acts for.
    pub(crate) fn validator_of(&self, peer: &PeerId) -> Option<Address> {
        let members = self.0.lock();
        members.iter().find_map(|(account, known)| (known == peer).then_some(*account))
    }

    fn all(&self) -> Vec<(Address, PeerId)> {
        self.0.lock().iter().map(|(account, peer)| (*account, *peer)).collect()
    }
}

/// Follows peers and chain, and ends connections that the chain has no place for.
pub(crate) struct Watch {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) network: Arc<Network>,
    pub(crate) roster: Roster,
}

impl Watch {
    /// Runs until the network is gone.
    pub(crate) fn start(self, events: &Events, mut arrivals: mpsc::UnboundedReceiver<Arrival>) {
        let mut chain = events.chain();
        tokio::spawn(async move {
            loop {
                let looked = tokio::select! {
                    arrival = arrivals.recv() => match arrival {
                        Some(arrival) => self.welcome(&arrival),
                        None => return,
                    },
                    event = chain.recv() => match event {
                        Ok(event) if self.is_about_validators(&event.adopted) => self.look(),
                        Ok(_) => Ok(()),
                        // What was missed may have been about members.
                        Err(RecvError::Lagged(_)) => self.look(),
                        Err(RecvError::Closed) => return,
                    },
                };
                if let Err(error) = looked {
                    tracing::error!(%error, "the validators' standing cannot be read");
                }
            }
        });
    }

    /// Remembers for whom a new peer acts.
    fn welcome(&self, arrival: &Arrival) -> Result<(), NodeError> {
        let Arrival { peer, credential } = arrival;
        if credential.is_empty() {
            return Ok(());
        }
        let signature = <[u8; 65]>::try_from(&credential[..]).ok();
        let signature = signature.map(|bytes| ValidatorSignature(bytes.into()));
        let digest = peer.digest(&self.spec.signing_domain());
        let Some(account) = signature.and_then(|signature| signature.recover(digest).ok()) else {
            let why = "a credential that is no validator's signature of the peer's key";
            self.network.penalize(*peer, Severity::Serious, why);
            return Ok(());
        };
        // Anybody can sign with a key made up for it; only validators count.
        match self.is_expelled(account)? {
            None => Ok(()),
            Some(expelled) => {
                tracing::debug!(%peer, validator = %account, "a peer acts for a validator");
                self.roster.0.lock().insert(account, *peer);
                self.part(account, *peer, expelled);
                Ok(())
            }
        }
    }

    fn is_about_validators(&self, adopted: &[StoredBlock]) -> bool {
        adopted.iter().any(|block| {
            let engine = self.spec.engine_at(block.block().height());
            let Some(settings) = engine.and_then(|engine| engine.validators()) else {
                return false;
            };
            let mut logs = block.receipts().iter().flat_map(|receipt| receipt.logs());
            logs.any(|log| removes_validator(settings.contract, log))
        })
    }

    fn look(&self) -> Result<(), NodeError> {
        for (account, peer) in self.roster.all() {
            let expelled = self.is_expelled(account)?.unwrap_or(false);
            self.part(account, peer, expelled);
        }
        Ok(())
    }

    fn part(&self, account: Address, peer: PeerId, expelled: bool) {
        if expelled {
            tracing::warn!(validator = %account, %peer, "the chain has put this validator out; its node is dropped");
            self.network.expel(peer);
        }
    }

    /// Whether the chain has put a validator out for good; `None` for an account that never was one.
    fn is_expelled(&self, account: Address) -> Result<Option<bool>, NodeError> {
        let head = self.ledger.head();
        let engine = self.spec.engine_at(head.height.next());
        let Some(settings) = engine.and_then(|engine| engine.validators()) else {
            return Ok(None);
        };
        let standing = self.executor.standing(head.hash, settings.contract, account);
        let standing = standing.map_err(|error| NodeError::Failed(error.to_string()))?;
        Ok(standing.map(|(standing, _)| standing.is_expelled()))
    }
}
