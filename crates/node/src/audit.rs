//! The record of what was done to this node: administrative calls, starts, changes of settings. Each entry
//! carries the hash of the one before, so that none can be changed or left out unnoticed; the head is
//! anchored on the ledger from time to time, so that the end cannot be cut off either.
//!
//! One entry is one line of JSON. `hash` is Keccak-256 of the line without it, which includes `previous`.

use crate::{Config, NodeError, driver};
use alloy_primitives::{B256, keccak256};
use hanse_rpc::{Audit, AuditEntry};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Its name in the ledger's folder.
pub(crate) const FILE: &str = "audit.log";

/// Bytes of details that an entry keeps; of longer ones it keeps the hash.
const DETAILS_BYTES_MAX: usize = 2_048;

/// Bytes of a line; beyond that the file is not ours.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// Counts from 1.
    pub(crate) entry: u64,
    /// RFC 3339, UTC.
    pub(crate) time: String,
    pub(crate) identity: String,
    pub(crate) role: String,
    pub(crate) remote: Option<String>,
    pub(crate) action: String,
    pub(crate) details: String,
    pub(crate) outcome: String,
    /// `hash` of the entry before; zero for the first.
    pub(crate) previous: B256,
    #[serde(default, skip_serializing_if = "B256::is_zero")]
    pub(crate) hash: B256,
}

/// Where the record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many entries there are.
    pub(crate) entries: u64,
    /// `hash` of the last one.
    pub(crate) hash: B256,
}

/// The record, open for writing.
#[derive(Debug)]
pub(crate) struct AuditLog(Mutex<State>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: File,
    head: Head,
}

impl Line {
    fn seal(mut self) -> Result<Self, serde_json::Error> {
        self.hash = B256::ZERO;
        self.hash = keccak256(serde_json::to_vec(&self)?);
        Ok(self)
    }
}

impl AuditLog {
    /// Opens the record, or begins one, and checks all of it. A last line that a crash has cut off was never
    /// acknowledged, and goes.
    ///
    /// # Errors
    /// When an entry was changed: with its number.
    pub(crate) fn open(path: &Path) -> Result<Self, NodeError> {
        let failed = |error| NodeError::file("open", path, error);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        let (head, whole) = check(path, &file, |_| {})?;
        file.set_len(whole).map_err(failed)?;
        file.seek(io::SeekFrom::End(0)).map_err(failed)?;
        Ok(Self(Mutex::new(State { path: path.to_owned(), file, head })))
    }

    /// Opens the record in a ledger's folder, and says that the node starts, and with which settings.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub(crate) fn begin(directory: &Path, config: &Config) -> Result<Self, NodeError> {
        let log = Self::open(&directory.join(FILE))?;
        let settings = toml::to_string(config)
            .map_err(|error| NodeError::Failed(format!("the settings: {error}")))?;
        log.note("node started", &format!("settings {}", keccak256(settings)))?;
        Ok(log)
    }

    /// Where it stands.
    pub(crate) fn head(&self) -> Head {
        self.0.lock().head
    }

    fn append(&self, entry: &AuditEntry<'_>) -> Result<(), String> {
        let mut state = self.0.lock();
        let details = match entry.details {
            long if long.len() > DETAILS_BYTES_MAX => {
                format!("{} bytes with the hash {}", long.len(), keccak256(long))
            }
            short => short.to_owned(),
        };
        let line = Line {
            entry: state.head.entries + 1,
            time: humantime::format_rfc3339_millis(driver::now()).to_string(),
            identity: entry.identity.to_owned(),
            role: entry.role.to_owned(),
            remote: entry.remote.map(|remote| remote.to_string()),
            action: entry.action.to_owned(),
            details,
            outcome: entry.outcome.to_owned(),
            previous: state.head.hash,
            hash: B256::ZERO,
        };
        let line = line.seal().map_err(|error| error.to_string())?;
        let mut bytes = serde_json::to_vec(&line).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        let path = state.path.display().to_string();
        let failed = |error: io::Error| format!("{path}: {error}");
        state.file.write_all(&bytes).map_err(failed)?;
        state.file.sync_data().map_err(failed)?;
        state.head = Head { entries: line.entry, hash: line.hash };
        Ok(())
    }

    /// Records what the node itself, or its operator at the machine, does.
    pub(crate) fn note(&self, action: &str, details: &str) -> Result<(), NodeError> {
        let entry = AuditEntry {
            identity: "operator",
            role: "machine",
            remote: None,
            action,
            details,
            outcome: "done",
        };
        self.append(&entry).map_err(|why| NodeError::Failed(format!("the audit log: {why}")))
    }
}

impl Audit for AuditLog {
    fn record(&self, entry: &AuditEntry<'_>) -> Result<(), String> {
        self.append(entry)
    }
}

/// Reads a record and checks every entry of it; `each` sees them in order. Returns where it stands, and
/// how many bytes are whole lines.
///
/// # Errors
/// When an entry was changed, left out or put in: with its number.
pub(crate) fn check(
    path: &Path,
    file: &File,
    mut each: impl FnMut(&Line),
) -> Result<(Head, u64), NodeError> {
    let failed = |error| NodeError::file("read", path, error);
    let mut reader = BufReader::new(file);
    let (mut head, mut whole) = (Head::default(), 0);
    loop {
        let mut text = Vec::new();
        let mut limited = io::Read::take(&mut reader, LINE_BYTES_MAX);
        let length = limited.read_until(b'\n', &mut text).map_err(failed)?;
        let number = head.entries + 1;
        let broken = |why: &str| {
            Err(NodeError::Input(format!(
                "{}: entry {number} {why}. Somebody has changed this file. Keep it as evidence under \
                 another name; the node begins a new one",
                path.display()
            )))
        };
        if length == 0 {
            return Ok((head, whole));
        }
        if text.last() != Some(&b'\n') {
            if u64::try_from(length).is_ok_and(|length| length < LINE_BYTES_MAX) {
                return Ok((head, whole)); // cut off by a crash, before it was acknowledged
            }
            return broken("is too long");
        }
        let Ok(line) = serde_json::from_slice::<Line>(&text) else {
            return broken("is no entry");
        };
        if line.entry != number || line.previous != head.hash {
            return broken("does not follow the one before");
        }
        let said = line.hash;
        let Ok(sealed) = line.clone().seal() else { return broken("is no entry") };
        if sealed.hash != said {
            return broken("does not have the hash that it says");
        }
        each(&line);
        head = Head { entries: number, hash: said };
        whole += length as u64;
    }
}

#[cfg(test)]
mod tests;
