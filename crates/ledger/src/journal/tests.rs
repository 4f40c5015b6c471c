use super::Journal;
use crate::{LedgerError, limits::JOURNAL_RECORD_BYTES_MAX};
use std::fs;
use tempfile::TempDir;

#[test]
fn records_come_back_in_order() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pending");
    let journal = Journal::open(&path).unwrap();
    assert!(journal.replay().unwrap().is_empty());
    journal.append(&[b"one", b"", b"three"]).unwrap();
    journal.append(&[b"four"]).unwrap();
    assert_eq!(journal.replay().unwrap(), [&b"one"[..], b"", b"three", b"four"]);
    journal.append(&[b"five"]).unwrap();
    journal.sync().unwrap();
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.replay().unwrap().len(), 5);
    assert_eq!(journal.bytes(), fs::metadata(&path).unwrap().len());
    journal.rewrite([&b"two"[..], b"six"]).unwrap();
    journal.append(&[b"seven"]).unwrap();
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.replay().unwrap(), [&b"two"[..], b"six", b"seven"]);
}

#[test]
fn a_torn_record_is_cut_off_at_any_byte() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pending");
    let journal = Journal::open(&path).unwrap();
    journal.append(&[b"first"]).unwrap();
    let whole = usize::try_from(journal.bytes()).unwrap();
    journal.append(&[b"second"]).unwrap();
    drop(journal);
    let bytes = fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let journal = Journal::open(&path).unwrap();
        let kept = usize::from(cut >= whole);
        assert_eq!(journal.replay().unwrap().len(), kept, "cut at {cut}");
        journal.append(&[b"next"]).unwrap();
        assert_eq!(journal.replay().unwrap().len(), kept + 1);
    }
    for at in whole..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert_eq!(Journal::open(&path).unwrap().replay().unwrap(), [b"first"]);
    }
}

#[test]
fn something_else_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pending");
    fs::write(&path, b"a file of somebody else").unwrap();
    assert!(matches!(Journal::open(&path), Err(LedgerError::Corrupt(_))));
    assert_eq!(fs::read(&path).unwrap(), b"a file of somebody else");
    let journal = Journal::open(&folder.path().join("other")).unwrap();
    let long = vec![0; JOURNAL_RECORD_BYTES_MAX + 1];
    assert!(matches!(journal.append(&[b"ok", &long]), Err(LedgerError::Io { .. })));
    assert!(journal.replay().unwrap().is_empty());
}
