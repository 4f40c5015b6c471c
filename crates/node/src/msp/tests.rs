use super::{Existing, Holder, Msp};
use hanse_identity::{
    Certificate, CertificateError, Kind, MspId, Purpose, Reason, Request, RoleSet, SecretKey, check,
};
use hanse_primitives::PeerId;
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};
use tempfile::TempDir;

const NOW: u64 = 1_767_225_600;

fn brand(folder: &TempDir) -> Msp {
    let name = MspId::new("BrandMSP").unwrap();
    Msp::create(folder.path(), &name, NOW, 3_650, Existing::Keep).unwrap()
}

fn files(folder: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                found.push((path.strip_prefix(folder).unwrap().display().to_string(), mode));
            }
        }
    }
    found.sort();
    found
}

fn enroll_ada(msp: &Msp, existing: Existing) -> Result<Certificate, crate::NodeError> {
    let key = SecretKey::generate().unwrap();
    let request = Request::client("ada", key.public(), RoleSet::NONE, None).unwrap();
    let holder = Holder::new(Kind::Client, "ada").unwrap();
    let validity = msp.validity(NOW, 365).unwrap();
    msp.enroll(&holder, &request, Some(&key), validity, existing)
        .map(|enrolled| enrolled.certificate)
}

#[test]
fn the_folder_is_laid_out_as_fabrics_and_keys_are_their_owners() {
    let folder = TempDir::new().unwrap();
    let msp = brand(&folder);
    enroll_ada(&msp, Existing::Keep).unwrap();
    let node = Request::node("n1", PeerId([4; 32])).unwrap();
    let holder = Holder::new(Kind::Node, "n1").unwrap();
    msp.enroll(&holder, &node, None, msp.validity(NOW, 365).unwrap(), Existing::Keep).unwrap();
    let files = files(folder.path());
    for (path, mode) in &files {
        let expected = if path.ends_with("_sk") { 0o600 } else { 0o644 };
        assert_eq!(*mode, expected, "{path}");
    }
    let has = |start: &str| files.iter().any(|(path, _)| path.starts_with(start));
    for start in [
        "ca/ca-cert.pem",
        "msp/cacerts/ca-",
        "msp/config.yaml",
        "msp/crls/crl-",
        "nodes/n1/msp/signcerts/cert.pem",
        "nodes/n1/msp/cacerts/ca-",
        "users/ada/msp/signcerts/cert.pem",
        "users/ada/msp/keystore/",
        "users/ada/msp/cacerts/ca-",
        "users/ada/msp/crls/crl-",
        "users/ada/msp/config.yaml",
        "issued/",
    ] {
        assert!(has(start), "{start}: {files:?}");
    }
    // A node's secret never gets here.
    assert!(!has("nodes/n1/msp/keystore"));
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = TempDir::new().unwrap();
    let msp = brand(&folder);
    let name = msp.organization().clone();
    let before = files(folder.path());
    let error = Msp::create(folder.path(), &name, NOW, 10, Existing::Keep).unwrap_err();
    assert!(error.to_string().contains("--overwrite"), "{error}");
    assert_eq!(files(folder.path()), before);
    let first = enroll_ada(&msp, Existing::Keep).unwrap();
    enroll_ada(&msp, Existing::Keep).unwrap_err();
    assert_eq!(msp.held(&Holder::new(Kind::Client, "ada").unwrap()).unwrap(), first);
    let second = enroll_ada(&msp, Existing::Overwrite).unwrap();
    assert_ne!(second.key(), first.key());
    // The first one is still among what was issued, and so is its key.
    assert_eq!(msp.issued().unwrap().len(), 2);
    let keys = files(folder.path())
        .into_iter()
        .filter(|(path, _)| path.starts_with("users/ada/msp/keystore"));
    assert_eq!(keys.count(), 2);
    for name in ["", "../ca", "a/b", ".x", "a b", "ä"] {
        assert!(Holder::new(Kind::Node, name).is_err(), "{name}");
    }
}

#[test]
fn renewed_beside_the_old_and_revoked_by_list() {
    let folder = TempDir::new().unwrap();
    let msp = brand(&folder);
    let old = enroll_ada(&msp, Existing::Keep).unwrap();
    let holder = Holder::new(Kind::Client, "ada").unwrap();
    let later = NOW + 300 * 86_400;
    let new = msp.renew(&holder, later, 365, true).unwrap().certificate;
    // The authority gets another root with the same key, then one with a new key.
    msp.renew_authority(later, 3_650, false).unwrap();
    msp.renew_authority(later, 3_650, true).unwrap();
    let newest = enroll_ada(&msp, Existing::Overwrite);
    assert!(newest.is_ok(), "from when the new authority begins: {newest:?}");
    let roots = msp.roots().unwrap();
    assert_eq!(roots.len(), 3);
    for certificate in [&old, &new] {
        check(certificate, &roots, &BTreeSet::new(), later, Purpose::Client).unwrap();
    }
    // It is revoked by the key that issued it, which is not the present one.
    let list = msp.revoke(&old, Reason::Superseded, later).unwrap();
    assert_eq!((list.number(), list.revoked().len()), (2, 1));
    msp.revoke(&old, Reason::Superseded, later).unwrap_err();
    assert_eq!(msp.with_serial(&old.serial().to_string()).unwrap(), old);
    let revoked = Msp::open(folder.path()).unwrap().revocations().unwrap();
    assert_eq!(revoked, BTreeSet::from([old.fingerprint()]));
    let outcome = check(&old, &roots, &revoked, later, Purpose::Client);
    assert_eq!(outcome, Err(CertificateError::Revoked(old.fingerprint())));
    check(&new, &roots, &revoked, later, Purpose::Client).unwrap();
    msp.renew(&Holder::new(Kind::Client, "bob").unwrap(), later, 1, false).unwrap_err();
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = TempDir::new().unwrap();
    let msp = brand(&folder);
    let files = files(folder.path());
    let (key, _) = files.iter().find(|(path, _)| path.ends_with("_sk")).unwrap();
    fs::set_permissions(folder.path().join(key), fs::Permissions::from_mode(0o644)).unwrap();
    let error = msp.authority().unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}
