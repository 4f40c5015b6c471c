//! What the contract of members tells nodes: who is in, and what vouches for them.

use super::bindings::IMembers;
use crate::{ExecutionError, Executor};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use hanse_primitives::BlockHash;

/// Organizations that one report has; the contract knows at most 256.
const ORGANIZATIONS_MAX: usize = 256;

/// Certificates asked for at once.
const PAGE: u64 = 64;

/// Certificates of one organization that one report has, those that were revoked included.
const CERTIFICATES_MAX: u64 = 4_096;

/// An organization that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// Its MSP id, as a word of ASCII.
    pub id: B256,
    /// Name, for people.
    pub name: String,
    /// Bits of the roles that its accounts may have (`IMembers`).
    pub roles: u32,
    /// What it has made known, oldest first.
    pub certificates: Vec<CertificateRecord>,
}

/// A certificate that an organization has made known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// SHA-256 of the DER bytes.
    pub fingerprint: B256,
    /// The DER bytes, of a root.
    pub root: Option<Bytes>,
    /// The network key, of a node.
    pub node: Option<B256>,
    /// Last second in which it is valid.
    pub not_after: u64,
    /// It was revoked.
    pub is_revoked: bool,
}

/// True when `log` is one by which `contract` tells of a change of members or certificates.
#[must_use]
pub fn changes_members(contract: Address, log: &Log) -> bool {
    log.address == contract
}

impl Executor {
    /// The organizations that take part after block `at`, with their certificates; none on a chain without
    /// a contract of members.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn organizations(&self, at: BlockHash) -> Result<Vec<OrganizationRecord>, ExecutionError> {
        let Some(membership) = self.spec().membership() else { return Ok(Vec::new()) };
        let contract = membership.members;
        let all = self.ask_contract(at, contract, &IMembers::organizationsCall {})?;
        let active = all.into_iter().filter(|one| one.status == ACTIVE).take(ORGANIZATIONS_MAX);
        let record = |one: IMembers::Organization| {
            let certificates = self.certificates(at, contract, one.id)?;
            Ok(OrganizationRecord { id: one.id, name: one.name, roles: one.roles, certificates })
        };
        active.map(record).collect()
    }

    fn certificates(
        &self,
        at: BlockHash,
        contract: Address,
        id: B256,
    ) -> Result<Vec<CertificateRecord>, ExecutionError> {
        let count = self.ask_contract(at, contract, &IMembers::certificateCountCall { id })?;
        let count = count.saturating_to::<u64>().min(CERTIFICATES_MAX);
        let mut records = Vec::new();
        let mut first = 0;
        while first < count {
            let question = IMembers::certificatesCall {
                id,
                first: U256::from(first),
                count: U256::from(PAGE),
            };
            let page = self.ask_contract(at, contract, &question)?;
            for one in page {
                let is_revoked = one.revokedIn != 0;
                let root = match one.kind {
                    ROOT if !is_revoked => {
                        let fingerprint = one.fingerprint;
                        let question = IMembers::rootBytesCall { fingerprint };
                        Some(self.ask_contract(at, contract, &question)?)
                    }
                    _ => None,
                };
                records.push(CertificateRecord {
                    fingerprint: one.fingerprint,
                    root,
                    node: (one.kind == NODE).then_some(one.subject),
                    not_after: one.notAfter,
                    is_revoked,
                });
            }
            first += PAGE;
        }
        Ok(records)
    }
}

/// As `IMembers.Status` numbers them.
const ACTIVE: u8 = 1;
/// As `IMembers.Kind` numbers them.
const ROOT: u8 = 0;
const NODE: u8 = 1;
