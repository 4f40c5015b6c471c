//! The members of the network, as the chain has them, at this node's doors: which peers are the nodes of
//! members, who calls with a client's certificate, and how long this node's own certificates last.
//!
//! Certificates are judged by the time of the head, not by a clock: so all nodes judge alike, and a chain
//! that stands still lets nobody expire.

mod admission;
mod own;

pub(crate) use admission::Doorstep;
pub(crate) use own::OwnCertificate;

use crate::{
    NodeError,
    access::{ByCertificate, Certificates},
};
use alloy_primitives::{Address, B256};
use hanse_execution::{Executor, OrganizationRecord};
use hanse_identity::{
    Approver, Certificate, CertificateError, Identity, MspId, Policy, Purpose, RoleSet, Root, check,
};
use hanse_ledger::Ledger;
use hanse_primitives::BlockHash;
use parking_lot::RwLock;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// Who is in, and what vouches for them, after one block.
#[derive(Debug, Default)]
struct Directory {
    organizations: BTreeMap<MspId, RoleSet>,
    roots: Vec<Root>,
    /// Fingerprints.
    revoked: BTreeSet<B256>,
}

/// The directory of members, kept up to date by whoever follows the chain. Clones share it.
#[derive(Clone)]
pub(crate) struct Members {
    executor: Executor,
    ledger: Ledger,
    directory: Arc<RwLock<Arc<Directory>>>,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({} organizations)", self.directory.read().organizations.len())
    }
}

impl Members {
    /// The members of a chain that has any; `None` where everybody may take part.
    ///
    /// # Errors
    /// When the contract cannot be asked.
    pub(crate) fn new(executor: &Executor, ledger: &Ledger) -> Result<Option<Self>, NodeError> {
        if executor.spec().membership().is_none() {
            return Ok(None);
        }
        let members =
            Self { executor: executor.clone(), ledger: ledger.clone(), directory: Arc::default() };
        members.refresh()?;
        Ok(Some(members))
    }

    /// Asks the contract again.
    ///
    /// # Errors
    /// When it cannot be asked; what was known stays.
    pub(crate) fn refresh(&self) -> Result<(), NodeError> {
        let directory = self.read(self.ledger.head().hash)?;
        *self.directory.write() = Arc::new(directory);
        Ok(())
    }

    fn read(&self, at: BlockHash) -> Result<Directory, NodeError> {
        let records = self.executor.organizations(at);
        let records = records.map_err(|error| NodeError::Failed(error.to_string()))?;
        let mut directory = Directory::default();
        for record in records {
            directory.take(record);
        }
        Ok(directory)
    }

    /// The time that certificates are judged by: seconds.
    fn time(&self) -> Result<u64, NodeError> {
        let head = self.ledger.head();
        let header = self.ledger.header(head.height)?;
        Ok(header.map_or(0, |header| header.timestamp))
    }

    /// What a certificate proves now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, der: &[u8], purpose: Purpose) -> Result<Identity, Doubt> {
        let certificate = Certificate::parse(der)?;
        let directory = Arc::clone(&self.directory.read());
        let time = self.time()?;
        Ok(check(&certificate, &directory.roots, &directory.revoked, time, purpose)?)
    }

    /// What the network lets an organization's people be.
    fn roles_of(&self, organization: &MspId) -> Option<RoleSet> {
        self.directory.read().organizations.get(organization).copied()
    }
}

impl Directory {
    /// What the contract keeps is the organization's word: whatever is not as it should be vouches for nobody.
    fn take(&mut self, record: OrganizationRecord) {
        let Ok(id) = MspId::from_word(&record.id) else {
            tracing::warn!(id = %record.id, "an organization on the chain has no valid id");
            return;
        };
        for certificate in record.certificates {
            if certificate.is_revoked {
                self.revoked.insert(certificate.fingerprint);
            }
            let Some(der) = certificate.root else { continue };
            match Root::parse(&id, &der) {
                Ok(root) => self.roots.push(root),
                Err(error) => {
                    tracing::warn!(organization = %id, %error, "a root on the chain vouches for nobody");
                }
            }
        }
        self.organizations.insert(id, RoleSet::from_bits(record.roles).unwrap_or_default());
    }
}

/// Why a certificate is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Doubt {
    /// Something is wrong with it.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// We could not find out.
    #[error("the members cannot be read: {0}")]
    Node(#[from] NodeError),
}

impl From<hanse_ledger::LedgerError> for Doubt {
    fn from(error: hanse_ledger::LedgerError) -> Self {
        Self::Node(error.into())
    }
}

/// Callers by their certificates: a member's person has the role at this node that the first policy gives
/// which the person meets.
#[derive(Debug)]
pub(crate) struct Callers {
    members: Members,
    rules: Vec<(Policy, String)>,
}

impl Callers {
    /// # Errors
    /// [`NodeError::Config`] for a policy that cannot be read.
    pub(crate) fn new(members: Members, rules: &[ByCertificate]) -> Result<Self, NodeError> {
        let rule = |rule: &ByCertificate| {
            let policy = Policy::parse(&rule.policy).map_err(|error| {
                NodeError::Config(format!("access.certificates: '{}': {error}", rule.policy))
            })?;
            Ok((policy, rule.role.clone()))
        };
        Ok(Self { members, rules: rules.iter().map(rule).collect::<Result<_, NodeError>>()? })
    }
}

impl Certificates for Callers {
    fn identify(&self, der: &[u8]) -> Result<(String, String), String> {
        let identity =
            self.members.check(der, Purpose::Client).map_err(|doubt| doubt.to_string())?;
        let organization = identity.organization;
        let granted = self.members.roles_of(&organization);
        let granted = granted.ok_or_else(|| format!("{organization} is no member"))?;
        let roles = identity.roles.and(granted.with(hanse_identity::Role::Admin));
        let name = format!("{}@{organization}", identity.name);
        let account = identity.account.unwrap_or(Address::ZERO);
        let approver = Approver { account, organization: organization.clone(), roles };
        let active = BTreeSet::from([organization]);
        let approvers = [approver];
        let met = self.rules.iter().find(|(policy, _)| policy.evaluate(&approvers, &active));
        match met {
            Some((_, role)) => Ok((name, role.clone())),
            None => Err(format!("{name} has no role at this node")),
        }
    }
}
