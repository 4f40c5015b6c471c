//! Records in a file, for the node.

#[cfg(test)]
mod tests;

use crate::{LedgerError, limits::JOURNAL_RECORD_BYTES_MAX, log::sync_directory};
use parking_lot::Mutex;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// What the file begins with: name and version.
const MAGIC: [u8; 8] = *b"HANSEJN1";
/// Length and CRC before each record.
const HEADER_BYTES: usize = 8;

/// A small append-only file of records, for what is good to have after a restart but may be lost in
/// a crash of the machine (the pending transactions): appending does not sync. What a crash of the
/// process alone leaves is complete, but for a torn last record.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    bytes: u64,
    /// Reused from one append to the next.
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens the journal, or makes an empty one. Cuts off what is behind the last whole record.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] when the file is something else; otherwise the disk's.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|source| LedgerError::io("open", path, source))?;
        let journal = Self {
            path: path.to_owned(),
            inner: Mutex::new(Inner { file, bytes: 0, buffer: Vec::new() }),
        };
        let end = journal.scan(&mut |_| {})?;
        let mut inner = journal.inner.lock();
        let cut = inner.file.set_len(end).and_then(|()| inner.file.seek(SeekFrom::Start(end)));
        cut.map_err(|source| journal.io("cut", source))?;
        inner.bytes = end;
        if end == 0 {
            inner.file.write_all(&MAGIC).map_err(|source| journal.io("write", source))?;
            inner.bytes = MAGIC.len() as u64;
        }
        drop(inner);
        Ok(journal)
    }

    /// Appends records with one write. It is the system's to bring them to the disk; see
    /// [`Journal::sync`].
    ///
    /// # Errors
    /// When a record is longer than [`JOURNAL_RECORD_BYTES_MAX`](crate::limits) or the disk fails.
    pub fn append(&self, records: &[&[u8]]) -> Result<(), LedgerError> {
        let mut inner = self.inner.lock();
        let mut buffer = std::mem::take(&mut inner.buffer);
        buffer.clear();
        let outcome = records.iter().try_for_each(|record| put(&mut buffer, record));
        let outcome = outcome.and_then(|()| {
            // A write that failed half-way is overwritten by the next.
            inner.file.write_all_at(&buffer, inner.bytes)
        });
        if outcome.is_ok() {
            inner.bytes += buffer.len() as u64;
        }
        inner.buffer = buffer;
        outcome.map_err(|source| self.io("append to", source))
    }

    /// Every record, oldest first.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn replay(&self) -> Result<Vec<Vec<u8>>, LedgerError> {
        let mut records = Vec::new();
        self.scan(&mut |record| records.push(record))?;
        Ok(records)
    }

    /// Replaces all records, in one step: after a crash there are the old ones or the new ones.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn rewrite<'a>(
        &self,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), LedgerError> {
        let mut inner = self.inner.lock();
        let mut bytes = MAGIC.to_vec();
        let new = self.path.with_extension("new");
        let outcome =
            records.into_iter().try_for_each(|record| put(&mut bytes, record)).and_then(|()| {
                let mut file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(&new)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                fs::rename(&new, &self.path)?;
                Ok(file)
            });
        inner.file = outcome.map_err(|source| self.io("rewrite", source))?;
        inner.bytes = bytes.len() as u64;
        drop(inner);
        self.path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .map_or(Ok(()), sync_directory)
    }

    /// Forgets all records, without waiting for the disk: after a crash of the machine, all of them
    /// may be there again, or none.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn clear(&self) -> Result<(), LedgerError> {
        let mut inner = self.inner.lock();
        let start = MAGIC.len() as u64;
        inner.file.set_len(start).map_err(|source| self.io("clear", source))?;
        inner.bytes = start;
        Ok(())
    }

    /// Brings what was appended to the disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<(), LedgerError> {
        self.inner.lock().file.sync_data().map_err(|source| self.io("sync", source))
    }

    /// Bytes on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.lock().bytes
    }

    /// Hands out every whole record; returns where they end, 0 for a file without a beginning.
    fn scan(&self, each: &mut dyn FnMut(Vec<u8>)) -> Result<u64, LedgerError> {
        let mut inner = self.inner.lock();
        let start = inner.file.seek(SeekFrom::Start(0));
        start.map_err(|source| self.io("read", source))?;
        let mut reader = BufReader::with_capacity(1 << 20, &mut inner.file);
        let mut magic = [0; MAGIC.len()];
        match read_or_end(&mut reader, &mut magic).map_err(|source| self.io("read", source))? {
            false => return Ok(0),
            true if magic == MAGIC => {}
            true => {
                return Err(LedgerError::Corrupt(format!(
                    "{} is not a journal of this version",
                    self.path.display()
                )));
            }
        }
        let mut end = MAGIC.len() as u64;
        while let Some(record) = read(&mut reader).map_err(|source| self.io("read", source))? {
            end += (HEADER_BYTES + record.len()) as u64;
            each(record);
        }
        Ok(end)
    }

    fn io(&self, what: &str, source: io::Error) -> LedgerError {
        LedgerError::io(what, &self.path, source)
    }
}

fn put(out: &mut Vec<u8>, record: &[u8]) -> io::Result<()> {
    let length =
        u32::try_from(record.len()).ok().filter(|_| record.len() <= JOURNAL_RECORD_BYTES_MAX);
    let length = length.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a record of {} bytes; {JOURNAL_RECORD_BYTES_MAX} are allowed", record.len()),
        )
    })?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&crc(length, record).to_be_bytes());
    out.extend_from_slice(record);
    Ok(())
}

fn crc(length: u32, record: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length.to_be_bytes());
    crc.update(record);
    crc.finalize()
}

/// The next record; `None` at the end, or where something begins that is no whole record.
fn read(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_BYTES];
    if !read_or_end(reader, &mut header)? {
        return Ok(None);
    }
    let word = |at: usize| {
        u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes were sliced"))
    };
    let length = word(0);
    let Some(bytes) =
        usize::try_from(length).ok().filter(|bytes| *bytes <= JOURNAL_RECORD_BYTES_MAX)
    else {
        return Ok(None);
    };
    let mut record = vec![0; bytes];
    let whole = read_or_end(reader, &mut record)? && crc(length, &record) == word(4);
    Ok(whole.then_some(record))
}

/// Fills the buffer; false when the file ends before it is full.
fn read_or_end(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
