//! Seeds that pass. Many more: `make simulate SEEDS=1000`.

use hanse_simulator::{Rules, Simulation};

/// Fixed seeds of each engine. The fresh one comes on top.
const SEEDS: u64 = 5;

fn all_laws_hold(rules: Rules) {
    let fresh = rand::random::<u32>();
    for seed in (0..SEEDS).chain([fresh.into()]) {
        let simulation = Simulation::new(seed).rules(rules);
        if let Err(failure) = simulation.run() {
            panic!("{failure}\n{:#?}", simulation.scenario());
        }
    }
}

#[test]
fn the_laws_hold_when_equal_validators_vote() {
    all_laws_hold(Rules::Bft);
}

#[test]
fn the_laws_hold_when_validators_vote_by_stake() {
    all_laws_hold(Rules::Pos);
}

#[test]
fn the_laws_hold_when_miners_compete() {
    all_laws_hold(Rules::Pow);
}

#[test]
fn the_laws_hold_when_validators_take_over_from_miners() {
    all_laws_hold(Rules::PowToBft);
}

#[test]
fn the_laws_hold_when_validators_with_stake_take_over_from_miners() {
    all_laws_hold(Rules::PowToPos);
}

#[test]
fn the_laws_hold_when_members_vote_on_the_engine() {
    all_laws_hold(Rules::Voted);
    let handovers = (0..SEEDS).map(|seed| {
        let report = Simulation::new(seed).rules(Rules::Voted).run();
        report.expect("it has just passed").handovers
    });
    assert!(handovers.sum::<u64>() > 20, "engines do change");
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for rules in Rules::ALL {
        let run = || Simulation::new(3).rules(rules).run().map_err(|failure| failure.to_string());
        assert_eq!(run(), run(), "{rules}");
    }
}
