use super::{Approver, Node, Policy};
use crate::{MspId, PolicyError, Role, RoleSet, testing::arb_policy};
use alloy_primitives::{Address, hex};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn msp(name: &str) -> MspId {
    MspId::new(name).unwrap()
}

fn approver(number: u8, organization: &str, roles: &str) -> Approver {
    Approver {
        account: Address::repeat_byte(number),
        organization: msp(organization),
        roles: roles.parse().unwrap(),
    }
}

fn bank(rest: &str) -> String {
    format!("02{}{rest}", hex::encode(msp("Bank").to_word()))
}

/// Texts with the one text and the one form of their policy.
#[test]
fn forms_are_a_promise() {
    let admin = bank("0101");
    let brand = format!("02{}0001", hex::encode(msp("Brand").to_word()));
    let any = format!("02{}0101", "00".repeat(32));
    for (text, canonical, form) in [
        ("Bank.admin", "'Bank.admin'", admin.clone()),
        (" \"Bank.Admin\" ", "'Bank.admin'", admin.clone()),
        ("2 OF 'Bank.admin'", "2 of 'Bank.admin'", bank("0102")),
        ("*.admin", "'*.admin'", any.clone()),
        (
            "AND('Bank.admin','Brand.member')",
            "AND('Bank.admin', 'Brand.member')",
            format!("010202{admin}{brand}"),
        ),
        (
            "or( Bank.admin , '*.admin' )",
            "OR('Bank.admin', '*.admin')",
            format!("010201{admin}{any}"),
        ),
        (
            "OutOf(2, 'Bank.admin', 'Brand.member', '*.admin')",
            "2 of ('Bank.admin', 'Brand.member', '*.admin')",
            format!("010302{admin}{brand}{any}"),
        ),
        ("1 of (Bank.admin)", "AND('Bank.admin')", format!("010101{admin}")),
        ("majority(ADMIN)", "MAJORITY(admin)", "03010102".to_owned()),
        ("MORE_THAN(1/2, admin)", "MAJORITY(admin)", "03010102".to_owned()),
        ("MORE_THAN ( 2 / 3 , bank )", "MORE_THAN(2/3, bank)", "03040203".to_owned()),
        ("MORE_THAN(0/1, bank)", "MORE_THAN(0/1, bank)", "03040001".to_owned()),
        ("Anyone", "ANYONE", "04".to_owned()),
        ("NOBODY", "NOBODY", "05".to_owned()),
        (
            "AND(ANYONE, OR(NOBODY, ANYONE))",
            "AND(ANYONE, OR(NOBODY, ANYONE))",
            "01020204010201 0504".replace(' ', ""),
        ),
        // An organization that is called like a keyword.
        ("or(AND.admin, any.admin)", "OR('AND.admin', 'any.admin')", {
            let and = hex::encode(msp("AND").to_word());
            format!("01020102{and}010102{}0101", hex::encode(msp("any").to_word()))
        }),
    ] {
        let policy = Policy::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(policy.to_string(), canonical, "{text}");
        assert_eq!(hex::encode(policy.to_form()), form, "{text}");
        assert_eq!(Policy::from_form(&hex::decode(form).unwrap()), Ok(policy));
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    for (text, column, expected) in [
        ("", 1, "a policy"),
        ("Bank", 1, "a policy"),
        ("AND", 4, "`(`"),
        ("AND()", 5, "a policy"),
        ("AND('Bank.admin'", 17, "`,` or `)`"),
        ("AND('Bank.admin' 'Brand.admin')", 18, "`,` or `)`"),
        ("AND('Bank.admin'))", 18, "the end"),
        ("'Bank.peer'", 7, "a role (member, admin"),
        ("'Bank.admin", 12, "`'`"),
        ("'Bank-admin'", 12, "`.`"),
        ("'1Bank.admin'", 2, "an organization"),
        ("2 of", 5, "`(`"),
        ("2 off (Bank.admin)", 3, "`of`"),
        ("300 of (Bank.admin)", 1, "a number up to 255"),
        ("OutOf('Bank.admin')", 7, "a number"),
        ("MAJORITY(bank.admin)", 14, "`)`"),
        ("MORE_THAN(2, admin)", 12, "`/`"),
        ("EVERYBODY", 1, "a policy"),
        ("AND(Bänk.admin)", 5, "a policy"),
    ] {
        match Policy::parse(text).expect_err(text) {
            PolicyError::Text { column: found, expected: what, .. } => {
                assert_eq!(found, column, "{text}");
                assert!(what.starts_with(expected), "{text}: {what}");
            }
            error => panic!("{text}: {error}"),
        }
    }
    for text in [
        "0 of (ANYONE)",
        "2 of (ANYONE)",
        "0 of Bank.admin",
        "MORE_THAN(1/1, admin)",
        "MORE_THAN(1/0, admin)",
    ] {
        assert!(matches!(Policy::parse(text), Err(PolicyError::Number(_))), "{text}");
    }
    let error = Policy::parse("AND(Bank.admin, Brand.peer)").unwrap_err().to_string();
    assert_eq!(
        error,
        "column 23: expected a role (member, admin, merchant, carrier, bank, auditor, regulator, oracle, \
         validator, platform, shopper), found `peer)`"
    );
}

#[test]
fn limits_hold_in_text_and_form() {
    let deep = |levels: usize| format!("{}ANYONE{}", "AND(".repeat(levels), ")".repeat(levels));
    let deep_form = |levels: usize| [[1, 1, 1].repeat(levels), vec![4]].concat();
    Policy::parse(&deep(7)).unwrap();
    Policy::from_form(&deep_form(7)).unwrap();
    assert_eq!(Policy::parse(&deep(8)), Err(PolicyError::TooDeep));
    assert_eq!(Policy::from_form(&deep_form(8)), Err(PolicyError::TooDeep));
    assert_eq!(Policy::parse(&"AND(".repeat(2_000)), Err(PolicyError::TooDeep));
    let wide = |nodes: usize| format!("OR({})", vec!["ANYONE"; nodes].join(","));
    let wide_form = |nodes: u8| [vec![1, nodes, 1], vec![4; usize::from(nodes)]].concat();
    Policy::parse(&wide(63)).unwrap();
    Policy::from_form(&wide_form(63)).unwrap();
    assert_eq!(Policy::parse(&wide(64)), Err(PolicyError::TooManyNodes));
    assert_eq!(Policy::from_form(&wide_form(64)), Err(PolicyError::TooManyNodes));
    assert_eq!(Policy::parse(&" ".repeat(9_000)), Err(PolicyError::TooLong));
    // The longest text of the longest form can be read again.
    let name = "O".repeat(31);
    let longest = format!("OR({})", vec![format!("255 of '{name}.regulator'"); 63].join(", "));
    let policy = Policy::parse(&longest).unwrap();
    assert_eq!(policy.to_string(), longest);
}

#[test]
fn other_bytes_are_no_form() {
    for form in [
        "",
        "00",
        "06",
        "0400",
        "01",
        "0100",
        "010000",
        "010100",
        "01010004",
        "01010204",
        "01020104",
        "03010102ff",
        "03010202",
        "03010100",
        "030b0102",
        "02",
        &bank("0100"),
        &bank("0b01"),
        &bank("01"),
        // An organization with something after its end, and one that begins with a digit.
        &format!("0242616e6b00{}0101", "61".repeat(27)),
        &format!("0231{}0101", "00".repeat(31)),
    ] {
        assert!(Policy::from_form(&hex::decode(form).unwrap()).is_err(), "{form}");
    }
}

#[test]
fn policies_hold_as_they_say() {
    let active: BTreeSet<MspId> = ["Bank", "Brand", "Shop"].map(msp).into();
    let holds = |text: &str, approvers: &[Approver]| {
        Policy::parse(text).unwrap().evaluate(approvers, &active)
    };
    let (ada, bob) = (approver(1, "Bank", "admin"), approver(2, "Bank", "admin"));
    let (eve, joe) = (approver(3, "Brand", "merchant"), approver(4, "Shop", "admin,carrier"));
    let gone = approver(5, "Gone", "admin");
    let ada = std::slice::from_ref(&ada);
    let all = [ada[0].clone(), bob.clone(), eve.clone(), joe.clone()];
    assert!(holds("ANYONE", &[]) && !holds("NOBODY", &all));
    assert!(holds("Bank.admin", ada) && !holds("Brand.admin", &all));
    // Whoever is enrolled is a member.
    assert!(holds("Brand.member", &all) && holds("*.merchant", &all));
    // Two different accounts of one organization: the same one twice is one.
    assert!(!holds("2 of Bank.admin", &[ada[0].clone(), ada[0].clone()]));
    assert!(holds("2 of Bank.admin", &all) && holds("2 of *.admin", &all));
    assert!(!holds("2 of *.carrier", &all) && !holds("3 of *.member", &all));
    // One account may serve several places of a policy.
    assert!(holds("AND(Bank.admin, *.admin, Bank.member)", ada));
    assert!(holds("2 of (Bank.admin, Brand.merchant, Shop.bank)", &all));
    assert!(!holds("AND(Bank.admin, Shop.bank)", &all));
    // Two of three organizations are a majority, and not more than two thirds.
    assert!(holds("MAJORITY(admin)", &all) && !holds("MORE_THAN(2/3, admin)", &all));
    assert!(!holds("MAJORITY(admin)", &[ada[0].clone(), bob]));
    assert!(holds("MORE_THAN(2/3, member)", &all) && !holds("MORE_THAN(0/1, oracle)", &all));
    // Who is no longer active does not count.
    assert!(!holds("Gone.admin", std::slice::from_ref(&gone)));
    assert!(!holds("MAJORITY(admin)", &[ada[0].clone(), gone]));
    assert!(!Policy::parse("MAJORITY(member)").unwrap().evaluate(&all, &BTreeSet::new()));
}

#[test]
fn every_way_to_a_policy_checks_it() {
    let anyone = || Policy::ANYONE;
    assert!(Policy::threshold(0, vec![anyone()]).is_err());
    assert!(Policy::threshold(2, vec![anyone()]).is_err());
    assert!(Policy::threshold(1, Vec::new()).is_err());
    assert!(Policy::principal(None, Role::Admin, 0).is_err());
    assert!(Policy::share(Role::Admin, 2, 2).is_err());
    let eight = (0..7).try_fold(anyone(), |inner, _| Policy::threshold(1, vec![inner])).unwrap();
    assert_eq!(Policy::threshold(1, vec![eight]), Err(PolicyError::TooDeep));
    assert!(matches!(Policy::NOBODY.0, Node::Nobody));
}

proptest! {
    #[test]
    fn text_and_form_tell_the_same(policy in arb_policy()) {
        prop_assert_eq!(Policy::parse(&policy.to_string()), Ok(policy.clone()));
        prop_assert_eq!(Policy::from_form(&policy.to_form()), Ok(policy));
    }

    /// Bytes that are a form are the form of what they are read as.
    #[test]
    fn hostile_bytes_are_refused_in_peace(
        bytes in proptest::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..200),
        text in "[ANDORof0-9().,'* a-z]{0,60}",
    ) {
        if let Ok(policy) = Policy::from_form(&bytes) {
            prop_assert_eq!(policy.to_form(), bytes.clone());
        }
        let _ = Policy::parse(&String::from_utf8_lossy(&bytes));
        if let Ok(policy) = Policy::parse(&text) {
            prop_assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
        }
    }

    /// More approvals never make a policy fail.
    #[test]
    fn approvals_only_help(
        policy in arb_policy(),
        accounts in proptest::collection::vec((any::<u8>(), 0..3_usize, 0..1_u32 << 11), 0..8),
    ) {
        let names = ["Bank", "Brand", "Shop"];
        let active: BTreeSet<MspId> = names.map(msp).into();
        let approvers: Vec<Approver> = accounts.into_iter().map(|(account, at, bits)| Approver {
            account: Address::repeat_byte(account),
            organization: msp(names[at]),
            roles: RoleSet::from_bits(bits).unwrap(),
        }).collect();
        let mut before = false;
        for count in 0..=approvers.len() {
            let now = policy.evaluate(&approvers[..count], &active);
            prop_assert!(now || !before);
            before = now;
        }
    }
}
