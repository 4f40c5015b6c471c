use crate::chain::Model;
use alloy_primitives::{Address, Bytes};
use hanse_consensus::{
    BuildError, ChainError, Engine, EngineError, Event, Host, Solo, SoloError, SoloSettings, Step,
    Wal, WalError,
};
use hanse_primitives::Height;

const NOW: u64 = 1_700_000_000_000;

fn start(block_time_ms: u64) -> (Solo, Model) {
    let model = Model::new(NOW / 1_000);
    let settings = SoloSettings { block_time_ms, fee_recipient: Address::repeat_byte(7) };
    (Solo::new(settings, model.head()), model)
}

#[test]
fn on_demand_seals_as_soon_as_something_waits_and_never_else() {
    let (mut solo, mut chain) = start(0);
    assert_eq!(solo.step(NOW, false, &mut chain).unwrap(), Step::default());
    assert_eq!(chain.canonical.len(), 1);
    for (n, finalized) in (1..=3).zip(1..) {
        chain.submit();
        let step = solo.step(NOW + 10 * n, true, &mut chain).unwrap();
        assert_eq!(step.sealed, Some(chain.head().reference()));
        assert_eq!(step.wake_at_ms, None);
        assert_eq!(chain.head().transactions().len(), 1);
        assert_eq!(chain.finalized, finalized, "each block is final before the next");
    }
    // Three blocks within one second: their timestamps are equal, and never fall.
    assert_eq!(chain.timestamps(), [NOW / 1_000; 4]);
}

#[test]
fn on_demand_lets_transactions_gather_between_blocks() {
    let (mut solo, mut chain) = start(0);
    chain.submit();
    assert!(solo.step(NOW, true, &mut chain).unwrap().sealed.is_some());
    chain.submit();
    chain.submit();
    let step = solo.step(NOW + 1, true, &mut chain).unwrap();
    assert_eq!(step, Step { sealed: None, wake_at_ms: Some(NOW + 10) });
    assert!(solo.step(NOW + 10, true, &mut chain).unwrap().sealed.is_some());
    assert_eq!(chain.head().transactions().len(), 2);
}

#[test]
fn on_demand_does_not_seal_empty_blocks_in_a_loop() {
    // The pool believes that something can run; the builder knows better. Without a pause the node
    // would seal empty blocks as fast as it can.
    let (mut solo, mut chain) = start(0);
    let step = solo.step(NOW, true, &mut chain).unwrap();
    assert_eq!(step, Step { sealed: None, wake_at_ms: Some(NOW + 1_000) });
    let step = solo.step(NOW + 999, true, &mut chain).unwrap();
    assert_eq!(step, Step { sealed: None, wake_at_ms: Some(NOW + 1_000) });
    chain.submit();
    assert!(solo.step(NOW + 1_000, true, &mut chain).unwrap().sealed.is_some());
}

#[test]
fn an_interval_seals_on_the_beat_empty_blocks_too() {
    let (mut solo, mut chain) = start(250);
    let step = solo.step(NOW, true, &mut chain).unwrap();
    assert_eq!(step, Step { sealed: None, wake_at_ms: Some(NOW + 250) });
    // A little late: the next beat is not.
    let step = solo.step(NOW + 260, false, &mut chain).unwrap();
    assert_eq!(step.sealed, Some(chain.head().reference()));
    assert_eq!(step.wake_at_ms, Some(NOW + 500));
    // Asleep for ten seconds: one block, not forty.
    let step = solo.step(NOW + 10_000, false, &mut chain).unwrap();
    assert!(step.sealed.is_some());
    assert_eq!(step.wake_at_ms, Some(NOW + 10_250));
    assert!(solo.step(NOW + 10_001, true, &mut chain).unwrap().sealed.is_none());
    assert_eq!(chain.timestamps(), [0, 0, 10].map(|s| NOW / 1_000 + s));
}

#[test]
fn a_clock_that_goes_back_stops_neither_the_chain_nor_time() {
    for block_time_ms in [0, 250] {
        let (mut solo, mut chain) = start(block_time_ms);
        chain.submit();
        let past = NOW - 86_400_000;
        let step = solo.step(past, true, &mut chain).unwrap();
        let at = step.wake_at_ms.unwrap_or(past);
        assert!(at <= past + 1_000, "the wait is at most a second or one block");
        if step.sealed.is_none() {
            assert!(solo.step(at, true, &mut chain).unwrap().sealed.is_some());
        }
        assert_eq!(chain.timestamps(), [NOW / 1_000; 2]);
    }
}

#[test]
fn sealing_now_needs_no_transaction_and_keeps_the_beat() {
    let (mut solo, mut chain) = start(1_000);
    solo.step(NOW, false, &mut chain).unwrap();
    let sealed = solo.seal_now(NOW + 10, &mut chain).unwrap();
    assert_eq!(sealed, chain.head().reference());
    assert_eq!(solo.head(), sealed);
    let step = solo.step(NOW + 10, false, &mut chain).unwrap();
    assert_eq!(step, Step { sealed: None, wake_at_ms: Some(NOW + 1_000) });
}

#[test]
fn a_failed_build_loses_nothing_and_is_not_tried_in_a_loop() {
    for block_time_ms in [0, 100] {
        let (mut solo, mut chain) = start(block_time_ms);
        chain.submit();
        chain.build_fails = true;
        let now = NOW + block_time_ms;
        let error = solo.step(now, true, &mut chain).unwrap_err();
        assert!(matches!(error, SoloError::Build(BuildError::Internal(_))), "{error}");
        assert_eq!(chain.canonical.len(), 1);
        chain.build_fails = false;
        let step = solo.step(now, true, &mut chain).unwrap();
        assert!(step.sealed.is_none());
        let step = solo.step(step.wake_at_ms.unwrap(), true, &mut chain).unwrap();
        assert_eq!(step.sealed, Some(chain.head().reference()));
        assert_eq!(chain.head().transactions().len(), 1);
    }
}

#[test]
fn a_failed_disk_is_told_and_the_head_stays() {
    for on_import in [true, false] {
        let (mut solo, mut chain) = start(0);
        let head = solo.head();
        chain.submit();
        (chain.keeps_nothing, chain.disk_fails) = (on_import, !on_import);
        let error = solo.step(NOW, true, &mut chain).unwrap_err();
        assert!(matches!(error, SoloError::Chain(ChainError::Storage(_))), "{error}");
        assert_eq!(solo.head(), head);
    }
}

#[test]
#[should_panic(expected = "our own block was rejected")]
fn a_chain_that_rejects_its_own_block_stops_the_node() {
    let (mut solo, mut chain) = start(0);
    chain.rejects = true;
    chain.submit();
    let _ = solo.step(NOW, true, &mut chain);
}

#[test]
fn prev_randao_differs_in_each_block_and_is_the_same_when_rebuilt() {
    let run = || {
        let (mut solo, mut chain) = start(0);
        for n in 0..5 {
            chain.submit();
            solo.step(NOW + 10 * n, true, &mut chain).unwrap();
        }
        chain.canonical.iter().skip(1).map(|b| b.header().mix_hash).collect::<Vec<_>>()
    };
    let mut values = run();
    assert_eq!(values, run());
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 5);
}

#[test]
fn an_engine_goes_on_from_any_head() {
    let (mut solo, mut chain) = start(0);
    chain.submit();
    solo.step(NOW, true, &mut chain).unwrap();
    let settings = SoloSettings { block_time_ms: 0, fee_recipient: Address::ZERO };
    let mut restarted = Solo::new(settings, chain.head());
    chain.submit();
    let sealed = restarted.step(NOW + 5_000, true, &mut chain).unwrap().sealed.unwrap();
    assert_eq!(sealed.height.0, 2);
    assert_eq!(chain.timestamps()[2], NOW / 1_000 + 5);
}

/// A log for an engine that needs none.
#[derive(Debug)]
struct NoWal;

impl Wal for NoWal {
    fn records(&mut self) -> Result<Vec<Bytes>, WalError> {
        panic!("nothing was logged");
    }

    fn append(&mut self, _: &[u8]) -> Result<(), WalError> {
        panic!("a single sealer has nothing to log");
    }

    fn sync(&mut self) -> Result<(), WalError> {
        panic!("a single sealer has nothing to log");
    }

    fn replace(&mut self, _: &[Bytes]) -> Result<(), WalError> {
        panic!("a single sealer has nothing to log");
    }
}

#[test]
fn as_an_engine_it_says_when_it_wants_to_be_woken() {
    let (mut solo, mut chain) = start(0);
    let mut wal = NoWal;
    Engine::start(&mut solo, &mut Host::new(&mut chain, &mut wal, NOW, false)).unwrap();
    assert_eq!(Engine::<Model>::wake_at_ms(&solo), None);
    chain.submit();
    let mut host = Host::new(&mut chain, &mut wal, NOW, true);
    solo.handle(Event::Pending, &mut host).unwrap();
    assert!(host.effects.is_empty(), "it speaks to nobody");
    assert_eq!(Engine::<Model>::wake_at_ms(&solo), Some(NOW), "it looks for more at once");
    assert_eq!(Engine::<Model>::status(&solo).height, Height(2));

    chain.build_fails = true;
    chain.submit();
    let mut host = Host::new(&mut chain, &mut wal, NOW + 10, true);
    let failed = solo.handle(Event::Tick, &mut host);
    assert!(matches!(failed, Err(EngineError::Build(_))), "{failed:?}");
    assert_eq!(Engine::<Model>::wake_at_ms(&solo), Some(NOW + 1_010), "it tries again later");
}
