//! History that is taken away on purpose, and what is left of it.

use crate::chain::{Chain, check_proofs, check_view, settings};
use alloy_consensus::Transaction as _;
use alloy_eips::Encodable2718;
use alloy_primitives::Address;
use hanse_ledger::{
    Horizon, Ledger, LedgerError, Past, Remaining, Remains, Settings, limits::PRUNE_KEEP_BLOCKS,
    testing::address,
};
use hanse_primitives::{Executed, Height, OrderedItem, OrderedList};
use std::{fs, path::Path};
use tempfile::TempDir;

const BLOCKS: usize = 60;

/// Enough for `BLOCKS` blocks to be prunable.
fn grown(folder: &Path, seed: u64) -> Chain {
    let mut chain = Chain::open_with(folder, seed, settings());
    chain.commit(BLOCKS + PRUNE_KEEP_BLOCKS as usize);
    chain
}

fn all(height: u64) -> Horizon {
    Horizon { all: Height(height), ..Horizon::default() }
}

fn of(contract: Address, height: u64) -> Horizon {
    Horizon { contracts: [(contract, Height(height))].into(), ..Horizon::default() }
}

/// What is left must be what was, and lead to the same roots.
fn check_remains(chain: &Chain, height: usize, goes: impl Fn(&Executed, usize) -> bool) {
    let executed = chain.executed[height].as_ref().unwrap();
    let block = executed.block();
    let at = Height(height as u64);
    assert_eq!(chain.ledger.header(at).unwrap().as_ref(), Some(block.header()));
    assert_eq!(chain.ledger.seal(at).unwrap().unwrap(), block.hash().to_vec());
    let remains = match chain.ledger.past(block.hash()).unwrap().unwrap() {
        Past::Pruned(remains) => remains,
        Past::Whole(stored) => {
            assert_eq!(stored.block(), block);
            let count = block.transactions().len();
            assert!((0..count).all(|index| !goes(executed, index)), "nothing went of {height}");
            return;
        }
    };
    for answer in [chain.ledger.block_at(at), chain.ledger.block(block.hash())] {
        assert!(matches!(answer, Err(LedgerError::Pruned(pruned)) if pruned == at));
    }
    assert_eq!(remains.block().hash(), block.hash());
    assert_eq!(remains.block_bytes() as usize, alloy_rlp::Encodable::length(block.block()));
    let left: Vec<_> = remains.transactions().collect();
    assert_eq!(left.len(), block.transactions().len());
    let mut logs = 0;
    for (index, left) in left.iter().enumerate() {
        let (transaction, receipt) = (&block.transactions()[index], &executed.receipts()[index]);
        assert_eq!(left.hash(), *transaction.tx_hash());
        assert_eq!(left.cumulative_gas_used(), receipt.cumulative_gas_used());
        assert_eq!(left.log_count(), receipt.logs().len() as u64);
        logs += left.log_count();
        match left {
            Remaining::Kept { transaction: kept, sender, receipt: kept_receipt } => {
                assert!(!goes(executed, index), "transaction {index} of {height} is kept");
                assert_eq!((*kept, *kept_receipt), (transaction, receipt));
                assert_eq!(*sender, executed.senders()[index]);
            }
            Remaining::Gone(_) => assert!(goes(executed, index), "{index} of {height} is gone"),
        }
        let place = chain.ledger.transaction(transaction.tx_hash()).unwrap().unwrap();
        assert_eq!((place.block, place.index), (block.reference(), index));
    }
    let total: usize = executed.receipts().iter().map(|receipt| receipt.logs().len()).sum();
    assert_eq!(logs, total as u64);
    check_root(&remains, executed);
}

fn check_root(remains: &Remains, executed: &Executed) {
    let left: Vec<_> = remains.transactions().collect();
    let root = OrderedList::new(left.len()).root(|at| match left[at] {
        Remaining::Kept { transaction, .. } => OrderedItem::Whole(transaction.encoded_2718()),
        Remaining::Gone(gone) => OrderedItem::Leaf(gone.transaction_leaf),
    });
    assert_eq!(root, executed.block().header().transactions_root);
}

fn verify(ledger: &Ledger) -> u64 {
    let report = ledger.verify(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    report.pruned
}

#[test]
fn headers_seals_and_leaves_stay_of_everything() {
    let folder = TempDir::new().unwrap();
    let mut chain = grown(folder.path(), 11);
    let before = chain.ledger.usage().log_bytes;
    let report = chain.ledger.prune(&all(40)).unwrap();
    assert!(report.transactions > 20 && report.versions > 20, "{report:?}");
    assert_eq!(chain.ledger.horizon(), all(40));
    for round in 0..2 {
        for height in 1..40 {
            check_remains(&chain, height, |_, _| true);
            let view = chain.ledger.state(chain.hash_at(height)).unwrap();
            let account = view.account(&address(1));
            match height {
                39 => check_view(&view, &chain.models[39]), // that on which block 40 was executed
                _ => assert!(
                    matches!(account, Err(LedgerError::StateUnavailable(at)) if at.0 == height as u64),
                    "{account:?}"
                ),
            }
        }
        for height in [40, 41, 100, chain.headers.len() - 1] {
            let view = chain.ledger.state(chain.hash_at(height)).unwrap();
            check_view(&view, &chain.models[height]);
            check_proofs(&view, &chain.models[height], &chain.headers[height]);
            assert!(chain.ledger.block_at(Height(height as u64)).unwrap().is_some());
        }
        let old = chain.ledger.state(chain.hash_at(20)).unwrap().proof(&address(1), &[]);
        assert!(matches!(old, Err(LedgerError::ProofTooOld { .. })), "{old:?}");
        assert!(verify(&chain.ledger) > 20);
        if round == 0 {
            chain = chain.reopen(folder.path());
            assert_eq!(chain.ledger.horizon(), all(40));
        }
    }
    assert!(chain.ledger.usage().log_bytes <= before);
    let kinds: Vec<bool> = chain
        .ledger
        .blocks(Height(0))
        .unwrap()
        .map(|past| matches!(past.unwrap(), Past::Whole(_)))
        .collect();
    assert_eq!(kinds.len(), chain.headers.len());
    assert!(kinds[0] && kinds[40..].iter().all(|whole| *whole));
    // It goes on, further and no further than allowed.
    chain.commit(10);
    assert_eq!(chain.ledger.prune(&all(30)).unwrap().transactions, 0);
    chain.ledger.prune(&all(u64::MAX)).unwrap();
    let last = BLOCKS as u64 + 10;
    assert_eq!(chain.ledger.horizon(), all(last));
    check_remains(&chain, last as usize - 1, |_, _| true);
    verify(&chain.ledger);
}

#[test]
fn only_what_concerns_a_contract_goes() {
    let folder = TempDir::new().unwrap();
    let mut chain = grown(folder.path(), 12);
    let called = *chain.executed[7..]
        .iter()
        .flatten()
        .find_map(|executed| executed.block().transactions().first()?.to().map(Box::new))
        .unwrap();
    let wrote = address(21_000); // the first transaction of each block writes a log there
    for (contract, height) in [(called, 30), (wrote, 20), (address(3), 55)] {
        chain.ledger.prune(&of(contract, height)).unwrap();
    }
    let horizon = Horizon {
        all: Height(0),
        contracts: [(called, Height(30)), (wrote, Height(20)), (address(3), Height(55))].into(),
    };
    assert_eq!(chain.ledger.horizon(), horizon);
    chain = chain.reopen(folder.path());
    for height in 1..chain.headers.len() {
        let below = |contract: Address| Height(height as u64) < horizon.of(&contract);
        check_remains(&chain, height, |executed, index| {
            let transaction = &executed.block().transactions()[index];
            let mut logs = executed.receipts()[index].logs().iter();
            below(transaction.to().unwrap()) || logs.any(|log| below(log.address))
        });
    }
    for height in [5, 30, 53, 54, 60] {
        let view = chain.ledger.state(chain.hash_at(height)).unwrap();
        let model = &chain.models[height];
        let expected = model.accounts.get(&address(2)).map(|(info, _)| *info);
        assert_eq!(view.account(&address(2)).unwrap(), expected);
        assert!(view.account(&address(3)).is_ok() && view.storage(&address(2), &slot()).is_ok());
        assert_eq!(view.storage(&address(3), &slot()).is_ok(), height >= 54, "height {height}");
    }
    verify(&chain.ledger);
    // What is pruned twice is what is pruned once.
    chain.ledger.prune(&all(40)).unwrap();
    for height in 1..40 {
        check_remains(&chain, height, |_, _| true);
    }
    verify(&chain.ledger);
}

fn slot() -> alloy_primitives::U256 {
    hanse_ledger::testing::slot(1)
}

#[test]
fn what_is_gone_is_neither_taken_back_nor_made_anew() {
    let folder = TempDir::new().unwrap();
    let mut chain = grown(folder.path(), 13);
    chain.ledger.prune(&all(40)).unwrap();
    for height in [0, 20, 39] {
        let refused = chain.ledger.rollback(Height(height));
        assert!(matches!(refused, Err(LedgerError::Pruned(Height(at))) if at == height));
    }
    chain.rollback(Height(40));
    check_view(&chain.ledger.state(chain.hash_at(40)).unwrap(), &chain.models[40]);
    verify(&chain.ledger);
    chain.commit(5);
    verify(&chain.ledger);
    let spec = chain.spec.clone();
    drop(chain);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let error = Ledger::open(folder.path(), &spec, settings()).unwrap_err();
    assert!(error.to_string().contains("has been pruned"), "{error}");
}

#[test]
fn damage_to_what_is_left_is_found() {
    let folder = TempDir::new().unwrap();
    let chain = grown(folder.path(), 14);
    chain.ledger.prune(&all(40)).unwrap();
    let spec = chain.spec.clone();
    let hash = *chain.executed[1..40]
        .iter()
        .flatten()
        .find_map(|executed| executed.block().transactions().first())
        .unwrap()
        .tx_hash();
    drop(chain);
    let path = folder.path().join("log/00000000.log");
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(32).position(|window| window == hash.as_slice()).unwrap();
    for at in [at, at + 40, at + 70] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let ledger = Ledger::open(folder.path(), &spec, settings()).unwrap();
        let report = ledger.verify(&mut |_| {}).unwrap();
        assert!(!report.problems.is_empty(), "byte {at}");
    }
}

/// Real sizes: blocks of some hundred bytes a transaction leave holes that the disk gets back.
#[test]
fn the_disk_gets_its_room_back() {
    let folder = TempDir::new().unwrap();
    let settings = Settings { segment_bytes: 8 * 1024 * 1024, ..settings() };
    let mut chain = Chain::open_with(folder.path(), 15, settings);
    chain.commit(5);
    for round in 0..3 {
        let parent = chain.headers.last().unwrap().clone();
        let transactions =
            (0..2_000).map(|n| hanse_ledger::testing::transaction(9_000 * (round + 1) + n));
        let (executed, root) = hanse_ledger::testing::execute(
            &chain.ledger,
            &parent,
            transactions.collect(),
            hanse_primitives::StateChanges::default(),
            1,
        );
        let (hash, header) = (executed.block().hash(), executed.block().header().clone());
        chain.ledger.insert(executed.clone(), Some(root)).unwrap();
        chain.ledger.set_head(hash).unwrap();
        chain.finalize(hash);
        chain.headers.push(header);
        chain.models.push(chain.models.last().unwrap().clone());
        chain.executed.push(Some(executed));
    }
    chain.commit(PRUNE_KEEP_BLOCKS as usize);
    let before = chain.ledger.usage().log_bytes;
    let report = chain.ledger.prune(&all(9)).unwrap();
    assert!(report.log_bytes > 100_000, "{report:?} of {before}");
    assert!(chain.ledger.usage().log_bytes <= before - report.log_bytes + 100);
    check_remains(&chain, 7, |_, _| true);
    let before = chain.ledger.usage().log_bytes;
    let chain = chain.reopen(folder.path());
    assert!(chain.ledger.usage().log_bytes <= before + 4096);
    verify(&chain.ledger);
}
