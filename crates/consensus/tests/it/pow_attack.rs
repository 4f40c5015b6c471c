//! What peers may send that no honest peer does.

use crate::{
    pow_chain::{POISON, assemble, transaction, with_nonce},
    pow_network::{Network, work_settings},
};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use hanse_consensus::{Chain, Event, Job, PeerFault, search};
use hanse_primitives::{Attributes, Height, PeerId, SealedBlock};
use std::sync::atomic::AtomicBool;

fn message(kind: u8, fields: &[&dyn Encodable]) -> Bytes {
    let mut bytes = vec![1, kind];
    let payload_length = fields.iter().map(|field| field.length()).sum();
    RlpHeader { list: true, payload_length }.encode(&mut bytes);
    fields.iter().for_each(|field| field.encode(&mut bytes));
    bytes.into()
}

pub(crate) fn status(height: Height, work: u64) -> Bytes {
    let hash = B256::repeat_byte(3);
    message(0, &[&height, &hash, &U256::from(work), &height, &hash])
}

fn new_block(work: U256, block: &SealedBlock) -> Bytes {
    message(1, &[&work, block.block()])
}

/// The attributes that a good block on `parent` has; the difficulty does not move by much here.
fn attributes(parent: &SealedBlock, difficulty: u64) -> Attributes {
    let mut seed = [0; 40];
    seed[..32].copy_from_slice(parent.hash().as_slice());
    seed[32..].copy_from_slice(&(parent.header().number + 1).to_be_bytes());
    Attributes {
        timestamp: parent.header().timestamp + 5,
        prev_randao: keccak256(seed),
        parent_beacon_block_root: Some(B256::ZERO),
        difficulty: U256::from(difficulty),
        ..Attributes::default()
    }
}

/// Does the work for a block.
fn mine(block: &SealedBlock) -> SealedBlock {
    let target = U256::MAX / block.header().difficulty;
    let job = Job { seal_hash: block.hash(), target };
    let found = search(&job, 0, u64::MAX, &AtomicBool::new(false));
    with_nonce(block, found.nonce.expect("without a limit, it is found"))
}

const EVE: PeerId = PeerId([9; 32]);

/// A follower at genesis with a wicked peer, and a good peer that only listens.
fn victim() -> (Network, SealedBlock) {
    let mut network = Network::new(1, &work_settings(), &[0.0, 0.0]);
    network.handle(0, Event::Connected(EVE));
    network.run_ms(30_000);
    let genesis = network.nodes[0].chain.finals[0].clone();
    (network, genesis)
}

fn faults(network: &Network) -> Vec<&PeerFault> {
    assert!(network.nodes[0].penalties.iter().all(|(who, _)| *who == EVE), "nobody else");
    network.nodes[0].penalties.iter().map(|(_, fault)| fault).collect()
}

#[test]
fn a_good_block_from_a_stranger_is_taken_and_shared() {
    let (mut network, genesis) = victim();
    let block = mine(&assemble(&genesis, attributes(&genesis, 2_000), &[4]));
    network.inject(EVE, 0, new_block(U256::from(2_000), &block));
    network.run_ms(2_000);
    network.assert_one_chain();
    assert_eq!(network.nodes[1].chain.head().hash, block.hash());
    network.assert_nobody_blamed();
}

#[test]
fn what_is_no_message_is_malformed() {
    let (mut network, genesis) = victim();
    let good = new_block(U256::ZERO, &genesis);
    let many = vec![B256::ZERO; 33];
    let cases: [Bytes; 8] = [
        Bytes::new(),
        Bytes::from_static(&[1]),
        Bytes::from_static(&[2, 0, 0xc0]),
        Bytes::from_static(&[1, 99, 0xc0]),
        good[..good.len() - 1].to_vec().into(),
        [&good[..], &[0]].concat().into(),
        message(3, &[&1_u64, &many]),
        vec![1; 9 * 1024 * 1024].into(),
    ];
    for (at, bytes) in cases.into_iter().enumerate() {
        network.inject(EVE, 0, bytes);
        let faults = faults(&network);
        assert_eq!(faults.len(), at + 1);
        assert!(matches!(faults[at], PeerFault::Malformed(_)), "{at}: {:?}", faults[at]);
    }
}

#[test]
fn work_that_was_not_done_or_not_asked_for_is_forged() {
    let (mut network, genesis) = victim();
    let due = assemble(&genesis, attributes(&genesis, 2_000), &[]);
    let bad_nonce = (0..).map(|nonce| with_nonce(&due, nonce)).find(|block| {
        let mut bytes = [0; 40];
        bytes[..32].copy_from_slice(due.hash().as_slice());
        bytes[32..].copy_from_slice(&block.header().nonce.0);
        U256::from_be_bytes(keccak256(bytes).0) > U256::MAX / U256::from(2_000)
    });
    let light = mine(&assemble(&genesis, attributes(&genesis, 1_999), &[]));
    let heavy = mine(&assemble(&genesis, attributes(&genesis, 2_001), &[]));
    let none = assemble(&genesis, attributes(&genesis, 0), &[]);
    // On a parent that nobody knows: its own work is all that can be checked.
    let far = assemble(&due, attributes(&due, 100), &[]);
    let light_orphan = mine(&assemble(&far, attributes(&far, 100), &[]));
    let blocks = [bad_nonce.unwrap(), light, heavy, none, light_orphan];
    for (at, block) in blocks.iter().enumerate() {
        network.inject(EVE, 0, new_block(U256::from(1), block));
        assert!(matches!(faults(&network)[..], [.., PeerFault::Forged(_)]), "{at}");
        assert_eq!(faults(&network).len(), at + 1, "{at}");
    }
    assert_eq!(network.nodes[0].chain.executed, 0, "none of them costs more than a few hashes");
    assert_eq!(network.nodes[0].chain.head().height, Height(0));
}

#[test]
fn a_good_header_with_another_body_does_not_taint_the_block() {
    // A peer sends a good block's header with a changed body. Were the hash remembered as that of an
    // invalid block, one message would cut us off from the chain for good.
    let (mut network, genesis) = victim();
    let block = mine(&assemble(&genesis, attributes(&genesis, 2_000), &[4]));
    let mut changed = block.block().clone();
    changed.body.transactions = vec![transaction(5)];
    let mut paid = block.block().clone();
    paid.body.withdrawals = Some(Default::default());
    for body in [changed, paid] {
        network.inject(EVE, 0, new_block(U256::from(2_000), &SealedBlock::new(body)));
        assert!(matches!(faults(&network)[..], [.., PeerFault::Forged(_)]));
    }
    assert_eq!(network.nodes[0].chain.executed, 0);
    network.inject(EVE, 0, new_block(U256::from(2_000), &block));
    network.run_ms(2_000);
    assert_eq!(network.nodes[0].chain.head().hash, block.hash());
}

#[test]
fn an_invalid_block_is_executed_once_and_its_descendants_never() {
    let (mut network, genesis) = victim();
    let poison = Attributes { extra_data: POISON.into(), ..attributes(&genesis, 2_000) };
    let bad = mine(&assemble(&genesis, poison, &[]));
    let child = mine(&assemble(&bad, attributes(&bad, 2_000), &[]));
    for block in [&bad, &bad, &child] {
        network.inject(EVE, 0, new_block(U256::from(2_000), block));
        assert!(matches!(faults(&network)[..], [.., PeerFault::InvalidBlock(_)]));
    }
    assert_eq!(faults(&network).len(), 3);
    assert_eq!(network.nodes[0].chain.executed, 1);
    // The good branch is not harmed.
    let good = mine(&assemble(&genesis, attributes(&genesis, 2_000), &[]));
    network.inject(EVE, 0, new_block(U256::from(2_000), &good));
    network.run_ms(2_000);
    network.assert_one_chain();
    assert_eq!(network.nodes[0].chain.head().hash, good.hash());
}

#[test]
fn rules_of_time_and_chance_are_checked_before_execution() {
    let (mut network, genesis) = victim();
    let due = attributes(&genesis, 2_000);
    let old = Attributes { timestamp: genesis.header().timestamp, ..due.clone() };
    let lucky = Attributes { prev_randao: B256::repeat_byte(1), ..due };
    for (at, attributes) in [old, lucky].into_iter().enumerate() {
        let block = mine(&assemble(&genesis, attributes, &[]));
        network.inject(EVE, 0, new_block(U256::from(2_000), &block));
        assert!(matches!(faults(&network)[..], [.., PeerFault::InvalidBlock(_)]), "{at}");
    }
    assert_eq!(network.nodes[0].chain.executed, 0);
}

#[test]
fn a_claim_that_is_not_true_is_forged_and_an_answer_to_nothing_is_excess() {
    let (mut network, genesis) = victim();
    let block = mine(&assemble(&genesis, attributes(&genesis, 2_000), &[]));
    network.inject(EVE, 0, new_block(U256::from(2_001), &block));
    assert!(matches!(faults(&network)[..], [PeerFault::Forged(_)]));
    assert_eq!(network.nodes[0].chain.head().hash, block.hash(), "the block itself is good");
    let nothing: [u8; 0] = [];
    network.inject(EVE, 0, message(4, &[&u64::MAX, &&nothing[..]]));
    // An empty list is an empty list, not an empty string.
    assert_eq!(faults(&network).len(), 2);
    let answer: Vec<B256> = Vec::new();
    network.inject(EVE, 0, message(4, &[&u64::MAX, &answer]));
    assert!(matches!(faults(&network)[..], [_, _, PeerFault::Excess(_)]));
}

#[test]
fn who_asks_too_often_is_not_answered() {
    let (mut network, genesis) = victim();
    let locator = vec![genesis.hash()];
    for _ in 0..70 {
        network.inject(EVE, 0, message(3, &[&1_u64, &locator]));
    }
    assert_eq!(faults(&network).len(), 6);
    assert!(faults(&network).iter().all(|fault| matches!(fault, PeerFault::Excess(_))));
    network.run_ms(1_000);
    network.inject(EVE, 0, message(3, &[&1_u64, &locator]));
    assert_eq!(faults(&network).len(), 6);
}

#[test]
fn a_branch_that_contradicts_what_is_final_is_ignored_however_heavy() {
    let mut network = Network::new(2, &work_settings(), &[0.4]);
    network.run_to(0, 20);
    network.settle(100);
    network.handle(0, Event::Connected(EVE));
    let genesis = network.nodes[0].chain.finals[0].clone();
    let head = network.nodes[0].chain.head();
    let other = mine(&assemble(&genesis, attributes(&genesis, 2_000_000), &[]));
    network.inject(EVE, 0, new_block(U256::MAX, &other));
    network.run_ms(60_000);
    assert_eq!(network.nodes[0].chain.head(), head);
}
