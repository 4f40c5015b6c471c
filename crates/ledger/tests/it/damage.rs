//! Bytes that change on the disk.

use crate::chain::{Chain, settings};
use hanse_ledger::{Ledger, LedgerError};
use hanse_primitives::ChainSpec;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

/// True when opening or verifying the ledger says that something is wrong.
fn is_found(folder: &Path, spec: &ChainSpec) -> bool {
    match Ledger::open(folder, spec, settings()) {
        Ok(ledger) => !ledger.verify(&mut |_| {}).unwrap().problems.is_empty(),
        Err(error) => {
            assert!(!error.is_caller_fault(), "{error}");
            true
        }
    }
}

fn filled(folder: &Path) -> Chain {
    let mut chain = Chain::open(folder, 13);
    chain.commit(12);
    chain.ledger.checkpoint().unwrap();
    chain
}

#[test]
fn a_sound_ledger_has_no_problems() {
    let folder = TempDir::new().unwrap();
    let mut chain = filled(folder.path());
    chain.commit(3);
    let mut heights = Vec::new();
    let report = chain.ledger.verify(&mut |height| heights.push(height.0)).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(heights, (0..=15).collect::<Vec<_>>());
    let transactions: usize =
        chain.executed.iter().flatten().map(|executed| executed.block().transactions().len()).sum();
    assert_eq!(report.blocks, 16);
    assert_eq!(report.transactions, transactions as u64);
    assert_eq!(report.accounts, chain.models.last().unwrap().accounts.len() as u64);
}

#[test]
fn a_flipped_byte_of_the_log_is_found_wherever_it_is() {
    let folder = TempDir::new().unwrap();
    let chain = filled(folder.path());
    let spec = chain.spec.clone();
    drop(chain);
    let path = folder.path().join("log/00000000.log");
    let bytes = fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(149).chain([8, 16, 24, 56, bytes.len() - 1]) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, &flipped).unwrap();
        assert!(is_found(folder.path(), &spec), "byte {at} of {}", bytes.len());
    }
    fs::write(&path, &bytes).unwrap();
    assert!(!is_found(folder.path(), &spec));
}

#[test]
fn a_flipped_byte_of_a_table_of_the_store_is_found() {
    let folder = TempDir::new().unwrap();
    let chain = filled(folder.path());
    let spec = chain.spec.clone();
    drop(chain);
    let tables: Vec<_> = files(folder.path())
        .into_iter()
        .filter(|path| path.parent().is_some_and(|parent| parent.ends_with("tables")))
        .collect();
    assert!(tables.len() >= 8, "{tables:?}");
    let (mut checked, mut missed) = (0, Vec::new());
    for path in tables {
        let name = path.strip_prefix(folder.path()).unwrap();
        let length = fs::metadata(&path).unwrap().len() as usize;
        for at in (11..length).step_by(length.max(600) / 5) {
            let damaged = TempDir::new().unwrap();
            copy(folder.path(), damaged.path());
            let mut bytes = fs::read(&path).unwrap();
            bytes[at] ^= 0x10;
            fs::write(damaged.path().join(name), &bytes).unwrap();
            match Ledger::open(damaged.path(), &spec, settings()) {
                Err(_) => {}
                Ok(ledger) => {
                    let report = ledger.verify(&mut |_| {}).unwrap();
                    // Opening removes tables that have been merged into others.
                    if report.problems.is_empty() && damaged.path().join(name).exists() {
                        missed.push(format!("byte {at} of {length} in {}", name.display()));
                    }
                }
            }
            checked += 1;
        }
    }
    assert!(checked > 10);
    // The newest table of the meta space answers, and the filters of the older ones are never read.
    missed.retain(|place| !place.contains("keyspaces/10/"));
    assert_eq!(missed, Vec::<String>::new(), "of {checked}");
}

#[test]
fn bytes_behind_the_last_block_are_found() {
    let folder = TempDir::new().unwrap();
    let chain = filled(folder.path());
    let spec = chain.spec.clone();
    let path = folder.path().join("log/00000000.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"stray");
    fs::write(&path, &bytes).unwrap();
    let report = chain.ledger.verify(&mut |_| {}).unwrap();
    assert!(!report.problems.is_empty());
    drop(chain);
    // At the next opening they look like a record that was being written, and are cut off.
    assert!(!is_found(folder.path(), &spec));
}

#[test]
fn a_log_that_lost_what_the_store_has_seen_is_refused() {
    let folder = TempDir::new().unwrap();
    let chain = filled(folder.path());
    let spec = chain.spec.clone();
    drop(chain);
    let path = folder.path().join("log/00000000.log");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let error = Ledger::open(folder.path(), &spec, settings()).unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt(_)), "{error}");
    fs::remove_dir_all(folder.path().join("log")).unwrap();
    let error = Ledger::open(folder.path(), &spec, settings()).unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt(_)), "{error}");
}

/// A ledger that had given up still wrote a checkpoint when it was dropped, so that the store could know of
/// blocks that the log had lost, and the next opening refused the folder. Now nothing is written any more.
#[test]
fn an_abandoned_ledger_writes_nothing_more() {
    let folder = TempDir::new().unwrap();
    let large = hanse_ledger::Settings { checkpoint_bytes: 1 << 30, ..settings() };
    let mut chain = Chain::open_with(folder.path(), 14, large.clone());
    chain.commit(3);
    let log = files(&folder.path().join("log")).pop().unwrap();
    let before = fs::metadata(&log).unwrap().len();
    chain.commit(1);
    let Chain { ledger, spec, headers, .. } = chain;
    ledger.abandon();
    // The machine stopped in the middle of the last record.
    let after = fs::metadata(&log).unwrap().len();
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len((before + after) / 2).unwrap();
    let ledger = Ledger::open(folder.path(), &spec, large).unwrap();
    assert_eq!(ledger.head().hash, headers[3].hash_slow());
}
