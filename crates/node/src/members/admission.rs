use super::{Doubt, Members};
use crate::{NodeError, driver::Status, roster::validator_of};
use alloy_primitives::Address;
use hanse_execution::{ExecutionError, Executor};
use hanse_identity::{CertificateError, Credential, PublicKey, Purpose};
use hanse_ledger::Ledger;
use hanse_network::{Admission, Hello};
use hanse_primitives::{ChainSpec, PeerId};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// Heights by which a node may be behind and still know who the members are.
const BEHIND_MAX: u64 = 16;

/// Lets in the nodes of members, and nobody else.
pub(crate) struct Doorstep {
    pub(crate) members: Members,
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) status: Status,
    /// Keys that the operator has written down: while this node does not yet know who the members are now,
    /// it goes by them.
    pub(crate) trusted: BTreeSet<PeerId>,
}

impl fmt::Debug for Doorstep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Doorstep({:?})", self.members)
    }
}

impl Doorstep {
    /// Whether what a peer shows makes it the node of a member.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn vouch(&self, peer: PeerId, credential: &Credential) -> Result<(), String> {
        match self.certified(peer, credential) {
            Ok(()) => Ok(()),
            Err(why) if self.trusted.contains(&peer) && self.is_behind() => {
                tracing::debug!(%peer, why, "let in by the operator's word until the chain is here");
                Ok(())
            }
            Err(why) => Err(why),
        }
    }

    fn certified(&self, peer: PeerId, credential: &Credential) -> Result<(), String> {
        let Some(der) = &credential.certificate else {
            return Err("it shows no certificate".to_owned());
        };
        let (identity, is_expired) = match self.members.check(der, Purpose::Node) {
            Ok(identity) => (identity, false),
            Err(Doubt::Certificate(CertificateError::Expired(identity))) => (*identity, true),
            Err(doubt) => return Err(doubt.to_string()),
        };
        if identity.key != PublicKey::Ed25519(peer) {
            return Err(format!("the certificate of {} is for another key", identity.name));
        }
        if !is_expired {
            return Ok(());
        }
        // The chain must not stop because somebody forgot to renew: who votes goes on until it does not.
        let validator = validator_of(&self.spec, peer, credential);
        match validator.map(|account| self.is_voting(account)).transpose() {
            Ok(Some(true)) => {
                let organization = &identity.organization;
                tracing::warn!(%peer, %organization, "a validator's certificate has expired");
                Ok(())
            }
            Ok(_) => Err(CertificateError::Expired(Box::new(identity)).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether an account votes on the next block.
    fn is_voting(&self, account: Address) -> Result<bool, NodeError> {
        let head = self.ledger.head();
        let failed = |error: ExecutionError| NodeError::Failed(error.to_string());
        let tenure = self.executor.tenure(head).map_err(failed)?;
        let Some(settings) = tenure.as_ref().and_then(|tenure| tenure.engine.validators()) else {
            return Ok(false);
        };
        let set = self.executor.validators(head.hash, settings.contract).map_err(failed)?;
        Ok(set.get(&account).is_some())
    }

    /// True while others have blocks that may say who is a member.
    fn is_behind(&self) -> bool {
        let head = self.ledger.head().height;
        head.0 == 0 || self.status.lock().best_known.0 > head.0.saturating_add(BEHIND_MAX)
    }
}

impl Admission for Doorstep {
    fn judge(&self, peer: PeerId, hello: &Hello) -> Result<(), String> {
        let credential =
            Credential::decode(&hello.credential).map_err(|error| error.to_string())?;
        self.vouch(peer, &credential)
    }
}
