//! Other code for contracts, with the real contract of upgrades: in its block and not one earlier, as a whole or not at
//! all, the same for everybody, and not by somebody who makes it up.

use super::{
    memory::MemoryChain,
    town::{
        ADMIN, CARRIER, MERCHANT, Town, holder, id,
        law::{
            escrow::{Currency, Escrow},
            members::Members,
            policies::{IPolicies, Policies},
            upgrades::{IUpgrades, Upgrades},
        },
        principal, spec,
    },
    world::{CREATE2, Draft, STORE, World, altered, child, signer, word},
};
use crate::{ExecutionError, Executor, Overrides};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_rpc_types_eth::{TransactionRequest, simulate::SimulatePayload};
use alloy_rpc_types_trace::geth::GethTrace;
use alloy_sol_types::{Revert, SolCall, SolError, SolValue};
use hanse_primitives::{AccountChange, AccountInfo, Height, SealedBlock, StateChanges};
use serde_json::json;

/// Answers with what slot 7 has, which is 9 at [`STORE`].
const SEVEN: [u8; 9] = hex!("6007545f5260205ff3");
/// The same of slot 8, which the system sets to the first word of what it says.
const MIGRATING: [u8; 51] = hex!(
    "36156029573373fffffffffffffffffffffffffffffffffffffffe146022575f5ffd5b5f35600855005b6008545f5260205ff3"
);
/// Sets slot 8 and regrets it, with four bytes.
const REGRETTING: [u8; 17] = hex!("600160085563deadbeef5f526004601cfd");
/// Never ends.
const ENDLESS: [u8; 3] = hex!("5b5f56");
/// Refuses everything.
const REFUSING: [u8; 3] = hex!("5f5ffd");

const WAITING: u8 = 0;
const APPLIED: u8 = 1;
const FAILED: u8 = 2;
const CANCELLED: u8 = 3;

/// Init code of a contract with this code.
fn init(code: &[u8]) -> Vec<u8> {
    let length = u16::try_from(code.len()).expect("within 24 KiB").to_be_bytes();
    [&[0x61][..], &length, &hex!("80600a5f395ff3"), code].concat()
}

/// Code that answers `method` by `own`, and everything else as the code at `other` would in its place.
fn extended(other: Address, method: [u8; 4], own: &[u8]) -> Vec<u8> {
    let head = [&hex!("5f3560e01c63")[..], &method, &hex!("14603b57")].concat();
    let pass = [
        &hex!("365f5f375f5f365f73")[..],
        other.as_slice(),
        &hex!("5af43d5f5f3e6037573d5ffd5b3d5ff3"),
    ];
    let code = [head, pass.concat()].concat();
    assert_eq!((code.len(), code[0x37]), (0x3b, 0x5b), "jumps land");
    [code, vec![0x5b], own.to_vec()].concat()
}

impl Town {
    fn deploy(&self, code: &[u8]) -> Address {
        let address = signer(0).address().create(self.nonce(0));
        let draft = Draft {
            to: TxKind::Create,
            gas_limit: 16_000_000,
            ..self.call(0, Address::ZERO, init(code))
        };
        assert_eq!(self.send(&draft), Ok(true));
        address
    }

    fn code(&self, account: Address) -> Bytes {
        let view = self.world.ledger.state(self.world.head()).expect("the state");
        let info = view.account(&account).expect("readable").expect("it is there");
        view.code(&info.code_hash).expect("readable")
    }

    fn height(&self) -> u64 {
        self.world.ledger.head().height.0
    }

    fn scheduling(
        &self,
        target: Address,
        code: &[u8],
        from: u64,
        migration: &[u8],
    ) -> IPolicies::Call {
        let source = self.deploy(code);
        let call = Upgrades::scheduleCall {
            target,
            oldCodeHash: keccak256(self.code(target)),
            source,
            newCodeHash: keccak256(code),
            fromBlock: from,
            migration: Bytes::copy_from_slice(migration),
        };
        IPolicies::Call { target: self.places.upgrades, data: call.abi_encode().into() }
    }

    /// Other code for a contract, in the block that comes next.
    fn schedule(&self, target: Address, code: &[u8], migration: &[u8]) {
        self.decide(vec![self.scheduling(target, code, 0, migration)]);
    }

    fn upgrade(&self, id: u64) -> IUpgrades::Upgrade {
        self.ask(self.places.upgrades, &Upgrades::upgradeCall { id: U256::from(id) })
    }

    fn status(&self, id: u64) -> (u8, Bytes) {
        let upgrade = self.upgrade(id);
        assert_eq!(upgrade.failure != 0, upgrade.status == FAILED, "a failure has a kind");
        (upgrade.status, upgrade.reason)
    }

    /// What a contract answers to nothing, after a block.
    fn answer(&self, at: B256, contract: Address) -> Result<Bytes, String> {
        let request = TransactionRequest::default().to(contract);
        let answer = self.world.executor.call(at, &request, &Overrides::default());
        answer.map(|answer| answer.output).map_err(|error| error.to_string())
    }

    fn blocks(&self) -> Vec<SealedBlock> {
        let block = |height| {
            let ledger = &self.world.ledger;
            let hash = ledger.hash(Height(height)).expect("readable").expect("it is there");
            ledger.block(hash).expect("readable").expect("it is there").block().clone()
        };
        (1..=self.height()).map(block).collect()
    }

    /// Others execute all blocks too, one by the product's way, one by the model's, and find the same.
    fn replay(&self) {
        let other = World::new(self.world.executor.spec());
        let mut model = MemoryChain::new(self.world.executor.spec().as_ref().clone());
        for block in self.blocks() {
            let done = other.executor.execute(block.clone(), &|_| None);
            let (executed, root) = done.expect("the block is valid");
            other.keep(executed, root);
            model.import(block).expect("the model agrees");
        }
        assert_eq!(other.head(), self.world.head());
    }
}

#[test]
fn code_is_replaced_in_its_block_and_not_one_earlier() {
    let (town, _) = Town::new();
    let before = town.code(STORE);
    let from = town.height() + 5;
    town.decide(vec![town.scheduling(STORE, &SEVEN, from, &[])]);
    assert_eq!(town.status(0).0, WAITING);
    while town.height() < from - 1 {
        assert_eq!(town.code(STORE), before, "not before block {from}");
        town.world.grow(&[]);
    }
    let last = town.world.head();
    // The first transaction of the block has the new code already, and so does its trace.
    let draft = town.call(holder(MERCHANT), STORE, Vec::new());
    assert_eq!(town.send(&draft), Ok(true));
    let head = town.world.head();
    assert_eq!((town.height(), town.code(STORE)), (from, Bytes::from(SEVEN)));
    let traces = town.world.executor.trace_block(head, &Default::default()).expect("traced");
    let [GethTrace::Default(trace)] = &traces[..] else { panic!("one trace of steps: {traces:?}") };
    assert_eq!(trace.return_value, Bytes::from(word(9)));

    let done = town.upgrade(0);
    assert_eq!((done.status, done.settledIn, done.fromBlock), (APPLIED, from, from));
    assert_eq!(done.oldCodeHash, keccak256(&before));
    assert_eq!(done.newCodeHash, keccak256(SEVEN));
    assert_eq!(town.answer(head, STORE), Ok(word(9).into()), "its storage is as it was");
    assert_eq!(town.answer(last, STORE), Ok(Bytes::new()), "what was, stays what it was");
    town.world.grow(&[]);
    assert_eq!(town.upgrade(0).settledIn, from, "once");
    town.replay();
}

#[test]
fn one_that_was_called_off_does_not_come() {
    let (town, _) = Town::new();
    let before = town.code(STORE);
    town.decide(vec![town.scheduling(STORE, &SEVEN, town.height() + 6, &[])]);
    let cancel = Upgrades::cancelCall { id: U256::ZERO }.abi_encode().into();
    town.decide(vec![IPolicies::Call { target: town.places.upgrades, data: cancel }]);
    for _ in 0..6 {
        town.world.grow(&[]);
    }
    assert_eq!((town.code(STORE), town.status(0).0), (before, CANCELLED));
}

#[test]
fn a_migration_is_the_systems_and_happens_with_the_code_or_not_at_all() {
    let (town, _) = Town::new();
    town.schedule(STORE, &MIGRATING, &word(77));
    town.world.grow(&[]);
    assert_eq!(town.status(0), (APPLIED, Bytes::new()));
    assert_eq!(town.answer(town.world.head(), STORE), Ok(word(77).into()));
    let merchant = town.call(holder(MERCHANT), STORE, word(78));
    assert_eq!(town.send(&merchant), Ok(false), "nobody else migrates");

    let code = town.code(STORE);
    let out_of_gas = Revert::from("out of gas").abi_encode();
    let endings: [(&[u8], Vec<u8>); 2] =
        [(&REGRETTING, hex!("deadbeef").to_vec()), (&ENDLESS, out_of_gas)];
    for (number, (other, reason)) in (1..).zip(endings) {
        town.schedule(STORE, other, &[1]);
        let draft = Draft::transfer(0, town.nonce(0), Address::repeat_byte(0x77), 1);
        assert_eq!(town.send(&draft), Ok(true), "the block is valid all the same");
        assert_eq!(town.status(number), (FAILED, reason.into()));
        assert_eq!((town.upgrade(number).failure, town.code(STORE)), (3, code.clone()));
        assert_eq!(town.answer(town.world.head(), STORE), Ok(word(77).into()), "nothing is left");
    }
    town.replay();
}

/// The proposal makes a contract, has it approved, and destroys it, all in one transaction: a hash was looked at that is
/// nobody's when the block comes.
#[test]
fn code_that_is_gone_by_then_is_not_put_anywhere() {
    let (town, _) = Town::new();
    let upgrades = town.places.upgrades;
    let form = principal("", ADMIN).into();
    town.set(Policies::setPolicyCall { name: id("governance"), form });
    let (before, gone) = (town.code(STORE), keccak256(hex!("33ff")));
    let schedule = |target, old, source, new| {
        let call = Upgrades::scheduleCall {
            target,
            oldCodeHash: old,
            source,
            newCodeHash: new,
            fromBlock: 0,
            migration: Bytes::new(),
        };
        IPolicies::Call { target: upgrades, data: call.abi_encode().into() }
    };
    let call = |target, data: &[u8]| IPolicies::Call { target, data: Bytes::copy_from_slice(data) };
    town.decide(vec![
        call(CREATE2, &super::world::CHILD),
        schedule(STORE, keccak256(&before), child(), gone),
        call(child(), &[]),
    ]);
    town.world.grow(&[]);
    assert_eq!((town.status(0).0, town.upgrade(0).failure), (FAILED, 2));
    assert_eq!(town.code(STORE), before);

    // And one that agreed to be replaced, and is no more.
    let enlist = [&hex!("63")[..], &Upgrades::enlistCall::SELECTOR, &hex!("5f525f5f6004601c5f73")];
    let agreeing =
        [&enlist.concat()[..], upgrades.as_slice(), &hex!("5af1506133ff5f526002601ef3")].concat();
    let target = CREATE2.create2_from_code(B256::ZERO, &agreeing);
    let source = town.deploy(&SEVEN);
    town.decide(vec![
        call(CREATE2, &agreeing),
        schedule(target, gone, source, keccak256(SEVEN)),
        call(target, &[]),
    ]);
    town.world.grow(&[]);
    assert_eq!((town.status(1).0, town.upgrade(1).failure), (FAILED, 1));
    let view = town.world.ledger.state(town.world.head()).expect("the state");
    assert_eq!(view.account(&target).expect("readable"), None);
    town.replay();
}

/// A contract of policies that does not answer would stop every node for ever, so it does not come.
#[test]
fn the_law_still_answers_after_an_upgrade_or_there_is_none() {
    let (town, _) = Town::new();
    let law = town.membership;
    let deadlocked = extended(
        town.deploy(&town.code(law.policies)),
        Policies::deadlockCall::SELECTOR,
        &hex!("60015f5260205ff3"),
    );
    let other_version = extended(
        town.deploy(&town.code(law.members)),
        Members::versionCall::SELECTOR,
        &hex!("60015f5260205ff3"),
    );
    let cases: [(Address, &[u8], &str); 5] = [
        (law.policies, &REFUSING, "the version of the contract of policies"),
        (law.policies, &deadlocked, "the network could not decide anything any more"),
        (law.members, &SEVEN, "organizations of the contract of members"),
        (law.members, &other_version, "the version of the contract of members"),
        (town.places.upgrades, &REFUSING, "settle of the contract of upgrades"),
    ];
    for (number, (target, code, what)) in (0..).zip(cases) {
        let before = town.code(target);
        town.schedule(target, code, &[]);
        town.world.grow(&[]);
        assert_eq!(town.status(number), (FAILED, Revert::from(what).abi_encode().into()), "{what}");
        assert_eq!((town.upgrade(number).failure, town.code(target)), (4, before));
    }
    town.schedule(STORE, &SEVEN, &[]);
    town.world.grow(&[]);
    assert_eq!(town.status(5).0, APPLIED, "the network goes on");
    town.replay();
}

#[test]
fn permissions_follow_the_code_of_members_at_once() {
    let (town, _) = Town::new();
    let members = town.membership.members;
    let old = town.deploy(&town.code(members));
    let method = |from| town.call(from, STORE, super::town::store(0xaa));
    assert_eq!(town.send(&method(holder(CARRIER))), Ok(true));
    // Nobody has any role, while no version of the contracts has changed.
    let strict = extended(old, Members::rolesOfCall::SELECTOR, &hex!("60605ff3"));
    town.schedule(members, &strict, &[]);
    let admitted = town.admits(&method(holder(CARRIER)).sign());
    assert_eq!(admitted, Ok(()), "up to the last block");
    let gate = crate::permissions::Gate::new(town.world.executor.spec()).expect("it has a law");
    let versions = || {
        let view = town.world.ledger.state(town.world.head()).expect("the state");
        gate.versions(|contract, slot| view.storage(&contract, &slot)).expect("readable")
    };
    let before = versions();
    // In the very block: the transaction comes after the upgrade, and has no place.
    let refused = town.send(&method(holder(CARRIER))).expect_err("nobody is anybody any more");
    assert!(refused.contains("may not send"), "{refused}");
    assert_eq!(town.status(0).0, APPLIED);
    let after = versions();
    assert_eq!((before.members, before.policies), (after.members, after.policies));
    assert_ne!(before.upgrades, after.upgrades);
    let refused = town.admits(&method(holder(CARRIER)).sign()).expect_err("the pool knows");
    assert!(refused.contains("may not send"), "{refused}");
    town.replay();
}

#[test]
fn siblings_of_one_parent_have_versions_of_their_own() {
    let (town, _) = Town::new();
    town.schedule(STORE, &SEVEN, &[]);
    let none: [hanse_primitives::RecoveredTransaction; 0] = [];
    let limits = crate::BuildLimits::default();
    let version = |seconds: u64| {
        let mut attributes = town.world.attributes();
        attributes.timestamp += seconds;
        let built = town.world.executor.build(town.world.head(), &attributes, &none, &limits);
        let changes = built.expect("built").executed.changes().clone();
        let change = changes.account(&town.places.upgrades).expect("it has changed").clone();
        let slot = U256::from_be_bytes(super::super::upgrades::VERSION_SLOT.0);
        change.storage.iter().find(|(key, _)| *key == slot).expect("a version").1
    };
    assert_eq!(version(0), version(0));
    assert_ne!(version(0), version(1));
}

#[test]
fn a_proposer_neither_skips_an_upgrade_nor_makes_one_up() {
    let (town, accounts) = Town::new();
    town.schedule(STORE, &SEVEN, &[]);
    let (head, attributes) = (town.world.head(), town.world.attributes());
    let none: [hanse_primitives::RecoveredTransaction; 0] = [];
    let limits = crate::BuildLimits::default();
    let refused = |block: SealedBlock, why: &str| {
        let judged = town.world.executor.execute(block, &|_| None);
        let error = judged.expect_err(why);
        assert!(matches!(error, ExecutionError::Invalid { .. }), "{why}: {error}");
        assert!(error.to_string().contains("state root"), "{why}: {error}");
    };
    let lawless = spec(&accounts, Some(town.membership), None);
    let lawless = Executor::new(lawless.into(), town.world.ledger.clone());
    let skipping = lawless.build(head, &attributes, &none, &limits).expect("built").executed;
    refused(skipping.block().clone(), "one that skips it");

    let honest = town.world.executor.build(head, &attributes, &none, &limits).expect("built");
    let mut changed = honest.executed.changes().accounts().to_vec();
    let mut code = honest.executed.changes().code().to_vec();
    // The same with another contract's code as well, which nobody has decided on.
    let escrow = town.places.escrow;
    let view = town.world.ledger.state(head).expect("the state");
    let info = view.account(&escrow).expect("readable").expect("it is there");
    let info = Some(AccountInfo { code_hash: keccak256(ENDLESS), ..info });
    changed.push((escrow, AccountChange { info, storage_cleared: false, storage: Vec::new() }));
    code.push((keccak256(ENDLESS), ENDLESS.into()));
    let changes = StateChanges::new(changed, code);
    let root = town.world.ledger.root(head, &changes).expect("a root").root();
    let lying = altered(honest.executed.block(), |block| block.header.state_root = root);
    refused(lying, "one with more than was decided");

    let block = honest.executed.block().clone();
    assert!(town.world.executor.execute(block, &|_| None).is_ok(), "the honest one");
}

#[test]
fn imagined_blocks_have_the_upgrades_that_real_ones_will() {
    let (town, _) = Town::new();
    town.decide(vec![town.scheduling(STORE, &SEVEN, town.height() + 6, &[])]);
    let call = json!({"calls": [{"to": STORE}]});
    let payload: SimulatePayload =
        serde_json::from_value(json!({"blockStateCalls": [call, call, call]})).expect("a payload");
    let blocks = town.world.executor.simulate(town.world.head(), payload).expect("simulated");
    let answers: Vec<Bytes> =
        blocks.iter().map(|block| block.calls[0].return_data.clone()).collect();
    assert_eq!(answers, [Bytes::new(), Bytes::new(), word(9).into()]);
    assert_eq!(town.status(0).0, WAITING, "it was imagined");
}

#[test]
fn an_escrow_with_another_method_keeps_its_orders() {
    let (town, _) = Town::new();
    let (escrow, currency) = (town.places.escrow, town.places.currency);
    let (merchant, carrier, shopper) = (holder(MERCHANT), holder(CARRIER), holder(10));
    let act = |from: u8, to: Address, call: Vec<u8>| {
        assert_eq!(town.send(&town.call(from, to, call)), Ok(true));
    };
    let issue = Currency::issueCall { to: signer(shopper).address(), amount: U256::from(5_000) };
    act(0, currency, issue.abi_encode());
    let approve = Currency::approveCall { spender: escrow, value: U256::from(5_000) };
    act(shopper, currency, approve.abi_encode());
    let order = B256::repeat_byte(7);
    let now = town.world.attributes().timestamp;
    let terms = super::town::law::escrow::IEscrow::Terms {
        merchant: signer(merchant).address(),
        carrier: signer(carrier).address(),
        currency,
        amount: 4_200,
        shippingFee: 300,
        shipBy: now + 86_400,
        deliverBy: now + 172_800,
        inspectionSeconds: 3_600,
        document: B256::repeat_byte(1),
    };
    act(shopper, escrow, Escrow::authorizeCall { orderId: order, terms }.abi_encode());
    let kept = || town.ask(escrow, &Escrow::orderCall { orderId: order }).abi_encode();
    let (before, root) = (kept(), storage_root(&town, escrow));

    let edition = keccak256("edition()");
    let method = *edition.0.first_chunk().expect("it is longer");
    let old = town.deploy(&town.code(escrow));
    town.schedule(escrow, &extended(old, method, &hex!("60025f5260205ff3")), &[]);
    town.world.grow(&[]);
    assert_eq!(town.status(0).0, APPLIED);
    let request = TransactionRequest::default().to(escrow).input(Bytes::from(method).into());
    let answer = town.world.executor.call(town.world.head(), &request, &Overrides::default());
    assert_eq!(answer.expect("it has the method").output, Bytes::from(word(2)));
    assert_eq!((kept(), storage_root(&town, escrow)), (before, root));

    let ship = Escrow::shipCall { orderId: order, tracking: B256::ZERO };
    act(merchant, escrow, ship.abi_encode());
    let deliver = Escrow::deliverCall { orderId: order, proof: B256::ZERO };
    act(carrier, escrow, deliver.abi_encode());
    act(shopper, escrow, Escrow::captureCall { orderId: order }.abi_encode());
    let balance = Currency::balanceOfCall { account: signer(merchant).address() };
    assert_eq!(town.ask(currency, &balance), U256::from(3_900));
    town.replay();
}

fn storage_root(town: &Town, account: Address) -> B256 {
    let view = town.world.ledger.state(town.world.head()).expect("the state");
    view.proof(&account, &[]).expect("readable").storage_root
}
