use super::{
    Body, Entry, Log, LogSettings, Payload, Position,
    open::Seen,
    record::{HEADER_BYTES, RecordHeader},
    segment::{self, SEGMENT_HEADER_BYTES},
};
use crate::{
    LedgerError,
    testing::{Dice, random_changes, slot, transaction},
};
use alloy_consensus::{Eip658Value, Receipt as InnerReceipt, ReceiptWithBloom};
use alloy_primitives::{Address, B256, Bytes, Log as Event, LogData, U256, hex, keccak256};
use hanse_primitives::{
    AccountChange, AccountInfo, Block, Header, Height, Receipt, SealedBlock, StateChanges,
};
use std::{fs, path::Path};
use tempfile::TempDir;

const SETTINGS: LogSettings = LogSettings { sync: true, segment_bytes: 1 << 20 };
const GENESIS: B256 = B256::repeat_byte(7);

fn block(height: u64) -> SealedBlock {
    let mut block = Block {
        header: Header { number: height, withdrawals_root: None, ..Header::default() },
        ..Block::default()
    };
    block.body.transactions = vec![transaction(height).0];
    SealedBlock::new(block)
}

fn body(height: u64) -> Body {
    let changes = random_changes(&mut Dice(height));
    Body::new(&block(height), &[transaction(height).1], &[receipt(true)], &changes)
}

fn receipt(status: bool) -> Receipt {
    let data = LogData::new_unchecked(vec![B256::with_last_byte(9)], Bytes::from_static(b"abc"));
    Receipt::Eip1559(ReceiptWithBloom::from(InnerReceipt {
        status: Eip658Value::Eip658(status),
        cumulative_gas_used: 21_000,
        logs: vec![Event { address: Address::repeat_byte(3), data }],
    }))
}

fn open(folder: &Path, seen: Option<Seen>) -> Result<Log, LedgerError> {
    Log::open(folder.to_owned(), GENESIS, SETTINGS, seen)
}

fn append(log: &Log, heights: std::ops::Range<u64>) -> Vec<Position> {
    let bodies: Vec<_> = heights.clone().map(body).collect();
    let entries: Vec<_> = heights
        .zip(&bodies)
        .map(|(height, body)| Entry { height: Height(height), body, seal: b"seal" })
        .collect();
    log.append(&entries).unwrap()
}

fn heights(log: &Log) -> Vec<u64> {
    let mut cursor = log.cursor_at_genesis();
    std::iter::from_fn(|| cursor.next(log).unwrap().map(|found| found.record.height.0)).collect()
}

fn first_segment(folder: &Path) -> std::path::PathBuf {
    segment::path(folder, 0)
}

/// These bytes are on the disks of members. When this fails, raise `FORMAT`, and keep a way to open
/// what the old version wrote.
#[test]
fn the_bytes_of_a_record_do_not_change() {
    let changes = StateChanges::new(
        vec![
            (
                Address::repeat_byte(1),
                AccountChange {
                    info: Some(AccountInfo {
                        nonce: 300,
                        balance: U256::from(0xabcd_u64),
                        code_hash: B256::repeat_byte(5),
                    }),
                    storage_cleared: true,
                    storage: vec![(U256::from(1), U256::ZERO), (U256::from(256), U256::from(2))],
                },
            ),
            (Address::repeat_byte(2), AccountChange::default()),
        ],
        vec![(B256::repeat_byte(5), Bytes::from_static(b"code"))],
    );
    let old = Receipt::Legacy(ReceiptWithBloom::from(InnerReceipt {
        status: Eip658Value::PostState(B256::repeat_byte(6)),
        cumulative_gas_used: 1,
        logs: Vec::new(),
    }));
    let block = SealedBlock::new(Block::default());
    let body = Body::new(&block, &[Address::repeat_byte(4); 2], &[receipt(false), old], &changes);
    let mut bytes = Vec::new();
    body.put(&mut bytes, 0x0102_0304_0506_0708, Height(11), 3, b"seal");
    assert_eq!(hex::encode(&bytes), include_str!("fixtures/record_v1.hex").trim());
    let header = segment::header(5, 0x0102_0304_0506_0708, GENESIS);
    assert_eq!(hex::encode(header), include_str!("fixtures/segment_v1.hex").trim());

    let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().unwrap();
    let header = RecordHeader::read(head, 0x0102_0304_0506_0708).unwrap();
    assert!(header.matches(head, payload, 0x0102_0304_0506_0708));
    assert!(!header.matches(head, payload, 0x0102_0304_0506_0709));
    assert_eq!((header.height, header.batch_index), (Height(11), 3));
    let payload = Payload::split(payload, false).unwrap();
    assert_eq!(payload.changes().unwrap(), changes);
    assert_eq!(payload.block().unwrap(), block);
    assert_eq!(payload.senders().unwrap(), [Address::repeat_byte(4); 2]);
    assert_eq!(payload.seal(), Bytes::from_static(b"seal"));
    let receipts = payload.receipts().unwrap();
    assert_eq!(receipts[0], receipt(false));
    assert_eq!(receipts.len(), 2);
}

#[test]
fn changes_and_receipts_survive_encoding() {
    for seed in 0..200 {
        let changes = random_changes(&mut Dice(seed));
        let mut bytes = Vec::new();
        crate::codec::put_changes(&mut bytes, &changes);
        assert_eq!(crate::codec::read_changes(&bytes).unwrap(), changes);
        for cut in 0..bytes.len() {
            assert!(crate::codec::read_changes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
    assert!(slot(1) > U256::from(1));
}

#[test]
fn what_was_appended_is_read_again() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    assert!(log.is_empty());
    let positions = append(&log, 0..3);
    let more = append(&log, 3..4);
    assert_eq!(heights(&log), [0, 1, 2, 3]);
    let read = log.read(more[0]).unwrap();
    assert_eq!(read.height, Height(3));
    let payload = Payload::split(&read.payload, false).unwrap();
    assert_eq!(payload.block().unwrap(), block(3));
    assert_eq!(log.read_header(positions[1]).unwrap(), *block(1).header());
    let bytes = log.bytes();
    drop(log);
    let log = open(folder.path(), None).unwrap();
    assert_eq!(heights(&log), [0, 1, 2, 3]);
    assert_eq!(log.bytes(), bytes);
    append(&log, 4..5);
    assert_eq!(heights(&log), [0, 1, 2, 3, 4]);
}

#[test]
fn a_long_header_is_read_too() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    let header = Header { extra_data: vec![1; 5000].into(), ..Header::default() };
    let block = SealedBlock::new(Block { header: header.clone(), ..Block::default() });
    let body = Body::new(&block, &[], &[], &StateChanges::default());
    let entry = Entry { height: Height(0), body: &body, seal: &[] };
    let positions = log.append(&[entry]).unwrap();
    assert_eq!(log.read_header(positions[0]).unwrap(), header);
}

#[test]
fn a_record_cut_at_any_byte_is_taken_off_and_those_before_it_stay() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    append(&log, 0..2);
    let whole = log.bytes();
    append(&log, 2..3);
    let end = log.bytes();
    drop(log);
    let path = first_segment(folder.path());
    let bytes = fs::read(&path).unwrap();
    for cut in whole..end {
        fs::write(&path, &bytes[..usize::try_from(cut).unwrap()]).unwrap();
        let log = open(folder.path(), None).unwrap();
        assert_eq!(heights(&log), [0, 1], "cut at {cut}");
        assert_eq!(log.bytes(), whole);
        append(&log, 2..3);
        assert_eq!(heights(&log), [0, 1, 2]);
    }
}

#[test]
fn pages_of_the_last_write_may_be_missing_in_any_order() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    append(&log, 0..2);
    let whole = usize::try_from(log.bytes()).unwrap();
    append(&log, 2..6);
    drop(log);
    let path = first_segment(folder.path());
    let bytes = fs::read(&path).unwrap();
    for page in (whole..bytes.len()).step_by(64) {
        let mut torn = bytes.clone();
        let end = (page + 64).min(torn.len());
        torn[page..end].fill(0);
        if torn == bytes {
            continue; // a part of an empty bloom filter
        }
        fs::write(&path, &torn).unwrap();
        let log = open(folder.path(), None).unwrap();
        let kept = heights(&log);
        assert!(kept.len() >= 2 && kept.len() < 6, "{kept:?}");
        assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn damage_in_front_of_an_acknowledged_record_is_not_cut_off() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    append(&log, 0..1);
    append(&log, 1..2);
    let last = usize::try_from(log.bytes()).unwrap();
    append(&log, 2..3);
    drop(log);
    let path = first_segment(folder.path());
    let bytes = fs::read(&path).unwrap();
    for at in usize::try_from(SEGMENT_HEADER_BYTES).unwrap()..last {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let error = open(folder.path(), None).unwrap_err();
        assert!(matches!(error, LedgerError::Corrupt(_)), "byte {at}: {error}");
        assert_eq!(fs::read(&path).unwrap(), flipped, "nothing is changed");
    }
}

#[test]
fn damage_in_what_the_store_has_seen_is_not_cut_off() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    let positions = append(&log, 0..2);
    drop(log);
    let path = first_segment(folder.path());
    let bytes = fs::read(&path).unwrap();
    let seen = Seen { height: Height(1), position: positions[1] };
    for at in usize::try_from(positions[1].offset).unwrap()..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x80;
        fs::write(&path, &flipped).unwrap();
        assert!(matches!(open(folder.path(), Some(seen)), Err(LedgerError::Corrupt(_))));
        fs::write(&path, &bytes[..at]).unwrap();
        assert!(matches!(open(folder.path(), Some(seen)), Err(LedgerError::Corrupt(_))));
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(open(folder.path(), Some(seen)), Err(LedgerError::Corrupt(_))));
}

/// A transaction carries the bytes of a valid record of another ledger in its data. When the record
/// around it is torn, the search for acknowledged records must not take it for one.
#[test]
fn a_record_inside_a_transaction_is_not_taken_for_one() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    append(&log, 0..1);
    let mut forged = Vec::new();
    body(9).put(&mut forged, 1, Height(9), 0, b"");
    let changes = StateChanges::new(Vec::new(), vec![(keccak256(&forged), forged.into())]);
    let carrier = Body::new(&block(1), &[transaction(1).1], &[receipt(true)], &changes);
    log.append(&[Entry { height: Height(1), body: &carrier, seal: b"" }]).unwrap();
    drop(log);
    let path = first_segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(heights(&open(folder.path(), None).unwrap()), [0]);
}

#[test]
fn a_segment_that_was_being_made_is_made_again() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path(), None).unwrap());
    let path = first_segment(folder.path());
    let bytes = fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(open(folder.path(), None).unwrap().is_empty());
    }
    let log = open(folder.path(), None).unwrap();
    append(&log, 0..2);
    drop(log);
    let second = segment::path(folder.path(), 1);
    fs::write(&second, &bytes[..20]).unwrap();
    let log = open(folder.path(), None).unwrap();
    assert_eq!(heights(&log), [0, 1]);
    assert!(!second.exists());
}

#[test]
fn segments_of_another_chain_or_format_or_missing_ones_are_named() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path(), None).unwrap());
    let other = Log::open(folder.path().to_owned(), B256::ZERO, SETTINGS, None).unwrap_err();
    assert!(matches!(other, LedgerError::OtherGenesis { found: GENESIS, .. }), "{other}");
    let path = first_segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[11] = 99;
    let crc = crc32fast::hash(&bytes[..56]);
    bytes[56..60].copy_from_slice(&crc.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let format = open(folder.path(), None).unwrap_err();
    assert!(matches!(format, LedgerError::Format { found: 99, expected: 1, .. }), "{format}");
    fs::rename(&path, segment::path(folder.path(), 1)).unwrap();
    assert!(matches!(open(folder.path(), None), Err(LedgerError::Corrupt(_))));
}

fn open_small(folder: &Path) -> Log {
    let settings = LogSettings { sync: true, segment_bytes: 3000 };
    Log::open(folder.to_owned(), GENESIS, settings, None).unwrap()
}

#[test]
fn records_go_on_from_segment_to_segment() {
    let folder = TempDir::new().unwrap();
    let log = open_small(folder.path());
    let mut positions = append(&log, 0..3);
    positions.extend(append(&log, 3..20)); // one commit over several segments
    let segments = positions.last().unwrap().segment;
    assert!(segments >= 3, "{positions:?}");
    let all: Vec<_> = (0..20).collect();
    assert_eq!(heights(&log), all);
    for (height, position) in positions.iter().enumerate() {
        assert_eq!(log.read(*position).unwrap().height, Height(height as u64));
    }
    drop(log);
    let log = open_small(folder.path());
    assert_eq!(heights(&log), all);
    // Damage at the end of a segment that is not the last is no torn record.
    drop(log);
    let path = segment::path(folder.path(), 1);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let error = open(folder.path(), None).unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt(_)), "{error}");
    fs::write(&path, &bytes).unwrap();
    let log = open_small(folder.path());
    for keep in [17, 11, 5, 1] {
        let position = positions[keep];
        log.cut((position.segment, u64::from(position.offset))).unwrap();
        assert_eq!(heights(&log), all[..keep]);
        assert_eq!(heights(&open_small(folder.path())), all[..keep]);
    }
    append(&log, 1..9);
    assert_eq!(heights(&open_small(folder.path())), all[..9]);
}

/// A process was killed between making a segment and writing the first record into it. Verification
/// called the empty segment damage; it is where the log goes on.
#[test]
fn an_empty_last_segment_is_no_damage() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path(), None).unwrap();
    let positions = append(&log, 0..3);
    let end = log.read_fresh(positions[2]).unwrap().end;
    log.check_end(end).unwrap();
    drop(log);
    drop(segment::Segment::create(folder.path(), 1, GENESIS).unwrap());
    let log = open(folder.path(), None).unwrap();
    assert_eq!(heights(&log), [0, 1, 2]);
    log.check_end(end).unwrap();
    let next = append(&log, 3..4);
    assert_eq!((next[0].segment, heights(&log).len()), (1, 4));
    log.check_follows(Some(end), next[0]).unwrap();
    assert!(log.check_end(end).is_err(), "a record follows");
    assert!(log.check_follows(Some((0, end.1 - 1)), next[0]).is_err(), "a byte is nobody's");
    log.check_end(log.read_fresh(next[0]).unwrap().end).unwrap();
}
