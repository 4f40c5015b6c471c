//! Makes a checkpoint real in one step.

use super::{Rows, Space, Store, WriteSet};
use crate::{LedgerError, codec::Malformed, log::sync_directory};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// What the file begins with: name and version.
const MAGIC: [u8; 8] = *b"HANSERD1";

/// Bytes that are on their way to the disk at once.
const SYNC_BYTES: usize = 8 * 1024 * 1024;

impl Store {
    /// Writes everything in `set`; all of it is durable when this returns, and none of it or all of
    /// it is there after a crash.
    pub(crate) fn write(&self, set: WriteSet) -> Result<(), LedgerError> {
        let _one = self.writing.lock();
        let set = self.prepare(set)?;
        self.take_in(&set)
    }

    /// Writes the file that makes the checkpoint real, whatever happens from then on.
    pub(super) fn prepare(&self, mut set: WriteSet) -> Result<WriteSet, LedgerError> {
        set.sort();
        let unfinished = self.redo.with_extension("new");
        write_file(&unfinished, &set)
            .map_err(|source| LedgerError::io("write", &unfinished, source))?;
        fs::rename(&unfinished, &self.redo)
            .map_err(|source| LedgerError::io("name", &self.redo, source))?;
        sync_directory(self.folder())?;
        Ok(set)
    }

    /// Completes the checkpoint that a crash interrupted, if there is one.
    pub(super) fn finish_interrupted(&self) -> Result<(), LedgerError> {
        let bytes = match fs::read(&self.redo) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(LedgerError::io("read", &self.redo, source)),
        };
        let set = read(&bytes)
            .map_err(|error| LedgerError::Corrupt(format!("{}: {error}", self.redo.display())))?;
        tracing::info!("completing an interrupted checkpoint");
        self.take_in(&set)
    }

    fn take_in(&self, set: &WriteSet) -> Result<(), LedgerError> {
        for (space, rows) in set.iter() {
            self.ingest(space, rows)?;
        }
        // The key spaces sync what they take in, so the file has done its work. Should its removal
        // not survive a crash, taking it in again changes nothing.
        fs::remove_file(&self.redo).map_err(|source| LedgerError::io("remove", &self.redo, source))
    }

    pub(super) fn ingest(&self, space: Space, rows: &Rows) -> Result<(), LedgerError> {
        let mut ingestion = self.space(space).start_ingestion()?;
        for (key, value) in rows.iter() {
            match value {
                Some(value) => ingestion.write(key, value)?,
                None => ingestion.write_tombstone(key)?,
            }
        }
        Ok(ingestion.finish()?)
    }

    fn folder(&self) -> &Path {
        self.redo.parent().expect("the file's path was made by joining a name to a folder")
    }
}

fn read(bytes: &[u8]) -> Result<WriteSet, Malformed> {
    let (bytes, crc) =
        bytes.split_last_chunk::<4>().ok_or(Malformed("a checkpoint that ends too early"))?;
    if crc32fast::hash(bytes) != u32::from_be_bytes(*crc) {
        return Err(Malformed("a checkpoint whose checksum is wrong"));
    }
    let rows = bytes.strip_prefix(&MAGIC).ok_or(Malformed("no checkpoint of this version"))?;
    WriteSet::decode(rows)
}

fn write_file(path: &Path, set: &WriteSet) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut crc = crc32fast::Hasher::new();
    let mut bytes = MAGIC.to_vec();
    // One key space at a time, since all of them together are as large as the checkpoint.
    for (_, rows) in set.iter() {
        rows.encode(&mut bytes);
        crc.update(&bytes);
        // Synced bit by bit: the log's sync may have to wait for whatever is on its way to the disk.
        for piece in bytes.chunks(SYNC_BYTES) {
            file.write_all(piece)?;
            file.sync_data()?;
        }
        bytes.clear();
    }
    file.write_all(&crc.finalize().to_be_bytes())?;
    file.sync_all()
}
