use crate::{
    Authority, Certificate, IdentityError, Kind, PublicKey, Purpose, Request, Role, RoleSet, Root,
    SecretKey, Serial, Validity, check,
    testing::{NOW, authority, brand},
};
use alloy_primitives::Address;
use hanse_primitives::PeerId;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn serial(byte: u8) -> Serial {
    Serial::new(&[byte; 16]).unwrap()
}

fn node(authority: &Authority, validity: Validity, number: u8) -> Certificate {
    authority
        .issue(&Request::node("n", PeerId([3; 32])).unwrap(), validity, &serial(number))
        .unwrap()
}

#[test]
fn renewal_overlaps() {
    let authority = authority();
    let first = node(&authority, Validity::days(NOW, 30).unwrap(), 1);
    let later = NOW + 20 * 86_400;
    let again = Request::again(&first, None).unwrap();
    let second = authority.issue(&again, Validity::days(later, 30).unwrap(), &serial(2)).unwrap();
    assert_eq!(second.key(), first.key());
    assert_eq!((second.name(), second.organization()), (first.name(), first.organization()));
    let roots = [authority.root().clone()];
    for certificate in [&first, &second] {
        check(certificate, &roots, &BTreeSet::new(), later + 1, Purpose::Node).unwrap();
    }
    // Another key for the same person.
    let (one, other) =
        (SecretKey::generate().unwrap().public(), SecretKey::generate().unwrap().public());
    let roles = RoleSet::NONE.with(Role::Admin).with(Role::Bank).with(Role::Member);
    let request = Request::client("Ada", one, roles, Some(Address::repeat_byte(1))).unwrap();
    let client = authority.issue(&request, Validity::days(NOW, 9).unwrap(), &serial(3)).unwrap();
    let again = Request::again(&client, Some(other)).unwrap();
    let renewed = authority.issue(&again, Validity::days(NOW, 9).unwrap(), &serial(4)).unwrap();
    assert_eq!(*renewed.key(), other);
    assert_eq!((renewed.roles(), renewed.account()), (client.roles(), client.account()));
    Request::again(&client, Some(PublicKey::Ed25519(PeerId([1; 32])))).unwrap_err();
    Request::again(&first, Some(other)).unwrap_err();
}

/// An authority changes its certificate, with or without a new key; what it has issued stays valid.
#[test]
fn roots_are_renewed_side_by_side() {
    let validity = Validity::days(NOW, 100).unwrap();
    let old = Authority::create(&brand(), "CA", validity, &serial(1)).unwrap();
    let leaf = node(&old, Validity::days(NOW, 100).unwrap(), 2);
    let none = BTreeSet::new();
    let longer = Validity::days(NOW + 50 * 86_400, 1_000).unwrap();
    let key = SecretKey::from_pem(&old.key().to_pem()).unwrap();
    let same_key = old.renewed(key, longer, &serial(3)).unwrap();
    let new_key = old.renewed(SecretKey::generate().unwrap(), longer, &serial(4)).unwrap();
    let now = NOW + 60 * 86_400;
    for order in [[&old, &same_key, &new_key], [&new_key, &same_key, &old]] {
        let roots = order.map(|authority| authority.root().clone());
        let identity = check(&leaf, &roots, &none, now, Purpose::Node).unwrap();
        assert_eq!(identity.root, same_key.root().certificate().fingerprint());
        // Before the longer one begins, the shorter one counts.
        let identity = check(&leaf, &roots, &none, NOW, Purpose::Node).unwrap();
        assert_eq!(identity.root, old.root().certificate().fingerprint());
        // One of them is revoked: the other still vouches.
        let revoked = BTreeSet::from([same_key.root().certificate().fingerprint()]);
        let identity = check(&leaf, &roots, &revoked, now, Purpose::Node).unwrap();
        assert_eq!(identity.root, old.root().certificate().fingerprint());
        let fresh = node(&new_key, Validity::days(now, 10).unwrap(), 5);
        let identity = check(&fresh, &roots, &none, now, Purpose::Node).unwrap();
        assert_eq!(identity.root, new_key.root().certificate().fingerprint());
    }
    check(&leaf, &[new_key.root().clone()], &none, now, Purpose::Node).unwrap_err();
}

#[test]
fn an_authority_needs_its_own_key_and_issues_within_its_time() {
    let authority = authority();
    let other = SecretKey::generate().unwrap();
    let outcome = Authority::new(authority.root().clone(), other);
    assert_eq!(outcome.unwrap_err(), IdentityError::Key("is not the one of this root certificate"));
    let until = authority.root().certificate().validity().not_after();
    let request = Request::node("n", PeerId([3; 32])).unwrap();
    let validity = Validity::new(NOW, until + 1).unwrap();
    let outcome = authority.issue(&request, validity, &serial(1));
    assert!(matches!(outcome, Err(IdentityError::Validity(_))));
    authority.issue(&request, Validity::new(NOW, until).unwrap(), &serial(1)).unwrap();
}

#[test]
fn what_no_certificate_can_say_is_refused_before() {
    let point = SecretKey::generate().unwrap().public();
    let node = PublicKey::Ed25519(PeerId([3; 32]));
    assert!(Request::node("", PeerId([3; 32])).is_err());
    assert!(Request::node("a\nb", PeerId([3; 32])).is_err());
    assert!(Request::client("x", node, RoleSet::NONE, None).is_err());
    assert!(Request::client("x", point, RoleSet::NONE, Some(Address::ZERO)).is_err());
    assert!(Request::server("x", point, Vec::new()).is_err());
    let host = |text: &str| text.parse::<crate::Host>();
    assert!(Request::server("x", point, vec![host("a.example").unwrap(); 17]).is_err());
    for bad in ["", ".", "a..b", "-a.example", "a_b", "1.2.3.4.5", "a.example.", "*.a.example"] {
        assert!(host(bad).is_err(), "{bad}");
    }
    assert_eq!(host("RPC.Brand.Example").unwrap().to_string(), "rpc.brand.example");
    assert!(Validity::new(5, 5).is_err());
    assert!(Validity::days(0, u64::MAX).is_err());
    assert!(Serial::new(&[0; 16]).is_err());
    assert!(Serial::new(&[0xff; 20]).is_err());
    assert!(Serial::new(&[0x7f; 20]).is_ok());
}

#[test]
fn secrets_do_not_print() {
    let key = SecretKey::generate().unwrap();
    let text = format!("{key:?}");
    assert!(text.starts_with("SecretKey(of PublicKey(P256 ") && text.len() < 50, "{text}");
    let back = SecretKey::from_pem(&key.to_pem()).unwrap();
    assert_eq!(back.public(), key.public());
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    assert!(SecretKey::from_pem(&ed25519.serialize_pem()).is_err());
    assert!(SecretKey::from_pem("no key").is_err());
}

#[test]
fn files_hold_one_certificate() {
    let root = authority().root().certificate().clone();
    let text = root.to_pem();
    assert_eq!(Certificate::from_pem(&text).unwrap(), root);
    assert!(Certificate::from_pem(&format!("{text}{text}")).is_err());
    assert!(Certificate::from_pem(&text.replace("CERTIFICATE", "X509 CRL")).is_err());
    assert!(Certificate::from_pem("").is_err());
    assert_eq!(Root::new(&brand(), root.clone()).unwrap().certificate(), &root);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever can be asked for comes out as a certificate that says just that.
    #[test]
    fn certificates_say_what_was_asked_for(
        name in "[\\p{L}0-9 ._@-]{1,32}",
        bits in 0..1_u32 << 11,
        account in proptest::option::of(any::<[u8; 20]>()),
        number in any::<[u8; 16]>(),
        from in NOW..NOW + 1_000_000_000,
        days in 1..3_000_u64,
    ) {
        // A century, so that both forms of dates come about.
        let validity = Validity::days(NOW, 36_500).unwrap();
        let authority = Authority::create(&brand(), "CA", validity, &serial(1)).unwrap();
        let roles = RoleSet::from_bits(bits).unwrap();
        let account = account.map(Address::from).filter(|account| !account.is_zero());
        let point = SecretKey::generate().unwrap().public();
        let request = Request::client(&name, point, roles, account).unwrap();
        let validity = Validity::days(from, days).unwrap();
        let serial = Serial::new(&number).unwrap();
        let certificate = authority.issue(&request, validity, &serial).unwrap();
        prop_assert_eq!(certificate.kind(), Kind::Client);
        prop_assert_eq!(certificate.name(), name);
        prop_assert_eq!(certificate.roles(), roles.without(Role::Member));
        prop_assert_eq!(certificate.account(), account);
        prop_assert_eq!(certificate.serial(), &serial);
        prop_assert_eq!(certificate.validity(), validity);
        prop_assert_eq!(certificate.key(), &point);
    }

    #[test]
    fn any_bytes_are_no_reason_to_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Certificate::parse(&bytes).is_err());
        prop_assert!(crate::RevocationList::parse(&bytes).is_err());
    }
}
