//! Takes bytes out of the log without moving what stays: a segment is written anew with holes, beside the
//! old one, and takes its name in one step. Every record keeps its place.

use super::{
    Log,
    cursor::{Found, Step},
    length_u64,
    record::{HEADER_BYTES, pruned_record},
    segment::{self, SEGMENT_HEADER_BYTES, Segment, sync_directory},
};
use crate::LedgerError;
use std::{
    fs::{self, File, Metadata},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::atomic::Ordering,
};

/// What the name of a segment that is being written ends with.
const UNFINISHED: &str = "log.new";

/// Bytes that are copied at once.
const COPY_BYTES: usize = 1024 * 1024;

/// Bytes below which a file system makes no hole.
const PAGE_BYTES: usize = 4096;

const _: () = assert!(COPY_BYTES.is_multiple_of(PAGE_BYTES));

impl Log {
    /// Begins a new segment, unless the last one is empty: what is in the others can be rewritten.
    pub(crate) fn begin_segment(&self) -> Result<(), LedgerError> {
        let mut tail = self.tail.lock();
        if let Some(reason) = &tail.failed {
            return Err(LedgerError::Stopped(reason.clone()));
        }
        if tail.offset == SEGMENT_HEADER_BYTES {
            return Ok(());
        }
        self.rotate(&mut tail)
    }

    /// Writes a segment, which must not be the last, anew: `change` gives the payload that is left of a
    /// record, or `None` when it stays as it is. Nothing is written when all stay. What it gives is durable,
    /// and what was there is gone, when this returns. Returns the bytes of disk that became free.
    ///
    /// Readers that have the old file open go on reading it.
    pub(crate) fn rewrite(
        &self,
        number: u32,
        mut change: impl FnMut(&Found) -> Result<Option<Vec<u8>>, LedgerError>,
    ) -> Result<u64, LedgerError> {
        assert!(number < self.end().0, "the last segment is being appended to");
        let old = Segment::open(&self.directory, number, self.genesis)?;
        let path = segment::path(&self.directory, number);
        let unfinished = path.with_extension(UNFINISHED);
        let io = |what, source| LedgerError::io(what, &unfinished, source);
        let mut new: Option<File> = None;
        let mut cursor = self.cursor_at(number, SEGMENT_HEADER_BYTES);
        let mut copied = 0; // what is before has been written
        loop {
            let (found, offset) = match cursor.step(self)? {
                Step::Record(found) => {
                    let offset = u64::from(found.position.offset);
                    (found, offset)
                }
                Step::End => break,
                Step::Bad { offset, what } => return Err(old.corrupt(offset, what)),
            };
            let end = offset + length_u64(found.record.bytes);
            let Some(left) = change(&found)? else { continue };
            let new = match &new {
                Some(new) => new,
                None => {
                    let file = File::create(&unfinished).map_err(|e| io("create", e))?;
                    file.set_len(old.length()?).map_err(|e| io("size", e))?;
                    new.insert(file)
                }
            };
            copy(&old, new, copied..offset).map_err(|e| e.or(&io))?;
            let length = found.record.bytes - HEADER_BYTES;
            assert!(left.len() <= length, "what is left of a record fits in its place");
            let record = pruned_record(old.salt, length, found.record.height, &left);
            new.write_all_at(&record, offset).map_err(|e| io("write", e))?;
            copied = end;
        }
        let Some(new) = new else { return Ok(0) };
        copy(&old, &new, copied..old.length()?).map_err(|e| e.or(&io))?;
        new.sync_all().map_err(|e| io("sync", e))?;
        let before = disk_bytes(&old.metadata()?);
        let after = disk_bytes(&new.metadata().map_err(|e| io("look at", e))?);
        fs::rename(&unfinished, &path).map_err(|e| io("name", e))?;
        sync_directory(&self.directory)?;
        {
            let mut readers = self.readers.write();
            self.rewritten.fetch_add(1, Ordering::SeqCst);
            readers.remove(&number);
        }
        let freed = before.saturating_sub(after);
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
        Ok(freed)
    }
}

/// What went wrong while bytes were copied, on which side.
enum CopyError {
    Read(LedgerError),
    Write(std::io::Error),
}

impl CopyError {
    fn or(self, io: &impl Fn(&'static str, std::io::Error) -> LedgerError) -> LedgerError {
        match self {
            Self::Read(error) => error,
            Self::Write(error) => io("write", error),
        }
    }
}

/// Copies bytes to the same place; pages of zeros stay holes.
fn copy(old: &Segment, new: &File, range: std::ops::Range<u64>) -> Result<(), CopyError> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = range.start;
    while at < range.end {
        let room = COPY_BYTES - usize::try_from(at % length_u64(COPY_BYTES)).unwrap_or(0);
        let length = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(room);
        old.read(at, &mut buffer[..length]).map_err(CopyError::Read)?;
        let mut from = 0;
        while from < length {
            let place = at + length_u64(from);
            let page = PAGE_BYTES - usize::try_from(place % length_u64(PAGE_BYTES)).unwrap_or(0);
            let to = (from + page).min(length);
            if buffer[from..to].iter().any(|byte| *byte != 0) {
                new.write_all_at(&buffer[from..to], place).map_err(CopyError::Write)?;
            }
            from = to;
        }
        at += length_u64(length);
    }
    Ok(())
}

/// Removes what a crash left of a segment that was being written anew.
pub(super) fn remove_unfinished(directory: &Path) -> Result<(), LedgerError> {
    let io = |source| LedgerError::io("list", directory, source);
    for entry in fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.to_str().is_some_and(|name| name.ends_with(UNFINISHED)) {
            fs::remove_file(&path).map_err(|source| LedgerError::io("remove", &path, source))?;
        }
    }
    Ok(())
}

/// Bytes that a file takes on disk, without its holes.
pub(super) fn disk_bytes(metadata: &Metadata) -> u64 {
    metadata.len().min(metadata.blocks() * 512) // st_blocks is in units of 512 bytes, stat(3type)
}
