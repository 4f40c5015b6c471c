//! Opening the log: finds its end, and tells a torn end from damage.

use super::{
    Log, LogSettings, Position, Tail,
    cursor::Step,
    record::{HEADER_BYTES, RecordHeader, mark},
    rewrite,
    segment::{self, BadHeader, SEGMENT_HEADER_BYTES, Segment, sync_directory},
};
use crate::LedgerError;
use alloy_primitives::B256;
use hanse_primitives::Height;
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The last record that the store has seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) height: Height,
    pub(crate) position: Position,
}

impl Log {
    /// Opens the log in `directory`, or makes an empty one. Checks every record from `seen` on (all,
    /// when the store has seen none).
    ///
    /// A record that was being written when the machine stopped is cut off. Anything else that is
    /// not a record is damage, and nothing is changed then.
    pub(crate) fn open(
        directory: PathBuf,
        genesis: B256,
        settings: LogSettings,
        seen: Option<Seen>,
    ) -> Result<Self, LedgerError> {
        fs::create_dir_all(&directory)
            .map_err(|source| LedgerError::io("create", &directory, source))?;
        rewrite::remove_unfinished(&directory)?;
        let numbers = segments(&directory)?;
        let last = match numbers.last() {
            Some(last) => drop_torn_segment(&directory, *last, genesis)?,
            None => None,
        };
        let tail = match last {
            Some(segment) => segment,
            None if seen.is_some() => {
                return Err(LedgerError::Corrupt(format!(
                    "{} holds no blocks, but the store has seen some",
                    directory.display()
                )));
            }
            None => Segment::create(&directory, 0, genesis)?,
        };
        // Until the end is known, everything in the file counts as appended.
        let end = tail.length()?;
        let log = Self {
            genesis,
            settings,
            tail: Mutex::new(Tail { segment: Arc::new(tail), offset: end, failed: None }),
            readers: RwLock::new(BTreeMap::new()),
            rewritten: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            sync_micros: AtomicU64::new(0),
            directory,
        };
        log.find_end(seen)?;
        log.bytes.store(log.measure()?, Ordering::Relaxed);
        Ok(log)
    }

    fn find_end(&self, seen: Option<Seen>) -> Result<(), LedgerError> {
        let mut cursor = match seen {
            Some(seen) => self.cursor(seen.position),
            None => self.cursor_at_genesis(),
        };
        let mut expected = seen.map_or(Height::GENESIS, |seen| seen.height);
        let mut must_exist = seen.is_some();
        loop {
            let last = self.end().0;
            if cursor.place().0 > last {
                let (segment, offset) = cursor.place();
                return Err(LedgerError::Corrupt(format!(
                    "the block log ends before byte {offset} of segment {segment}, which the store has seen"
                )));
            }
            match cursor.step(self)? {
                Step::Record(found) if found.record.height != expected => {
                    let what = format!(
                        "the block at height {} where {expected} belongs",
                        found.record.height
                    );
                    return Err(self.corrupt(found.position, &what));
                }
                Step::Record(_) => {
                    expected = expected.next();
                    must_exist = false;
                }
                Step::End if cursor.place().0 < last => cursor.next_segment(),
                Step::End if must_exist => {
                    let (segment, offset) = cursor.place();
                    return Err(LedgerError::Corrupt(format!(
                        "the block log ends at byte {offset} of segment {segment}; the store has seen more"
                    )));
                }
                Step::End => return Ok(()),
                Step::Bad { offset, what } => {
                    let torn = !must_exist
                        && cursor.place().0 == last
                        && self.is_torn(offset, expected)?;
                    if !torn {
                        return Err(cursor.file(self)?.corrupt(offset, what));
                    }
                    let mut tail = self.tail.lock();
                    tracing::warn!(
                        height = expected.0,
                        bytes = tail.offset - offset,
                        "cut an unfinished record off the block log"
                    );
                    tail.segment.cut(offset)?;
                    tail.offset = offset;
                    return Ok(());
                }
            }
        }
    }

    /// True when nothing behind `offset` in the last segment was ever acknowledged: no whole record
    /// follows, or only such of the very commit whose record is bad (the system may write the pages
    /// of one write in any order).
    fn is_torn(&self, offset: u64, expected: Height) -> Result<bool, LedgerError> {
        let (segment, end) = {
            let tail = self.tail.lock();
            (tail.segment.clone(), tail.offset)
        };
        let length = usize::try_from(end - offset)
            .map_err(|_| segment.corrupt(offset, "more bytes than fit in memory"))?;
        let mut bytes = vec![0; length];
        segment.read(offset, &mut bytes)?;
        let mut from = 1;
        while let Some(at) = find(&bytes, mark(segment.salt), from) {
            from = at + 1;
            let Some((head, rest)) = bytes[at..].split_first_chunk::<HEADER_BYTES>() else { break };
            let Ok(header) = RecordHeader::read(head, segment.salt) else { continue };
            let Some(payload) = rest.get(..header.payload_bytes()) else { continue };
            if !header.matches(head, payload, segment.salt) {
                continue;
            }
            let commit_began = header.height.0.saturating_sub(u64::from(header.batch_index));
            if commit_began > expected.0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Cuts off everything from a place on. A crash in the middle leaves a prefix of the log
    /// that is longer than asked for; the caller has noted what it wants and cuts again.
    pub(crate) fn cut(&self, (number, offset): (u32, u64)) -> Result<(), LedgerError> {
        let mut tail = self.tail.lock();
        self.readers.write().clear();
        while tail.segment.number > number {
            let path = segment::path(&self.directory, tail.segment.number);
            let before = Segment::open(&self.directory, tail.segment.number - 1, self.genesis)?;
            fs::remove_file(&path).map_err(|source| LedgerError::io("remove", &path, source))?;
            sync_directory(&self.directory)?;
            tail.offset = before.length()?;
            tail.segment = Arc::new(before);
        }
        if tail.offset > offset {
            tail.segment.cut(offset)?;
            tail.offset = offset;
        }
        drop(tail);
        self.bytes.store(self.measure()?, Ordering::Relaxed);
        Ok(())
    }

    fn measure(&self) -> Result<u64, LedgerError> {
        let mut bytes = 0;
        for number in segments(&self.directory)? {
            let path = segment::path(&self.directory, number);
            let metadata = fs::metadata(&path);
            let metadata = metadata.map_err(|source| LedgerError::io("look at", &path, source))?;
            bytes += rewrite::disk_bytes(&metadata);
        }
        Ok(bytes)
    }
}

/// The numbers of the segments, which must follow each other from 0.
fn segments(directory: &Path) -> Result<BTreeSet<u32>, LedgerError> {
    let io = |source| LedgerError::io("list", directory, source);
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(directory).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        numbers.extend(name.to_str().and_then(segment::number_of));
    }
    match numbers.iter().zip(0_u32..).find(|(number, expected)| **number != *expected) {
        Some((_, missing)) => Err(LedgerError::Corrupt(format!(
            "{} is missing",
            segment::path(directory, missing).display()
        ))),
        None => Ok(numbers),
    }
}

/// Opens the last segment. When it was just being created as the machine stopped (it has no more
/// than a part of a header), it is removed and the one before it is the last; `None` when there is
/// none before it.
fn drop_torn_segment(
    directory: &Path,
    last: u32,
    genesis: B256,
) -> Result<Option<Segment>, LedgerError> {
    let path = segment::path(directory, last);
    let length =
        fs::metadata(&path).map_err(|source| LedgerError::io("look at", &path, source))?.len();
    let torn = matches!(Segment::open_checked(directory, last, genesis)?, Err(BadHeader::Torn));
    if !torn || length > SEGMENT_HEADER_BYTES {
        return Segment::open(directory, last, genesis).map(Some);
    }
    fs::remove_file(&path).map_err(|source| LedgerError::io("remove", &path, source))?;
    sync_directory(directory)?;
    match last.checked_sub(1) {
        Some(before) => Segment::open(directory, before, genesis).map(Some),
        None => Ok(None),
    }
}

/// Where the next record may begin, at `from` or later.
fn find(bytes: &[u8], mark: [u8; 4], from: usize) -> Option<usize> {
    let at = bytes.get(from..)?.windows(mark.len()).position(|window| window == mark)?;
    Some(from + at)
}
