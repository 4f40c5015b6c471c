//! Nothing goes wrong when much goes wrong: loss, delay, partitions, crashes at any moment.

use super::network::{Network, Weather};
use hanse_consensus::Treason;

/// Runs so many seeds. `HANSE_SEEDS` asks for another number, `HANSE_SEED` for one seed.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("HANSE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HANSE_SEEDS").unwrap_or(count),
    }
}

fn storm() -> Weather {
    Weather { loss_percent: 10, repeat_percent: 5, delay_ms: 1..=80, ..Weather::fair() }
}

/// Lets transactions come for a while.
fn trade(network: &mut Network, seconds: u64) {
    for _ in 0..seconds * 2 {
        let number = network.now_ms;
        network.submit(number);
        network.run_for(500);
        network.check();
    }
}

/// Calms the network and sees that it goes on.
fn calm(network: &mut Network, seconds: u64) {
    network.weather = Weather::fair();
    network.run_for(25_000); // rounds that began in the storm may be long
    for node in 0..network.nodes.len() {
        if !network.is_up(node) {
            network.start(node);
        }
    }
    network.run_for(10_000);
    let before = network.heights();
    trade(network, seconds);
    let lowest = before.iter().min().expect("there are nodes");
    for (node, height) in network.heights().iter().enumerate() {
        let grown = *height >= lowest + seconds;
        assert!(grown, "node {node} is at {height} after {before:?}: {}", network.describe());
    }
    let (after, all) = (network.heights(), "there are nodes");
    let (high, low) = (after.iter().max().expect(all), after.iter().min().expect(all));
    assert!(high - low <= 1, "all are where the others are: {after:?}");
}

#[test]
fn loss_delay_and_repetition_slow_it_down_and_no_more() {
    let mut proposed_again = 0;
    for seed in seeds(8) {
        let mut network = Network::new(seed, &[1; 4], 1);
        network.weather = storm();
        network.start_all();
        trade(&mut network, 30);
        assert!(network.heights().iter().all(|height| *height >= 5), "{:?}", network.heights());
        calm(&mut network, 5);
        proposed_again += network.proposed_again();
    }
    assert!(proposed_again > 0, "a block that a quorum prevoted is proposed again");
}

#[test]
fn a_partition_stops_the_minority_and_heals() {
    for seed in seeds(6) {
        let mut network = Network::new(seed, &[1; 4], 0);
        network.start_all();
        trade(&mut network, 2);
        network.weather.groups = vec![0, 0, 1, 1];
        network.run_for(500); // what was on its way may still arrive
        let before = network.heights();
        trade(&mut network, 20);
        assert_eq!(network.heights(), before, "no half has a quorum");
        network.weather.groups = vec![0, 1, 0, 0];
        trade(&mut network, 20);
        assert_eq!(network.heights()[1], before[1], "who is alone decides nothing");
        assert!(network.heights()[0] >= before[0] + 5, "three of four do");
        calm(&mut network, 5);
    }
}

#[test]
fn a_crash_at_any_moment_is_survived() {
    for seed in seeds(12) {
        let mut network = Network::new(seed, &[1; 4], 0);
        network.weather = Weather { loss_percent: 3, ..storm() };
        network.start_all();
        for _ in 0..30 {
            let node = network.random(4);
            if network.is_up(node) {
                network.crash_soon(node);
            }
            trade(&mut network, 1);
        }
        calm(&mut network, 5);
    }
}

#[test]
fn all_may_lose_power_at_once() {
    for seed in seeds(6) {
        let mut network = Network::new(seed, &[3, 2, 2, 2, 1], 0);
        network.start_all();
        for _ in 0..10 {
            trade(&mut network, 1);
            (0..5).for_each(|node| network.crash_soon(node));
            trade(&mut network, 4);
        }
        calm(&mut network, 5);
    }
}

#[test]
fn crashes_and_a_traitor_together_break_nothing() {
    let treasons = [
        Treason::EquivocateVotes,
        Treason::EquivocateProposals,
        Treason::InvalidBlocks,
        Treason::Flood,
    ];
    for seed in seeds(8) {
        let treason = treasons[usize::try_from(seed % 4).unwrap()];
        let mut network = Network::new(seed, &[1; 4], 1);
        network.betray(2, treason);
        network.weather = Weather { loss_percent: 5, ..storm() };
        network.start_all();
        for _ in 0..20 {
            let node = [0, 1, 3][network.random(3)];
            if network.is_up(node) {
                network.crash_soon(node);
            }
            trade(&mut network, 1);
        }
        calm(&mut network, 5);
    }
}

/// Without its log, a validator that crashes in the middle of a round contradicts itself: this test
/// shows that the others would be seen to fail if the log did not do its work.
#[test]
fn without_its_log_a_validator_contradicts_itself() {
    let mut contradictions = 0;
    for seed in 0..40 {
        let mut network = Network::new(seed, &[1; 4], 0);
        network.erase_logs = true;
        network.weather = storm();
        network.start_all();
        for _ in 0..10 {
            network.submit(network.now_ms);
            let node = network.random(4);
            if network.is_up(node) {
                network.crash(node);
                network.restart_in(node, 20);
            }
            network.run_for(300);
        }
        contradictions += network.contradictions.len();
        if contradictions > 0 {
            return;
        }
    }
    panic!("nobody contradicted itself");
}
