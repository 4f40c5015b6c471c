//! Reads the log from front to back.

use super::{
    Log, Position, RawRecord, length_u64,
    record::{HEADER_BYTES, RecordHeader},
    segment::{SEGMENT_HEADER_BYTES, Segment},
};
use crate::LedgerError;
use std::sync::Arc;

/// Bytes that are read from disk at once.
const WINDOW_BYTES: usize = 1024 * 1024;

/// A place in the log that moves forward, record by record.
#[derive(Debug)]
pub(crate) struct Cursor {
    segment: u32,
    offset: u64,
    file: Option<Arc<Segment>>,
    /// Bytes of the segment from `window_at` on.
    window: Vec<u8>,
    window_at: u64,
}

/// A record with its CRC checked, and where it is.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) record: RawRecord,
}

/// What is at a place in the log.
#[derive(Debug)]
pub(super) enum Step {
    Record(Found),
    /// The segment ends here.
    End,
    /// Neither a record nor the end.
    Bad {
        offset: u64,
        what: &'static str,
    },
}

impl Log {
    /// A cursor at a record.
    pub(crate) fn cursor(&self, from: Position) -> Cursor {
        self.cursor_at(from.segment, u64::from(from.offset))
    }

    /// A cursor at the first record.
    pub(crate) fn cursor_at_genesis(&self) -> Cursor {
        self.cursor_at(0, SEGMENT_HEADER_BYTES)
    }

    pub(super) fn cursor_at(&self, segment: u32, offset: u64) -> Cursor {
        Cursor { segment, offset, file: None, window: Vec::new(), window_at: 0 }
    }
}

impl Cursor {
    /// The next record; `None` at the end of what has been appended so far.
    pub(crate) fn next(&mut self, log: &Log) -> Result<Option<Found>, LedgerError> {
        loop {
            let (last, end) = log.end();
            if (self.segment, self.offset) >= (last, end) {
                return Ok(None);
            }
            match self.step(log)? {
                Step::Record(found) => return Ok(Some(found)),
                Step::End if self.segment < last => self.next_segment(),
                Step::End => {
                    let offset = self.offset;
                    return Err(self.file(log)?.corrupt(offset, "the log ends too early"));
                }
                Step::Bad { offset, what } => return Err(self.file(log)?.corrupt(offset, what)),
            }
        }
    }

    /// Where the cursor is: segment and offset.
    pub(crate) const fn place(&self) -> (u32, u64) {
        (self.segment, self.offset)
    }

    /// Goes on with the following segment.
    pub(super) fn next_segment(&mut self) {
        self.segment += 1;
        self.offset = SEGMENT_HEADER_BYTES;
        self.file = None;
        self.window.clear();
    }

    /// Looks at what is here, and moves behind it when it is a record.
    pub(super) fn step(&mut self, log: &Log) -> Result<Step, LedgerError> {
        let offset = self.offset;
        let bad = |what| Ok(Step::Bad { offset, what });
        let salt = self.file(log)?.salt;
        let available = self.fill(log, HEADER_BYTES)?;
        if available == 0 {
            return Ok(Step::End);
        }
        let Some(head) = self.bytes(0, HEADER_BYTES) else {
            return bad("a record's header that ends too early");
        };
        let head: [u8; HEADER_BYTES] =
            head.try_into().expect("as many bytes were taken as a header has");
        let header = match RecordHeader::read(&head, salt) {
            Ok(header) => header,
            Err(error) => return bad(error.0),
        };
        let length = HEADER_BYTES + header.length;
        if offset + length_u64(length) > self.file(log)?.length()? {
            return bad("a record that ends beyond the file");
        }
        self.fill(log, HEADER_BYTES + header.payload_bytes())?;
        let Some(payload) = self.bytes(HEADER_BYTES, header.payload_bytes()) else {
            return bad("a record that ends too early");
        };
        if !header.matches(&head, payload, salt) {
            return bad("a record whose checksum is wrong");
        }
        let position = Position {
            segment: self.segment,
            offset: match u32::try_from(offset) {
                Ok(offset) => offset,
                Err(_) => return bad("a record beyond the segment's limit"),
            },
        };
        let record = RawRecord::new(&header, payload.to_vec());
        self.offset += length_u64(record.bytes);
        Ok(Step::Record(Found { position, record }))
    }

    pub(super) fn file(&mut self, log: &Log) -> Result<&Arc<Segment>, LedgerError> {
        if self.file.is_none() {
            self.file = Some(log.segment(self.segment)?);
        }
        Ok(self.file.as_ref().expect("it was opened just now"))
    }

    /// Bytes at `offset + from`, when the window has them.
    fn bytes(&self, from: usize, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(self.offset.checked_sub(self.window_at)?).ok()? + from;
        self.window.get(start..start.checked_add(length)?)
    }

    /// Makes the window hold `length` bytes from the offset on, or as many as there are.
    fn fill(&mut self, log: &Log, length: usize) -> Result<usize, LedgerError> {
        if self.bytes(0, length).is_some() {
            return Ok(length);
        }
        let offset = self.offset;
        let mut window = std::mem::take(&mut self.window);
        window.resize(length.max(WINDOW_BYTES), 0);
        let read = self.file(log)?.read_some(offset, &mut window)?;
        window.truncate(read);
        self.window = window;
        self.window_at = offset;
        Ok(read.min(length))
    }
}
