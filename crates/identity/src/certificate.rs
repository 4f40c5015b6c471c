use crate::{
    CertificateError, Host, IdentityError, MspId, PublicKey, Role, RoleSet, Validity, der,
    extensions::{Extensions, is_authority},
    limits::{CERTIFICATE_BYTES_MAX, SERIAL_BYTES_MAX, SERIAL_BYTES_MIN},
    name::{Name, Part},
    signature,
};
use alloy_primitives::{Address, B256, hex};
use sha2::{Digest, Sha256};
use std::fmt;
use x509_parser::{
    certificate::X509Certificate,
    prelude::FromDer,
    x509::{AlgorithmIdentifier, X509Version},
};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The authority of an organization.
    Root,
    /// A node, by its network key.
    Node,
    /// Somebody or something that calls nodes.
    Client,
    /// A server of JSON-RPC or pages.
    Server,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Node => "node",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The number by which an authority knows a certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// A serial number of random bytes; 16 are a good choice.
    ///
    /// # Errors
    /// [`IdentityError::Serial`].
    pub fn new(bytes: &[u8]) -> Result<Self, IdentityError> {
        let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        let digits = &bytes[first..];
        // A number whose first bit is set is written with a zero byte before it.
        let length =
            digits.len() + usize::from(digits.first().is_some_and(|byte| byte & 0x80 != 0));
        if !(SERIAL_BYTES_MIN..=SERIAL_BYTES_MAX).contains(&length) {
            return Err(IdentityError::Serial);
        }
        Ok(Self(digits.to_vec()))
    }

    /// The number, without leading zeros.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

/// A certificate that has the one form that Hanse takes. Who issued it is not known yet: see
/// [`check`](crate::check).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    fingerprint: B256,
    serial: Serial,
    kind: Kind,
    organization: MspId,
    name: String,
    roles: RoleSet,
    key: PublicKey,
    validity: Validity,
    account: Option<Address>,
    hosts: Vec<Host>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    authority_key: Option<Vec<u8>>,
    subject_key: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads a certificate: DER.
    ///
    /// # Errors
    /// [`CertificateError`] for whatever has not exactly the form of `docs/protocol/certificates.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(CertificateError::TooLarge(bytes.len()));
        }
        der::check(bytes)?;
        signature::split(bytes)?;
        let malformed = CertificateError::Malformed;
        let (rest, parsed) = X509Certificate::from_der(bytes)
            .map_err(|_| malformed("its fields are not those of RFC 5280"))?;
        if !rest.is_empty() {
            return Err(malformed("something follows its end"));
        }
        let body = &parsed.tbs_certificate;
        if body.version != X509Version::V3
            || body.issuer_uid.is_some()
            || body.subject_uid.is_some()
        {
            return Err(CertificateError::Version);
        }
        check_algorithm(&body.signature)?;
        let issuer = Name::parse(&body.issuer, Part::Issuer)?;
        let subject = Name::parse(&body.subject, Part::Subject)?;
        if issuer.organization != subject.organization {
            let (expected, found) = (issuer.organization, subject.organization);
            return Err(CertificateError::OtherOrganization { expected, found });
        }
        if !issuer.units.is_empty() {
            return Err(CertificateError::Units("are in its issuer's name, where none may be"));
        }
        let is_root = is_authority(body.extensions());
        let (kind, roles) = kind_and_roles(&subject.units, is_root)?;
        let extensions = Extensions::parse(body.extensions(), kind)?;
        let key = public_key(body.subject_pki.raw, kind)?;
        Ok(Self {
            der: bytes.to_vec(),
            fingerprint: B256::from(<[u8; 32]>::from(Sha256::digest(bytes))),
            serial: serial(parsed.raw_serial())?,
            kind,
            organization: subject.organization,
            name: subject.common,
            roles,
            key,
            validity: validity(&parsed)?,
            account: extensions.account,
            hosts: extensions.hosts,
            issuer: body.issuer.as_raw().to_vec(),
            subject: body.subject.as_raw().to_vec(),
            authority_key: extensions.authority_key,
            subject_key: extensions.subject_key,
        })
    }

    /// Reads a file with one certificate in PEM.
    ///
    /// # Errors
    /// [`IdentityError::Pem`], [`IdentityError::Certificate`].
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        Ok(Self::parse(&from_pem(text, PEM_LABEL, "CERTIFICATE block")?)?)
    }

    /// The text of a file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(PEM_LABEL, &self.der)
    }

    /// The bytes, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the bytes, by which the chain knows it.
    #[must_use]
    pub const fn fingerprint(&self) -> B256 {
        self.fingerprint
    }

    /// The number by which its issuer knows it.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The organization that it names.
    #[must_use]
    pub const fn organization(&self) -> &MspId {
        &self.organization
    }

    /// The name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The roles that it names; never [`Role::Member`], which goes without saying.
    #[must_use]
    pub const fn roles(&self) -> RoleSet {
        self.roles
    }

    /// The key that it certifies.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// When it is valid.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// The account of a client.
    #[must_use]
    pub const fn account(&self) -> Option<Address> {
        self.account
    }

    /// Where a server is.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The issuer's name, in bytes.
    pub(crate) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The subject's name, in bytes.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Whether keys that both name are the same; a certificate that names none may be of any.
    pub(crate) fn may_be_issued_with(&self, root: &Self) -> bool {
        match (&self.authority_key, &root.subject_key) {
            (Some(named), Some(key)) => named == key,
            _ => true,
        }
    }

    /// Verifies that the owner of a key has signed it.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), CertificateError> {
        let (body, signature) = signature::split(&self.der)
            .expect("these bytes were split in the same way in Certificate::parse");
        signature::verify(&key.to_info(), body, signature)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, organization, name, serial, .. } = self;
        write!(f, "Certificate({kind} {name:?} of {organization}, serial {serial})")
    }
}

const PEM_LABEL: &str = "CERTIFICATE";

/// The bytes of the one block with this label.
pub(crate) fn from_pem(
    text: &str,
    label: &str,
    what: &'static str,
) -> Result<Vec<u8>, IdentityError> {
    let blocks = pem::parse_many(text).map_err(|_| IdentityError::Pem(what))?;
    match blocks.as_slice() {
        [block] if block.tag() == label => Ok(block.contents().to_vec()),
        _ => Err(IdentityError::Pem(what)),
    }
}

pub(crate) fn to_pem(label: &str, bytes: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, bytes), config)
}

pub(crate) fn check_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> Result<(), CertificateError> {
    let (_, expected) = AlgorithmIdentifier::from_der(&signature::ECDSA_SHA256)
        .expect("the constant is an algorithm identifier; every check of a certificate reads it");
    if *algorithm == expected { Ok(()) } else { Err(CertificateError::Algorithm) }
}

fn serial(content: &[u8]) -> Result<Serial, CertificateError> {
    if content.first().is_some_and(|first| first & 0x80 != 0) {
        return Err(CertificateError::Serial("is negative"));
    }
    Serial::new(content)
        .map_err(|_| CertificateError::Serial("has not 8 to 20 bytes, leading zeros left out"))
}

fn validity(parsed: &X509Certificate<'_>) -> Result<Validity, CertificateError> {
    let validity = parsed.validity();
    let seconds = |seconds: i64| u64::try_from(seconds).map_err(|_| CertificateError::Validity);
    let not_before = seconds(validity.not_before.timestamp())?;
    let not_after = seconds(validity.not_after.timestamp())?;
    Validity::new(not_before, not_after).map_err(|_| CertificateError::Validity)
}

fn public_key(info: &[u8], kind: Kind) -> Result<PublicKey, CertificateError> {
    let key = PublicKey::from_info(info);
    let key =
        key.ok_or(CertificateError::Key("is neither Ed25519 nor P-256, or not in its one form"))?;
    match (kind, &key) {
        (Kind::Node, PublicKey::P256(_)) => {
            Err(CertificateError::Key("is no network key of a node (Ed25519)"))
        }
        (Kind::Root | Kind::Client | Kind::Server, PublicKey::Ed25519(_)) => {
            Err(CertificateError::Key("is of a node (Ed25519), and must be P-256"))
        }
        _ => Ok(key),
    }
}

/// The units that say what a certificate is for, as Fabric's `NodeOUs` do.
const NODE: &str = "node";
const CLIENT: &str = "client";
const SERVER: &str = "server";
const ADMIN: &str = Role::Admin.name();

fn kind_and_roles(units: &[String], is_root: bool) -> Result<(Kind, RoleSet), CertificateError> {
    let bad = CertificateError::Units;
    if is_root {
        let fine = units.is_empty().then_some((Kind::Root, RoleSet::NONE));
        return fine.ok_or(bad("are in the name of an authority, which has no roles"));
    }
    let mut kind = None;
    let mut roles = RoleSet::NONE;
    for (at, unit) in units.iter().enumerate() {
        if units[..at].contains(unit) {
            return Err(bad("say something twice"));
        }
        let said = match unit.as_str() {
            NODE => Some(Kind::Node),
            CLIENT | ADMIN => Some(Kind::Client),
            SERVER => Some(Kind::Server),
            _ => None,
        };
        if said.is_some() && kind.replace(said).is_some() {
            return Err(bad("name two kinds"));
        }
        if unit == ADMIN || said.is_none() {
            let role = unit.parse::<Role>().ok().filter(|role| *role != Role::Member);
            roles = roles.with(
                role.ok_or(bad("name a role that is not known, or that is not written down"))?,
            );
        }
    }
    match kind.flatten() {
        None => Err(bad("do not say what it is for")),
        Some(Kind::Client) => Ok((Kind::Client, roles)),
        Some(kind) if roles.is_empty() => Ok((kind, roles)),
        Some(_) => Err(bad("give roles to a machine")),
    }
}

/// The units of a certificate to be issued.
pub(crate) fn units(kind: Kind, roles: RoleSet) -> Vec<&'static str> {
    let first = match kind {
        Kind::Root => return Vec::new(),
        Kind::Node => NODE,
        Kind::Client if roles.contains(Role::Admin) => ADMIN,
        Kind::Client => CLIENT,
        Kind::Server => SERVER,
    };
    let rest = roles.without(Role::Admin).without(Role::Member);
    std::iter::once(first).chain(rest.iter().map(Role::name)).collect()
}
