use crate::{Credential, IdentityError, limits::CREDENTIAL_BYTES_MAX};
use alloy_primitives::hex;
use proptest::prelude::*;

#[test]
fn its_bytes_are_a_promise() {
    let signature = Some([0xab; 65]);
    let certificate = Some(vec![0x30, 0x00]);
    let ab = "ab".repeat(65);
    for (credential, bytes) in [
        (Credential::default(), String::new()),
        (Credential { validator: signature, certificate: None }, format!("0101{ab}")),
        (
            Credential { validator: None, certificate: certificate.clone() },
            "010200023000".to_owned(),
        ),
        (Credential { validator: signature, certificate }, format!("0103{ab}00023000")),
    ] {
        assert_eq!(hex::encode(credential.encode().unwrap()), bytes);
        assert_eq!(Credential::decode(&hex::decode(bytes).unwrap()), Ok(credential));
    }
}

#[test]
fn another_form_is_refused() {
    for bytes in [
        "01",
        "0100",
        "0104",
        "0101ab",
        "0102",
        "010200",
        "01020000",
        "01020002",
        "0102000130ff",
        "010209010000",
    ] {
        let outcome = Credential::decode(&hex::decode(bytes).unwrap());
        assert!(matches!(outcome, Err(IdentityError::Credential(_))), "{bytes}");
    }
    assert_eq!(Credential::decode(&[2, 1]), Err(IdentityError::CredentialVersion(2)));
    // What nodes showed before there were certificates.
    assert!(Credential::decode(&[0x1b; 65]).is_err());
    assert!(Credential::decode(&[1; CREDENTIAL_BYTES_MAX + 1]).is_err());
    let long = Credential { validator: None, certificate: Some(vec![0; 2_049]) };
    assert!(long.encode().is_err());
    let empty = Credential { validator: None, certificate: Some(Vec::new()) };
    assert!(empty.encode().is_err());
}

proptest! {
    #[test]
    fn each_has_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..200), flags in 0..4_u8) {
        for bytes in [bytes.clone(), [&[1, flags], bytes.as_slice()].concat()] {
            if let Ok(credential) = Credential::decode(&bytes) {
                prop_assert_eq!(credential.encode().unwrap(), bytes);
            }
        }
    }

    #[test]
    fn what_is_written_is_read(
        signature in proptest::option::of(any::<[u8; 32]>()),
        certificate in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..2_048)),
    ) {
        let validator = signature.map(|half| {
            let mut whole = [27; 65];
            whole[..32].copy_from_slice(&half);
            whole
        });
        let credential = Credential { validator, certificate };
        prop_assert_eq!(Credential::decode(&credential.encode().unwrap()), Ok(credential));
    }
}
