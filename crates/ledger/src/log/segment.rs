//! One file of the block log.

use super::FORMAT;
use crate::LedgerError;
use alloy_primitives::B256;
use std::{
    fs::{File, Metadata, OpenOptions},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Bytes before the first record: magic, format, number, salt, genesis hash, CRC of these.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = HEADER as u64;
const HEADER: usize = 60;
const MAGIC: [u8; 8] = *b"HANSELOG";

/// An open segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u32,
    pub(super) salt: u64,
    path: PathBuf,
    file: File,
}

/// Why a segment's header cannot be used.
#[derive(Debug)]
pub(super) enum BadHeader {
    /// The file is too short for a header or its header's CRC is wrong.
    Torn,
    /// Another program or version wrote it.
    Format(u32),
    /// Another chain's.
    Genesis(B256),
    /// It has another segment's number.
    Number,
}

/// The path of a segment.
pub(super) fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:08}.log"))
}

/// The number of a segment by its file name.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".log")?;
    if digits.len() != 8 { None } else { digits.parse().ok() }
}

/// The header of a segment as bytes.
pub(super) fn header(number: u32, salt: u64, genesis: B256) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_be_bytes());
    header[12..16].copy_from_slice(&number.to_be_bytes());
    header[16..24].copy_from_slice(&salt.to_be_bytes());
    header[24..56].copy_from_slice(genesis.as_slice());
    let crc = crc32fast::hash(&header[..56]);
    header[56..].copy_from_slice(&crc.to_be_bytes());
    header
}

fn read_header(bytes: &[u8; HEADER], number: u32, genesis: B256) -> Result<u64, BadHeader> {
    let word = |at: usize| {
        let bytes: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes were sliced");
        u32::from_be_bytes(bytes)
    };
    if bytes[..8] != MAGIC || crc32fast::hash(&bytes[..56]) != word(56) {
        return Err(BadHeader::Torn);
    }
    if word(8) != FORMAT {
        return Err(BadHeader::Format(word(8)));
    }
    let found = B256::from_slice(&bytes[24..56]);
    if found != genesis {
        return Err(BadHeader::Genesis(found));
    }
    if word(12) != number {
        return Err(BadHeader::Number);
    }
    Ok((u64::from(word(16)) << 32) | u64::from(word(20)))
}

impl Segment {
    /// Makes an empty segment. Its header and its name are durable when this returns.
    pub(super) fn create(
        directory: &Path,
        number: u32,
        genesis: B256,
    ) -> Result<Self, LedgerError> {
        let path = path(directory, number);
        // Not for cryptography: it only has to be unknown to those who send transactions.
        let salt = RandomState::new().hash_one(number);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|source| LedgerError::io("create", &path, source))?;
        let segment = Self { number, salt, path, file };
        segment.write(0, &header(number, salt, genesis))?;
        segment.file.sync_all().map_err(|source| segment.io("sync", source))?;
        sync_directory(directory)?;
        Ok(segment)
    }

    /// Opens a segment whose header must be whole.
    pub(super) fn open(directory: &Path, number: u32, genesis: B256) -> Result<Self, LedgerError> {
        Self::open_checked(directory, number, genesis)?.map_err(|bad| {
            let path = path(directory, number);
            match bad {
                BadHeader::Torn | BadHeader::Number => LedgerError::Corrupt(format!(
                    "{} at byte 0: the segment's header is not what was written",
                    path.display()
                )),
                BadHeader::Format(found) => LedgerError::Format { path, found, expected: FORMAT },
                BadHeader::Genesis(found) => {
                    LedgerError::OtherGenesis { path, found, expected: genesis }
                }
            }
        })
    }

    /// Opens a segment, or says what is wrong with its header.
    pub(super) fn open_checked(
        directory: &Path,
        number: u32,
        genesis: B256,
    ) -> Result<Result<Self, BadHeader>, LedgerError> {
        let path = path(directory, number);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(|source| LedgerError::io("open", &path, source))?;
        let mut segment = Self { number, salt: 0, path, file };
        let mut bytes = [0; HEADER];
        if segment.read_some(0, &mut bytes)? < HEADER {
            return Ok(Err(BadHeader::Torn));
        }
        Ok(read_header(&bytes, number, genesis).map(|salt| {
            segment.salt = salt;
            segment
        }))
    }

    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), LedgerError> {
        self.file.write_all_at(bytes, offset).map_err(|source| self.io("write", source))
    }

    pub(super) fn sync(&self) -> Result<(), LedgerError> {
        self.file.sync_data().map_err(|source| self.io("sync", source))
    }

    /// Reads exactly as many bytes as there is room for.
    pub(super) fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), LedgerError> {
        self.file.read_exact_at(bytes, offset).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.corrupt(offset, "the file ends too early"),
            _ => self.io("read", source),
        })
    }

    /// Reads as many bytes as there are, at most as many as there is room for.
    pub(super) fn read_some(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, LedgerError> {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + super::length_u64(done);
            match self.file.read_at(&mut bytes[done..], at) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.io("read", source)),
            }
        }
        Ok(done)
    }

    pub(super) fn length(&self) -> Result<u64, LedgerError> {
        Ok(self.metadata()?.len())
    }

    pub(super) fn metadata(&self) -> Result<Metadata, LedgerError> {
        self.file.metadata().map_err(|source| self.io("look at", source))
    }

    /// Cuts off everything from `offset` on; durable when this returns.
    pub(super) fn cut(&self, offset: u64) -> Result<(), LedgerError> {
        self.file.set_len(offset).map_err(|source| self.io("cut", source))?;
        self.file.sync_all().map_err(|source| self.io("sync", source))
    }

    pub(super) fn corrupt(&self, offset: u64, what: &str) -> LedgerError {
        LedgerError::Corrupt(format!("{} at byte {offset}: {what}", self.path.display()))
    }

    fn io(&self, what: &str, source: io::Error) -> LedgerError {
        LedgerError::io(what, &self.path, source)
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), LedgerError> {
    File::open(directory)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| LedgerError::io("sync", directory, source))
}
