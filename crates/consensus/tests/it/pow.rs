//! Miners in a network that loses, delays, splits and crashes.

use crate::{
    pow_chain::{WorkChain, ids},
    pow_network::{Network, START_MS, peer, work_settings},
};
use hanse_consensus::{Chain, Engine, Event};
use hanse_primitives::{BlockHash, Height, WorkSettings};
use std::collections::BTreeSet;

/// Hashes a millisecond at which the initial difficulty of these tests takes about a block's time.
const POWER: f64 = 0.4;

fn three(seed: u64) -> Network {
    Network::new(seed, &work_settings(), &[POWER * 0.2, POWER * 0.3, POWER * 0.5])
}

#[test]
fn three_miners_make_one_chain_and_every_transaction_is_in_it_once() {
    let mut network = three(1);
    for id in 0..120 {
        network.submit(id, &[0, 1, 2]);
        network.run_ms(5_000);
    }
    network.run_ms(60_000);
    network.settle(10_000);
    network.assert_one_chain();
    network.assert_nobody_blamed();
    let chain = network.nodes[0].chain.canonical();
    let included: Vec<u64> = chain.iter().flat_map(ids).collect();
    assert_eq!(included.len(), 120);
    assert_eq!(included.into_iter().collect::<BTreeSet<_>>(), (0..120).collect());
    // The power decides who mines: the strongest has the most.
    let mined = |at: u8| chain.iter().filter(|b| b.header().beneficiary.0[0] == at).count();
    assert!(mined(0) > 0 && mined(2) > mined(0), "{} {} {}", mined(0), mined(1), mined(2));
}

#[test]
fn a_split_network_heals_to_the_heaviest_branch_and_gives_transactions_back() {
    for seed in 0..20 {
        let mut network = three(seed);
        network.run_to(0, 20);
        network.settle(1_000);
        let common = network.nodes[0].chain.head();
        [0.08, 0.12, 0.2].iter().enumerate().for_each(|(at, power)| network.set_power(at, *power));
        network.partition(&[0, 0, 1]);
        network.submit(1, &[0, 1]);
        network.submit(2, &[2]);
        // Up to the depth at which a branch would be final.
        let most = network.nodes[0].settings.work.finality_depth - 2;
        let deep = |network: &Network, at: usize| {
            network.nodes[at].chain.head().height.0 - common.height.0
        };
        while deep(&network, 0).max(deep(&network, 2)) < most {
            network.run_ms(500);
        }
        network.settle(1_000);
        let heads: Vec<BlockHash> = network.nodes.iter().map(|n| n.chain.head().hash).collect();
        assert_ne!(heads[0], heads[2], "each side has its own");
        let works = [0, 2].map(|at| network.nodes[at].engine.total_work());
        network.partition(&[0, 0, 0]);
        network.run_ms(40_000);
        network.assert_one_chain();
        let won = if works[0] > works[1] { heads[0] } else { heads[2] };
        if works[0] != works[1] {
            assert_eq!(network.nodes[0].chain.head().hash, won, "the heaviest wins, seed {seed}");
        }
        let loser = if works[0] > works[1] { 2 } else { 0 };
        let update = network.nodes[loser].chain.updates.last().expect("it moved").clone();
        assert_eq!(update.reverted.first(), Some(&heads[loser]), "newest first");
        assert_eq!(update.adopted.last(), Some(&won), "oldest first");
        // What the lighter side had included is in the pool again, and gets in later.
        for at in 0..3 {
            network.submit(1, &[at]);
            network.submit(2, &[at]);
            network.set_power(at, POWER);
        }
        let height = network.nodes[0].chain.head().height.0;
        network.run_to(0, height + 20);
        network.settle(10_000);
        network.assert_one_chain();
        let included: Vec<u64> = network.nodes[0].chain.canonical().iter().flat_map(ids).collect();
        assert_eq!(included.iter().filter(|id| **id == 1).count(), 1);
        assert_eq!(included.iter().filter(|id| **id == 2).count(), 1);
        network.assert_nobody_blamed();
    }
}

#[test]
fn few_heavy_blocks_beat_many_light_ones() {
    // One side mines ten blocks with hardly any power, each lighter than the one before; the other
    // fewer with much power, each heavier. Whoever counts blocks follows the wrong side.
    let work = WorkSettings { half_life_seconds: 20, ..work_settings() };
    let mut network = Network::new(5, &work, &[POWER, POWER, 0.0]);
    network.run_to(2, 20);
    network.settle(1_000);
    let common = network.nodes[2].chain.head().height.0;
    network.partition(&[0, 1, 0]);
    network.set_power(1, POWER * 50.0);
    network.run_to(1, common + 6);
    network.set_power(1, 0.0);
    network.set_power(0, POWER / 20.0);
    network.run_to(0, common + 9);
    network.settle(1_000);
    let [light, heavy] = [0, 1].map(|at| network.nodes[at].chain.head());
    let [less, more] = [0, 1].map(|at| network.nodes[at].engine.total_work());
    assert!(light.height > heavy.height && less < more, "{light:?} {less} {heavy:?} {more}");
    network.partition(&[0, 0, 0]);
    network.run_ms(20_000);
    network.assert_one_chain();
    assert_eq!(network.nodes[2].chain.head(), heavy);
    network.assert_nobody_blamed();
}

#[test]
fn what_is_final_stays_even_against_a_heavier_chain() {
    let mut network = Network::new(7, &work_settings(), &[POWER, POWER * 4.0]);
    network.one_final_chain = false;
    network.partition(&[0, 1]);
    network.run_to(0, 30);
    network.settle(1_000);
    let final_block = network.nodes[0].chain.finalized();
    let head = network.nodes[0].chain.head();
    assert_eq!(final_block.height.0 + 12, head.height.0);
    assert!(network.nodes[1].engine.total_work() > network.nodes[0].engine.total_work());
    network.partition(&[0, 0]);
    network.run_ms(120_000);
    assert_eq!(network.nodes[0].chain.finalized(), final_block);
    assert_eq!(network.nodes[0].chain.head(), head, "however heavy the other is");
    network.assert_nobody_blamed();
    // It still serves its own chain, and grows.
    network.set_power(0, POWER);
    network.run_to(0, head.height.0 + 15);
}

#[test]
fn a_late_node_and_one_that_slept_catch_up_with_two_thousand_blocks() {
    let work = WorkSettings { block_time_ms: 1_000, half_life_seconds: 60, ..work_settings() };
    let mut network = Network::new(3, &work, &[2.0]);
    let sleeper = network.add(&work, 0.0, network.nodes[0].chain.finals.clone(), Height(1), None);
    network.run_to(sleeper, 10);
    network.kill(&[sleeper]);
    network.run_to(0, 2_000);
    network.settle(1_000);
    network.revive(&[sleeper]);
    let genesis = vec![network.nodes[0].chain.finals[0].clone()];
    let late = network.add(&work, 0.0, genesis, Height(1), None);
    let before = network.now_ms;
    let mut synced = false;
    while network.nodes[late].chain.head() != network.nodes[0].chain.head() {
        network.run_ms(100);
        synced |= Engine::<WorkChain>::status(&network.nodes[late].engine).step == "sync";
        assert!(network.now_ms < before + 60_000, "a late node falls behind");
    }
    let virtual_ms = network.now_ms - before;
    network.run_ms(10_000);
    network.assert_one_chain();
    network.assert_nobody_blamed();
    assert!(synced);
    let head = usize::try_from(network.nodes[0].chain.head().height.0).unwrap();
    assert_eq!(network.nodes[late].chain.executed, head, "each block is executed once");
    // One round trip for 64 blocks: 100 ms at most each way.
    let rounds = u64::try_from(head / 64 + 2).unwrap();
    assert!(virtual_ms <= rounds * 200 + 2_000, "{virtual_ms} ms");
    assert!(network.nodes[late].wal.len() < 2_000, "the log is rewritten");
    assert!(network.nodes[late].wal.replaced > 1);
}

fn crash_all(seed: u64, erase: bool) {
    let mut network = three(seed);
    network.submit(1, &[0, 1, 2]);
    for round in 0..6 {
        network.run_ms(37_000 + 1_111 * round);
        network.kill(&[0, 1, 2]);
        if erase {
            (0..3).for_each(|at| network.erase_log(at));
        }
        network.run_ms(1_000);
        network.revive(&[0, 1, 2]);
        // And once more before anything new was logged: recovery itself must lose nothing.
        network.kill(&[0, 1, 2]);
        network.revive(&[0, 1, 2]);
    }
    network.settle(20_000);
    network.assert_one_chain();
    network.assert_nobody_blamed();
    assert!(network.nodes[0].chain.head().height.0 > 12, "it goes on");
}

#[test]
fn a_power_cut_everywhere_loses_no_block_that_was_shown() {
    for seed in 0..10 {
        crash_all(seed, false);
    }
}

#[test]
#[should_panic(expected = "has shown a chain of work")]
fn without_its_log_a_node_breaks_its_word_and_the_laws_notice() {
    crash_all(1, true);
}

#[test]
fn nodes_that_crash_one_by_one_come_back() {
    for seed in 0..5 {
        let mut network = three(100 + seed);
        for round in 0..12 {
            let at = round % 3;
            network.run_ms(11_000);
            network.kill(&[at]);
            network.run_ms(9_000);
            network.revive(&[at]);
        }
        network.settle(20_000);
        network.assert_one_chain();
        network.assert_nobody_blamed();
    }
}

#[test]
fn lost_doubled_and_late_messages_do_no_harm() {
    for seed in 0..5 {
        let mut network = three(200 + seed);
        network.one_final_chain = false;
        (network.loss_percent, network.duplicate_percent) = (20, 20);
        network.delay_ms = 900;
        network.run_to(0, 60);
        (network.loss_percent, network.duplicate_percent) = (0, 0);
        network.settle(240_000);
        network.assert_one_chain();
        network.assert_nobody_blamed();
    }
}

#[test]
fn clocks_that_are_wrong_by_some_seconds_do_no_harm() {
    let mut network = Network::new(11, &work_settings(), &[0.13, 0.13, 0.13, 0.0]);
    for (at, skew_ms) in [-6_000, 0, 8_000, -12_000].into_iter().enumerate() {
        network.nodes[at].skew_ms = skew_ms;
    }
    network.run_to(3, 60);
    network.settle(60_000);
    network.assert_one_chain();
    network.assert_nobody_blamed();
    let chain = network.nodes[0].chain.canonical();
    assert!(chain.windows(2).all(|w| w[0].header().timestamp <= w[1].header().timestamp));
}

#[test]
fn a_block_from_the_future_waits_for_its_time() {
    // The miner's clock is half a minute fast; the follower takes each block when it may, not before,
    // and blames nobody.
    let mut network = Network::new(12, &work_settings(), &[POWER, 0.0]);
    network.nodes[0].skew_ms = 30_000;
    network.run_to(0, 20);
    let follower = network.nodes[1].chain.head_block().header().timestamp;
    assert!(follower > START_MS / 1_000, "it follows");
    assert!(follower <= network.now_ms / 1_000 + 15);
    assert!(network.nodes[1].chain.head().height < Height(20));
    // It has every block whose time has come, and needed to ask nobody again for it.
    let due = network.now_ms / 1_000 + 14;
    let chain = network.nodes[0].chain.canonical();
    let ready = chain.iter().filter(|block| block.header().timestamp <= due).count();
    assert!(network.nodes[1].chain.canonical().len() >= ready);
    network.settle(60_000);
    network.assert_one_chain();
    network.assert_nobody_blamed();
}

/// Mean milliseconds between the last blocks.
fn mean_ms(network: &Network, blocks: usize) -> f64 {
    let chain = network.nodes[0].chain.canonical();
    let last = &chain[chain.len() - 1 - blocks..];
    let seconds = last[blocks].header().timestamp - last[0].header().timestamp;
    f64::from(u32::try_from(seconds).expect("a few days")) * 1_000.0
        / f64::from(u32::try_from(blocks).expect("a few blocks"))
}

#[test]
fn ten_times_and_a_tenth_of_the_power_end_at_the_same_block_time() {
    let mut network = Network::new(13, &work_settings(), &[1.0]);
    let mut height = 0;
    for power in [1.0, 10.0, 1.0] {
        network.set_power(0, power);
        // 142 blocks is the theory for this half-life; the rest is for the mean.
        height += 250;
        network.run_to(0, height);
        height += 400;
        network.run_to(0, height);
        let mean = mean_ms(&network, 400);
        assert!((mean - 5_000.0).abs() < 750.0, "{mean} ms with {power} hashes a millisecond");
    }
}

#[test]
fn the_last_block_of_work_is_left_to_the_next_engine() {
    let work = work_settings();
    let mut network = Network::new(14, &work, &[]);
    let genesis = || vec![crate::pow_chain::genesis(START_MS / 1_000)];
    for power in [0.2, 0.2, 0.0] {
        network.add(&work, power, genesis(), Height(1), Some(Height(40)));
    }
    network.run_to(0, 40);
    network.run_ms(120_000);
    for node in &network.nodes {
        assert_eq!(Engine::<WorkChain>::status(&node.engine).step, "handover");
        assert_eq!(node.chain.head().height, Height(40), "nothing is built above");
        assert_eq!(node.chain.finalized().height, Height(28), "work alone makes no more final");
    }
    // Heads at the last height may differ; the next engine decides.
    network.settle(10_000);
    let works: BTreeSet<_> = network.nodes.iter().map(|n| n.engine.total_work()).collect();
    assert_eq!(works.len(), 1, "none is lighter than another");
    network.assert_nobody_blamed();
}

#[test]
fn work_begins_where_another_engine_ended() {
    let work = work_settings();
    let mut network = Network::new(15, &work, &[]);
    let mut finals = vec![crate::pow_chain::genesis(START_MS / 1_000 - 1_000_000)];
    for _ in 0..20 {
        let parent = finals.last().unwrap();
        let timestamp = parent.header().timestamp;
        let attributes = hanse_primitives::Attributes { timestamp, ..Default::default() };
        finals.push(crate::pow_chain::assemble(parent, attributes, &[]));
    }
    for power in [0.2, 0.2] {
        network.add(&work, power, finals.clone(), Height(21), None);
    }
    network.run_to(0, 60);
    network.settle(10_000);
    network.assert_one_chain();
    let chain = network.nodes[0].chain.canonical();
    assert!(chain[20].header().difficulty.is_zero());
    // The pause of twelve days before the first block says nothing about power.
    let difficulty = |at: usize| chain[at].header().difficulty.to::<u64>();
    assert_eq!((difficulty(21), difficulty(22)), (2_000, 2_000));
    network.kill(&[0]);
    network.revive(&[0]);
    network.run_ms(1_000);
    network.assert_one_chain();
}

#[test]
fn without_empty_blocks_a_miner_rests_until_something_waits_and_sees_it_through() {
    let mut network = Network::new(16, &work_settings(), &[POWER]);
    network.nodes[0].settings.miner.as_mut().unwrap().empty_blocks = false;
    network.kill(&[0]);
    network.revive(&[0]);
    network.run_ms(600_000);
    assert_eq!(network.nodes[0].chain.head().height, Height(0));
    network.submit(1, &[0]);
    network.run_ms(600_000);
    // Twelve blocks later the transaction is final, and the miner rests again.
    assert_eq!(network.nodes[0].chain.head().height, Height(13));
    assert_eq!(ids(network.nodes[0].chain.last_final()), [1]);
    assert_eq!(Engine::<WorkChain>::status(&network.nodes[0].engine).step, "follow");
}

#[test]
fn a_disk_that_fails_for_a_while_condemns_nobody() {
    let mut network = Network::new(17, &work_settings(), &[POWER, 0.0]);
    network.nodes[1].chain.broken = true;
    network.run_to(0, 8);
    assert_eq!(network.nodes[1].chain.head().height, Height(0));
    network.nodes[1].chain.broken = false;
    network.settle(10_000);
    network.assert_one_chain();
    network.assert_nobody_blamed();
}

#[test]
fn a_peer_that_does_not_answer_is_left_for_another() {
    let work = work_settings();
    let mut network = Network::new(18, &work, &[POWER, 0.0]);
    network.run_to(1, 40);
    network.settle(1_000);
    let finals = vec![network.nodes[0].chain.finals[0].clone()];
    let late = network.add(&work, 0.0, finals, Height(1), None);
    // A mute peer claims more than all others and never answers.
    let mute = peer(9);
    network.handle(late, Event::Connected(mute));
    let claim = crate::pow_attack::status(Height(1_000_000), u64::MAX);
    network.inject(mute, late, claim.clone());
    for _ in 0..30 {
        network.inject(mute, late, claim.clone());
        network.run_ms(1_000);
    }
    network.assert_one_chain();
}

/// Four miners on a slow machine took two seconds to build a block of 1,261 orders and built it anew
/// every second: no nonce was ever found in time, and the orders waited for ever.
#[test]
fn a_block_that_takes_long_to_build_is_looked_for_longer() {
    let mut network = Network::new(19, &work_settings(), &[POWER]);
    network.set_power(0, 0.0);
    let job = network.nodes[0].job.unwrap();
    let mut later = |ms: u64| {
        network.now_ms += ms;
        network.handle(0, Event::Tick);
        network.nodes[0].job
    };
    assert_eq!(later(20_000), Some(job), "that was the time it took to build");
    assert_eq!(later(79_999), Some(job), "four times as long it is looked for");
    assert_ne!(later(1), Some(job), "then it is made anew, so that its time stays true");
}
