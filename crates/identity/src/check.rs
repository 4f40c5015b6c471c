use crate::{
    Certificate, CertificateError, Host, Kind, MspId, PublicKey, RoleSet, Serial,
    limits::{DAY_SECONDS, ROOTS_TRIED_MAX},
};
use alloy_primitives::{Address, B256};
use std::{collections::BTreeSet, fmt};

/// A root certificate of an organization: one that it has made known on the chain, or on its own disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(Certificate);

impl Root {
    /// Takes a root certificate for an organization. The chain keeps roots under the organization that brought
    /// them; one that names another would let it issue certificates in the other's name.
    ///
    /// # Errors
    /// [`CertificateError`] when it is none, is another organization's, or is not signed with its own key.
    pub fn new(organization: &MspId, certificate: Certificate) -> Result<Self, CertificateError> {
        if certificate.kind() != Kind::Root || certificate.issuer() != certificate.subject() {
            return Err(CertificateError::NotRoot);
        }
        if certificate.organization() != organization {
            let (expected, found) = (organization.clone(), certificate.organization().clone());
            return Err(CertificateError::OtherOrganization { expected, found });
        }
        certificate.verify(certificate.key())?;
        Ok(Self(certificate))
    }

    /// Reads and takes a root certificate: DER.
    ///
    /// # Errors
    /// As [`Certificate::parse`] and [`Root::new`].
    pub fn parse(organization: &MspId, bytes: &[u8]) -> Result<Self, CertificateError> {
        Self::new(organization, Certificate::parse(bytes)?)
    }

    /// Whether its key has issued a certificate, whatever else is true of that.
    #[must_use]
    pub fn has_issued(&self, certificate: &Certificate) -> bool {
        issuers(certificate, std::slice::from_ref(self)).is_ok()
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.0
    }
}

/// What a certificate is to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// That a network key is a node of an organization.
    Node,
    /// That who calls a node is somebody of an organization.
    Client,
    /// That a server is an organization's.
    Server,
}

impl Purpose {
    const fn kind(self) -> Kind {
        match self {
            Self::Node => Kind::Node,
            Self::Client => Kind::Client,
            Self::Server => Kind::Server,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())
    }
}

/// What a certificate proves. Only [`check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Whose it is.
    pub organization: MspId,
    /// What it is for.
    pub kind: Kind,
    /// The name for people. It decides nothing.
    pub name: String,
    /// The roles that the organization gives; what the network gave the organization limits them.
    pub roles: RoleSet,
    /// The key: a node's network key, or what a client or server proves in TLS.
    pub key: PublicKey,
    /// The account of a client, if it says one.
    pub account: Option<Address>,
    /// Where a server is.
    pub hosts: Vec<Host>,
    /// The number by which the authority knows it.
    pub serial: Serial,
    /// SHA-256 of its bytes.
    pub fingerprint: B256,
    /// Fingerprint of the root that issued it.
    pub root: B256,
    /// First second in which it and its root are valid.
    pub not_before: u64,
    /// Last second in which it and its root are valid.
    pub not_after: u64,
    /// Whole days that are left until then.
    pub days_left: u64,
}

/// Says what a certificate proves at a time, for a purpose: that one of these roots of its organization
/// issued it directly, and that neither is revoked.
///
/// `revoked` has fingerprints. Roots of several organizations may be given; each issues for its own only.
///
/// # Errors
/// The first thing that is wrong. [`CertificateError::Expired`] comes last of all: it says that nothing is
/// wrong but the time, and what the certificate proved until then.
pub fn check(
    certificate: &Certificate,
    roots: &[Root],
    revoked: &BTreeSet<B256>,
    now: u64,
    purpose: Purpose,
) -> Result<Identity, CertificateError> {
    let found = certificate.kind();
    if found != purpose.kind() {
        return Err(CertificateError::Purpose { expected: purpose, found });
    }
    let issuers = issuers(certificate, roots)?;
    let fingerprint = certificate.fingerprint();
    if revoked.contains(&fingerprint) {
        return Err(CertificateError::Revoked(fingerprint));
    }
    // An authority that renews its certificate without changing its key has issued under both.
    let standing = issuers.iter().filter(|root| !revoked.contains(&root.fingerprint()));
    let issuer = standing
        .max_by_key(|root| {
            let validity = root.validity();
            (validity.not_before() <= now, validity.not_after())
        })
        .ok_or(CertificateError::Revoked(issuers[0].fingerprint()))?;
    let identity = identity(certificate, issuer, now);
    if now < identity.not_before {
        return Err(CertificateError::NotYetValid { from: identity.not_before, now });
    }
    if identity.not_after < now {
        return Err(CertificateError::Expired(Box::new(identity)));
    }
    Ok(identity)
}

/// The roots that have issued a certificate: at least one.
fn issuers<'a>(
    certificate: &Certificate,
    roots: &'a [Root],
) -> Result<Vec<&'a Certificate>, CertificateError> {
    let could_be = |root: &&Certificate| {
        root.organization() == certificate.organization()
            && root.subject() == certificate.issuer()
            && certificate.may_be_issued_with(root)
    };
    let mut could = roots.iter().map(Root::certificate).filter(could_be).peekable();
    if could.peek().is_none() {
        let organization = certificate.organization().clone();
        return Err(CertificateError::UnknownIssuer { organization });
    }
    let mut issuers: Vec<&Certificate> = Vec::new();
    for root in could.take(ROOTS_TRIED_MAX) {
        let is_same_key = issuers.first().is_some_and(|known| known.key() == root.key());
        if is_same_key || certificate.verify(root.key()).is_ok() {
            issuers.push(root);
        }
    }
    if issuers.is_empty() { Err(CertificateError::BadSignature) } else { Ok(issuers) }
}

fn identity(certificate: &Certificate, root: &Certificate, now: u64) -> Identity {
    let (own, roots) = (certificate.validity(), root.validity());
    let not_after = own.not_after().min(roots.not_after());
    Identity {
        organization: certificate.organization().clone(),
        kind: certificate.kind(),
        name: certificate.name().to_owned(),
        roles: certificate.roles(),
        key: *certificate.key(),
        account: certificate.account(),
        hosts: certificate.hosts().to_vec(),
        serial: certificate.serial().clone(),
        fingerprint: certificate.fingerprint(),
        root: root.fingerprint(),
        not_before: own.not_before().max(roots.not_before()),
        not_after,
        days_left: not_after.saturating_sub(now) / DAY_SECONDS,
    }
}
