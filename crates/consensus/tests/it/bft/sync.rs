//! Who was away catches up.

use super::network::{Network, Weather};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Encodable, RlpEncodable};
use hanse_consensus::{PeerFault, Seal};
use hanse_primitives::{BlockHash, CommitCertificate, Height};

/// A network that makes blocks as fast as it can.
fn busy(seed: u64, validators: usize, followers: usize) -> Network {
    let powers = vec![1; validators];
    Network::with(seed, &powers, followers, |s| s.timing.empty_block_time_ms = 0, [].into())
}

#[test]
fn a_late_node_catches_up_with_five_hundred_blocks() {
    let mut network = busy(1, 4, 1);
    (0..4).for_each(|node| network.start(node));
    while network.heights()[0] < 500 {
        network.run_for(100);
    }
    network.start(4);
    let began = network.now_ms;
    while network.heights()[4] < 500 {
        network.run_for(10);
        assert!(network.now_ms < began + 10_000, "{:?}", network.heights());
    }
    // It stays with them.
    network.run_for(2_000);
    let heights = network.heights();
    assert!(heights[4] + 3 >= heights[0], "{heights:?}");
    network.check();
}

#[test]
fn a_validator_that_was_away_votes_again() {
    let mut network = busy(2, 4, 0);
    network.start_all().run_for(1_000);
    network.crash(0);
    network.run_for(10_000);
    network.start(0);
    network.run_for(3_000);
    network.crash(1);
    let before = network.heights()[2];
    network.run_for(10_000);
    assert!(network.heights()[0] > before, "without it there is no quorum");
    network.check();
}

#[test]
fn one_that_hears_no_votes_follows_by_blocks_alone() {
    let mut network = Network::new(3, &[1; 4], 2);
    // The last node hears only the one before it, which does not vote.
    network.weather.groups = vec![0, 0, 0, 0, 0, 1];
    network.start_all();
    network.weather.groups = vec![];
    network.weather.deaf = Some((5, 4));
    for number in 0..30 {
        network.submit(number);
        network.run_for(200);
    }
    let heights = network.heights();
    assert!(heights[5] + 1 >= heights[0] && heights[0] >= 30, "{heights:?}");
    network.check();
}

#[test]
fn a_loss_of_messages_does_not_stop_it() {
    let mut network = busy(4, 4, 1);
    (0..4).for_each(|node| network.start(node));
    while network.heights()[0] < 100 {
        network.run_for(100);
    }
    network.weather = Weather { loss_percent: 20, ..Weather::fair() };
    network.start(4);
    network.run_for(60_000);
    assert!(network.heights()[4] >= 100, "{:?}", network.heights());
    network.check();
}

/// The wire format, written here a second time: bytes are a promise.
#[derive(RlpEncodable)]
struct Status {
    height: Height,
    hash: BlockHash,
}

#[derive(RlpEncodable)]
struct FinalBlock {
    block: Bytes,
    certificate: CommitCertificate,
}

#[derive(RlpEncodable)]
struct Response {
    from: Height,
    blocks: Vec<FinalBlock>,
}

fn message(kind: u8, body: &impl Encodable) -> Bytes {
    let mut bytes = vec![1, kind];
    body.encode(&mut bytes);
    bytes.into()
}

/// A network of four whose last node is behind, and asks the third, which answers as the test wants.
fn asked_by_one_behind(seed: u64) -> Network {
    let mut network = Network::new(seed, &[1; 4], 2);
    // Node 4 sees nobody but node 5, and node 5 says what the test says.
    (0..4).for_each(|node| network.start(node));
    for number in 0..10 {
        network.submit(number);
        network.run_for(100);
    }
    network.weather.groups = vec![0, 0, 0, 0, 1, 2];
    network.start(4);
    network.start(5);
    network.run_for(10);
    network.betray(5, hanse_consensus::Treason::Silent);
    network.inject(5, 4, message(5, &Status { height: Height(8), hash: B256::ZERO }));
    network.run_for(200);
    network
}

fn blocks(network: &Network, change: impl Fn(usize, &mut FinalBlock)) -> Vec<FinalBlock> {
    let chain = network.nodes[0].ledger.finals();
    let final_block = |at: usize| {
        let (block, seal) = &chain[at];
        let Seal::Certificate(certificate) = seal.clone() else { panic!("validators decided it") };
        let mut one = FinalBlock { block: alloy_rlp::encode(block.block()).into(), certificate };
        change(at, &mut one);
        one
    };
    (1..=8).map(final_block).collect()
}

#[test]
fn good_blocks_are_taken_from_anybody() {
    let mut network = asked_by_one_behind(5);
    let blocks = blocks(&network, |_, _| {});
    network.inject(5, 4, message(7, &Response { from: Height(1), blocks }));
    network.run_for(100);
    assert_eq!(network.heights()[4], 8);
    assert_eq!(network.nodes[4].faults, []);
}

#[test]
fn forged_certificates_are_refused() {
    type Change = fn(&mut FinalBlock);
    let cases: [(&str, Change); 5] = [
        ("a signature is another's", |one| {
            one.certificate.signatures[0].signature = one.certificate.signatures[1].signature;
        }),
        ("too few signed", |one| one.certificate.signatures.truncate(2)),
        ("one signed twice", |one| {
            one.certificate.signatures[1] = one.certificate.signatures[0];
        }),
        ("of another round", |one| one.certificate.round += 1),
        ("of another block", |one| one.certificate.block = B256::repeat_byte(3)),
    ];
    for (seed, (case, change)) in (10..).zip(cases) {
        let mut network = asked_by_one_behind(seed);
        let blocks = blocks(&network, |at, one| {
            if at == 5 {
                change(one)
            }
        });
        network.inject(5, 4, message(7, &Response { from: Height(1), blocks }));
        network.run_for(100);
        assert!(network.heights()[4] <= 4, "{case}");
        let faults = &network.nodes[4].faults;
        assert!(matches!(&faults[..], [(5, PeerFault::Forged(_))]), "{case}: {faults:?}");
        // An honest peer helps.
        network.weather = Weather::fair();
        network.run_for(10_000);
        assert!(network.heights()[4] >= 10, "{case}");
    }
}

#[test]
fn another_body_under_a_final_header_condemns_its_sender_alone() {
    let mut network = asked_by_one_behind(20);
    let blocks = blocks(&network, |at, one| {
        if at == 5 {
            let mut block = hanse_primitives::decode_block(&one.block).unwrap();
            block.body.transactions.push(super::ledger::transaction(999));
            one.block = alloy_rlp::encode(&block).into();
        }
    });
    network.inject(5, 4, message(7, &Response { from: Height(1), blocks }));
    network.run_for(100);
    assert_eq!(network.heights()[4], 4);
    assert!(matches!(&network.nodes[4].faults[..], [(5, PeerFault::Forged(_))]));
    network.weather = Weather::fair();
    network.run_for(10_000);
    assert!(network.heights()[4] >= 10);
}

#[test]
fn a_peer_that_promises_and_does_not_deliver_holds_nobody_up() {
    let mut network = asked_by_one_behind(21);
    network.weather = Weather::fair();
    network.weather.groups = vec![0, 0, 0, 0, 0, 1];
    network.inject(5, 4, message(5, &Status { height: Height(u64::MAX), hash: B256::ZERO }));
    network.run_for(8_000);
    assert!(network.heights()[4] >= 10, "{:?}", network.heights());
    let before = network.heights()[4];
    for number in 100..110 {
        network.inject(5, 4, message(5, &Status { height: Height(u64::MAX), hash: B256::ZERO }));
        network.submit(number);
        network.run_for(500);
    }
    assert!(network.heights()[4] >= before + 8, "{:?}", network.heights());
}

#[test]
fn blocks_that_nobody_asked_for_are_too_much() {
    let mut network = asked_by_one_behind(22);
    // Asked once: so one answer, and some that may have been repeated on their way.
    for number in 0..=5 {
        assert_eq!(network.nodes[4].faults, [], "{number}");
        let blocks = blocks(&network, |_, _| {});
        network.inject(5, 4, message(7, &Response { from: Height(1), blocks }));
    }
    assert!(matches!(&network.nodes[4].faults[..], [(5, PeerFault::Excess(_))]));
}
