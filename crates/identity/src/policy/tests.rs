use super::{Approver, Node, Policy};
use crate::{MspId, PolicyError, Role, RoleSet, testing::arb_policy};
use alloy_primitives::{Address, hex};
use proptest::prelude::*;
use serde_json::Value;
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

/// What every reader of policies must agree on: `web/src/lib/desk` is tested with the same file.
fn golden() -> Value {
    serde_json::from_str(include_str!("../fixtures/policies.json")).unwrap()
}

fn list<'a>(golden: &'a Value, name: &str) -> &'a [Value] {
    golden[name].as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Texts with the one text and the one form of their policy.
#[test]
fn forms_are_a_promise() {
    for case in list(&golden(), "policies") {
        let (written, form) = (text(&case["text"]), text(&case["form"]));
        let policy = Policy::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(policy.to_string(), text(&case["canonical"]), "{written}");
        assert_eq!(hex::encode(policy.to_form()), form, "{written}");
        assert_eq!(Policy::from_form(&hex::decode(form).unwrap()), Ok(policy));
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let golden = golden();
    for case in list(&golden, "mistakes") {
        let written = text(&case["text"]);
        match Policy::parse(written).expect_err(written) {
            PolicyError::Text { column: found, expected: what, .. } => {
                assert_eq!(Value::from(found), case["column"], "{written}");
                assert!(what.starts_with(text(&case["expected"])), "{written}: {what}");
            }
            error => panic!("{written}: {error}"),
        }
    }
    for written in list(&golden, "numbers").iter().map(text) {
        assert!(matches!(Policy::parse(written), Err(PolicyError::Number(_))), "{written}");
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
    for form in list(&golden(), "noForms").iter().map(text) {
        assert!(Policy::from_form(&hex::decode(form).unwrap()).is_err(), "{form}");
    }
}

#[test]
fn policies_hold_for_all_readers() {
    let golden = golden();
    let active: BTreeSet<MspId> =
        list(&golden, "active").iter().map(|name| msp(text(name))).collect();
    for case in list(&golden, "evaluations") {
        let approvers = list(case, "approvers").iter().map(|name| {
            let one = &golden["approvers"][text(name)];
            Approver {
                account: text(&one["account"]).parse().unwrap(),
                organization: msp(text(&one["organization"])),
                roles: text(&one["roles"]).parse().unwrap(),
            }
        });
        let approvers: Vec<Approver> = approvers.collect();
        let policy = Policy::parse(text(&case["text"])).unwrap();
        assert_eq!(Value::from(policy.evaluate(&approvers, &active)), case["holds"], "{case}");
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
