//! History that is taken away on purpose, and what is left of it.

use crate::chain::{Chain, check_proofs, check_view, settings};
use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use hanse_ledger::{
    Horizon, Ledger, LedgerError, Past, Remaining, Remains, Settings, limits::PRUNE_KEEP_BLOCKS,
    testing::address,
};
use hanse_primitives::{Executed, Height, OrderedList};
use std::{fs, path::Path};
use tempfile::TempDir;

const BLOCKS: usize = 60;

/// Fewer checkpoints than other tests want, since these have many blocks.
fn fewer() -> Settings {
    Settings { checkpoint_bytes: 128 * 1024, ..settings() }
}

/// Enough for `BLOCKS` blocks to be prunable.
fn grown(folder: &Path, seed: u64) -> Chain {
    let mut chain = Chain::open_with(folder, seed, fewer());
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
    let root = OrderedList::new(left.len()).root(|at| left[at].transaction_item());
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
    let settings = Settings { segment_bytes: 8 * 1024 * 1024, ..fewer() };
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

/// A ledger, as one file, and what is made of that.
fn copied(chain: &Chain) -> Vec<u8> {
    let mut bytes = Vec::new();
    chain.ledger.snapshot(&mut bytes).unwrap();
    bytes
}

fn restore(folder: &Path, chain: &Chain, bytes: &[u8]) -> Result<Ledger, LedgerError> {
    let last = chain.ledger.finalized().hash;
    Ledger::restore(folder, &chain.spec, &fewer(), last, &mut &bytes[..])
}

#[test]
fn a_snapshot_makes_the_same_ledger() {
    let mixed = Horizon {
        all: Height(10),
        contracts: [(address(21_000), Height(20)), (address(3), Height(50))].into(),
    };
    for horizon in [Horizon::default(), mixed] {
        let folder = TempDir::new().unwrap();
        let mut chain = grown(folder.path(), 16);
        chain.ledger.prune(&horizon).unwrap();
        let bytes = copied(&chain);
        let other = TempDir::new().unwrap();
        let ledger = restore(other.path(), &chain, &bytes).unwrap();
        assert_eq!(ledger.horizon(), chain.ledger.horizon());
        assert_eq!(ledger.finalized(), chain.ledger.finalized());
        let first = horizon.highest().0.saturating_sub(1);
        let original = std::mem::replace(&mut chain.ledger, ledger);
        for height in 1..chain.headers.len() {
            let (at, hash) = (Height(height as u64), chain.hash_at(height));
            let both = [&original, &chain.ledger].map(|ledger| ledger.past(hash).unwrap().unwrap());
            let [one, two] = both
                .map(|past| past.transactions().map(|one| format!("{one:?}")).collect::<Vec<_>>());
            assert_eq!(one, two, "block {height}");
            assert_eq!(original.seal(at).unwrap(), chain.ledger.seal(at).unwrap());
            let view = chain.ledger.state(hash).unwrap();
            if height as u64 >= first {
                check_view(&view, &chain.models[height]);
            } else {
                assert!(view.account(&address(1)).is_err());
            }
        }
        // It lives on: also what is to go later goes, of what was kept.
        drop(original);
        chain.commit(10);
        chain.ledger.prune(&of(address(21_000), 45)).unwrap();
        chain.rollback(Height(chain.headers.len() as u64 - 3));
        let chain = chain.reopen(other.path());
        verify(&chain.ledger);
        let third = TempDir::new().unwrap();
        drop(restore(third.path(), &chain, &copied(&chain)).unwrap());
    }
}

#[test]
fn a_snapshot_that_lies_is_refused_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let chain = grown(folder.path(), 17);
    chain.ledger.prune(&all(40)).unwrap();
    let bytes = copied(&chain);
    let home = TempDir::new().unwrap();
    let refused = |bytes: &[u8]| {
        let error = restore(home.path(), &chain, bytes).unwrap_err();
        assert!(matches!(error, LedgerError::Snapshot(_)), "{error}");
        let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(left.iter().all(|path| path.ends_with("lock")), "{left:?}");
    };
    let fitting = |mut bytes: Vec<u8>| {
        let body = bytes.len() - 4;
        let crc = crc32fast::hash(&bytes[..body]).to_be_bytes();
        bytes[body..].copy_from_slice(&crc);
        bytes
    };
    for cut in [0, 7, 50, 100, bytes.len() / 2, bytes.len() - 1] {
        refused(&bytes[..cut]);
    }
    let find = |what: &[u8]| {
        bytes.windows(what.len()).rposition(|window| window == what).expect("it is there")
    };
    let remains = (1..40).find_map(|height| {
        let past = chain.ledger.past(chain.hash_at(height)).unwrap().unwrap();
        past.transactions().next().map(|one| match one {
            Remaining::Gone(gone) => *gone,
            Remaining::Kept { .. } => unreachable!("all of it is gone"),
        })
    });
    let gone = remains.unwrap();
    let account = [&[1][..], chain.models[39].accounts.keys().next().unwrap().as_slice()].concat();
    let sender =
        chain.executed[60].as_ref().into_iter().chain(chain.executed[61..].iter().flatten());
    let sender = *sender.flat_map(|executed| executed.senders()).next().unwrap();
    // The front, byte by byte of each field; a header, leaves, a sender, an account.
    let mut places = vec![0, 11, 12, 51, 52, 91, 96];
    places.push(find(chain.headers[20].state_root.as_slice()));
    places.push(find(gone.transaction_leaf.as_slice()));
    places.push(find(gone.receipt_leaf.as_slice()));
    places.push(find(sender.as_slice()));
    places.push(find(&account) + 21 + 4 + 2);
    for at in places {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refused(&fitting(changed));
    }
    let wrong =
        Ledger::restore(home.path(), &chain.spec, &fewer(), chain.hash_at(100), &mut &bytes[..]);
    assert!(wrong.unwrap_err().to_string().contains("it ends with block"));
    // And the right one is taken after all that; a second time there is a ledger already.
    drop(restore(home.path(), &chain, &bytes).unwrap());
    let twice = restore(home.path(), &chain, &bytes).unwrap_err();
    assert!(twice.to_string().contains("holds a ledger already"), "{twice}");
}
