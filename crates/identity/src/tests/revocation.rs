use crate::{
    Authority, IdentityError, MspId, Reason, Request, Revocation, RevocationList, Serial, Validity,
    testing::{NOW, authority},
};
use hanse_primitives::PeerId;

fn revocation(number: u8, reason: Reason) -> Revocation {
    Revocation { serial: Serial::new(&[number; 16]).unwrap(), time: NOW, reason }
}

#[test]
fn a_list_says_what_is_revoked() {
    let authority = authority();
    let validity = Validity::days(NOW, 30).unwrap();
    let numbers = [0x01, 0x7f, 0x80, 0xfe, 0x20, 0x21];
    let revoked: Vec<Revocation> =
        numbers.into_iter().zip(Reason::ALL).map(|(n, reason)| revocation(n, reason)).collect();
    let list = authority.revocation_list(&revoked, 7, validity).unwrap();
    let list = RevocationList::from_pem(&list.to_pem()).unwrap();
    assert_eq!((list.number(), list.validity(), list.revoked()), (7, validity, revoked.as_slice()));
    list.verify(authority.root()).unwrap();
    let node = Request::node("n", PeerId([3; 32])).unwrap();
    let issue = |number: u8| {
        authority.issue(&node, validity, &Serial::new(&[number; 16]).unwrap()).unwrap()
    };
    assert_eq!(list.find(&issue(0x80)).unwrap().reason, Reason::AffiliationChanged);
    assert_eq!(list.find(&issue(0x22)), None);
    // An empty list is a list.
    let list = authority.revocation_list(&[], 1, validity).unwrap();
    assert!(list.revoked().is_empty());
}

#[test]
fn a_list_is_the_authoritys_own() {
    let authority = authority();
    let validity = Validity::days(NOW, 30).unwrap();
    let list =
        authority.revocation_list(&[revocation(1, Reason::Superseded)], 1, validity).unwrap();
    let found = |name| {
        let serial = Serial::new(&[5; 16]).unwrap();
        Authority::create(&MspId::new(name).unwrap(), "Brand authority", validity, &serial).unwrap()
    };
    list.verify(found("BrandMSP").root()).unwrap_err();
    list.verify(found("BankMSP").root()).unwrap_err();
    // Every byte counts.
    for at in 0..list.der().len() {
        let mut changed = list.der().to_vec();
        changed[at] ^= 1;
        let judged = RevocationList::parse(&changed);
        assert!(judged.is_err() || judged.unwrap().verify(authority.root()).is_err(), "byte {at}");
    }
    let twice = [revocation(1, Reason::Superseded), revocation(1, Reason::KeyCompromise)];
    let outcome = authority.revocation_list(&twice, 1, validity);
    assert_eq!(outcome.unwrap_err(), IdentityError::RevocationList("has an entry twice"));
}
