//! Traitors and rubbish.

use super::network::{Key, Network, domain};
use alloy_primitives::{Address, B256};
use alloy_rlp::{Encodable, RlpEncodable};
use hanse_consensus::{PeerFault, Signer, Treason};
use hanse_primitives::{BlockHash, Equivocation, Height, ValidatorSignature, Vote, VoteKind};

fn trade(network: &mut Network, seconds: u64) {
    for _ in 0..seconds * 4 {
        network.submit(network.now_ms);
        network.run_for(250);
        network.check();
    }
}

#[test]
fn who_votes_for_two_things_is_accused_with_proof() {
    let mut network = Network::new(1, &[1; 4], 1);
    network.betray(3, Treason::EquivocateVotes).start_all();
    trade(&mut network, 20);
    assert!(network.heights().iter().all(|height| *height >= 20), "{:?}", network.heights());
    let guilty = network.address(3);
    let by: Vec<usize> = (0..5).filter(|n| !network.nodes[*n].accused.is_empty()).collect();
    assert!(by.iter().any(|node| *node != 3), "accused by {by:?}");
    for node in &network.nodes {
        let mut heights: Vec<Height> = node.accused.iter().map(Equivocation::height).collect();
        for proof in &node.accused {
            assert_eq!(proof.verify(&domain()).unwrap(), guilty);
            assert!(matches!(proof, Equivocation::Votes { .. }));
        }
        heights.dedup();
        assert_eq!(heights.len(), node.accused.len(), "once a height");
    }
}

#[test]
fn who_proposes_two_blocks_is_accused_with_proof() {
    let mut network = Network::new(2, &[1; 4], 0);
    network.betray(1, Treason::EquivocateProposals).start_all();
    trade(&mut network, 30);
    assert!(network.heights().iter().all(|height| *height >= 20), "{:?}", network.heights());
    network.check();
    // Each honest node is told of one block only; they compare when they see each other's votes.
    let proofs = network.nodes.iter().flat_map(|node| &node.accused);
    let proofs = proofs.filter(|proof| matches!(proof, Equivocation::Proposals { .. }));
    assert!(proofs.count() > 0, "somebody has the proof");
}

#[test]
fn an_invalid_block_is_decided_by_nobody_and_costs_its_proposer() {
    let mut network = Network::new(3, &[1; 4], 1);
    network.betray(2, Treason::InvalidBlocks).start_all();
    trade(&mut network, 20);
    assert!(network.heights().iter().all(|height| *height >= 20), "{:?}", network.heights());
    for (number, node) in network.nodes.iter().enumerate().filter(|(number, _)| *number != 2) {
        let invalid = |(peer, fault): &(usize, PeerFault)| {
            assert_eq!(*peer, 2);
            matches!(fault, PeerFault::InvalidBlock(why) if why.contains("state root"))
        };
        assert!(node.faults.iter().any(invalid), "{number}: {:?}", node.faults);
    }
}

#[test]
fn silence_and_rubbish_stop_nothing() {
    for treason in [Treason::Silent, Treason::Flood] {
        let mut network = Network::new(4, &[1; 4], 0);
        network.betray(0, treason).start_all();
        trade(&mut network, 20);
        let heights = network.heights();
        assert!(heights[1..].iter().all(|height| *height >= 20), "{treason:?}: {heights:?}");
        let faults = &network.nodes[1].faults;
        assert_eq!(faults.is_empty(), treason == Treason::Silent);
    }
}

/// The wire format of a vote, written here a second time: bytes are a promise.
#[derive(RlpEncodable)]
struct WireVote {
    kind: u8,
    height: Height,
    round: u32,
    block: BlockHash,
    validator: Address,
    signature: ValidatorSignature,
}

fn vote(vote: Vote, key: &Key, named: Address) -> Vec<u8> {
    let wire = WireVote {
        kind: vote.kind.byte(),
        height: vote.height,
        round: vote.round,
        block: vote.block.unwrap_or_default(),
        validator: named,
        signature: key.sign(vote.digest(&domain())),
    };
    let mut bytes = vec![1, 1];
    wire.encode(&mut bytes);
    bytes
}

#[test]
fn bad_messages_cost_their_sender_and_change_nothing() {
    let mut network = Network::new(5, &[1; 4], 1);
    network.start_all().run_for(10);
    let (honest, stranger) = (Key::new(1), Key::new(77));
    let content =
        Vote { kind: VoteKind::Prevote, height: Height(1), round: 0, block: Some(B256::ZERO) };
    let content = Vote { block: Some(B256::repeat_byte(1)), ..content };
    let good = vote(content, &honest, honest.address());
    let mut long = good.clone();
    long.push(0);
    let mut version = good.clone();
    version[0] = 2;
    let mut kind = good.clone();
    kind[1] = 99;
    let cases: [(&str, Vec<u8>, bool); 9] = [
        ("nothing", vec![], true),
        ("one byte", vec![1], true),
        ("no such kind", kind, true),
        ("another version", version, true),
        ("trailing bytes", long, true),
        ("too many bytes", vec![1; 20 << 20], true),
        ("cut off", good[..good.len() - 1].to_vec(), true),
        ("signed by another", vote(content, &stranger, honest.address()), false),
        ("signed by a stranger", vote(content, &stranger, stranger.address()), false),
    ];
    for (case, bytes, malformed) in cases {
        network.nodes[0].faults.clear();
        network.inject(4, 0, bytes);
        match &network.nodes[0].faults[..] {
            [(4, PeerFault::Malformed(_))] => assert!(malformed, "{case}"),
            [(4, PeerFault::Forged(_))] => assert!(!malformed, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
    network.nodes[0].faults.clear();
    // A good vote from the past, the far future or a far round is no fault, and no use.
    for (height, round) in [(0, 0), (9, 0), (1, 1_000)] {
        let vote =
            vote(Vote { height: Height(height), round, ..content }, &honest, honest.address());
        network.inject(4, 0, vote);
    }
    assert_eq!(network.nodes[0].faults, []);
    trade(&mut network, 2);
    assert!(network.heights().iter().all(|height| *height >= 4));
}

#[test]
fn one_validator_that_votes_early_does_not_drive_the_chain() {
    let mut network = Network::new(6, &[1; 4], 0);
    network.betray(3, Treason::Silent).start_all();
    let key = Key::new(3);
    let mut last = 0;
    for _ in 0..2_000 {
        network.run_for(5);
        let height = network.heights()[0] + 1;
        if height > last {
            last = height;
            let nil =
                Vote { kind: VoteKind::Prevote, height: Height(height), round: 0, block: None };
            let bytes = vote(nil, &key, key.address());
            (0..3).for_each(|node| network.inject(3, node, bytes.clone()));
        }
    }
    let height = network.heights()[0];
    assert!((2..=20).contains(&height), "{height} empty blocks in 10 s");
    network.check();
}
