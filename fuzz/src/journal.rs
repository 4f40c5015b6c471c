//! The journal of pending transactions, as a crash or a bad disk leaves it.

use super::{Seeds, Target};
use hanse_ledger::{Journal, LedgerError};
use std::{fs, path::Path};

/// Opens a journal of these bytes. True when records are in it.
///
/// Another program's file is left alone. Of a journal the whole records stay, and what is appended
/// comes behind them.
#[must_use]
pub fn journal() -> Target {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    Box::new(move |bytes| {
        // Targets are called from one thread at a time, and each call leaves the folder empty.
        let path = folder.path().join("journal");
        fs::write(&path, bytes).expect("the temporary folder can be written");
        let held = open(&path, bytes);
        fs::remove_file(&path).expect("the file is there");
        held
    })
}

fn open(path: &Path, bytes: &[u8]) -> bool {
    let journal = match Journal::open(path) {
        Ok(journal) => journal,
        Err(LedgerError::Corrupt(_)) => {
            assert_eq!(fs::read(path).expect("the file is there"), bytes, "it is not ours");
            return false;
        }
        Err(error) => panic!("bytes have made the disk fail: {error}"),
    };
    let mut records = journal.replay().expect("the file can be read");
    let held = !records.is_empty();
    assert!(records.iter().map(Vec::len).sum::<usize>() <= bytes.len());
    journal.append(&[b"one more"]).expect("the file can be written");
    records.push(b"one more".to_vec());
    assert_eq!(journal.replay().expect("the file can be read"), records);
    drop(journal);
    let journal = Journal::open(path).expect("it was a journal before");
    assert_eq!(journal.replay().expect("the file can be read"), records);
    held
}

/// What a node writes: whole, torn, and something else.
pub(super) fn seeds() -> Seeds {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("journal");
    let journal = Journal::open(&path).expect("the folder is empty");
    let empty = fs::read(&path).expect("the file is there");
    journal.append(&[b"first", b"", b"third"]).expect("the file can be written");
    let whole = fs::read(&path).expect("the file is there");
    vec![
        ("empty".to_owned(), empty),
        ("good-torn".to_owned(), whole[..whole.len() - 2].to_vec()),
        ("good-whole".to_owned(), whole),
        ("other".to_owned(), b"a file of somebody else".to_vec()),
    ]
}
