//! The product's path (our state cache, the ledger's trie) against the model (a map, and a root from
//! scratch), on random transactions.

use super::{
    memory::MemoryChain,
    world::{
        CHILD, CREATE, CREATE2, DESTROY, Draft, INVALID, Kind, REVERT, STORE, World, all_forks,
        child, hanse, istanbul, signer, spurious, word,
    },
};
use crate::{BuildLimits, SkipReason};
use alloy_primitives::{Address, TxKind, U256};
use hanse_primitives::{ChainSpec, RecoveredTransaction};
use proptest::prelude::*;

/// One random thing to do.
#[derive(Clone, Debug)]
enum Act {
    Transfer { from: u8, to: u8, value: u64 },
    Store { from: u8, slot: u64, value: u64 },
    Destroy { from: u8 },
    Create { from: u8, again: bool },
    CallChild { from: u8 },
    Fail { from: u8, invalid: bool },
    Delegate { from: u8 },
    WrongNonce { from: u8, by: u64 },
    TooExpensive { from: u8 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let from = 0..4_u8;
    let act = prop_oneof![
        4 => (from.clone(), 0..6_u8, 0..3_u64)
            .prop_map(|(from, to, value)| Act::Transfer { from, to, value }),
        5 => (from.clone(), 5..9_u64, 0..3_u64)
            .prop_map(|(from, slot, value)| Act::Store { from, slot, value }),
        1 => from.clone().prop_map(|from| Act::Destroy { from }),
        3 => (from.clone(), any::<bool>()).prop_map(|(from, again)| Act::Create { from, again }),
        3 => from.clone().prop_map(|from| Act::CallChild { from }),
        1 => (from.clone(), any::<bool>()).prop_map(|(from, invalid)| Act::Fail { from, invalid }),
        1 => from.clone().prop_map(|from| Act::Delegate { from }),
        1 => (from.clone(), 1..3_u64).prop_map(|(from, by)| Act::WrongNonce { from, by }),
        1 => from.prop_map(|from| Act::TooExpensive { from }),
    ];
    proptest::collection::vec(act, 1..24)
}

/// Turns acts into signed transactions. `nonces` is what the senders are believed to have.
fn sign(acts: &[Act], nonces: &mut [u64; 4], modern: bool) -> Vec<RecoveredTransaction> {
    let mut signed = Vec::new();
    for (index, act) in acts.iter().enumerate() {
        let from = match act {
            Act::Transfer { from, .. }
            | Act::Store { from, .. }
            | Act::Destroy { from }
            | Act::Create { from, .. }
            | Act::CallChild { from }
            | Act::Fail { from, .. }
            | Act::Delegate { from }
            | Act::WrongNonce { from, .. }
            | Act::TooExpensive { from } => *from,
        };
        let nonce = nonces[usize::from(from)];
        let mut draft = match act {
            Act::Transfer { to, value, .. } => {
                let to = if *to < 4 { signer(*to).address() } else { Address::repeat_byte(*to) };
                Draft::transfer(from, nonce, to, *value)
            }
            Act::Store { slot, value, .. } => {
                Draft::call(from, nonce, STORE, [word(*slot), word(*value)].concat())
            }
            Act::Destroy { .. } => Draft::call(from, nonce, DESTROY, []),
            Act::Create { again, .. } => {
                let factory = if *again && modern { CREATE2 } else { CREATE };
                Draft::call(from, nonce, factory, CHILD)
            }
            Act::CallChild { .. } => Draft::call(from, nonce, child(), []),
            Act::Fail { invalid, .. } => {
                Draft::call(from, nonce, if *invalid { INVALID } else { REVERT }, [])
            }
            Act::Delegate { .. } => Draft::call(from, nonce, signer(2).address(), word(1)),
            Act::WrongNonce { by, .. } => Draft::transfer(from, nonce + by, STORE, 0),
            Act::TooExpensive { .. } => {
                Draft { value: U256::MAX >> 8, ..Draft::transfer(from, nonce, STORE, 0) }
            }
        };
        if modern {
            draft.kind = [Kind::Legacy, Kind::AccessList, Kind::Dynamic][index % 3];
            if matches!(act, Act::Delegate { .. }) && from != 2 {
                draft.kind = Kind::SetCode(nonces[2]);
                nonces[2] += 1;
            }
        }
        if !matches!(act, Act::WrongNonce { .. } | Act::TooExpensive { .. }) {
            nonces[usize::from(from)] += 1;
        }
        signed.push(draft.sign());
    }
    signed
}

/// Builds blocks of `rounds`, executes each on another ledger and on the model, and compares.
fn agree(spec: &ChainSpec, rounds: &[Vec<Act>], modern: bool) {
    let (builder, follower) = (World::new(spec), World::new(spec));
    let mut model = MemoryChain::new(spec.clone());
    let mut nonces = [0; 4];
    for acts in rounds {
        let transactions = sign(acts, &mut nonces, modern);
        let built = builder.grow(&transactions);
        let block = built.executed.block().clone();
        let kept = block.transactions().len();
        assert_eq!(kept + built.skipped.len(), transactions.len(), "each is taken or skipped");
        let wrong = acts
            .iter()
            .filter(|act| matches!(act, Act::WrongNonce { .. } | Act::TooExpensive { .. }));
        assert!(built.skipped.len() >= wrong.count(), "what is wrong is skipped");
        let (executed, root) =
            follower.executor.execute(block.clone(), &|_| None).expect("a built block is valid");
        assert_eq!(executed.senders(), built.executed.senders());
        assert_eq!(executed.receipts(), built.executed.receipts());
        assert_eq!(executed.changes(), built.executed.changes());
        let (again, _) =
            follower.executor.execute(block.clone(), &|_| None).expect("a block is valid twice");
        assert_eq!(again.changes(), executed.changes(), "execution is a function of the block");
        follower.keep(executed, root);
        model.import(block).expect("the model agrees with the block's roots");
        // Skipped transactions used no nonce; learn what the senders really have.
        for index in 0..4 {
            let account = model.state.accounts.get(&signer(index).address());
            nonces[usize::from(index)] = account.map_or(0, |(info, _)| info.nonce);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn random_blocks_agree_on_our_own_chain(rounds in proptest::collection::vec(acts(), 1..4)) {
        agree(&hanse(), &rounds, true);
    }

    #[test]
    fn random_blocks_agree_under_the_rules_of_istanbul(
        rounds in proptest::collection::vec(acts(), 1..4),
    ) {
        // CREATE2 without EIP-6780: contracts come, go and come again within a block.
        agree(&istanbul(), &rounds, false);
    }

    #[test]
    fn random_blocks_agree_before_byzantium(rounds in proptest::collection::vec(acts(), 1..3)) {
        agree(&spurious(), &rounds, false);
    }
}

#[test]
fn a_contract_that_comes_goes_and_comes_again_has_only_its_new_storage() {
    let spec = istanbul();
    let (builder, mut model) = (World::new(&spec), MemoryChain::new(spec.clone()));
    let create = |nonce| Draft::call(0, nonce, CREATE2, CHILD).sign();
    let destroy = |nonce| Draft::call(0, nonce, child(), []).sign();
    let slot = |world: &World| {
        let state = world.ledger.state(world.head()).expect("the state is there");
        state.storage(&child(), &U256::ZERO).expect("the state is readable")
    };
    let blocks = [
        (vec![create(0), destroy(1)], U256::ZERO),
        (vec![create(2), destroy(3), create(4)], U256::ONE),
        (vec![destroy(5), create(6)], U256::ONE),
        (vec![destroy(7)], U256::ZERO),
    ];
    for (transactions, expected) in blocks {
        let built = builder.grow(&transactions);
        assert!(built.skipped.is_empty(), "{:?}", built.skipped);
        assert!(built.executed.receipts().iter().all(|receipt| receipt.status()));
        assert_eq!(slot(&builder), expected);
        model.import(built.executed.block().clone()).expect("the model agrees");
    }
}

#[test]
fn a_chain_of_our_own_crosses_every_fork() {
    let spec = all_forks();
    let (builder, follower) = (World::new(&spec), World::new(&spec));
    let mut model = MemoryChain::new(spec.clone());
    let mut nonce = 0;
    for height in 1..40_u64 {
        let kind = match height {
            0..6 => Kind::Bare,
            6..16 => Kind::Legacy,
            16..18 => Kind::AccessList,
            18..27 => Kind::Dynamic,
            _ => Kind::SetCode(height - 27),
        };
        let input = [word(height % 3), word(height % 2)].concat();
        let mut drafts = [
            Draft::call(0, nonce, STORE, input),
            Draft::transfer(0, nonce + 1, Address::repeat_byte(9), 0),
            Draft { to: TxKind::Create, ..Draft::call(0, nonce + 2, STORE, CHILD) },
        ];
        drafts[0].kind = kind;
        for draft in &mut drafts[1..] {
            draft.kind = if height < 6 { Kind::Bare } else { Kind::Legacy };
        }
        nonce += 3;
        let signed: Vec<RecoveredTransaction> = drafts.iter().map(Draft::sign).collect();
        let built = builder.grow(&signed);
        assert!(built.skipped.is_empty(), "height {height}: {:?}", built.skipped);
        let block = built.executed.block().clone();
        let (executed, root) = follower
            .executor
            .execute(block.clone(), &|_| None)
            .unwrap_or_else(|error| panic!("height {height}: {error}"));
        assert_eq!(executed.receipts(), built.executed.receipts());
        follower.keep(executed, root);
        model.import(block).unwrap_or_else(|fault| panic!("height {height}: {fault:?}"));
    }
    let last = model.head().header();
    assert!(last.requests_hash.is_some() && last.excess_blob_gas.is_some());
    assert_eq!(spec.blob_params_at(last.timestamp).map(|params| params.max_blob_count), Some(21));
}

#[test]
fn the_dao_is_drained_before_the_first_transaction() {
    let config =
        serde_json::json!({"homesteadBlock": 0, "daoForkBlock": 1, "daoForkSupport": true});
    let spec = super::world::genesis(config);
    let builder = World::new(&spec);
    let mut attributes = builder.attributes();
    let limits = BuildLimits::default();
    let none: [RecoveredTransaction; 0] = [];
    let refused = builder.executor.build(builder.head(), &attributes, &none, &limits);
    assert!(refused.expect_err("extra data is asked for").to_string().contains("DAO"));
    attributes.extra_data = "dao-hard-fork".as_bytes().to_vec().into();
    let pay = Draft { kind: Kind::Bare, ..Draft::transfer(0, 0, STORE, 1) }.sign();
    let built = builder
        .executor
        .build(builder.head(), &attributes, [pay], &limits)
        .expect("the block is built");
    let mut model = MemoryChain::new(spec);
    model.import(built.executed.block().clone()).expect("the model agrees");
    let refund = alloy_evm::eth::dao_fork::DAO_HARDFORK_BENEFICIARY;
    assert!(model.state.accounts.contains_key(&refund), "the refund contract exists, if empty");
}

#[test]
fn the_builder_says_why_it_leaves_something_out() {
    let world = World::new(&hanse());
    let huge = Draft { gas_limit: 16_000_000, ..Draft::call(0, 0, STORE, []) };
    let huge_again = Draft { gas_limit: 16_000_000, from: 1, ..huge.clone() };
    let transactions = [
        Draft { fee: 1, ..Draft::transfer(3, 0, STORE, 0) }.sign(),
        Draft::transfer(3, 4, STORE, 0).sign(),
        huge.sign(),
        huge_again.sign(),
        Draft::transfer(3, 0, STORE, 0).sign(),
        Draft::transfer(3, 0, STORE, 1).sign(),
    ];
    let built = world.grow(&transactions);
    let reasons: Vec<&SkipReason> = built.skipped.iter().map(|(_, reason)| reason).collect();
    assert!(matches!(reasons[0], SkipReason::Invalid(_)), "{reasons:?}");
    assert_eq!(*reasons[1], SkipReason::Follows { nonce: 0 });
    assert!(matches!(reasons[2], SkipReason::Invalid(_)), "a used nonce: {reasons:?}");
    assert_eq!(reasons.len(), 3, "unused gas of a transaction is given back to the block");
    assert_eq!(built.executed.block().transactions().len(), 3);
    let gas = built.executed.block().header().gas_used;
    assert!(built.fees > U256::from(gas), "priority fees are counted");
}

#[test]
fn the_builder_stops_where_it_is_told() {
    let world = World::new(&hanse());
    let transactions: Vec<RecoveredTransaction> =
        (0..10).map(|nonce| Draft::transfer(0, nonce, STORE, 0).sign()).collect();
    let attributes = world.attributes();
    let build = |limits: BuildLimits| {
        let built = world.executor.build(world.head(), &attributes, &transactions, &limits);
        built.expect("the block is built")
    };
    let few = build(BuildLimits { transactions_max: 3, ..BuildLimits::default() });
    assert_eq!(few.executed.block().transactions().len(), 3);
    let bytes = build(BuildLimits { bytes_max: 1_500, misfits_max: 2, ..BuildLimits::default() });
    let taken = bytes.executed.block().transactions().len();
    assert!(taken < 5);
    assert_eq!(bytes.skipped.len(), 10 - taken);
    assert_eq!(bytes.skipped[0].1, SkipReason::DoesNotFit);
    let senders: Vec<RecoveredTransaction> = (0..4)
        .flat_map(|nonce| (0..4).map(move |from| Draft::transfer(from, nonce, STORE, 0).sign()))
        .collect();
    let limits = BuildLimits { bytes_max: 1_500, misfits_max: 2, ..BuildLimits::default() };
    let built = world.executor.build(world.head(), &attributes, &senders, &limits);
    let skipped = built.expect("the block is built").skipped;
    assert_eq!(skipped.len(), 2, "two of two senders did not fit: {skipped:?}");
    assert!(skipped.iter().all(|(_, reason)| *reason == SkipReason::DoesNotFit));
}

/// A sender's first transaction could not run, and each of the thousands behind it was handed to the
/// EVM only to be refused for its nonce.
#[test]
fn what_follows_a_refused_transaction_is_not_tried() {
    let world = World::new(&hanse());
    let transfer = |nonce| Draft::transfer(0, nonce, STORE, 0);
    let transactions = [
        transfer(0).sign(),
        transfer(2).sign(),
        transfer(3).sign(),
        Draft::transfer(1, 0, STORE, 0).sign(),
        transfer(0).sign(),
        Draft { fee: 1, ..transfer(1) }.sign(),
        transfer(2).sign(),
        transfer(1).sign(),
        transfer(2).sign(),
    ];
    let built = world.grow(&transactions);
    let reasons: Vec<&SkipReason> = built.skipped.iter().map(|(_, reason)| reason).collect();
    assert_eq!(*reasons[0], SkipReason::NonceTooHigh { found: 2, expected: 1 });
    assert_eq!(*reasons[1], SkipReason::Follows { nonce: 2 });
    assert!(matches!(reasons[2], SkipReason::Invalid(_)), "a used nonce: {reasons:?}");
    assert!(matches!(reasons[3], SkipReason::Invalid(_)), "it pays too little: {reasons:?}");
    assert_eq!(*reasons[4], SkipReason::Follows { nonce: 1 });
    assert_eq!(reasons.len(), 5, "another with the same nonce can, and then the next: {reasons:?}");
    assert_eq!(built.executed.block().transactions().len(), 4);
}
