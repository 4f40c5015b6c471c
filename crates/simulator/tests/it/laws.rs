//! The test of the tests: networks that are broken on purpose are found out, and by the right law.

use hanse_consensus::Treason;
use hanse_simulator::{Law, Rules, Sabotage, Simulation};

/// Runs seeds until one fails, and gives the law that did not hold.
fn first_broken(seeds: u64, simulation: impl Fn(u64) -> Simulation) -> Law {
    let failure = (0..seeds).find_map(|seed| simulation(seed).run().err());
    let failure = failure.expect("a broken network is found out");
    failure.law.unwrap_or_else(|| panic!("{failure}"))
}

#[test]
fn validators_that_forget_what_they_signed_sign_twice() {
    let law =
        first_broken(60, |seed| Simulation::new(seed).validators(4).sabotage(Sabotage::ErasedLogs));
    assert_eq!(law, Law::HonestKeys);
}

/// The same around changes of the engine, each of which has a log of its own.
#[test]
fn under_changing_engines_too_they_sign_twice() {
    let law = first_broken(60, |seed| {
        let simulation = Simulation::new(seed).rules(Rules::Voted).validators(4);
        simulation.sabotage(Sabotage::ErasedLogs)
    });
    assert_eq!(law, Law::HonestKeys);
}

#[test]
fn a_disk_that_lies_takes_back_what_was_final() {
    let law = first_broken(60, |seed| Simulation::new(seed).sabotage(Sabotage::LyingDisks));
    assert_eq!(law, Law::FinalityStays);
}

/// Which law notices first depends on the seed: their votes for nonsense stand beside those of their engines,
/// which looked; or no block gets a quorum any more.
#[test]
fn validators_that_do_not_look_are_found_out() {
    for seed in 0..5 {
        let simulation = Simulation::new(seed).validators(4).sabotage(Sabotage::Careless);
        let outcome = simulation.treason(Treason::InvalidBlocks).run();
        assert!(outcome.is_err_and(|failure| failure.law.is_some()), "seed {seed}");
    }
}

#[test]
fn finality_without_a_quorum_makes_two_chains() {
    let law = first_broken(5, |seed| Simulation::new(seed).sabotage(Sabotage::Hasty));
    assert_eq!(law, Law::OneChain);
}

#[test]
fn a_miner_that_ignores_heavier_chains_is_left_behind() {
    let law = first_broken(5, |seed| {
        Simulation::new(seed).rules(Rules::Pow).sabotage(Sabotage::Stubborn)
    });
    assert!([Law::HeaviestWins, Law::OneChain, Law::Progress].contains(&law), "{law:?}");
}
