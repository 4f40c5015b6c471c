//! Blocks and requests from those who mean harm: each is refused with its reason, none panics, and
//! a broken disk is never blamed on the sender.

use super::{
    memory::{Memory, MemoryChain},
    world::{Draft, STORE, World, altered, hanse, istanbul, signer, word},
};
use crate::{
    CallError, ExecutionError, InvalidCall, Overrides, Violation,
    error::Fault,
    machine::{Ending, Machine},
    rules,
    state::BlockState,
};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256, address, bytes};
use alloy_rpc_types_eth::{TransactionRequest, simulate::SimulatePayload};
use hanse_primitives::{Block, Header, SealedBlock, Transaction};
use serde_json::json;

type Change = fn(&mut Block);

fn valid() -> (World, SealedBlock) {
    let world = World::new(&hanse());
    world.grow(&[]);
    let input = [word(1), word(2)].concat();
    let signed = [Draft::call(0, 0, STORE, input).sign(), Draft::transfer(1, 0, STORE, 5).sign()];
    let limits = crate::BuildLimits::default();
    let built = world.executor.build(world.head(), &world.attributes(), &signed, &limits);
    let block = built.expect("the block is built").executed.block().clone();
    (world, block)
}

fn refusal(world: &World, block: SealedBlock) -> String {
    let hash = block.hash();
    match world.executor.execute(block, &|_| None) {
        Err(ExecutionError::Invalid { hash: named, violation }) => {
            assert_eq!(named, hash, "the error names the block");
            violation.to_string()
        }
        Err(other) => panic!("not the block's fault: {other}"),
        Ok(_) => panic!("a forged block was accepted"),
    }
}

#[test]
fn every_lie_of_a_header_is_found() {
    let (world, block) = valid();
    let lies: [(&str, Change); 28] = [
        ("number", |b| b.header.number += 1),
        ("timestamp", |b| b.header.timestamp = 9),
        ("extra data", |b| b.header.extra_data = vec![0; 33].into()),
        ("gas limit", |b| b.header.gas_limit += b.header.gas_limit / 1024),
        ("gas limit", |b| b.header.gas_limit -= b.header.gas_limit / 1024),
        ("gas limit", |b| b.header.gas_limit = u64::MAX),
        ("above the gas limit", |b| b.header.gas_used = b.header.gas_limit + 1),
        ("gas used", |b| b.header.gas_used += 1),
        ("base fee", |b| b.header.base_fee_per_gas = Some(7)),
        ("base fee", |b| b.header.base_fee_per_gas = None),
        ("difficulty", |b| b.header.difficulty = U256::ONE),
        ("nonce", |b| b.header.nonce = B64::with_last_byte(1)),
        ("ommers hash", |b| b.header.ommers_hash = B256::ZERO),
        ("ommers hash", |b| b.body.ommers.push(Header::default())),
        ("withdrawals root", |b| b.header.withdrawals_root = None),
        ("withdrawals", |b| b.body.withdrawals = None),
        ("withdrawals root", |b| {
            b.body.withdrawals = Some(vec![Withdrawal::default()].into());
        }),
        ("parent beacon block root", |b| b.header.parent_beacon_block_root = None),
        ("blob gas used", |b| b.header.blob_gas_used = Some(131_072)),
        ("blob gas used", |b| b.header.blob_gas_used = None),
        ("excess blob gas", |b| b.header.excess_blob_gas = Some(1)),
        ("requests hash", |b| b.header.requests_hash = None),
        ("requests hash", |b| b.header.requests_hash = Some(B256::ZERO)),
        ("slot number", |b| b.header.slot_number = Some(1)),
        ("transactions root", |b| b.header.transactions_root = B256::ZERO),
        ("receipts root", |b| b.header.receipts_root = B256::ZERO),
        ("logs bloom", |b| b.header.logs_bloom = Bloom::repeat_byte(1)),
        ("state root", |b| b.header.state_root = B256::ZERO),
    ];
    for (field, lie) in lies {
        let reason = refusal(&world, altered(&block, lie));
        assert!(reason.contains(field), "{reason} does not name {field}");
    }
    assert!(world.executor.execute(block, &|_| None).is_ok(), "the honest block is valid");
}

/// Adds a transaction that the header's root covers.
fn append(block: &mut Block, transaction: Transaction) {
    block.body.transactions.push(transaction);
    block.header.transactions_root = crate::receipts::transactions_root(&block.body.transactions);
}

#[test]
fn a_body_that_cannot_be_is_refused() {
    let (world, block) = valid();
    let bodies: [(&str, Change); 4] = [
        ("transactions root", |b| b.body.transactions.swap(0, 1)),
        ("transactions root", |b| {
            b.body.transactions.pop();
        }),
        ("transaction 2", |b| append(b, b.body.transactions[0].clone())),
        ("transaction 2", |b| append(b, Draft::transfer(0, 9, STORE, 0).sign().into_inner())),
    ];
    for (why, change) in bodies {
        let reason = refusal(&world, altered(&block, change));
        assert!(reason.contains(why), "{reason} does not say {why}");
    }
    // A wrong sender from the pool's cache would be believed; the cache is our own. But a signature
    // that nobody can have made is not.
    let forged = altered(&block, |b| {
        let bad = alloy_primitives::Signature::new(U256::MAX, U256::MAX, false);
        let unsigned = alloy_consensus::TxLegacy::default();
        b.body.transactions.push(alloy_consensus::Signed::new_unhashed(unsigned, bad).into());
    });
    assert!(refusal(&world, forged).contains("signature"));
}

#[test]
fn an_oversized_block_is_refused_before_it_runs() {
    let (world, block) = valid();
    let large = altered(&block, |b| {
        let draft = Draft { input: vec![0; 120_000].into(), ..Draft::call(0, 0, STORE, []) };
        b.body.transactions = vec![draft.sign().into_inner(); 80];
    });
    assert!(refusal(&world, large).contains("bytes"));
}

#[test]
fn an_unknown_parent_is_nobodys_fault() {
    let (world, block) = valid();
    let orphan = altered(&block, |b| b.header.parent_hash = B256::repeat_byte(1));
    let error = world.executor.execute(orphan, &|_| None).expect_err("the parent is unknown");
    assert!(matches!(error, ExecutionError::UnknownParent(_)), "{error}");
}

#[test]
fn only_our_own_chains_may_have_two_blocks_in_a_second() {
    let none: [hanse_primitives::RecoveredTransaction; 0] = [];
    for (spec, allowed) in [(hanse(), true), (istanbul(), false)] {
        let world = World::new(&spec);
        world.grow(&none);
        let mut attributes = world.attributes();
        attributes.timestamp -= 10;
        let limits = crate::BuildLimits::default();
        let built = world.executor.build(world.head(), &attributes, &none, &limits);
        assert_eq!(built.is_ok(), allowed);
        attributes.timestamp -= 1;
        let built = world.executor.build(world.head(), &attributes, &none, &limits);
        assert!(matches!(built, Err(ExecutionError::Attributes(_))));
    }
}

#[test]
fn a_broken_store_is_not_the_blocks_fault() {
    let (world, block) = valid();
    let spec = world.executor.spec().clone();
    let header = block.header();
    // Everything unreadable: the first failure is in a system call, which the EVM library takes for
    // a violation.
    let mut state = BlockState::new(Memory { broken: true, ..Memory::default() });
    let roots = |_: &hanse_primitives::StateChanges| Ok(B256::ZERO);
    let ending = Ending { ommers: &[], withdrawals: None };
    let started = Machine::start(&spec, &mut state, header, ending, &roots);
    assert!(
        matches!(started.err(), Some(Fault::Other(ExecutionError::Store(_)))),
        "a failed read must not condemn an honest block"
    );
    let mut state = BlockState::new(Memory { broken: true, ..Memory::default() });
    let request = TransactionRequest::default().to(STORE);
    let called = crate::simulation::call(
        &spec,
        header,
        &mut state,
        &request,
        &Overrides::default(),
        50_000_000,
    );
    assert!(matches!(called, Err(CallError::Store(_))));
}

#[test]
fn ommers_must_be_young_relatives_that_nobody_named_before() {
    let world = World::new(&istanbul());
    let none: [hanse_primitives::RecoveredTransaction; 0] = [];
    let mut blocks = vec![world.executor.spec().genesis_block_sealed().clone()];
    for _ in 0..8 {
        blocks.push(world.grow(&none).executed.block().clone());
    }
    let head = blocks.last().expect("there are blocks").clone();
    let ancestors: Vec<(B256, Vec<B256>)> =
        blocks[..8].iter().rev().take(7).map(|block| (block.hash(), Vec::new())).collect();
    let ommer_of = |age: usize| {
        let parent = &blocks[8 - age - 1];
        Header {
            parent_hash: parent.hash(),
            number: parent.header().number + 1,
            beneficiary: Address::repeat_byte(7),
            ..Header::default()
        }
    };
    let with = |ommers: Vec<Header>| altered(&head, |block| block.body.ommers = ommers);
    for age in 1..=6 {
        let checked = rules::check_ommers(&with(vec![ommer_of(age)]), &ancestors);
        assert_eq!(checked, Ok(()), "an ommer of age {age}");
    }
    let wrong = [
        vec![ommer_of(7)],
        vec![ommer_of(1), ommer_of(1)],
        vec![ommer_of(1), ommer_of(2), ommer_of(3)],
        vec![Header { number: 1, ..ommer_of(1) }],
        vec![Header { number: u64::MAX, ..ommer_of(1) }],
        vec![blocks[6].header().clone()],
        vec![Header { parent_hash: blocks[7].hash(), ..ommer_of(1) }],
    ];
    for ommers in wrong {
        let shown = format!("{ommers:?}");
        assert!(rules::check_ommers(&with(ommers), &ancestors).is_err(), "{shown}");
    }
    let mut named = ancestors;
    named[3].1.push(ommer_of(2).hash_slow());
    assert!(rules::check_ommers(&with(vec![ommer_of(2)]), &named).is_err(), "named before");
}

#[test]
fn an_ommer_is_paid_for() {
    let spec = istanbul();
    let world = World::new(&spec);
    let none: [hanse_primitives::RecoveredTransaction; 0] = [];
    world.grow(&none);
    let first = world.grow(&none).executed.block().clone();
    let mut model = MemoryChain::new(spec);
    let genesis = model.head().hash();
    let grandparent = world.ledger.block(first.header().parent_hash).expect("readable");
    let grandparent = grandparent.expect("it is kept").block().clone();
    model.import(grandparent).expect("the model agrees");
    model.import(first).expect("the model agrees");
    let limits = crate::BuildLimits::default();
    let built = world.executor.build(world.head(), &world.attributes(), &none, &limits);
    let plain = built.expect("the block is built").executed.block().clone();
    let ommer = Header {
        parent_hash: genesis,
        number: 1,
        beneficiary: Address::repeat_byte(7),
        ..Header::default()
    };
    let block = altered(&plain, |block| {
        block.header.ommers_hash =
            alloy_consensus::proofs::calculate_ommers_root(std::slice::from_ref(&ommer));
        block.body.ommers.push(ommer);
    });
    // The header still has the state root of the block without an ommer: the reward is missing.
    let reason = refusal(&world, block);
    assert!(reason.contains("state root"), "{reason}");
}

#[test]
fn senseless_requests_are_refused_in_words() {
    let world = World::new(&hanse());
    let at = world.head();
    let poor = Address::repeat_byte(0x55);
    let cases = [
        (json!({"to": STORE, "gasPrice": "0x1", "maxFeePerGas": "0x1"}), "both gasPrice"),
        (json!({"to": STORE, "chainId": "0x1"}), "chainId does not match"),
        (json!({"to": STORE, "data": "0x01", "input": "0x02"}), "data"),
        (json!({"from": poor, "to": STORE, "value": "0x1"}), "insufficient funds"),
        (json!({"from": poor, "to": STORE, "gas": "0x1"}), "intrinsic gas too low"),
        (
            json!({"to": STORE, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}),
            "max priority fee per gas higher",
        ),
        (json!({"from": signer(0).address(), "to": STORE, "maxFeePerGas": "0x1"}), "base fee"),
        (json!({"to": STORE, "blobVersionedHashes": []}), "blob"),
        (json!({"to": STORE, "authorizationList": []}), "uthorization"),
    ];
    for (request, text) in cases {
        let request: TransactionRequest = serde_json::from_value(request).expect("it decodes");
        let error = world.executor.call(at, &request, &Overrides::default());
        let error = error.expect_err(text);
        assert_eq!(error.code(), -32_000, "{error}");
        assert!(error.to_string().contains(text), "{error} does not say {text}");
    }
    let unknown = world.executor.call(
        B256::repeat_byte(9),
        &TransactionRequest::default(),
        &Overrides::default(),
    );
    assert_eq!(unknown.expect_err("no such block").to_string(), "header not found");
}

#[test]
fn a_simulation_cannot_ask_for_the_world() {
    let world = World::new(&hanse());
    let refuse = |payload: serde_json::Value, code: i64| {
        let payload: SimulatePayload = serde_json::from_value(payload).expect("it decodes");
        let error = world.executor.simulate(world.head(), payload).expect_err("it is too much");
        assert_eq!(error.code(), code, "{error}");
    };
    let far =
        json!({"blockStateCalls": [{"blockOverrides": {"number": "0xffffffffffffffffffff"}}]});
    refuse(far, -38_026);
    let many = vec![json!({}); 257];
    refuse(json!({"blockStateCalls": many}), -38_026);
    let calls = vec![json!({"to": STORE}); crate::limits::SIMULATED_CALLS_MAX + 1];
    refuse(json!({"blockStateCalls": [{"calls": calls}]}), -38_026);
    let hungry = json!({"to": STORE, "gas": "0xffffffffffffffff"});
    refuse(json!({"blockStateCalls": [{"calls": [hungry]}]}), -38_015);
    let late = json!({"blockOverrides": {"time": "0xffffffffffffffff"}});
    refuse(json!({"blockStateCalls": [late, {}]}), -38_021);
}

#[test]
fn a_call_spends_no_more_gas_than_it_may() {
    let world = World::new(&hanse());
    let looping = address!("0x00000000000000000000000000000000000000aa");
    let overrides = Overrides {
        state: Some(
            serde_json::from_value(json!({looping.to_string(): {"code": "0x5b600056"}}))
                .expect("the overrides decode"),
        ),
        block: None,
    };
    let request = TransactionRequest::default().to(looping).gas_limit(u64::MAX);
    let error = world.executor.call(world.head(), &request, &overrides);
    assert_eq!(error.expect_err("it never ends").to_string(), "out of gas");
    let error = world.executor.estimate_gas(world.head(), &request, &overrides);
    match error.expect_err("no gas is enough") {
        CallError::Invalid(InvalidCall::GasAllowance(gas)) => assert_eq!(gas, 1 << 24),
        other => panic!("{other}"),
    }
}

#[test]
fn revert_data_is_shown_and_never_trusted() {
    use crate::messages::revert_message;
    let word_of = |value: u64| word(value).to_vec();
    let text = [vec![0x08, 0xc3, 0x79, 0xa0], word_of(32), word_of(2), b"no".to_vec()].concat();
    assert_eq!(revert_message(&text.into()), "execution reverted: no");
    let panic = [vec![0x4e, 0x48, 0x7b, 0x71], word_of(0x11)].concat();
    let shown = revert_message(&panic.into());
    assert_eq!(shown, "execution reverted: arithmetic underflow or overflow");
    let strange = [vec![0x4e, 0x48, 0x7b, 0x71], word_of(0xff)].concat();
    assert_eq!(revert_message(&strange.into()), "execution reverted: unknown panic code: 0xff");
    let huge = vec![0xff; 32];
    let hostile: [Bytes; 5] = [
        bytes!(""),
        bytes!("08c379"),
        [vec![0x08, 0xc3, 0x79, 0xa0], huge.clone(), huge.clone()].concat().into(),
        [vec![0x08, 0xc3, 0x79, 0xa0], word_of(32), huge].concat().into(),
        [vec![0x08, 0xc3, 0x79, 0xa0], word_of(32), word_of(9), b"no".to_vec()].concat().into(),
    ];
    for output in hostile {
        assert_eq!(revert_message(&output), "execution reverted");
    }
}

#[test]
fn a_violation_reads_well() {
    let violation =
        Violation::Mismatch { field: "gas used", found: "1".to_owned(), expected: "2".to_owned() };
    assert_eq!(violation.to_string(), "gas used is 1, expected 2");
    let found = rules::expect("base fee", Some(1_u64), None).expect_err("they differ");
    assert_eq!(found.to_string(), "base fee is 1, expected missing");
}
