//! An authority whose key is public, certificates put together by hand, and random policies: for tests and
//! fuzz targets.

use crate::{
    Authority, Certificate, Kind, MspId, PublicKey, Request, Role, RoleSet, Root, SecretKey,
    Serial, Validity, der, extensions,
    name::Name,
    signature::{self, ECDSA_SHA256, Signer},
};
use alloy_primitives::address;
use hanse_primitives::PeerId;
use rcgen::SigningKey;

/// A second at which the certificates of [`authority`] are valid: the start of 2026.
pub const NOW: u64 = 1_767_225_600;

/// The organization of [`authority`].
///
/// # Panics
/// Never: the name is one.
#[must_use]
pub fn brand() -> MspId {
    MspId::new("BrandMSP").expect("the constant is a name")
}

/// The authority of an organization, with a key that everybody knows.
///
/// # Panics
/// When its files are damaged.
#[must_use]
pub fn authority() -> Authority {
    let root = Root::parse(&brand(), include_bytes!("fixtures/root.der"));
    let key = SecretKey::from_pem(include_str!("fixtures/root-key.pem"));
    Authority::new(root.expect("the file is a root"), key.expect("the file is a key"))
        .expect("the files belong together")
}

/// All that [`authority`] has ever issued, by name: one certificate of each kind, and one that is over.
#[must_use]
pub fn issued() -> [(&'static str, &'static [u8]); 5] {
    [
        ("node", include_bytes!("fixtures/node.der")),
        ("admin", include_bytes!("fixtures/admin.der")),
        ("client", include_bytes!("fixtures/client.der")),
        ("server", include_bytes!("fixtures/server.der")),
        ("expired", include_bytes!("fixtures/expired.der")),
    ]
}

/// The same certificates, issued anew: for whoever changes their form.
///
/// # Panics
/// When one cannot be issued.
#[must_use]
pub fn issue_again(authority: &Authority) -> Vec<(&'static str, Certificate)> {
    let year = Validity::days(NOW - 86_400, 365).expect("a year");
    let past = Validity::days(NOW - 30 * 86_400, 10).expect("ten days");
    let point = || SecretKey::generate().expect("a key").public();
    let account = Some(address!("00000000000000000000000000000000000ba5e1"));
    let node = Request::node("node-1", PeerId([7; 32])).expect("a node");
    let roles = RoleSet::NONE.with(Role::Admin).with(Role::Merchant);
    let admin = Request::client("Ada", point(), roles, account).expect("an admin");
    let roles = RoleSet::NONE.with(Role::Merchant).with(Role::Auditor);
    let client = Request::client("till 3", point(), roles, None).expect("a client");
    let hosts = ["rpc.brand.example", "192.0.2.7", "2001:db8::7"];
    let hosts = hosts.map(|host| host.parse().expect("a host")).to_vec();
    let server = Request::server("rpc", point(), hosts).expect("a server");
    let requests = [
        ("node", &node, year),
        ("admin", &admin, year),
        ("client", &client, year),
        ("server", &server, year),
        ("expired", &node, past),
    ];
    let issue = |(at, (name, request, validity)): (u8, (&'static str, &Request, Validity))| {
        let serial = Serial::new(&[0x80 | at; 16]).expect("a serial number");
        (name, authority.issue(request, validity, &serial).expect("a certificate"))
    };
    (0..).zip(requests).map(issue).collect()
}

/// A certificate in parts, each of which can be replaced by something wrong: encoded values, but for the
/// key to sign with. As made by [`Parts::node`] it is right.
#[derive(Clone, Debug)]
pub struct Parts {
    /// `[0] EXPLICIT INTEGER`.
    pub version: Vec<u8>,
    /// `INTEGER`.
    pub serial: Vec<u8>,
    /// `AlgorithmIdentifier` in the body.
    pub algorithm: Vec<u8>,
    /// `Name`.
    pub issuer: Vec<u8>,
    /// `SEQUENCE` of two times.
    pub validity: Vec<u8>,
    /// `Name`.
    pub subject: Vec<u8>,
    /// `SubjectPublicKeyInfo`.
    pub key: Vec<u8>,
    /// What stands between key and extensions: nothing.
    pub identifiers: Vec<u8>,
    /// `[3] EXPLICIT SEQUENCE` of extensions.
    pub extensions: Vec<u8>,
    /// `AlgorithmIdentifier` after the body.
    pub signature_algorithm: Vec<u8>,
}

impl Parts {
    /// A node of an authority's organization.
    #[must_use]
    pub fn node(authority: &Authority) -> Self {
        Self::of(authority, Kind::Node, &PublicKey::Ed25519(PeerId([9; 32])), &["node"], &[])
    }

    /// A certificate of some kind, for a key, with units and alternative names.
    ///
    /// # Panics
    /// Never: a year is a validity.
    #[must_use]
    pub fn of(
        authority: &Authority,
        kind: Kind,
        key: &PublicKey,
        units: &[&str],
        names: &[Vec<u8>],
    ) -> Self {
        let root = authority.root().certificate();
        let (own, issuer) = (key.identifier(), root.key().identifier());
        Self {
            version: der::write(0xa0, &[&der::write_unsigned(&[2])]),
            serial: der::write_unsigned(&[0x55; 16]),
            algorithm: ECDSA_SHA256.to_vec(),
            issuer: root.subject().to_vec(),
            validity: Validity::days(NOW - 1, 365).expect("a year").write(),
            subject: Name::write(root.organization(), units, "somebody"),
            key: key.to_info(),
            identifiers: Vec::new(),
            extensions: extensions::write(kind, &own, Some(&issuer), names),
            signature_algorithm: ECDSA_SHA256.to_vec(),
        }
    }

    /// The body, which is signed.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let parts = [
            &self.version,
            &self.serial,
            &self.algorithm,
            &self.issuer,
            &self.validity,
            &self.subject,
            &self.key,
            &self.identifiers,
            &self.extensions,
        ];
        der::write(der::SEQUENCE, &parts.map(Vec::as_slice))
    }

    /// The certificate, signed.
    #[must_use]
    pub fn sign(&self, key: &SecretKey) -> Vec<u8> {
        self.with_signature(&sign(key, &self.body()))
    }

    /// The certificate with some signature.
    #[must_use]
    pub fn with_signature(&self, signature: &[u8]) -> Vec<u8> {
        let signature = der::write(der::BIT_STRING, &[&[0], signature]);
        der::write(der::SEQUENCE, &[&self.body(), &self.signature_algorithm, &signature])
    }
}

/// A signature in its one form.
///
/// # Panics
/// Without random bytes.
#[must_use]
pub fn sign(key: &SecretKey, message: &[u8]) -> Vec<u8> {
    Signer(key.pair()).sign(message).expect("there are random bytes")
}

/// The other form of a signature, which is as valid and not taken.
///
/// # Panics
/// For bytes that are no signature.
#[must_use]
pub fn raised(signature: &[u8]) -> Vec<u8> {
    signature::raised(signature)
}

/// Random policies within the limits.
///
/// # Panics
/// Never: the parts are within the limits.
#[cfg(test)]
pub(crate) fn arb_policy() -> impl proptest::strategy::Strategy<Value = crate::Policy> {
    use crate::Policy;
    use proptest::prelude::*;
    let role = (0..11_u8).prop_map(|number| Role::from_number(number).expect("there are 11"));
    let organization = proptest::option::of("[A-Za-z][A-Za-z0-9_-]{0,30}");
    let principal = (organization, role.clone(), 1..=8_u8).prop_map(|(name, role, least)| {
        let name = name.map(|name| MspId::new(&name).expect("a name"));
        Policy::principal(name, role, least).expect("at least one")
    });
    let share = (role, 0..u8::MAX, 1..=u8::MAX).prop_map(|(role, a, b)| {
        let (less, more) = if a < b { (a, b) } else { (0, b) };
        Policy::share(role, less, more).expect("less than all")
    });
    let leaf = prop_oneof![principal, share, Just(Policy::ANYONE), Just(Policy::NOBODY)];
    leaf.prop_recursive(7, 48, 6, |inner| {
        (proptest::collection::vec(inner, 1..6), any::<prop::sample::Index>()).prop_filter_map(
            "it has too many nodes",
            |(policies, at)| {
                let least = u8::try_from(at.index(policies.len()) + 1).expect("at most six");
                Policy::threshold(least, policies).ok()
            },
        )
    })
}
