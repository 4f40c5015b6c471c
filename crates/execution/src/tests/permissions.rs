//! Who may do what, with the real contracts: every role tries every action by every road, and a proposer who
//! lies gets no further than an honest one.

use super::{
    town::{
        ADMIN, BANK, CARRIER, FORWARD, MERCHANT, PLATFORM, STRANGER, Town, holder, id,
        law::{
            members::Members,
            policies::{IPolicies, Policies},
        },
        principal, spec, store, through_forward,
    },
    world::{CREATE, Draft, STORE, signer},
};
use crate::{ExecutionError, Executor};
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;

const ROLES: [&str; 11] = [
    "member",
    "admin",
    "merchant",
    "carrier",
    "bank",
    "auditor",
    "regulator",
    "oracle",
    "validator",
    "platform",
    "shopper",
];

const ACTIONS: [&str; 6] =
    ["send", "deploy", "method", "contract", "method inside", "create inside"];

fn draft(town: &Town, from: u8, action: &str) -> Draft {
    match action {
        "send" => town.call(from, Address::repeat_byte(0x77), Vec::new()),
        "deploy" => Draft { to: TxKind::Create, ..town.call(from, Address::ZERO, vec![0x00]) },
        "method" => town.call(from, STORE, store(0xaa)),
        "contract" => town.call(from, STORE, store(0xbb)),
        "method inside" => town.call(from, FORWARD, through_forward(STORE, &store(0xaa))),
        "create inside" => town.call(from, CREATE, vec![0x00]),
        other => panic!("no action {other}"),
    }
}

/// What the rules of [`Town::new`] say, written down once more by hand.
fn is_allowed(role: Option<u8>, action: &str) -> bool {
    let Some(role) = role else { return false };
    match action {
        "send" => true,
        "deploy" | "create inside" => role == ADMIN || role == PLATFORM,
        "method" | "method inside" => role == CARRIER,
        "contract" => role == MERCHANT,
        other => panic!("no action {other}"),
    }
}

#[test]
fn every_role_does_what_it_may_and_nothing_else_by_every_road() {
    let (town, accounts) = Town::new();
    // Somebody who runs the same chain and does not care for its law: the genesis block is the same.
    let lawless = Executor::new(spec(&accounts, None, None).into(), town.world.ledger.clone());
    let roles = (0..11).map(Some).chain([None]);
    let mut checked = 0;
    for role in roles {
        let from = role.map_or(STRANGER, holder);
        let name = role.map_or("stranger", |role| ROLES[usize::from(role)]);
        for action in ACTIONS {
            let allowed = is_allowed(role, action);
            let inside = action.ends_with("inside") && role.is_some();
            let draft = draft(&town, from, action);
            let transaction = draft.sign();
            // What happens inside shows when it runs: the transaction is allowed, and fails.
            let admitted = town.admits(&transaction);
            assert_eq!(admitted.is_ok(), allowed || inside, "{name} {action}: {admitted:?}");
            let estimated = town.estimate(&draft);
            let fails_inside = inside && !allowed && action == "create inside";
            assert!(estimated.is_ok() == allowed || fails_inside, "{name} {action}: {estimated:?}");
            // A proposer who lies: its block is as the builder makes it, but for the law.
            let (head, attributes) = (town.world.head(), town.world.attributes());
            let limits = crate::BuildLimits::default();
            let made = lawless.build(head, &attributes, std::iter::once(&transaction), &limits);
            let made = made.expect("built").executed;
            assert_eq!(made.block().transactions().len(), 1, "{name} {action}");
            let judged = town.world.executor.execute(made.block().clone(), &|_| None);
            assert_eq!(judged.is_ok(), allowed, "{name} {action} in a block of a liar");
            if let (Err(error), false) = (&judged, inside) {
                let text = error.to_string();
                assert!(matches!(error, ExecutionError::Invalid { .. }), "{text}");
                assert!(text.contains("may not"), "{name} {action}: {text}");
            }
            // And the honest builder.
            let done = town.send(&draft);
            match done {
                Ok(success) => {
                    assert!(allowed || inside, "{name} {action} is in a block");
                    assert_eq!(success, allowed, "{name} {action}");
                }
                Err(reason) => {
                    assert!(!allowed && !inside, "{name} {action}: {reason}");
                    let needed = ["may not send", "may not deploy", "may not call"];
                    assert!(needed.iter().any(|part| reason.contains(part)), "{reason}");
                    let named = signer(from).address().to_string();
                    assert!(reason.contains(&named), "{reason}");
                }
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 12 * 6);
}

#[test]
fn a_call_inside_that_the_sender_may_not_make_reverts_with_the_reason() {
    let (town, _) = Town::new();
    let from = signer(holder(MERCHANT)).address();
    let done = town.send(&draft(&town, holder(MERCHANT), "method inside"));
    assert_eq!(done, Ok(false));
    let estimated = town.estimate(&draft(&town, holder(MERCHANT), "method inside"));
    assert!(estimated.expect_err("it reverts").contains("reverted"));
    let view = town.world.ledger.state(town.world.head()).expect("the state");
    let mut slot = [0; 32];
    slot[..4].fill(0xaa);
    let value = view.storage(&STORE, &U256::from_be_bytes(slot)).expect("readable");
    assert_eq!(value, U256::ZERO, "{from} has changed nothing");
}

#[test]
fn rights_end_with_the_enrollment_with_its_revocation_and_with_the_organization() {
    let (town, _) = Town::new();
    let (members, policies) = (town.membership.members, town.membership.policies);
    let (carrier, ending) = (holder(CARRIER), 40 - 1);
    let until = town.world.attributes().timestamp + 60;
    town.enroll(0, "Brand", ending, 1 << CARRIER, until);
    let method = |from| draft(&town, from, "method");
    assert_eq!(town.send(&method(ending)), Ok(true));
    assert_eq!(town.send(&method(carrier)), Ok(true));
    while town.world.attributes().timestamp <= until {
        town.world.grow(&[]);
    }
    let expired = town.send(&method(ending)).expect_err("it has expired");
    assert!(expired.contains("expired"), "{expired}");
    // Every block is ten seconds on: the pool judges by the head's time, the block by its own.
    town.world.grow(&[]);
    assert!(town.admits(&method(ending).sign()).expect_err("expired").contains("expired"));
    assert_eq!(town.send(&method(carrier)), Ok(true), "others are as before");

    let revoke = Members::revokeAccountCall { account: signer(carrier).address() };
    assert_eq!(town.send(&town.call(0, members, revoke.abi_encode())), Ok(true));
    let revoked = town.send(&method(carrier)).expect_err("it is revoked");
    assert!(revoked.contains("may not send"), "{revoked}");

    // Of two organizations a majority is both, so the second admin has a say in its own removal.
    let merchant = holder(MERCHANT);
    assert_eq!(town.send(&draft(&town, merchant, "contract")), Ok(true));
    let remove = Members::removeCall { id: id("Brand") }.abi_encode();
    let id = town.ask::<Policies::proposalCountCall>(policies, &Policies::proposalCountCall {});
    let propose = Policies::proposeCall {
        calls: vec![IPolicies::Call { target: members, data: remove.into() }],
        description: "out".to_owned(),
        lifetime: 10,
    };
    assert_eq!(town.send(&town.call(1, policies, propose.abi_encode())), Ok(true));
    let execute = Policies::executeCall { id }.abi_encode();
    assert_eq!(town.send(&town.call(1, policies, execute.clone())), Ok(false), "one of two");
    let approve = Policies::approveCall { id }.abi_encode();
    assert_eq!(town.send(&town.call(0, policies, approve)), Ok(true));
    assert_eq!(town.send(&town.call(1, policies, execute)), Ok(true));
    let removed = town.send(&draft(&town, merchant, "contract")).expect_err("its house is out");
    assert!(removed.contains("may not send"), "{removed}");
    assert!(town.send(&draft(&town, 0, "send")).is_err(), "its admin too");
    assert_eq!(town.send(&draft(&town, 1, "send")), Ok(true));
}

#[test]
fn what_is_guarded_changes_only_with_the_endorsement_for_exactly_this_transaction() {
    let (town, accounts) = Town::new();
    let lawless = Executor::new(spec(&accounts, None, None).into(), town.world.ledger.clone());
    let policies = town.membership.policies;
    let mut slot = [0; 32];
    slot[..4].fill(0xbb);
    town.set(Policies::setGuardCall {
        target: STORE,
        slot: slot.into(),
        isWhole: false,
        form: principal("Brand", BANK).into(),
    });
    let merchant = holder(MERCHANT);
    let other = town.call(merchant, STORE, store(0xcc));
    assert_eq!(town.send(&other), Ok(true), "another slot is free");
    let direct = draft(&town, merchant, "contract");
    let inside = town.call(merchant, FORWARD, through_forward(STORE, &store(0xbb)));
    for draft in [&direct, &inside] {
        let refused = town.send(draft).expect_err("nobody has endorsed it");
        assert!(refused.contains("endorsement"), "{refused}");
        let estimated = town.estimate(draft).expect_err("the same");
        assert!(estimated.contains("endorsement"), "{estimated}");
        let (head, attributes) = (town.world.head(), town.world.attributes());
        let limits = crate::BuildLimits::default();
        let made = lawless.build(head, &attributes, std::iter::once(&draft.sign()), &limits);
        let made = made.expect("built").executed.block().clone();
        assert!(town.world.executor.execute(made, &|_| None).is_err(), "not by a liar either");
    }
    let endorse = |draft: &Draft, by: u8| {
        let to = draft.to.to().copied().unwrap_or_default();
        let data = alloy_primitives::keccak256(&draft.input);
        let sender = signer(draft.from).address();
        let question = Policies::endorsementHashCall {
            sender,
            nonce: draft.nonce,
            to,
            value: draft.value,
            data,
        };
        let digest = town.ask(policies, &question);
        let signature = signer(by).sign_hash_sync(&digest).expect("signed");
        let approval = IPolicies::Approval {
            account: signer(by).address(),
            signature: signature.as_bytes().to_vec().into(),
        };
        let call = Policies::endorseCall {
            sender,
            nonce: draft.nonce,
            to,
            value: draft.value,
            data,
            approvals: vec![approval],
        };
        assert_eq!(town.send(&town.call(0, policies, call.abi_encode())), Ok(true));
    };
    endorse(&direct, holder(CARRIER));
    assert!(town.send(&direct).is_err(), "a carrier is no bank");
    endorse(&direct, holder(BANK));
    assert!(town.send(&inside).is_err(), "that was for another transaction");
    assert!(town.estimate(&direct).is_ok());
    assert_eq!(town.send(&direct), Ok(true));
    let again = draft(&town, merchant, "contract");
    assert_eq!(town.send(&again), Ok(true), "nothing changes: the slot has this value");
    let back = town.call(merchant, STORE, [slot.as_slice(), &[0; 32]].concat());
    assert!(town.send(&back).is_err(), "an endorsement is good once");

    // The whole of a contract: known before it runs.
    town.set(Policies::setGuardCall {
        target: STORE,
        slot: B256::ZERO,
        isWhole: true,
        form: principal("Brand", BANK).into(),
    });
    let other = town.call(merchant, STORE, store(0xdd));
    let refused = town.admits(&other.sign()).expect_err("the pool says so already");
    assert!(refused.contains("endorsement"), "{refused}");
    endorse(&other, holder(BANK));
    assert_eq!(town.admits(&other.sign()), Ok(()));
    assert_eq!(town.send(&other), Ok(true));
}

/// Policies over the two organizations.
fn any_policy() -> impl proptest::strategy::Strategy<Value = hanse_identity::Policy> {
    use hanse_identity::{MspId, Policy, Role};
    use proptest::prelude::*;
    let role = (0..11_u8).prop_map(|number| Role::from_number(number).expect("there are 11"));
    let names = prop_oneof![Just(None), Just(Some("Brand")), Just(Some("Carrier"))];
    let principal = (names, role.clone(), 1..4_u8).prop_map(|(name, role, least)| {
        let name = name.map(|name| MspId::new(name).expect("an id"));
        Policy::principal(name, role, least).expect("a few")
    });
    let share = (role, 0..3_u8)
        .prop_map(|(role, part)| Policy::share(role, part, 3).expect("less than all"));
    prop_oneof![4 => principal, 2 => share].prop_recursive(4, 24, 4, |inner| {
        (proptest::collection::vec(inner, 1..5), any::<prop::sample::Index>()).prop_map(
            |(policies, at)| {
                let least = u8::try_from(at.index(policies.len()) + 1).expect("at most five");
                Policy::threshold(least, policies).expect("as many as there are")
            },
        )
    })
}

/// The contract's evaluation against the plain one, over policies and approvers by chance.
#[test]
fn policies_hold_on_the_chain_as_they_do_on_paper() {
    use hanse_identity::{Approver, MspId, Policy, Role, RoleSet};
    use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

    let (town, _) = Town::new();
    let policies = town.membership.policies;
    let msp = |name: &str| MspId::new(name).expect("an id");
    let active = [msp("Brand"), msp("Carrier")].into();
    let role = |number: u8| Role::from_number(number).expect("a role");
    let mut people: Vec<(u8, Approver)> = (0..11)
        .map(|number| {
            let roles = RoleSet::default().with(role(number));
            let account = signer(holder(number)).address();
            (holder(number), Approver { account, organization: msp("Brand"), roles })
        })
        .collect();
    for (index, name) in [(0, "Brand"), (1, "Carrier")] {
        let roles = RoleSet::default().with(Role::Admin);
        let account = signer(index).address();
        people.push((index, Approver { account, organization: msp(name), roles }));
    }
    let hand = [
        "2 of *.admin",
        "3 of *.admin",
        "2 of Brand.admin",
        "MAJORITY(admin)",
        "MORE_THAN(0/1, admin)",
        "AND('Carrier.admin', OR('Brand.bank', 'Brand.carrier'))",
        "8 of *.member",
        "ANYONE",
        "NOBODY",
    ];
    let mut runner = TestRunner::deterministic();
    let mut draw = |at: usize| match hand.get(at) {
        Some(text) => Policy::parse(text).expect("a policy"),
        None => any_policy().new_tree(&mut runner).expect("a policy").current(),
    };
    let (mut met, mut unmet) = (0, 0);
    let mut chance = TestRunner::deterministic();
    for at in 0..120 {
        let policy = draw(at);
        let chosen = proptest::sample::subsequence(people.clone(), 0..=people.len());
        for _ in 0..3 {
            let some = chosen.new_tree(&mut chance).expect("some people").current();
            let approvers: Vec<Approver> = some.iter().map(|(_, one)| one.clone()).collect();
            let question = Policies::holdsCall {
                form: policy.to_form().into(),
                approvers_: approvers.iter().map(|one| one.account).collect(),
            };
            let holds = town.ask(policies, &question);
            assert_eq!(holds, policy.evaluate(&approvers, &active), "{policy} by {approvers:?}");
            if holds { met += 1 } else { unmet += 1 }
        }
    }
    assert!(met > 30 && unmet > 30, "{met} met, {unmet} not");
}

#[test]
fn nodes_read_what_the_contracts_say() {
    let (town, _) = Town::new();
    let (members, policies) = (town.membership.members, town.membership.policies);
    let view = town.world.ledger.state(town.world.head()).expect("the state");
    let gate = crate::permissions::Gate::new(town.world.executor.spec()).expect("it has a law");
    for account in [signer(0), signer(holder(BANK)), signer(STRANGER)].map(|key| key.address()) {
        let read = view.storage(&members, &gate.record_slot(account)).expect("readable");
        assert_eq!(read, town.ask(members, &Members::recordCall { account }));
    }
    let read = gate.versions(|contract, slot| view.storage(&contract, &slot)).expect("readable");
    let said = town.ask(members, &Members::versionCall {});
    assert_eq!(read.members, U256::from_be_bytes(said.0));
    let said = town.ask(policies, &Policies::versionCall {});
    assert_eq!(read.policies, U256::from_be_bytes(said.0));
    assert_ne!(read.members, U256::ZERO);
    assert_ne!(read.policies, U256::ZERO);
}
