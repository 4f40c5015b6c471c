//! What peers and operators show: certificates, credentials, policies.

use super::{Seeds, Target};
use hanse_identity::{
    Certificate, CertificateError, Credential, Policy, Purpose, RevocationList, check, testing,
};
use std::collections::BTreeSet;

/// Nobody but the authority makes what [`check`] takes: it is, to the byte, what was issued.
pub fn certificates() -> Target {
    let roots = [testing::authority().root().clone()];
    Box::new(move |bytes| {
        let _ = RevocationList::parse(bytes);
        let Ok(certificate) = Certificate::parse(bytes) else { return false };
        assert_eq!(certificate.der(), bytes);
        let again = Certificate::from_pem(&certificate.to_pem());
        assert_eq!(again.as_ref(), Ok(&certificate));
        let mut is_taken = false;
        for purpose in [Purpose::Node, Purpose::Client, Purpose::Server] {
            let outcome = check(&certificate, &roots, &BTreeSet::new(), testing::NOW, purpose);
            let identity = match outcome {
                Ok(identity) => identity,
                Err(CertificateError::Expired(identity)) => *identity,
                Err(_) => continue,
            };
            assert!(testing::issued().iter().any(|(_, issued)| *issued == bytes), "{identity:?}");
            let revoked = BTreeSet::from([identity.fingerprint]);
            let outcome = check(&certificate, &roots, &revoked, testing::NOW, purpose);
            assert!(matches!(outcome, Err(CertificateError::Revoked(_))));
            is_taken = true;
        }
        is_taken
    })
}

/// A credential has one form.
pub fn credentials() -> Target {
    Box::new(|bytes| {
        let Ok(credential) = Credential::decode(bytes) else { return false };
        assert_eq!(credential.encode().as_deref(), Ok(bytes));
        true
    })
}

/// A policy has one form and one text, and each tells the same.
pub fn policies() -> Target {
    Box::new(|bytes| {
        let form = Policy::from_form(bytes).ok();
        if let Some(policy) = &form {
            assert_eq!(policy.to_form(), bytes);
        }
        let text = std::str::from_utf8(bytes).ok().and_then(|text| Policy::parse(text).ok());
        for policy in form.iter().chain(&text) {
            assert_eq!(Policy::parse(&policy.to_string()).as_ref(), Ok(policy));
            assert_eq!(Policy::from_form(&policy.to_form()).as_ref(), Ok(policy));
            let _ = policy.evaluate(&[], &BTreeSet::new());
        }
        form.is_some() || text.is_some()
    })
}

/// What was issued, and what a change of one byte, or nobody's authority, makes of it.
pub fn certificate_seeds() -> Seeds {
    let authority = testing::authority();
    let issued = testing::issued();
    let mut seeds: Seeds =
        issued.iter().map(|(name, bytes)| (format!("good-{name}"), bytes.to_vec())).collect();
    seeds.push(("root".to_owned(), authority.root().certificate().der().to_vec()));
    let mut outer = issued[0].1.to_vec();
    outer[0] = 0xb0;
    seeds.push(("outer-tag".to_owned(), outer));
    let mut signature = issued[0].1.to_vec();
    *signature.last_mut().expect("a certificate has bytes") ^= 1;
    seeds.push(("signature".to_owned(), signature));
    seeds
}

/// With everything, with some of it, and cut off.
pub fn credential_seeds() -> Seeds {
    let (_, node) = testing::issued()[0];
    let whole = Credential { validator: Some([0x1b; 65]), certificate: Some(node.to_vec()) };
    let half = Credential { validator: Some([0x1b; 65]), certificate: None };
    let encode = |credential: &Credential| credential.encode().expect("it is within the limits");
    let torn = encode(&whole)[..80].to_vec();
    vec![
        ("good-whole".to_owned(), encode(&whole)),
        ("good-validator".to_owned(), encode(&half)),
        ("torn".to_owned(), torn),
        ("version".to_owned(), vec![2, 1]),
    ]
}

/// Texts and forms.
pub fn policy_seeds() -> Seeds {
    let text = "AND(MAJORITY(admin), 2 of ('Bank.admin', 2 of 'Brand.merchant', '*.auditor'), \
                OR(MORE_THAN(2/3, member), ANYONE, NOBODY))";
    let form = Policy::parse(text).expect("the constant is a policy").to_form();
    let deep = "AND(".repeat(9).into_bytes();
    let short = form[..20].to_vec();
    vec![
        ("good-text".to_owned(), text.as_bytes().to_vec()),
        ("good-fabric".to_owned(), b"OutOf(2, 'A.admin', 'B.admin', 'C.member')".to_vec()),
        ("good-form".to_owned(), form),
        ("deep".to_owned(), deep),
        ("short".to_owned(), short),
    ]
}
