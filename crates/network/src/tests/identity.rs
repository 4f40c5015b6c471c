use crate::{Host, NetworkError, NodeKey, PeerAddress};
use hanse_primitives::PeerId;
use proptest::prelude::*;
use std::fs;

#[test]
fn a_key_survives_its_file_and_prints_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.key");
    let key = NodeKey::generate().unwrap();
    key.save(&path).unwrap();
    let loaded = NodeKey::load(&path).unwrap();
    assert_eq!(loaded.id(), key.id());
    assert_eq!(loaded.to_pkcs8(), key.to_pkcs8());
    let secret = fs::read_to_string(&path).unwrap();
    let secret = secret.trim().strip_prefix("ed25519:").unwrap();
    assert!(!format!("{key:?}").contains(secret));
    // A key is not overwritten.
    let again = NodeKey::generate().unwrap().save(&path).unwrap_err();
    assert!(matches!(again, NetworkError::KeyFile { .. }), "{again}");
    assert_eq!(NodeKey::load(&path).unwrap().id(), key.id());
}

/// RFC 8032, section 7.1, test 1.
#[test]
fn the_public_key_is_that_of_the_standard() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let seed = alloy_primitives::hex::decode(seed).unwrap();
    let key = NodeKey::from_seed(seed.try_into().unwrap());
    assert_eq!(key.id().to_string(), public);
}

#[cfg(unix)]
#[test]
fn a_bad_key_file_is_named_with_its_problem() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.key");
    let problem = || NodeKey::load(&path).unwrap_err().to_string();
    assert!(problem().contains("node.key"), "{}", problem());
    NodeKey::generate().unwrap().save(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(problem().contains("mode 644"), "{}", problem());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for (content, words) in [
        (&b"secret"[..], "does not begin with \"ed25519:\""),
        (b"ed25519:1234", "not 64 hex digits"),
        (b"\xff\xfe", "not text"),
    ] {
        fs::write(&path, content).unwrap();
        assert!(problem().contains(words), "{}", problem());
    }
}

#[test]
fn addresses_are_read_as_they_are_written() {
    let id = "11".repeat(32);
    for place in ["10.0.0.1:30303", "[fe80::1]:1", "node-1.example.org:65535", "localhost:80"] {
        let text = format!("{id}@{place}");
        let address: PeerAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!(address.id, PeerId([0x11; 32]));
    }
    let address: PeerAddress = format!("{id}@10.0.0.1:5").parse().unwrap();
    assert_eq!(address.host, Host::Ip([10, 0, 0, 1].into()));
}

#[test]
fn a_bad_address_is_told_what_is_wrong_with_it() {
    let id = "11".repeat(32);
    for (text, words) in [
        ("localhost:80".to_owned(), "no @"),
        (format!("{}@localhost:80", &id[1..]), "has 63 characters"),
        (format!("{}zz@localhost:80", &id[2..]), "not hexadecimal"),
        (format!("{id}@localhost"), "no :port"),
        (format!("{id}@localhost:0"), "no port from 1 to 65535"),
        (format!("{id}@localhost:65536"), "no port from 1 to 65535"),
        (format!("{id}@fe80::1:80"), "in brackets"),
        (format!("{id}@[fe80:80"), "no IPv6 address"),
        (format!("{id}@1.2.3:80"), "neither an IP address nor a DNS name"),
        (format!("{id}@a b:80"), "neither an IP address nor a DNS name"),
        (format!("{id}@:80"), "neither an IP address nor a DNS name"),
    ] {
        let error = text.parse::<PeerAddress>().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(error.contains("expected <64 hex digits>@<host>:<port>"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_an_address_or_an_error(text in ".{0,200}") {
        if let Ok(address) = text.parse::<PeerAddress>() {
            prop_assert_eq!(address.to_string().parse::<PeerAddress>().unwrap(), address);
        }
    }

    #[test]
    fn near_misses_are_addresses_or_errors(place in "[0-9a-z.:\\[\\]-]{0,40}") {
        let text = format!("{}@{place}", "00".repeat(32));
        if let Ok(address) = text.parse::<PeerAddress>() {
            prop_assert_eq!(address.to_string().parse::<PeerAddress>().unwrap(), address);
        }
    }
}
