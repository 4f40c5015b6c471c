//! A ledger whose log holds hostile bytes.

use super::{Seeds, Target, world::settings};
use alloy_primitives::Bytes;
use hanse_ledger::{
    Ledger, LedgerError, StoredBlock,
    testing::{Dice, execute, random_changes, spec, transaction},
};
use hanse_primitives::{ChainSpec, Height};
use std::{fs, path::Path};

/// Blocks of the chain, genesis included.
const BLOCKS: u64 = 5;

/// Bytes before the first record of a segment, and the place of the salt in them.
const SEGMENT_HEADER_BYTES: usize = 60;
const SALT: std::ops::Range<usize> = 16..24;

/// Bytes before the payload of a record.
const RECORD_HEADER_BYTES: usize = 24;

/// Opens a ledger whose log is these bytes; when the first is odd, with the checksums made right, so
/// that what is behind them is reached. True when the chain is there as it was written.
///
/// Damage is an error and never a panic. A ledger that opens and verifies without a problem holds
/// the blocks that were written, though perhaps not all, and the last may be another.
#[must_use]
pub fn ledger() -> Target {
    let spec = spec(3);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let written = read(&chain(folder.path(), &spec)).expect("a new chain can be read");
    drop(folder);
    Box::new(move |bytes| {
        let Some((mode, log)) = bytes.split_first() else { return false };
        let mut log = log.to_vec();
        if mode % 2 == 1 {
            make_checksums_right(&mut log);
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("log")).expect("the folder is empty");
        fs::write(segment(folder.path()), log).expect("the folder can be written");
        let ledger = match Ledger::open(folder.path(), &spec, settings()) {
            Ok(ledger) => ledger,
            Err(error) => {
                check_blame(&error);
                return false;
            }
        };
        let report = ledger.verify(&mut |_| {}).expect("damage is told in the report");
        if !report.problems.is_empty() {
            let _ = read(&ledger).map_err(|error| check_blame(&error));
            return false;
        }
        let found = read(&ledger).expect("a ledger without a problem can be read");
        for (found, written) in found[..found.len() - 1].iter().zip(&written) {
            assert_eq!(found.block(), written.block());
            assert_eq!(found.senders(), written.senders());
            assert_eq!(found.receipts(), written.receipts());
        }
        found.len() == written.len()
    })
}

/// The disk is to blame, neither the caller nor the store's library.
fn check_blame(error: &LedgerError) {
    let blamed = matches!(
        error,
        LedgerError::Corrupt(_)
            | LedgerError::Format { .. }
            | LedgerError::OtherGenesis { .. }
            | LedgerError::Pruned(_)
    );
    assert!(blamed, "{error}");
}

fn read(ledger: &Ledger) -> Result<Vec<StoredBlock>, LedgerError> {
    ledger.blocks(Height::GENESIS)?.map(|past| past?.whole()).collect()
}

fn segment(folder: &Path) -> std::path::PathBuf {
    folder.join("log").join("00000000.log")
}

/// A few blocks in a new ledger.
pub(super) fn chain(folder: &Path, spec: &ChainSpec) -> Ledger {
    let ledger = Ledger::open(folder, spec, settings()).expect("the folder is empty");
    let mut parent = spec.genesis_block_sealed().header().clone();
    for number in 1..BLOCKS {
        let transactions = (0..number).map(|each| transaction(number * 10 + each)).collect();
        let changes = random_changes(&mut Dice(number));
        let (executed, root) = execute(&ledger, &parent, transactions, changes, 0);
        parent = executed.block().header().clone();
        let hash = executed.block().hash();
        ledger
            .insert(executed, Some(root))
            .and_then(|()| ledger.set_head(hash))
            .and_then(|_| ledger.finalize(hash, Bytes::from_static(b"seal")))
            .expect("a block on the head can be adopted");
    }
    ledger
}

/// Computes the checksum of every record that the lengths lead to, from the description of the
/// format and not with the ledger's code.
fn make_checksums_right(log: &mut [u8]) {
    let Some(salt) = log.get(SALT).map(<[u8]>::to_vec) else { return };
    let mut rest = log.get_mut(SEGMENT_HEADER_BYTES..).unwrap_or_default();
    while let Some((head, behind)) = rest.split_first_chunk_mut::<RECORD_HEADER_BYTES>() {
        let length = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        let length = usize::try_from(length).expect("32 bits fit a usize");
        let Some((payload, behind)) = behind.split_at_mut_checked(length) else { return };
        let mut crc = crc32fast::Hasher::new();
        crc.update(&salt);
        crc.update(payload);
        crc.update(&head[8..]);
        head[..4].copy_from_slice(&salt[..4]);
        head[4..8].copy_from_slice(&crc.finalize().to_be_bytes());
        rest = behind;
    }
}

/// A log as it was written, for either mode.
pub(super) fn seeds() -> Seeds {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    drop(chain(folder.path(), &spec(3)));
    let log = fs::read(segment(folder.path())).expect("the log is there");
    let with = |mode: u8, log: &[u8]| [&[mode], log].concat();
    vec![
        ("good-plain".to_owned(), with(0, &log)),
        ("good-summed".to_owned(), with(1, &log)),
        ("torn".to_owned(), with(0, &log[..log.len() - 9])),
    ]
}
