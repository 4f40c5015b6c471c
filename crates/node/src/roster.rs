//! Which peer acts for which validator, and the end of that: whom the chain has put out for good, no
//! node keeps as a peer.

use crate::{NodeError, members::Doorstep, validator::ValidatorKey};
use alloy_primitives::{Address, B256};
use bytes::Bytes;
use hanse_consensus::Signer;
use hanse_execution::{ExecutionError, Executor, changes_members, removes_validator};
use hanse_identity::Credential;
use hanse_ledger::{Ledger, StoredBlock};
use hanse_network::{Network, Severity};
use hanse_primitives::{ChainSpec, PeerId, ValidatorSignature};
use hanse_rpc::Events;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

/// How often peers' certificates are looked at for their end.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(5);

/// The peers that have proven to act for a validator, since this node started; and what all have shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    validators: BTreeMap<Address, PeerId>,
    credentials: BTreeMap<PeerId, Credential>,
}

/// A peer that has come, with what it shows.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: PeerId,
    pub(crate) credential: Bytes,
}

/// Tells [`Watch`] of peers. Never waits; there are at most as many as connections came about.
pub(crate) type Arrivals = mpsc::UnboundedSender<Arrival>;

/// What a node shows its peers: its validator's word that it acts for it, and its organization's that its key
/// is a member's.
///
/// # Errors
/// When the certificate (DER) is too long to be one.
pub(crate) fn credential(
    key: Option<&ValidatorKey>,
    certificate: Option<Vec<u8>>,
    spec: &ChainSpec,
    peer: PeerId,
) -> Result<Bytes, NodeError> {
    let validator = key.map(|key| key.sign(peer.digest(&spec.signing_domain())).0.0);
    let encoded = Credential { validator, certificate }.encode();
    encoded.map(Bytes::from).map_err(|error| NodeError::Config(error.to_string()))
}

/// The account of the validator that a peer shows to act for.
pub(crate) fn validator_of(
    spec: &ChainSpec,
    peer: PeerId,
    credential: &Credential,
) -> Option<Address> {
    let signature = ValidatorSignature(credential.validator?.into());
    signature.recover(peer.digest(&spec.signing_domain())).ok()
}

impl Roster {
    /// The peer that acts for a validator.
    pub(crate) fn peer_of(&self, validator: &Address) -> Option<PeerId> {
        self.0.lock().validators.get(validator).copied()
    }

    /// The validator that a peer acts for.
    pub(crate) fn validator_of(&self, peer: &PeerId) -> Option<Address> {
        let shown = self.0.lock();
        shown.validators.iter().find_map(|(account, known)| (known == peer).then_some(*account))
    }

    fn all(&self) -> Vec<(Address, PeerId)> {
        self.0.lock().validators.iter().map(|(account, peer)| (*account, *peer)).collect()
    }
}

/// Follows peers and chain, and ends connections that the chain has no place for.
pub(crate) struct Watch {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) network: Arc<Network>,
    pub(crate) roster: Roster,
    /// Who is a member; none where everybody may be a peer.
    pub(crate) doorstep: Option<Arc<Doorstep>>,
}

impl Watch {
    /// Runs until the network is gone.
    pub(crate) fn start(self, events: &Events, mut arrivals: mpsc::UnboundedReceiver<Arrival>) {
        let mut chain = events.chain();
        let mut clock = tokio::time::interval(CERTIFICATES_EVERY);
        let mut upgrades = self.upgrades();
        tokio::spawn(async move {
            loop {
                let looked = tokio::select! {
                    arrival = arrivals.recv() => match arrival {
                        Some(arrival) => self.welcome(&arrival),
                        None => return,
                    },
                    event = chain.recv() => match event {
                        Ok(event) => self.follow(&event.adopted, &mut upgrades),
                        // What was missed may have been about anybody.
                        Err(RecvError::Lagged(_)) => self.look().and_then(|()| self.look_at_members()),
                        Err(RecvError::Closed) => return,
                    },
                    // Certificates end by time, too.
                    _ = clock.tick() => self.look_at_certificates(),
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
        let credential = match Credential::decode(credential) {
            Ok(credential) => credential,
            Err(error) => {
                self.network.penalize(*peer, Severity::Serious, &error.to_string());
                return Ok(());
            }
        };
        let claims = credential.validator.is_some();
        let account = validator_of(&self.spec, *peer, &credential);
        self.roster.0.lock().credentials.insert(*peer, credential);
        let Some(account) = account else {
            if claims {
                let why = "a credential that is no validator's signature of the peer's key";
                self.network.penalize(*peer, Severity::Serious, why);
            }
            return Ok(());
        };
        // Anybody can sign with a key made up for it; only validators count.
        match self.is_expelled(account)? {
            None => Ok(()),
            Some(expelled) => {
                tracing::debug!(%peer, validator = %account, "a peer acts for a validator");
                self.roster.0.lock().validators.insert(account, *peer);
                self.part(account, *peer, expelled);
                Ok(())
            }
        }
    }

    fn is_about_validators(&self, adopted: &[StoredBlock]) -> Result<bool, NodeError> {
        let logs = adopted.iter().flat_map(|block| block.receipts()).flat_map(|r| r.logs());
        let told = logs.filter(|log| removes_validator(log.address, log)).map(|log| log.address);
        let told: BTreeSet<Address> = told.collect();
        if told.is_empty() {
            return Ok(false);
        }
        // Anybody can make such a log; which contracts count, the state says.
        let state = self.ledger.state(self.ledger.head().hash)?;
        let known = self.spec.registries(|contract, slot| state.storage(&contract, &slot))?;
        Ok(!known.is_disjoint(&told))
    }

    /// Which upgrades were carried out up to the head.
    fn upgrades(&self) -> Option<B256> {
        let version = self.executor.upgrades_version(self.ledger.head().hash);
        version.unwrap_or_else(|error| {
            tracing::error!(%error, "which upgrades there were cannot be read");
            None
        })
    }

    /// Takes notice of what new blocks say of validators and members.
    fn follow(
        &self,
        adopted: &[StoredBlock],
        upgrades: &mut Option<B256>,
    ) -> Result<(), NodeError> {
        let version = self.upgrades();
        if version != *upgrades {
            // Other code may say something else about anybody, and no event tells of it.
            *upgrades = version;
            self.look()?;
            return self.look_at_members();
        }
        if self.is_about_validators(adopted)? {
            self.look()?;
        }
        let Some(membership) = self.spec.membership() else { return Ok(()) };
        let mut logs = adopted.iter().flat_map(|block| block.receipts()).flat_map(|r| r.logs());
        if logs.any(|log| changes_members(membership.members, log)) {
            self.look_at_members()?;
        }
        Ok(())
    }

    /// Reads who the members are now, and looks at all peers again.
    fn look_at_members(&self) -> Result<(), NodeError> {
        let Some(doorstep) = &self.doorstep else { return Ok(()) };
        doorstep.members.refresh()?;
        self.look_at_certificates()
    }

    /// Ends the connections to peers whose certificates are no longer good.
    fn look_at_certificates(&self) -> Result<(), NodeError> {
        let Some(doorstep) = &self.doorstep else { return Ok(()) };
        let connected: BTreeSet<PeerId> =
            self.network.peers().into_iter().map(|peer| peer.id).collect();
        let mut shown = self.roster.0.lock();
        shown.credentials.retain(|peer, _| connected.contains(peer));
        let credentials = shown.credentials.clone();
        drop(shown);
        for (peer, credential) in credentials {
            if let Err(why) = doorstep.vouch(peer, &credential) {
                tracing::warn!(%peer, why, "a peer is no member's node any more; it is dropped");
                self.network.dismiss(peer);
            }
        }
        Ok(())
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
        let failed = |error: ExecutionError| NodeError::Failed(error.to_string());
        let tenure = self.executor.tenure(head).map_err(failed)?;
        let Some(settings) = tenure.as_ref().and_then(|tenure| tenure.engine.validators()) else {
            return Ok(None);
        };
        let standing = self.executor.standing(head.hash, settings.contract, account);
        let standing = standing.map_err(failed)?;
        Ok(standing.map(|(standing, _)| standing.is_expelled()))
    }
}
