//! Random lives of a ledger, and what it says about each moment of them.

use crate::chain::{Chain, check_view};
use hanse_ledger::{
    LedgerError, Settings,
    limits::PROOF_BLOCKS_MAX,
    testing::{Dice, address, execute},
};
use hanse_primitives::{Height, StateChanges};
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

#[derive(Clone, Debug)]
enum Step {
    Commit(usize),
    Grow(usize),
    Reorganize(usize),
    FinalizeBack(usize),
    Checkpoint,
    Reopen,
    LoseStore,
    Rollback(usize),
    Check,
}

fn arb_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..12_usize).prop_map(Step::Commit),
        3 => (1..6_usize).prop_map(Step::Grow),
        2 => (1..6_usize).prop_map(Step::Reorganize),
        3 => (0..4_usize).prop_map(Step::FinalizeBack),
        2 => Just(Step::Checkpoint),
        2 => Just(Step::Reopen),
        1 => Just(Step::LoseStore),
        2 => (1..10_usize).prop_map(Step::Rollback),
        1 => Just(Step::Check),
    ]
}

fn run(mut chain: Chain, folder: &TempDir, step: &Step) -> Chain {
    let last = chain.headers.len() - 1;
    let finalized = usize::try_from(chain.ledger.finalized().height.0).unwrap();
    match step {
        Step::Commit(blocks) => chain.commit(*blocks),
        Step::Grow(blocks) => (0..*blocks).for_each(|_| {
            chain.grow();
        }),
        Step::Reorganize(depth) if last > finalized => {
            chain.reorganize((*depth).min(last - finalized));
        }
        Step::FinalizeBack(back) if last - finalized > *back => {
            chain.finalize(chain.hash_at(last - back));
        }
        Step::Checkpoint => chain.ledger.checkpoint().unwrap(),
        Step::Reopen => return chain.reopen(folder.path()),
        // The store is made from the log; without it, it is made anew.
        Step::LoseStore => return chain.lose_store(folder.path()),
        Step::Rollback(back) => chain.rollback(Height(last.saturating_sub(*back) as u64)),
        Step::Check => chain.check(),
        Step::Reorganize(_) | Step::FinalizeBack(_) => {}
    }
    chain
}

/// Few, since each opens the ledger several times; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_agrees_with_the_model(
        seed in any::<u64>(),
        steps in prop::collection::vec(arb_step(), 1..24),
    ) {
        let folder = TempDir::new().unwrap();
        let mut chain = Chain::open(folder.path(), seed);
        for step in &steps {
            chain = run(chain, &folder, step);
        }
        chain.check();
        let report = chain.ledger.verify(&mut |_| {}).unwrap();
        prop_assert!(report.problems.is_empty(), "{:?}", report.problems);
        prop_assert_eq!(report.blocks, chain.ledger.finalized().height.0 + 1);
    }
}

#[test]
fn every_height_is_answered_through_checkpoints_and_reopening() {
    for seed in 0..3 {
        let folder = TempDir::new().unwrap();
        let mut chain = Chain::open(folder.path(), seed);
        chain.commit(60);
        chain.check();
        chain.ledger.checkpoint().unwrap();
        chain.check();
        chain.commit(10);
        chain.check();
        chain.reopen(folder.path()).check();
    }
}

#[test]
fn what_is_taken_back_is_gone_and_the_chain_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 8);
    chain.commit(40);
    chain.grow();
    let gone = chain.hash_at(30);
    let gone_view = chain.ledger.state(gone).unwrap();
    let kept_view = chain.ledger.state(chain.hash_at(20)).unwrap();
    let kept_model = chain.models[20].clone();
    let transaction = chain.executed[22..=40]
        .iter()
        .flatten()
        .find_map(|executed| executed.block().transactions().first())
        .map(|transaction| *transaction.tx_hash())
        .unwrap();
    chain.rollback(Height(21));
    assert!(chain.ledger.transaction(&transaction).unwrap().is_none());
    assert!(chain.ledger.reference(gone).unwrap().is_none());
    let error = gone_view.account(&address(1)).unwrap_err();
    assert!(matches!(error, LedgerError::StateUnavailable(Height(30))), "{error}");
    check_view(&kept_view, &kept_model);
    chain.check();
    chain.commit(15);
    chain.check();
    drop((gone_view, kept_view)); // whoever holds a view keeps the folder open
    let mut chain = chain.reopen(folder.path());
    chain.rollback(Height(0));
    chain.check();
    chain.commit(3);
    let chain = chain.reopen(folder.path());
    chain.check();
    assert!(chain.ledger.verify(&mut |_| {}).unwrap().problems.is_empty());
}

#[test]
fn the_store_is_made_anew_from_the_log() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 9);
    chain.commit(50);
    let chain = chain.lose_store(folder.path());
    chain.check();
    assert!(chain.ledger.verify(&mut |_| {}).unwrap().problems.is_empty());
}

#[test]
fn a_proof_too_far_back_is_refused_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let large = Settings { sync: false, ..Settings::default() };
    let mut chain = Chain::open_with(folder.path(), 10, large);
    chain.commit(3);
    let mut parent = chain.headers[3].clone();
    let mut dice = Dice(1);
    for _ in 0..=PROOF_BLOCKS_MAX {
        let time = dice.below(100);
        let (executed, root) =
            execute(&chain.ledger, &parent, Vec::new(), StateChanges::default(), time);
        parent = executed.block().header().clone();
        chain.ledger.insert(executed, Some(root)).unwrap();
        let hash = parent.hash_slow();
        chain.ledger.set_head(hash).unwrap();
        chain.ledger.finalize(hash, Default::default()).unwrap();
    }
    let view = chain.ledger.state(chain.hash_at(3)).unwrap();
    let error = view.proof(&address(1), &[]).unwrap_err();
    assert!(matches!(error, LedgerError::ProofTooOld { height: Height(3), .. }), "{error}");
    check_view(&view, &chain.models[3]); // reads have no such limit
    let near = chain.ledger.hash(Height(4)).unwrap().unwrap();
    chain.ledger.state(near).unwrap().proof(&address(1), &[]).unwrap();
}

#[test]
fn usage_names_memory_and_disk() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 11);
    chain.commit(20);
    let usage = chain.ledger.usage();
    assert!(usage.trie_bytes > 0 && usage.cache_bytes > 0);
    let on_disk: u64 = fs::read_dir(folder.path().join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(usage.log_bytes, on_disk);
    chain.ledger.checkpoint().unwrap();
    assert!(chain.ledger.usage().store_bytes > 0);
}
