//! Blocks are decided, when they should be.

use super::network::{Key, Network};
use hanse_consensus::Signer;
use hanse_primitives::{Height, Provenance};
use std::collections::BTreeMap;

#[test]
fn four_equal_validators_decide_blocks() {
    let mut network = Network::new(1, &[1; 4], 1);
    network.start_all().run_for(12_000);
    assert_eq!(network.heights(), [2; 5], "one empty block each five seconds");
    network.submit(7);
    network.run_for(100);
    assert_eq!(network.heights(), [3; 5], "a transaction is decided at once");
    network.check();
    assert!(network.rounds.values().all(|round| *round == 0), "and nobody's patience ran out");
}

#[test]
fn one_validator_alone_decides_blocks() {
    let mut network = Network::new(2, &[3], 1);
    network.start_all();
    for number in 0..20 {
        network.submit(number);
        network.run_for(200);
    }
    assert!(network.heights()[0] >= 20);
    assert_eq!(network.heights()[0], network.heights()[1], "and another node follows");
    network.check();
}

#[test]
fn a_header_proves_its_parent() {
    let mut network = Network::new(3, &[1; 4], 0);
    network.start_all();
    for number in 0..20 {
        network.submit(number);
        network.run_for(50);
    }
    network.check();
    let ledger = &network.nodes[0].ledger;
    assert!(ledger.height() >= 20);
    let chain = ledger.finals();
    for pair in chain.windows(2) {
        let made = Provenance::decode(&pair[1].0.header().extra_data).unwrap();
        let certificate = made.parent_certificate(pair[0].0.reference());
        if pair[0].0.height() == Height::GENESIS {
            assert_eq!(certificate, None);
            continue;
        }
        let set = hanse_consensus::Chain::validators_at(ledger, pair[0].0.height()).unwrap();
        certificate.unwrap().verify(&super::network::domain(), &set).unwrap();
    }
}

/// A certificate is complete with a quorum, so that the slowest of four would never be in one, and in
/// the end be removed for absence. Votes that come before the next block is proposed count too.
#[test]
fn whoever_is_late_is_not_absent() {
    let mut network = Network::new(6, &[1; 4], 0);
    network.start_all();
    for number in 0..20 {
        network.submit(number);
        network.run_for(200);
    }
    network.check();
    let chain = network.nodes[0].ledger.finals();
    assert!(chain.len() > 20);
    for (block, _) in &chain[2..] {
        let made = Provenance::decode(&block.header().extra_data).unwrap();
        assert_eq!(made.parent_signatures.len(), 4, "at {}", block.height());
    }
}

#[test]
fn weight_counts_and_not_heads() {
    let mut network = Network::new(4, &[4, 4, 1, 1], 0);
    network.start_all();
    network.submit(1);
    network.run_for(100);
    network.crash(2);
    network.crash(3);
    for number in 10..20 {
        network.submit(number);
        network.run_for(2_000);
    }
    let height = network.heights()[0];
    assert!(height >= 10, "8 of 10 are enough: {height}");
    network.crash(1);
    network.submit(100);
    network.run_for(60_000);
    assert_eq!(network.heights()[0], height, "4 of 10 are not");
    network.start(1);
    network.run_for(20_000);
    assert!(network.heights()[0] > height, "8 are again");
    network.check();
}

#[test]
fn a_dead_proposer_costs_one_timeout_and_is_passed_over_then() {
    let mut network = Network::new(5, &[1; 4], 0);
    network.start_all().run_for(10);
    network.crash(3);
    let mut slowest = 0;
    for number in 0..30 {
        let before = network.heights()[0];
        network.submit(number);
        let mut waited = 0;
        while network.heights()[0] == before {
            network.run_for(10);
            waited += 10;
        }
        slowest = slowest.max(waited);
    }
    // 500 ms until the others prevote nil, and the votes of two rounds.
    assert!(slowest <= 600, "{slowest} ms");
    assert!(network.rounds.values().any(|round| *round == 1), "the dead had its turn");
    let late: Vec<u32> = network.rounds.range(8..).map(|(_, round)| *round).collect();
    assert!(late.iter().all(|round| *round == 0), "and then no more: {late:?}");
    network.check();
    // When it is back, it signs, and then it proposes again.
    network.start(3);
    for number in 100..120 {
        network.submit(number);
        network.run_for(100);
    }
    let back = network.address(3);
    let chain = network.nodes[0].ledger.finals();
    let made = |block: &hanse_primitives::SealedBlock| {
        Provenance::decode(&block.header().extra_data).unwrap().proposer
    };
    assert!(chain[chain.len() - 12..].iter().any(|(block, _)| made(block) == back));
    network.check();
}

#[test]
fn a_transaction_in_one_pool_does_not_wait_for_the_empty_block() {
    for node in 0..4 {
        let mut network = Network::with(
            6,
            &[1; 4],
            0,
            |settings| settings.timing.empty_block_time_ms = 3_600_000,
            BTreeMap::new(),
        );
        network.start_all().run_for(1_000);
        network.submit_to(node, 1);
        network.run_for(6_000);
        assert!(network.nodes[0].ledger.done.contains(&1), "at node {node}");
        network.check();
    }
}

#[test]
fn transactions_that_cannot_run_do_not_drive_the_chain() {
    let mut network = Network::new(7, &[1; 4], 0);
    network.start_all();
    network.nodes.iter_mut().for_each(|node| node.ledger.stuck = true);
    network.run_for(20_000);
    let height = network.heights()[0];
    assert!((4..=45).contains(&height), "{height} blocks in 20 s");
    network.check();
}

#[test]
fn blocks_keep_their_distance() {
    let mut network =
        Network::with(8, &[1; 4], 0, |s| s.timing.block_time_ms = 1_000, BTreeMap::new());
    network.start_all();
    for number in 0..100 {
        network.submit(number);
        network.run_for(100);
    }
    let height = network.heights()[0];
    assert!((8..=10).contains(&height), "{height} blocks in 10 s");
    network.check();
}

#[test]
fn an_engine_ends_at_its_last_height() {
    let mut network = Network::new(9, &[1; 4], 1);
    network.end_engines(&[(0, Some(5))]);
    network.start_all();
    network.crash(3);
    for number in 0..20 {
        network.submit(number);
        network.run_for(1_000);
    }
    assert_eq!(network.heights(), [5, 5, 5, 0, 5]);
    assert_eq!(network.status(0).step, "handover");
    // Who was away still gets what it missed.
    network.start(3);
    network.run_for(5_000);
    assert_eq!(network.heights(), [5; 5]);
    assert_eq!(network.status(3).step, "handover");
    network.check();
}

/// What a block says of the end of an engine holds for all from that block on, and only what the last one says.
#[test]
fn an_engine_learns_from_a_block_where_it_ends() {
    // Decided in block 2, taken back in 3, decided anew in 4 for a later height.
    let lasts = [(2, Some(5)), (3, None), (4, Some(7))];
    let mut network = Network::new(12, &[1; 4], 1);
    network.end_engines(&lasts);
    network.start_all();
    for number in 0..5 {
        network.submit(number);
        network.run_for(1_000);
    }
    network.crash(3);
    for number in 5..20 {
        network.submit(number);
        network.run_for(1_000);
    }
    assert_eq!(network.heights()[0], 7);
    assert_eq!(network.status(0).step, "handover");
    network.start(3);
    network.run_for(5_000);
    assert_eq!(network.heights(), [7; 5]);
    assert_eq!(network.status(3).step, "handover");
    network.check();
}

/// A later engine has worked here, so the chain has lost blocks: what this one has signed at their heights
/// nobody knows any more.
#[test]
fn nothing_is_signed_where_a_later_engine_has_been() {
    let mut network =
        Network::with(13, &[1; 4], 0, |settings| settings.signs_from = Height(3), BTreeMap::new());
    network.start_all();
    for number in 0..5 {
        network.submit(number);
        network.run_for(2_000);
    }
    assert_eq!(network.heights(), [0; 4], "without signatures there are no blocks");
    network.check();
}

#[test]
fn the_set_may_change_at_any_height() {
    let power = |nodes: &[usize]| -> BTreeMap<_, _> {
        nodes.iter().map(|node| (Key::new(*node).address(), 1)).collect()
    };
    // Node 4 joins, node 0 leaves, then three are left, then all but one are new.
    let schedule = BTreeMap::from([
        (5, power(&[0, 1, 2, 3, 4])),
        (10, power(&[1, 2, 3, 4])),
        (15, power(&[2, 3, 4])),
        (20, power(&[0, 1, 4])),
    ]);
    let mut network = Network::with(10, &[1, 1, 1, 1, 1], 0, |_| {}, schedule);
    network.start_all();
    for number in 0..40 {
        network.submit(number);
        network.run_for(100);
    }
    assert!(network.heights().iter().all(|height| *height >= 40), "{:?}", network.heights());
    let signers = |height: usize| match &network.nodes[0].ledger.finals()[height].1 {
        hanse_consensus::Seal::Certificate(certificate) => {
            certificate.signatures.iter().map(|one| one.validator).collect::<Vec<_>>()
        }
        _ => vec![],
    };
    assert!(!signers(13).contains(&network.address(0)), "who has left does not sign");
    assert!(signers(30).contains(&network.address(0)), "who is back does");
    network.check();
}

#[test]
fn a_validator_that_cannot_build_leaves_it_to_the_others() {
    let mut network = Network::new(11, &[1; 4], 0);
    network.start_all();
    network.nodes[2].ledger.build_fails = true;
    for number in 0..20 {
        network.submit(number);
        network.run_for(1_000);
    }
    assert!(network.heights().iter().all(|height| *height >= 20), "{:?}", network.heights());
    network.check();
}

#[test]
fn the_round_can_be_looked_at() {
    let mut network = Network::new(12, &[1; 4], 0);
    network.start_all().run_for(10);
    assert_eq!(network.status(0).step, "wait");
    network.submit(1);
    network.crash(1);
    network.crash(2);
    network.run_for(200);
    let status = network.status(0);
    assert_eq!((status.height, status.round), (Height(network.heights()[0] + 1), 0));
    assert!(["propose", "prevote"].contains(&status.step), "{status:?}");
}
