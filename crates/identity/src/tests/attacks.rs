//! What somebody without an authority's key can try, and what an authority can do wrong.

use crate::{
    Authority, Certificate, CertificateError as Error, Kind, MspId, PublicKey, Purpose, Root,
    SecretKey, Serial, Validity, check, der,
    name::Name,
    testing::{NOW, Parts, authority, brand, issued, raised, sign},
};
use alloy_primitives::{B256, hex};
use hanse_primitives::PeerId;
use std::collections::BTreeSet;

fn found(organization: &MspId, serial: u8) -> Authority {
    let validity = Validity::days(NOW - 86_400, 3_650).unwrap();
    Authority::create(
        organization,
        "Brand authority",
        validity,
        &Serial::new(&[serial; 16]).unwrap(),
    )
    .unwrap()
}

fn judge(bytes: &[u8], roots: &[Root]) -> Result<crate::Identity, Error> {
    check(&Certificate::parse(bytes)?, roots, &BTreeSet::new(), NOW, Purpose::Node)
}

/// The error that a certificate of a node meets whose parts were changed before it was signed.
fn refused(change: impl FnOnce(&mut Parts)) -> Error {
    let authority = authority();
    let mut parts = Parts::node(&authority);
    change(&mut parts);
    let bytes = parts.sign(authority.key());
    judge(&bytes, &[authority.root().clone()]).expect_err("it must be refused")
}

/// One extension, as bytes.
fn extension(identifier: &str, is_critical: Option<u8>, value: &[u8]) -> Vec<u8> {
    let identifier = der::write(der::OBJECT_IDENTIFIER, &[&hex::decode(identifier).unwrap()]);
    let flag = is_critical.map(|byte| der::write(der::BOOLEAN, &[&[byte]])).unwrap_or_default();
    let value = der::write(der::OCTET_STRING, &[value]);
    der::write(der::SEQUENCE, &[&identifier, &flag, &value])
}

/// The extensions of a node with something done to their list.
fn extensions(parts: &Parts, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let (outer, _) = der::read(&parts.extensions, 0).unwrap();
    let (list, _) = der::read(outer.content, 0).unwrap();
    let (mut all, mut rest) = (Vec::new(), list.content);
    while !rest.is_empty() {
        let (one, after) = der::read(rest, 0).unwrap();
        all.push(one.whole.to_vec());
        rest = after;
    }
    change(&mut all);
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    der::write(0xa3, &[&der::write(der::SEQUENCE, &all)])
}

#[test]
fn what_is_right_is_taken() {
    let authority = authority();
    let bytes = Parts::node(&authority).sign(authority.key());
    judge(&bytes, &[authority.root().clone()])
        .expect("the parts are right before they are changed");
}

#[test]
fn a_pretender_with_the_same_names_is_nobody() {
    let (real, pretender) = (authority(), found(&brand(), 2));
    // Names and, if it copies that too, the key identifier are those of the real one.
    let own = Parts::node(&pretender).sign(pretender.key());
    let unknown = Error::UnknownIssuer { organization: brand() };
    assert_eq!(judge(&own, &[real.root().clone()]), Err(unknown));
    let copied = Parts::node(&real).sign(pretender.key());
    assert_eq!(judge(&copied, &[real.root().clone()]), Err(Error::BadSignature));
    // A root that copies the real one's but for the key is not signed with the key that it names.
    let forged = real.root().certificate().der();
    let point = real.root().certificate().key().to_info();
    let at = forged.windows(point.len()).position(|window| window == point).unwrap();
    let mut forged = forged.to_vec();
    forged[at..at + point.len()].copy_from_slice(&pretender.key().public().to_info());
    assert_eq!(Root::parse(&brand(), &forged), Err(Error::BadSignature));
}

#[test]
fn an_organization_speaks_for_itself_only() {
    let (brand, bank) = (brand(), MspId::new("BankMSP").unwrap());
    let (ours, theirs) = (authority(), found(&bank, 3));
    let both = [ours.root().clone(), theirs.root().clone()];
    // The bank certifies a node of the brand.
    let mut parts = Parts::node(&theirs);
    parts.subject = Name::write(&brand, &["node"], "somebody");
    let expected = Error::OtherOrganization { expected: bank.clone(), found: brand.clone() };
    assert_eq!(judge(&parts.sign(theirs.key()), &both), Err(expected));
    // It says that the brand's authority did.
    parts.issuer = ours.root().certificate().subject().to_vec();
    let unknown = Error::UnknownIssuer { organization: brand.clone() };
    assert_eq!(judge(&parts.sign(theirs.key()), &both), Err(unknown));
    parts.extensions = Parts::node(&ours).extensions;
    assert_eq!(judge(&parts.sign(theirs.key()), &both), Err(Error::BadSignature));
    // It makes a root in the brand's name known as its own.
    let second = found(&brand, 4);
    let expected = Error::OtherOrganization { expected: bank.clone(), found: brand };
    assert_eq!(Root::parse(&bank, second.root().certificate().der()), Err(expected));
}

#[test]
fn changed_bytes_are_not_signed() {
    let authority = authority();
    let parts = Parts::node(&authority);
    let signature = sign(authority.key(), &parts.body());
    let root = [authority.root().clone()];
    let mut other_key = parts.clone();
    other_key.key = PublicKey::Ed25519(PeerId([10; 32])).to_info();
    assert_eq!(judge(&other_key.with_signature(&signature), &root), Err(Error::BadSignature));
    // Every bit of a certificate matters: whatever single one is turned, nobody takes it any more.
    let good = parts.with_signature(&signature);
    assert!(judge(&good, &root).is_ok());
    for at in 0..good.len() * 8 {
        let mut changed = good.clone();
        changed[at / 8] ^= 1 << (at % 8);
        assert!(judge(&changed, &root).is_err(), "bit {at}");
    }
}

/// Of each valid signature anybody makes a second one without the key. Taken, it would give a revoked
/// certificate a new fingerprint.
#[test]
fn the_second_form_of_a_signature_is_not_taken() {
    let authority = authority();
    for (name, bytes) in issued() {
        let (outer, _) = der::read(bytes, 0).unwrap();
        let (body, rest) = der::read(outer.content, 0).unwrap();
        let (algorithm, rest) = der::read(rest, 0).unwrap();
        let (signature, _) = der::read(rest, 0).unwrap();
        let high = raised(&signature.content[1..]);
        let high = der::write(der::BIT_STRING, &[&[0], &high]);
        let twin = der::write(der::SEQUENCE, &[body.whole, algorithm.whole, &high]);
        assert_eq!(Certificate::parse(&twin), Err(Error::HighSignature), "{name}");
    }
    let parts = Parts::node(&authority);
    let signature = sign(authority.key(), &parts.body());
    let (outer, _) = der::read(&signature, 0).unwrap();
    let (r, rest) = der::read(outer.content, 0).unwrap();
    let (s, _) = der::read(rest, 0).unwrap();
    let padded = der::write(der::INTEGER, &[&[0, 0], r.content]);
    let zero = der::write(der::INTEGER, &[&[0]]);
    for odd in [
        der::write(der::SEQUENCE, &[&padded, s.whole]),
        der::write(der::SEQUENCE, &[&zero, s.whole]),
        der::write(der::SEQUENCE, &[r.whole, &zero]),
        der::write(der::SEQUENCE, &[r.whole, s.whole, &zero]),
        der::write(der::SEQUENCE, &[r.whole]),
        [signature.as_slice(), &[0]].concat(),
        Vec::new(),
    ] {
        Certificate::parse(&parts.with_signature(&odd)).expect_err("another form");
    }
}

#[test]
fn only_roots_issue() {
    let authority = authority();
    let roots = [authority.root().clone()];
    // A client signs a certificate, with the key that the authority certified.
    let key = SecretKey::generate().unwrap();
    let client = Parts::of(&authority, Kind::Client, &key.public(), &["client"], &[]);
    let client = Certificate::parse(&client.sign(authority.key())).unwrap();
    let mut leaf = Parts::node(&authority);
    assert_eq!(judge(&leaf.sign(&key), &roots), Err(Error::BadSignature));
    leaf.issuer = client.subject().to_vec();
    let units = Error::Units("are in its issuer's name, where none may be");
    assert_eq!(judge(&leaf.sign(&key), &roots), Err(units));
    assert_eq!(Root::new(&brand(), client), Err(Error::NotRoot));
    // The authority certifies another authority: no path leads over it, and it is no root.
    let mut middle = Parts::of(&authority, Kind::Root, &key.public(), &[], &[]);
    middle.subject = Name::write(&brand(), &[], "Middle");
    let middle = Certificate::parse(&middle.sign(authority.key())).unwrap();
    leaf.issuer = middle.subject().to_vec();
    leaf.extensions = Parts::node(&authority).extensions;
    let unknown = Error::UnknownIssuer { organization: brand() };
    assert_eq!(judge(&leaf.sign(&key), &roots), Err(unknown));
    assert_eq!(Root::new(&brand(), middle.clone()), Err(Error::NotRoot));
    // A root is no node.
    let purpose = Error::Purpose { expected: Purpose::Node, found: Kind::Root };
    let outcome = check(&middle, &roots, &BTreeSet::new(), NOW, Purpose::Node);
    assert_eq!(outcome, Err(purpose));
}

#[test]
fn what_would_make_a_leaf_an_authority_is_refused() {
    let authority_extension = [0x30, 0x03, 0x01, 0x01, 0xff];
    // As a node with the constraints of an authority it would be a root with units.
    let error = refused(|parts| {
        parts.extensions = extensions(parts, |all| {
            all[0] = extension("551d13", Some(0xff), &authority_extension);
        });
    });
    assert!(matches!(error, Error::Units(_)), "{error}");
    let error = refused(|parts| {
        parts.subject = Name::write(&brand(), &[], "somebody");
        parts.extensions = extensions(parts, |all| {
            all[0] = extension("551d13", Some(0xff), &authority_extension);
        });
    });
    assert!(matches!(error, Error::Extension { extension: "basic constraints", .. }), "{error}");
    // Key usage that signs certificates, or none at all.
    for usage in [Some([0x03, 0x02, 0x02, 0x84]), Some([0x03, 0x02, 0x01, 0x06]), None] {
        let error = refused(|parts| {
            parts.extensions = extensions(parts, |all| match usage {
                Some(usage) => all[1] = extension("551d0f", Some(0xff), &usage),
                None => drop(all.remove(1)),
            });
        });
        assert!(matches!(error, Error::Extension { extension: "key usage", .. }), "{error}");
    }
    // Usage that a reader need not heed.
    let error = refused(|parts| {
        parts.extensions =
            extensions(parts, |all| all[1] = extension("551d0f", None, &[0x03, 0x02, 0x07, 0x80]));
    });
    assert!(matches!(error, Error::Extension { extension: "key usage", .. }), "{error}");
}

#[test]
fn extensions_are_known_or_harmless_and_there_once() {
    let error = refused(|parts| {
        parts.extensions = extensions(parts, |all| all.push(all[3].clone()));
    });
    assert_eq!(error, Error::DuplicateExtension("2.5.29.14".to_owned()));
    // Name constraints must be understood.
    let error = refused(|parts| {
        parts.extensions =
            extensions(parts, |all| all.push(extension("551d1e", Some(0xff), &[0x30, 0x00])));
    });
    assert_eq!(error, Error::UnknownExtension("2.5.29.30".to_owned()));
    // `critical` is left out when it is false, and true is 0xff.
    for flag in [0x00, 0x01] {
        let error = refused(|parts| {
            parts.extensions =
                extensions(parts, |all| all.push(extension("2a0304", Some(flag), &[0x05, 0x00])));
        });
        assert!(matches!(error, Error::NotDer { .. }), "{error}");
    }
    // Others may say something that others understand.
    let authority = authority();
    let mut parts = Parts::node(&authority);
    parts.extensions = extensions(&parts, |all| all.push(extension("2a0304", None, b"anything")));
    judge(&parts.sign(authority.key()), &[authority.root().clone()]).expect("it does no harm");
}

#[test]
fn names_hide_nothing() {
    let brand = brand();
    let attribute = |kind: &str, tag: u8, text: &[u8]| {
        let kind = der::write(der::OBJECT_IDENTIFIER, &[&hex::decode(kind).unwrap()]);
        der::write(der::SEQUENCE, &[&kind, &der::write(tag, &[text])])
    };
    let name = |attributes: &[Vec<u8>]| {
        let sets: Vec<Vec<u8>> =
            attributes.iter().map(|attribute| der::write(der::SET, &[attribute])).collect();
        let sets: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        der::write(der::SEQUENCE, &sets)
    };
    let (o, ou, cn) = ("55040a", "55040b", "550403");
    let organization = attribute(o, 0x0c, b"BrandMSP");
    let (unit, common) = (attribute(ou, 0x0c, b"node"), attribute(cn, 0x0c, b"x"));
    let with = |o: Vec<u8>, ou: Vec<u8>, cn: Vec<u8>| name(&[o, ou, cn]);
    let bad = [
        with(attribute(o, 0x0c, b"BrandMSP\0.evil"), unit.clone(), common.clone()),
        with(attribute(o, 0x0c, "Br\u{430}ndMSP".as_bytes()), unit.clone(), common.clone()),
        with(attribute(o, 0x0c, b"BrandMSP "), unit.clone(), common.clone()),
        with(attribute(o, 0x0c, b""), unit.clone(), common.clone()),
        with(attribute(o, 0x0c, &[b'B'; 32]), unit.clone(), common.clone()),
        with(attribute(o, 0x0c, b"Brand\xc0\x80"), unit.clone(), common.clone()),
        // BMPString, T61String: other encodings of the same name.
        with(attribute(o, 0x1e, b"\0B\0r\0a\0n\0d\0M\0S\0P"), unit.clone(), common.clone()),
        with(attribute(o, 0x14, b"BrandMSP"), unit.clone(), common.clone()),
        with(organization.clone(), attribute(ou, 0x0c, b"node\0"), common.clone()),
        with(organization.clone(), attribute(ou, 0x0c, b"Node"), common.clone()),
        with(organization.clone(), attribute(ou, 0x0c, "n\u{200b}ode".as_bytes()), common.clone()),
        with(organization.clone(), unit.clone(), attribute(cn, 0x0c, b"a\0b")),
        with(organization.clone(), unit.clone(), attribute(cn, 0x0c, "a\u{202e}b".as_bytes())),
        with(organization.clone(), unit.clone(), attribute(cn, 0x0c, b"a\nb")),
        with(organization.clone(), unit.clone(), attribute(cn, 0x0c, &[b'a'; 65])),
        with(organization.clone(), unit.clone(), attribute(cn, 0x0c, b"")),
        name(&[organization.clone(), organization.clone(), unit.clone(), common.clone()]),
        name(&[organization.clone(), unit.clone(), common.clone(), common.clone()]),
        name(&[unit.clone(), common.clone()]),
        name(&[organization.clone(), unit.clone()]),
        name(&[
            organization.clone(),
            unit.clone(),
            attribute("550406", 0x13, b"DE"),
            common.clone(),
        ]),
        // Two attributes in one element.
        der::write(
            der::SEQUENCE,
            &[&der::write(der::SET, &[&common, &organization]), &der::write(der::SET, &[&unit])],
        ),
        der::write(der::SEQUENCE, &[]),
        Name::write(&brand, &["node", "node"], "x"),
        Name::write(&brand, &["node", "client"], "x"),
        Name::write(&brand, &["node", "validator"], "x"),
        Name::write(&brand, &["node", "admin"], "x"),
        Name::write(&brand, &[], "x"),
        Name::write(&brand, &["peer"], "x"),
        Name::write(&brand, &["merchant"], "x"),
    ];
    for (at, subject) in bad.into_iter().enumerate() {
        let error = refused(|parts| parts.subject = subject);
        assert!(
            matches!(
                error,
                Error::Name { .. } | Error::Units(_) | Error::NotDer { .. } | Error::Malformed(_)
            ),
            "{at}: {error}"
        );
    }
    // A member is whoever has a certificate; that is never written down.
    let authority = authority();
    let point = SecretKey::generate().unwrap().public();
    for units in
        [["client", "member"], ["client", "client"], ["admin", "client"], ["merchant", "bank"]]
    {
        let parts = Parts::of(&authority, Kind::Client, &point, &units, &[]);
        let error = Certificate::parse(&parts.sign(authority.key())).unwrap_err();
        assert!(matches!(error, Error::Units(_)), "{units:?}: {error}");
    }
}

#[test]
fn there_is_one_algorithm() {
    let rsa = hex!("300d06092a864886f70d01010b0500");
    let ed25519 = hex!("300506032b6570");
    let ecdsa_384 = hex!("300a06082a8648ce3d040303");
    let with_null = hex!("300c06082a8648ce3d0403020500");
    for algorithm in [rsa.as_slice(), &ed25519, &ecdsa_384, &with_null] {
        for (inner, outer) in [(true, true), (true, false), (false, true)] {
            let error = refused(|parts| {
                if inner {
                    parts.algorithm = algorithm.to_vec();
                }
                if outer {
                    parts.signature_algorithm = algorithm.to_vec();
                }
            });
            assert_eq!(error, Error::Algorithm, "{}", hex::encode(algorithm));
        }
    }
}

/// An authority of another kind, as the library would make it without us.
#[test]
fn authorities_have_p256() {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
    let root = |algorithm| {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::OrganizationName, "BrandMSP");
        parameters.distinguished_name.push(DnType::CommonName, "x");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(algorithm).unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    };
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384] {
        assert_eq!(Certificate::parse(&root(algorithm)), Err(Error::Algorithm));
    }
    // With P-256 it is what ours are, if its signature happens to have its one form.
    let taken =
        (0..64).filter_map(|_| Root::parse(&brand(), &root(&rcgen::PKCS_ECDSA_P256_SHA256)).ok());
    assert!(taken.count() > 0, "one in two has");
}

#[test]
fn keys_have_one_form_and_fit_the_kind() {
    let point = SecretKey::generate().unwrap().public().to_info();
    let mut compressed = point[..26 + 33].to_vec();
    compressed[1] -= 32;
    compressed[24] -= 32;
    compressed[26] = 2;
    let with_null = hex!("302c300706032b65700500032100");
    let with_null = [with_null.as_slice(), &[9; 32]].concat();
    for key in [point, compressed, with_null] {
        let error = refused(|parts| parts.key = key);
        assert!(matches!(error, Error::Key(_)), "{error}");
    }
    let authority = authority();
    let node = PublicKey::Ed25519(PeerId([9; 32]));
    for (kind, unit) in [(Kind::Client, "client"), (Kind::Client, "admin")] {
        let parts = Parts::of(&authority, kind, &node, &[unit], &[]);
        let error = Certificate::parse(&parts.sign(authority.key())).unwrap_err();
        assert!(matches!(error, Error::Key(_)), "{error}");
    }
    let parts = Parts::of(&authority, Kind::Root, &node, &[], &[]);
    let error = Certificate::parse(&parts.sign(authority.key())).unwrap_err();
    assert!(matches!(error, Error::Key(_)), "{error}");
}

#[test]
fn numbers_and_versions_are_exact() {
    let negative = [[0x80].as_slice(), &[1; 9]].concat();
    for content in
        [vec![0], vec![1; 7], negative, vec![1; 21], [[0, 0].as_slice(), &[1; 9]].concat()]
    {
        let error = refused(|parts| parts.serial = der::write(der::INTEGER, &[&content]));
        assert!(matches!(error, Error::Serial(_) | Error::NotDer { .. }), "{error}");
    }
    for version in [
        vec![],
        hex!("a003020100").to_vec(),
        hex!("a003020101").to_vec(),
        hex!("a003020103").to_vec(),
    ] {
        let error = refused(|parts| parts.version = version);
        assert!(matches!(error, Error::Version | Error::Malformed(_)), "{error}");
    }
    let error = refused(|parts| parts.identifiers = der::write(0x81, &[&[0, 1]]));
    assert!(matches!(error, Error::Version | Error::Malformed(_)), "{error}");
}

#[test]
fn dates_have_one_form() {
    let times = |before: (u8, &str), after: (u8, &str)| {
        let write = |(tag, text): (u8, &str)| der::write(tag, &[text.as_bytes()]);
        der::write(der::SEQUENCE, &[&write(before), &write(after)])
    };
    let (utc, long) = (der::UTC_TIME, der::GENERALIZED_TIME);
    let before = (utc, "251231000000Z");
    for validity in [
        times(before, (long, "20301231000000Z")),
        times(before, (utc, "3012310000Z")),
        times(before, (utc, "301231000000+0000")),
        times(before, (long, "20501231000000.5Z")),
        times(before, (utc, "301331000000Z")),
        times(before, (utc, "300230000000Z")),
        times(before, (utc, "251230000000Z")),
        times((utc, "500101000000Z"), (utc, "301231000000Z")),
    ] {
        let error = refused(|parts| parts.validity = validity);
        assert!(
            matches!(error, Error::NotDer { .. } | Error::Malformed(_) | Error::Validity),
            "{error}"
        );
    }
}

#[test]
fn bytes_have_one_encoding() {
    let authority = authority();
    let good = Parts::node(&authority).sign(authority.key());
    let content = &good[4..];
    assert_eq!(good[1], 0x82, "the length has two bytes");
    let long = [&[0x30, 0x83, 0, good[2], good[3]], content].concat();
    let indefinite = [&[0x30, 0x80], content, &[0, 0]].concat();
    for bytes in
        [long, indefinite, [good.as_slice(), &[0]].concat(), good[..good.len() - 1].to_vec()]
    {
        assert!(matches!(Certificate::parse(&bytes), Err(Error::NotDer { .. })));
    }
    assert_eq!(Certificate::parse(&[0x30; 2_049]), Err(Error::TooLarge(2_049)));
    // An integer and a set that could be shorter, or in order.
    let error = refused(|parts| parts.version = hex!("a00402020002").to_vec());
    assert!(matches!(error, Error::NotDer { .. }), "{error}");
    assert!(Certificate::parse(&[]).is_err());
    // As deep as its bytes allow.
    let deep: Vec<u8> = (0..1_000).fold(Vec::new(), |inner, _| {
        if inner.len() < 1_900 { der::write(der::SEQUENCE, &[&inner]) } else { inner }
    });
    assert!(matches!(Certificate::parse(&deep), Err(Error::NotDer { .. })));
}

#[test]
fn a_long_certificate_is_refused_however_well_signed() {
    let authority = authority();
    let error = refused(|parts| {
        parts.extensions =
            extensions(parts, |all| all.push(extension("2a0304", None, &[0; 2_000])));
    });
    assert!(matches!(error, Error::TooLarge(_)), "{error}");
    drop(authority);
}

#[test]
fn time_and_revocation_are_told_apart() {
    let authority = authority();
    let roots = [authority.root().clone()];
    let certificate = Certificate::parse(&Parts::node(&authority).sign(authority.key())).unwrap();
    let none = BTreeSet::new();
    let (from, until) = (certificate.validity().not_before(), certificate.validity().not_after());
    let at =
        |now, revoked: &BTreeSet<B256>| check(&certificate, &roots, revoked, now, Purpose::Node);
    assert_eq!(at(from - 1, &none), Err(Error::NotYetValid { from, now: from - 1 }));
    assert_eq!(at(from, &none).unwrap().days_left, 365);
    assert_eq!(at(until, &none).unwrap().days_left, 0);
    let expired = at(until + 1, &none).unwrap_err();
    assert!(expired.is_expiry());
    let Error::Expired(identity) = expired else { panic!() };
    assert_eq!(identity.fingerprint, certificate.fingerprint());
    // A revoked one is revoked whether or not its time is over.
    let revoked = BTreeSet::from([certificate.fingerprint()]);
    for now in [from - 1, from, until + 1] {
        assert_eq!(at(now, &revoked), Err(Error::Revoked(certificate.fingerprint())));
    }
    let root = authority.root().certificate();
    let revoked = BTreeSet::from([root.fingerprint()]);
    assert_eq!(at(from, &revoked), Err(Error::Revoked(root.fingerprint())));
    // With its authority's time its own is over.
    let later = root.validity().not_after() + 1;
    assert!(at(later, &none).unwrap_err().is_expiry());
}

#[test]
fn a_certificate_serves_one_purpose() {
    for (name, bytes) in issued() {
        let certificate = Certificate::parse(bytes).unwrap();
        let roots = [authority().root().clone()];
        for purpose in [Purpose::Node, Purpose::Client, Purpose::Server] {
            let outcome = check(&certificate, &roots, &BTreeSet::new(), NOW, purpose);
            let fits = certificate.kind().name() == purpose.to_string();
            let refused = Err(Error::Purpose { expected: purpose, found: certificate.kind() });
            assert_eq!(outcome == refused, !fits, "{name} for {purpose}");
        }
    }
    // Extended usage that says more, or less, than the kind.
    for usage in ["300a06082b06010505070301", "300a06082b06010505070302", "300606042b060105"] {
        let error = refused(|parts| {
            parts.extensions = extensions(parts, |all| {
                all[2] = extension("551d25", None, &hex::decode(usage).unwrap());
            });
        });
        assert!(
            matches!(error, Error::Extension { extension: "extended key usage", .. }),
            "{error}"
        );
    }
}

#[test]
fn accounts_are_written_in_one_way() {
    let authority = authority();
    let point = SecretKey::generate().unwrap().public();
    let uri = |text: &str| der::write(0x86, &[text.as_bytes()]);
    let lower = "urn:hanse:account:0x00000000000000000000000000000000000ba5e1";
    let parse = |names: &[Vec<u8>]| {
        let parts = Parts::of(&authority, Kind::Client, &point, &["client"], names);
        Certificate::parse(&parts.sign(authority.key()))
    };
    parse(&[uri(lower)]).expect("this is the way");
    for names in [
        vec![uri("urn:hanse:account:0x00000000000000000000000000000000000BA5E1")],
        vec![uri("URN:hanse:account:0x00000000000000000000000000000000000ba5e1")],
        vec![uri("urn:hanse:account:0x0000000000000000000000000000000000000000")],
        vec![uri("urn:hanse:account:0x0x000000000000000000000000000000000ba5e1")],
        vec![uri(&lower[..lower.len() - 1])],
        vec![uri(&format!("{lower}\0"))],
        vec![uri(lower), uri(lower)],
        vec![uri(lower), der::write(0x82, &[b"a.example"])],
        vec![der::write(0x82, &[b"a.example"])],
    ] {
        let error = parse(&names).unwrap_err();
        assert!(
            matches!(error, Error::Extension { extension: "subject alternative name", .. }),
            "{error}"
        );
    }
}
