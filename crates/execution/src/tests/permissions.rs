//! Who may do what, with the real contracts: every role tries every action by every road, and a proposer who
//! lies gets no further than an honest one.

use super::world::{CHAIN_ID, CREATE, Draft, STORE, World, hanse, signer};
use crate::{Doorkeeper, ExecutionError, Executor, Overrides};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_sol_types::{Eip712Domain, SolCall, SolConstructor, SolStruct, eip712_domain};
use hanse_primitives::{ChainSpec, Contracts, HanseSettings, Membership, RecoveredTransaction};
use law::{
    members::{IMembers, Members},
    policies::{IPolicies, Policies},
};

mod law {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

    pub(super) mod members {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Members,
            "../../contracts/artifacts/Members.json"
        );
    }

    pub(super) mod policies {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Policies,
            "../../contracts/artifacts/Policies.json"
        );
    }

    alloy_sol_types::sol! {
        struct Enrollment {
            bytes32 organization;
            address account;
            uint32 roles;
            uint64 validUntil;
            bytes32 certificate;
            uint256 nonce;
        }
    }
}

/// Calls whoever its first word names, with the rest of its input; fails as the callee does.
const FORWARD: Address = Address::repeat_byte(0xb1);
const FORWARD_CODE: &str =
    "0x602036038060206000376000600091600060006000355af16025573d600060003e3d6000fd5b00";

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

const ADMIN: u8 = 1;
const MERCHANT: u8 = 2;
const CARRIER: u8 = 3;
const BANK: u8 = 4;
const PLATFORM: u8 = 9;

/// Signer of the account with a role in the first organization; [`STRANGER`] is enrolled nowhere.
const fn holder(role: u8) -> u8 {
    16 + role
}
const STRANGER: u8 = 15;

/// A form for whoever has a role in an organization, or in any.
fn principal(organization: &str, role: u8) -> Vec<u8> {
    [&[2], id(organization).as_slice(), &[role, 1]].concat()
}

fn one_of(forms: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(forms.len()).expect("a few");
    [vec![1, count, 1], forms.concat()].concat()
}

fn id(text: &str) -> B256 {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    B256::from(bytes)
}

/// A chain of two organizations, with the contracts in its genesis.
struct Town {
    world: World,
    membership: Membership,
    nonces: std::cell::RefCell<std::collections::BTreeMap<u8, u64>>,
}

fn domain(name: &'static str, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: name, version: "1", chain_id: CHAIN_ID, verifying_contract: contract,
    }
}

/// The chain's genesis; with `membership` or, for somebody who does not care for the law, without.
fn spec(
    law: &[(Address, alloy_genesis::GenesisAccount)],
    membership: Option<Membership>,
) -> ChainSpec {
    let mut genesis = hanse().genesis().clone();
    genesis.alloc.extend(law.iter().cloned());
    for index in 4..40 {
        let account = alloy_genesis::GenesisAccount {
            balance: U256::from(10).pow(U256::from(24)),
            ..Default::default()
        };
        genesis.alloc.insert(signer(index).address(), account);
    }
    let code: Bytes = FORWARD_CODE.parse().expect("hex");
    let forward = alloy_genesis::GenesisAccount { code: Some(code), ..Default::default() };
    genesis.alloc.insert(FORWARD, forward);
    let settings = HanseSettings {
        contracts: Contracts { membership, ..Contracts::default() },
        ..hanse().hanse().expect("it is ours").clone()
    };
    let value = serde_json::to_value(settings).expect("plain data");
    genesis.config.extra_fields.insert("hanse".to_owned(), value);
    ChainSpec::new(genesis).expect("valid")
}

/// Runs the constructors on another chain, and takes what they left.
fn law() -> (Vec<(Address, alloy_genesis::GenesisAccount)>, Membership) {
    let world = World::new(&hanse());
    let deployer = signer(0).address();
    let membership = Membership { members: deployer.create(0), policies: deployer.create(1) };
    let founder = |name: &str, roles: u32, admin: u8| IMembers::Founder {
        id: id(name),
        name: name.to_owned(),
        roles,
        root: Bytes::copy_from_slice(name.as_bytes()),
        notBefore: 0,
        notAfter: u64::from(u32::MAX),
        admins: vec![signer(admin).address()],
    };
    let members = Members::constructorCall {
        governor_: membership.policies,
        founders: vec![founder("Brand", 0x7fe, 0), founder("Carrier", 1 << CARRIER, 1)],
    };
    let majority = vec![3, ADMIN, 1, 2];
    let any_admin = principal("", ADMIN);
    let policy = |name: &str, form: &[u8]| IPolicies::NamedPolicy {
        name: id(name),
        form: Bytes::copy_from_slice(form),
    };
    let mut named: Vec<_> = ["governance", "membership", "validators", "upgrades", "engine"]
        .map(|name| policy(name, &majority))
        .to_vec();
    named.push(policy("policies", &any_admin));
    named.push(policy("send", &principal("", 0)));
    named.push(policy("deploy", &one_of(&[any_admin, principal("", PLATFORM)])));
    let policies = Policies::constructorCall {
        members_: membership.members,
        policies_: named,
        topics_: Vec::new(),
        lifetimeMax_: 100,
    };
    let creations = [
        [Members::BYTECODE.as_ref(), &members.abi_encode()].concat(),
        [Policies::BYTECODE.as_ref(), &policies.abi_encode()].concat(),
    ];
    let mut accounts = Vec::new();
    for (nonce, code) in (0..).zip(creations) {
        let draft = Draft {
            to: TxKind::Create,
            gas_limit: 16_000_000,
            ..Draft::call(0, nonce, Address::ZERO, code)
        };
        let built = world.grow(&[draft.sign()]);
        assert!(built.executed.receipts()[0].status(), "contract {nonce} is constructed");
        let address = deployer.create(nonce);
        let change = built.executed.changes().account(&address).expect("it is there").clone();
        let info = change.info.expect("it is there");
        let storage =
            change.storage.iter().map(|(at, to)| (B256::from(*at), B256::from(*to))).collect();
        let account = alloy_genesis::GenesisAccount {
            nonce: Some(info.nonce),
            code: built.executed.changes().code_by_hash(&info.code_hash).cloned(),
            storage: Some(storage),
            ..Default::default()
        };
        accounts.push((address, account));
    }
    (accounts, membership)
}

impl Town {
    /// With rules for [`STORE`]: the method `aaaaaaaa` is the carrier's, the rest the merchants' of any
    /// organization; and an account of the first organization for each role.
    fn new() -> (Self, Vec<(Address, alloy_genesis::GenesisAccount)>) {
        let (accounts, membership) = law();
        let world = World::new(&spec(&accounts, Some(membership)));
        let town = Self { world, membership, nonces: Default::default() };
        town.set(Policies::setAccessCall {
            target: STORE,
            selector: FixedBytes::ZERO,
            isWhole: true,
            form: principal("", MERCHANT).into(),
        });
        town.set(Policies::setAccessCall {
            target: STORE,
            selector: FixedBytes([0xaa; 4]),
            isWhole: false,
            form: principal("Brand", CARRIER).into(),
        });
        for role in 0..11 {
            town.enroll(0, "Brand", holder(role), 1 << role & !1, 0);
        }
        (town, accounts)
    }

    fn nonce(&self, from: u8) -> u64 {
        *self.nonces.borrow().get(&from).unwrap_or(&0)
    }

    /// Puts a transaction into a block of its own; false when it has no place in one.
    fn send(&self, draft: &Draft) -> Result<bool, String> {
        let built = self.world.grow(&[draft.sign()]);
        if let Some((_, reason)) = built.skipped.first() {
            return Err(reason.to_string());
        }
        *self.nonces.borrow_mut().entry(draft.from).or_default() += 1;
        Ok(built.executed.receipts()[0].status())
    }

    fn call(&self, from: u8, to: Address, input: impl Into<Bytes>) -> Draft {
        Draft { gas_limit: 3_000_000, ..Draft::call(from, self.nonce(from), to, input) }
    }

    /// Decides as the first organization's admin alone can here.
    fn set(&self, call: impl SolCall) {
        let policies = self.membership.policies;
        let id = self.ask::<Policies::proposalCountCall>(policies, &Policies::proposalCountCall {});
        let propose = Policies::proposeCall {
            calls: vec![IPolicies::Call { target: policies, data: call.abi_encode().into() }],
            description: "a test".to_owned(),
            lifetime: 10,
        };
        assert_eq!(self.send(&self.call(0, policies, propose.abi_encode())), Ok(true));
        let execute = Policies::executeCall { id }.abi_encode();
        assert_eq!(self.send(&self.call(0, policies, execute)), Ok(true));
    }

    fn ask<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let request = TransactionRequest {
            to: Some(TxKind::Call(to)),
            input: Bytes::from(call.abi_encode()).into(),
            ..Default::default()
        };
        let overrides = Overrides::default();
        let answer = self.world.executor.call(self.world.head(), &request, &overrides);
        C::abi_decode_returns(&answer.expect("an answer").output).expect("decodable")
    }

    fn enroll(&self, admin: u8, organization: &str, account: u8, roles: u32, until: u64) {
        let members = self.membership.members;
        let enrollment = law::Enrollment {
            organization: id(organization),
            account: signer(account).address(),
            roles,
            validUntil: until,
            certificate: B256::ZERO,
            nonce: self.ask(members, &Members::noncesCall { account: signer(account).address() }),
        };
        let digest = enrollment.eip712_signing_hash(&domain("Hanse Members", members));
        let consent = signer(account).sign_hash_sync(&digest).expect("signed");
        let enroll = Members::enrollCall {
            account: enrollment.account,
            roles,
            validUntil: until,
            certificate_: B256::ZERO,
            notBefore: 0,
            consent: consent.as_bytes().to_vec().into(),
        };
        assert_eq!(self.send(&self.call(admin, members, enroll.abi_encode())), Ok(true));
    }

    fn doorkeeper(&self) -> Doorkeeper {
        let ledger = &self.world.ledger;
        let head = ledger.block(self.world.head()).expect("readable").expect("the head is there");
        let view = ledger.state(self.world.head()).expect("the state of the head");
        self.world.executor.doorkeeper(head.block().header().clone(), view)
    }

    fn admits(&self, transaction: &RecoveredTransaction) -> Result<(), String> {
        let answer = self.doorkeeper().permits(transaction).expect("readable");
        answer.map_err(|forbidden| forbidden.to_string())
    }

    /// What `eth_estimateGas` says of it.
    fn estimate(&self, draft: &Draft) -> Result<u64, String> {
        let request = TransactionRequest {
            from: Some(signer(draft.from).address()),
            to: Some(draft.to),
            value: Some(draft.value),
            input: draft.input.clone().into(),
            ..Default::default()
        };
        let (head, overrides) = (self.world.head(), Overrides::default());
        self.world.executor.estimate_gas(head, &request, &overrides).map_err(|e| e.to_string())
    }
}

/// Input for [`STORE`] that begins with four equal bytes.
fn store(byte: u8) -> Vec<u8> {
    let mut input = [0; 64];
    input[..4].fill(byte);
    input[63] = byte;
    input.to_vec()
}

fn through_forward(target: Address, input: &[u8]) -> Vec<u8> {
    [target.into_word().as_slice(), input].concat()
}

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
    let lawless = Executor::new(spec(&accounts, None).into(), town.world.ledger.clone());
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
    let lawless = Executor::new(spec(&accounts, None).into(), town.world.ledger.clone());
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
    let (of_members, of_policies) =
        gate.versions(|contract, slot| view.storage(&contract, &slot)).expect("readable");
    let said = town.ask(members, &Members::versionCall {});
    assert_eq!(of_members, U256::from_be_bytes(said.0));
    let said = town.ask(policies, &Policies::versionCall {});
    assert_eq!(of_policies, U256::from_be_bytes(said.0));
    assert_ne!(of_members, U256::ZERO);
    assert_ne!(of_policies, U256::ZERO);
}
