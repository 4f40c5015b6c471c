//! The block log: append-only segment files, one record a final block. It is the truth; everything
//! in the store can be made anew from it.
//!
//! A segment is `log/<number>.log`: [`SEGMENT_HEADER_BYTES`] of header, then records back to back.
//! See [`record`] for their bytes.

mod cursor;
mod open;
mod pruned;
mod receipts;
mod record;
mod rewrite;
mod segment;
#[cfg(test)]
mod tests;

pub(crate) use cursor::{Cursor, Found};
pub(crate) use open::Seen;
pub use pruned::Gone;
pub(crate) use pruned::{Left, put_left};
pub(crate) use record::{Body, Payload};
pub(crate) use segment::sync_directory;

use crate::{LedgerError, Settings, codec::Malformed, limits};
use alloy_primitives::B256;
use hanse_primitives::{Header, Height};
use parking_lot::{Mutex, RwLock};
use record::{FRONT_BYTES, HEADER_BYTES, RecordHeader};
use segment::Segment;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The version of the bytes in a segment. Raise it when a fixture of `log/tests.rs` changes.
pub(crate) const FORMAT: u32 = 1;

/// Where a record begins. The order of positions is the order of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
}

/// A record that was read, with its CRC checked.
#[derive(Debug)]
pub(crate) struct RawRecord {
    pub(crate) height: Height,
    pub(crate) payload: Vec<u8>,
    /// Something of it has been pruned.
    pub(crate) is_pruned: bool,
    /// Bytes of the place that it has in the log.
    pub(crate) bytes: usize,
}

/// A record that was read for verification.
#[derive(Debug)]
pub(crate) struct FreshRecord {
    pub(crate) record: RawRecord,
    /// Segment and offset behind it.
    pub(crate) end: (u32, u64),
}

impl RawRecord {
    fn new(header: &RecordHeader, payload: Vec<u8>) -> Self {
        Self {
            height: header.height,
            payload,
            is_pruned: header.left.is_some(),
            bytes: HEADER_BYTES + header.length,
        }
    }

    /// Its parts.
    pub(crate) fn split(&self) -> Result<Payload<'_>, Malformed> {
        Payload::split(&self.payload, self.is_pruned)
    }
}

/// One record to append.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) height: Height,
    pub(crate) body: &'a Body,
    pub(crate) seal: &'a [u8],
}

/// How the log is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogSettings {
    /// `fdatasync` each commit.
    pub(crate) sync: bool,
    /// Bytes after which a segment takes no further record; at most [`limits::SEGMENT_BYTES`].
    pub(crate) segment_bytes: u64,
}

impl LogSettings {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            sync: settings.sync,
            segment_bytes: settings.segment_bytes.min(limits::SEGMENT_BYTES),
        }
    }
}

/// The open block log. One writer at a time; readers are not held up by it.
#[derive(Debug)]
pub(crate) struct Log {
    directory: PathBuf,
    genesis: B256,
    settings: LogSettings,
    tail: Mutex<Tail>,
    /// Segments open for reading, at most [`limits::OPEN_SEGMENTS_MAX`].
    readers: RwLock<BTreeMap<u32, Arc<Segment>>>,
    /// How often a segment has been written anew: an older file of it must not stay open.
    rewritten: AtomicU64,
    bytes: AtomicU64,
    /// Microseconds that commits have waited for the disk. Measured, never acted upon.
    sync_micros: AtomicU64,
}

#[derive(Debug)]
struct Tail {
    segment: Arc<Segment>,
    offset: u64,
    /// Why nothing may be appended any more: after a failed write or sync the system may have
    /// dropped our pages, so that a second try that succeeds proves nothing.
    failed: Option<String>,
}

impl Log {
    /// Appends the records of one commit with one write and, unless the settings say otherwise, one
    /// `fdatasync`. They are durable when this returns.
    pub(crate) fn append(&self, entries: &[Entry<'_>]) -> Result<Vec<Position>, LedgerError> {
        let mut tail = self.tail.lock();
        if let Some(reason) = &tail.failed {
            return Err(LedgerError::Stopped(reason.clone()));
        }
        let outcome = self.append_to(&mut tail, entries);
        if let Err(error) = &outcome {
            tail.failed = Some(error.to_string());
        }
        outcome
    }

    fn append_to(
        &self,
        tail: &mut Tail,
        entries: &[Entry<'_>],
    ) -> Result<Vec<Position>, LedgerError> {
        if tail.offset >= self.settings.segment_bytes {
            self.rotate(tail)?;
        }
        let bytes = entries.iter().map(|entry| entry.body.record_bytes(entry.seal)).sum();
        let mut buffer = Vec::with_capacity(bytes);
        let mut positions = Vec::with_capacity(entries.len());
        let mut written = 0;
        for (at, entry) in entries.iter().enumerate() {
            // A commit of many records may cross the end of a segment: what came before is synced
            // by `rotate`, so that no record can be there without those before it.
            if tail.offset + length_of(&buffer) >= self.settings.segment_bytes {
                self.write(tail, &mut buffer)?;
                self.rotate(tail)?;
                written = 0;
            }
            let offset = tail.offset + length_of(&buffer);
            positions.push(Position {
                segment: tail.segment.number,
                offset: u32::try_from(offset)
                    .expect("records begin below SEGMENT_BYTES, which fits 32 bits"),
            });
            let index = u32::try_from(at).unwrap_or(u32::MAX);
            entry.body.put(&mut buffer, tail.segment.salt, entry.height, index, entry.seal);
            written += 1;
        }
        assert!(written > 0 || entries.is_empty(), "every record is written");
        self.write(tail, &mut buffer)?;
        if self.settings.sync {
            let begun = Instant::now();
            tail.segment.sync()?;
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.sync_micros.fetch_add(micros, Ordering::Relaxed);
        }
        Ok(positions)
    }

    /// Appends a record as a snapshot has it; it is durable after [`Log::sync`].
    pub(crate) fn append_record(
        &self,
        height: Height,
        payload: &[u8],
        is_pruned: bool,
    ) -> Result<Position, LedgerError> {
        let mut tail = self.tail.lock();
        if tail.offset >= self.settings.segment_bytes {
            self.rotate(&mut tail)?;
        }
        let position = Position {
            segment: tail.segment.number,
            offset: u32::try_from(tail.offset)
                .expect("records begin below SEGMENT_BYTES, which fits 32 bits"),
        };
        let mut record = match is_pruned {
            true => record::pruned_record(tail.segment.salt, payload.len(), height, payload),
            false => record::whole_record(tail.segment.salt, height, payload),
        };
        self.write(&mut tail, &mut record)?;
        Ok(position)
    }

    fn write(&self, tail: &mut Tail, buffer: &mut Vec<u8>) -> Result<(), LedgerError> {
        tail.segment.write(tail.offset, buffer)?;
        tail.offset += length_of(buffer);
        self.bytes.fetch_add(length_of(buffer), Ordering::Relaxed);
        buffer.clear();
        Ok(())
    }

    /// Begins a new segment. The old one is synced first, whatever the settings say: only the last
    /// segment may have a torn end.
    fn rotate(&self, tail: &mut Tail) -> Result<(), LedgerError> {
        tail.segment.sync()?;
        let number = tail.segment.number.checked_add(1).ok_or_else(|| {
            LedgerError::Corrupt("the block log has no segment numbers left".to_owned())
        })?;
        let segment = Segment::create(&self.directory, number, self.genesis)?;
        self.bytes.fetch_add(segment::SEGMENT_HEADER_BYTES, Ordering::Relaxed);
        tail.segment = Arc::new(segment);
        tail.offset = segment::SEGMENT_HEADER_BYTES;
        Ok(())
    }

    /// Syncs what was appended, also when the settings leave that to the system. The store calls it
    /// before it writes: it must never know of a block that the log can still lose.
    pub(crate) fn sync(&self) -> Result<(), LedgerError> {
        let segment = self.tail.lock().segment.clone();
        segment.sync().inspect_err(|error| {
            self.tail.lock().failed = Some(error.to_string());
        })
    }

    /// Where the next record will begin, unless it begins a new segment.
    pub(crate) fn end(&self) -> (u32, u64) {
        let tail = self.tail.lock();
        (tail.segment.number, tail.offset)
    }

    /// True when there is no record, not even of the genesis block.
    pub(crate) fn is_empty(&self) -> bool {
        self.end() == (0, segment::SEGMENT_HEADER_BYTES)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Time that commits have waited for the disk since the log was opened.
    pub(crate) fn sync_time(&self) -> Duration {
        Duration::from_micros(self.sync_micros.load(Ordering::Relaxed))
    }

    /// The record at a position, with its CRC checked.
    pub(crate) fn read(&self, position: Position) -> Result<RawRecord, LedgerError> {
        let segment = self.segment(position.segment)?;
        let from = u64::from(position.offset);
        let mut head = [0; HEADER_BYTES];
        segment.read(from, &mut head)?;
        let header = RecordHeader::read(&head, segment.salt)
            .map_err(|error| segment.corrupt(from, error.0))?;
        if from + length_u64(HEADER_BYTES + header.length) > segment.length()? {
            return Err(segment.corrupt(from, "a record that ends beyond the file"));
        }
        let mut payload = vec![0; header.payload_bytes()];
        segment.read(from + length_u64(HEADER_BYTES), &mut payload)?;
        if !header.matches(&head, &payload, segment.salt) {
            return Err(segment.corrupt(from, "a record whose checksum is wrong"));
        }
        Ok(RawRecord::new(&header, payload))
    }

    /// The header of the block at a position, without reading the rest of it.
    pub(crate) fn read_header(&self, position: Position) -> Result<Header, LedgerError> {
        let segment = self.segment(position.segment)?;
        let from = u64::from(position.offset);
        let mut front = vec![0; FRONT_BYTES];
        let read = segment.read_some(from, &mut front)?;
        front.truncate(read);
        if let Ok(header) = record::read_front(&front) {
            return Ok(header);
        }
        let raw = self.read(position)?; // a foreign genesis may have a long `extraData`
        let block = raw.split().and_then(|payload| payload.block());
        Ok(block.map_err(|error| segment.corrupt(from, error.0))?.header().clone())
    }

    /// The record at a position as the disk has it now, with the segment's header checked again, and
    /// where the record ends.
    pub(crate) fn read_fresh(&self, position: Position) -> Result<FreshRecord, LedgerError> {
        Segment::open(&self.directory, position.segment, self.genesis)?;
        let record = self.read(position)?;
        let end = (position.segment, u64::from(position.offset) + length_u64(record.bytes));
        Ok(FreshRecord { record, end })
    }

    /// Checks that a record begins where the one before it ended, or where its segment begins.
    pub(crate) fn check_follows(
        &self,
        end: Option<(u32, u64)>,
        position: Position,
    ) -> Result<(), LedgerError> {
        let Some((segment, offset)) = end else { return Ok(()) };
        let begin = (position.segment, u64::from(position.offset));
        if begin == (segment, offset) {
            return Ok(());
        }
        self.check_segment_end((segment, offset))?;
        if begin == (segment + 1, segment::SEGMENT_HEADER_BYTES) {
            return Ok(());
        }
        Err(self.corrupt(position, "the record does not begin where the one before it ended"))
    }

    /// Checks that the log ends here.
    pub(crate) fn check_end(&self, end: (u32, u64)) -> Result<(), LedgerError> {
        self.check_segment_end(end)?;
        // A segment that was begun for a record which was never written is the end as well.
        if [end, (end.0 + 1, segment::SEGMENT_HEADER_BYTES)].contains(&self.end()) {
            return self.check_segment_end(self.end());
        }
        Err(LedgerError::Corrupt("the log goes on behind the last block".to_owned()))
    }

    fn check_segment_end(&self, (segment, offset): (u32, u64)) -> Result<(), LedgerError> {
        let segment = self.segment(segment)?;
        if segment.length()? == offset {
            return Ok(());
        }
        Err(segment.corrupt(offset, "bytes that belong to no record"))
    }

    /// Says that the bytes at a position are not what was written.
    pub(crate) fn corrupt(&self, position: Position, what: &str) -> LedgerError {
        LedgerError::Corrupt(format!(
            "{} at byte {}: {what}",
            segment::path(&self.directory, position.segment).display(),
            position.offset
        ))
    }

    fn segment(&self, number: u32) -> Result<Arc<Segment>, LedgerError> {
        if let Some(segment) = self.readers.read().get(&number) {
            return Ok(segment.clone());
        }
        let before = self.rewritten.load(Ordering::SeqCst);
        let tail = self.tail.lock().segment.clone();
        let segment = if tail.number == number {
            tail
        } else {
            Arc::new(Segment::open(&self.directory, number, self.genesis)?)
        };
        let mut readers = self.readers.write();
        if self.rewritten.load(Ordering::SeqCst) != before {
            return Ok(segment); // perhaps an old one: good for this once, and not for others
        }
        if readers.len() >= limits::OPEN_SEGMENTS_MAX {
            readers.pop_first(); // history is read from its end more often than from its beginning
        }
        readers.insert(number, segment.clone());
        Ok(segment)
    }
}

fn length_of(buffer: &[u8]) -> u64 {
    length_u64(buffer.len())
}

fn length_u64(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory fits 64 bits")
}
