use super::Journal;
use crate::{LedgerError, limits::JOURNAL_RECORD_BYTES_MAX};
use alloy_primitives::hex;
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

/// These bytes are on the disks of members. When this fails, raise the version in `MAGIC`, and keep a
/// way to open what the old version wrote.
#[test]
fn the_bytes_of_a_journal_do_not_change() {
    let fixture = hex::decode(include_str!("fixtures/journal_v1.hex").trim()).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pending");
    let records = [&b"a record"[..], b"", &[0xff; 300]];
    let journal = Journal::open(&path).unwrap();
    journal.append(&records).unwrap();
    assert_eq!(hex::encode(fs::read(&path).unwrap()), hex::encode(&fixture));
    journal.rewrite(records).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fixture, "written anew it is the same");
    drop(journal);
    fs::write(&path, &fixture).unwrap();
    assert_eq!(Journal::open(&path).unwrap().replay().unwrap(), records);
}
