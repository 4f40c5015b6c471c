use crate::{Identity, Kind, MspId, Purpose, limits};
use alloy_primitives::B256;
use thiserror::Error;

/// What is wrong with a name, a role, a key, a credential or a request: the fault of whoever gave it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// No id of an organization.
    #[error("'{name}' is no organization: {problem}; as in BrandMSP, at most 31 characters")]
    Organization {
        /// What was given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No role.
    #[error(
        "'{0}' is no role; there are member, admin, merchant, carrier, bank, auditor, regulator, \
         oracle, validator, platform and shopper"
    )]
    Role(String),
    /// A kind of certificate that has no roles, or a role that no certificate names.
    #[error("a certificate cannot say that: {0}")]
    Request(&'static str),
    /// Neither a host name nor an address.
    #[error("'{0}' is neither a host name nor an IP address")]
    Host(String),
    /// A serial number that is too short, too long or zero.
    #[error("a serial number has 8 to 20 bytes, leading zeros left out, and is not zero")]
    Serial,
    /// A time span that ends before it begins, or after the year 9999, or after its issuer's.
    #[error("the validity {0}")]
    Validity(&'static str),
    /// No key, or not the right one.
    #[error("the key {0}")]
    Key(&'static str),
    /// No PEM text of the kind that is needed.
    #[error("no PEM text with one {0}")]
    Pem(&'static str),
    /// A list of revocations that is not what it should be.
    #[error("the revocation list {0}")]
    RevocationList(&'static str),
    /// Bytes that are no credential of a node.
    #[error("no credential: {0}")]
    Credential(&'static str),
    /// A credential of another version.
    #[error("a credential of version {0}; this node reads version 1: update it")]
    CredentialVersion(u8),
    /// A certificate, or one that would have come about.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Why a certificate is not taken. All are the fault of whoever made or showed it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// More bytes than a certificate may have.
    #[error("it has {0} bytes; at most {most} are taken: leave out what it need not say", most = limits::CERTIFICATE_BYTES_MAX)]
    TooLarge(usize),
    /// Bytes that are not DER, or not in its one encoding.
    #[error(
        "it is not strict DER, at byte {at}: {problem}; convert PEM with `openssl x509 -outform der`"
    )]
    NotDer {
        /// Where.
        at: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// DER, but no certificate.
    #[error("it is no X.509 certificate: {0}")]
    Malformed(&'static str),
    /// Another version than 3, or fields that only old versions have.
    #[error("it is not X.509 version 3, or has unique identifiers, which are obsolete")]
    Version,
    /// Another algorithm.
    #[error(
        "it is not signed with ECDSA P-256 and SHA-256: issue it with an authority of that kind"
    )]
    Algorithm,
    /// The second of the two forms that every signature has.
    #[error(
        "its signature is in the form with the larger number, which others could have made of it: \
         convert the certificate, or issue it again"
    )]
    HighSignature,
    /// The serial number.
    #[error("its serial number {0}: issue it again")]
    Serial(&'static str),
    /// A name in subject or issuer.
    #[error("its {part} {problem}: issue it again with the name put right")]
    Name {
        /// Which one.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The organizational units, which say kind and roles.
    #[error(
        "its organizational units (OU) {0}: there is one of node, client, admin and server, and roles with client or admin"
    )]
    Units(&'static str),
    /// It ends before it begins, or before 1970.
    #[error("its validity ends before it begins, or begins before 1970: issue it again")]
    Validity,
    /// The key that it certifies.
    #[error("it certifies a key that {0}")]
    Key(&'static str),
    /// An extension says something else than it must.
    #[error("its extension {extension} {problem}: issue it again")]
    Extension {
        /// Which one.
        extension: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two extensions of one kind.
    #[error("its extension {0} is there twice")]
    DuplicateExtension(String),
    /// An extension that must be understood and is not.
    #[error("its extension {0} must be understood, and is not known here: issue it without")]
    UnknownExtension(String),
    /// It is for something else.
    #[error("it is a certificate of kind {found}, and one for {expected} is needed")]
    Purpose {
        /// What it was to be used for.
        expected: Purpose,
        /// What it is.
        found: Kind,
    },
    /// A root that another organization would be held to.
    #[error("it is for {found}, and not for {expected}")]
    OtherOrganization {
        /// Whose it was to be.
        expected: MspId,
        /// Whose it says to be.
        found: MspId,
    },
    /// Not a root.
    #[error(
        "it is no root certificate of an organization: it does not certify an authority under its own name"
    )]
    NotRoot,
    /// None of the organization's roots has issued it.
    #[error(
        "no known authority of {organization} has issued it: has the organization made its root known, and not removed it?"
    )]
    UnknownIssuer {
        /// The organization that it names.
        organization: MspId,
    },
    /// A signature that is not the issuer's.
    #[error("its signature is not its issuer's: it is forged, or was changed")]
    BadSignature,
    /// Revoked, or its issuer is.
    #[error("it is revoked, or its authority is: ask its organization for a new one")]
    Revoked(B256),
    /// From a time to come.
    #[error("it is not valid before second {from}, and it is second {now}")]
    NotYetValid {
        /// When it begins, in seconds.
        from: u64,
        /// The time it was checked for.
        now: u64,
    },
    /// Everything is right but that its time, or that of its authority, is over.
    #[error("it was valid until second {until}: renew it", until = .0.not_after)]
    Expired(Box<Identity>),
}

impl CertificateError {
    /// Whether time alone has ended it, so that a validator in office may go on under it.
    #[must_use]
    pub const fn is_expiry(&self) -> bool {
        matches!(self, Self::Expired(_))
    }
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The text, at a character.
    #[error("column {column}: expected {expected}, found {found}")]
    Text {
        /// The character, from 1.
        column: usize,
        /// What could stand there.
        expected: String,
        /// What does.
        found: String,
    },
    /// The text has more characters than a policy may have.
    #[error("a policy has at most {most} characters", most = limits::POLICY_TEXT_BYTES_MAX)]
    TooLong,
    /// The bytes, at a byte.
    #[error("no form of a policy, at byte {at}: {problem}")]
    Form {
        /// The byte, from 0.
        at: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// Deeper than a policy may be.
    #[error("a policy is at most {most} levels deep", most = limits::POLICY_DEPTH_MAX)]
    TooDeep,
    /// More nodes than a policy may have.
    #[error("a policy has at most {most} nodes", most = limits::POLICY_NODES_MAX)]
    TooManyNodes,
    /// A threshold, a count or a share out of its range.
    #[error("{0}")]
    Number(&'static str),
}
