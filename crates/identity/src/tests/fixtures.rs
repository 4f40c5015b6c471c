//! The files beside these tests are a promise: certificates like them stay valid.

use crate::{
    Authority, Certificate, CertificateError, Host, Kind, PublicKey, Purpose, RoleSet, Serial,
    Validity, check,
    testing::{NOW, authority, brand, issue_again, issued},
};
use alloy_primitives::{address, b256};
use hanse_primitives::PeerId;
use std::{collections::BTreeSet, fs, path::Path};

fn fixture(name: &str) -> Certificate {
    let all = issued();
    let (_, bytes) = all.iter().find(|(found, _)| *found == name).expect("a fixture");
    Certificate::parse(bytes).expect("it keeps its form")
}

#[test]
fn a_node_is_what_it_was() {
    let node = fixture("node");
    let root = authority().root().clone();
    let identity = check(&node, &[root], &BTreeSet::new(), NOW, Purpose::Node).unwrap();
    assert_eq!(identity.organization, brand());
    assert_eq!(identity.kind, Kind::Node);
    assert_eq!(identity.name, "node-1");
    assert_eq!(identity.key, PublicKey::Ed25519(PeerId([7; 32])));
    assert_eq!((identity.account, identity.roles), (None, RoleSet::NONE));
    assert_eq!(identity.serial.bytes(), [0x80; 16]);
    assert_eq!(identity.not_before, NOW - 86_400);
    assert_eq!(identity.not_after, NOW + 364 * 86_400);
    assert_eq!(identity.days_left, 364);
    assert_eq!(identity.fingerprint, NODE_FINGERPRINT);
}

const NODE_FINGERPRINT: alloy_primitives::B256 =
    b256!("b55dd84d96c21c8ce7a55452190902ba7d9578b88e26429cfbcd34ee88fedfe7");

#[test]
fn people_and_servers_are_what_they_were() {
    let root = [authority().root().clone()];
    let none = BTreeSet::new();
    let admin = check(&fixture("admin"), &root, &none, NOW, Purpose::Client).unwrap();
    assert_eq!(admin.roles, "admin,merchant".parse().unwrap());
    assert_eq!(admin.account, Some(address!("00000000000000000000000000000000000ba5e1")));
    let client = check(&fixture("client"), &root, &none, NOW, Purpose::Client).unwrap();
    assert_eq!(client.roles, "merchant,auditor".parse().unwrap());
    assert_eq!(client.account, None);
    let server = check(&fixture("server"), &root, &none, NOW, Purpose::Server).unwrap();
    let hosts = ["rpc.brand.example", "192.0.2.7", "2001:db8::7"];
    assert_eq!(server.hosts, hosts.map(|host| host.parse::<Host>().unwrap()));
    let expired = check(&fixture("expired"), &root, &none, NOW, Purpose::Node).unwrap_err();
    let CertificateError::Expired(was) = expired else { panic!("{expired}") };
    assert_eq!((was.days_left, was.not_after), (0, NOW - 20 * 86_400));
}

/// `cargo test -p hanse-identity write_fixtures -- --ignored`, after a change of their form.
#[test]
#[ignore = "writes to fixtures"]
fn write_fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fixtures");
    let validity = Validity::days(NOW - 365 * 86_400, 3_650).unwrap();
    let serial = Serial::new(&[0x11; 16]).unwrap();
    let authority = Authority::create(&brand(), "Brand authority", validity, &serial).unwrap();
    fs::write(folder.join("root.der"), authority.root().certificate().der()).unwrap();
    fs::write(folder.join("root-key.pem"), authority.key().to_pem()).unwrap();
    for (name, certificate) in issue_again(&authority) {
        fs::write(folder.join(name).with_extension("der"), certificate.der()).unwrap();
    }
}
