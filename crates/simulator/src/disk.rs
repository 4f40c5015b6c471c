//! Power cuts: logs that lose what was not synced, and ledgers whose last record is torn.

use crate::error::Broken;
use alloy_primitives::Bytes;
use hanse_consensus::{Wal, WalError};
use hanse_ledger::Ledger;
use hanse_node::simulation::open_wal;
use hanse_primitives::Height;
use parking_lot::Mutex;
use rand::{Rng, rngs::StdRng};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes with which a log begins, and which are there from the first sync on.
const HEAD_BYTES: u64 = 8;

/// The power cord of a member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cord(Arc<Mutex<Pull>>);

#[derive(Debug, Default)]
struct Pull {
    /// Pulled after so many more operations.
    after: Option<u32>,
    /// Pulled with the first operation that finds another final block than this one.
    at_finality: Option<Height>,
    ledger: Option<Ledger>,
    out: bool,
}

impl Cord {
    /// Plugs the cord in.
    pub(crate) fn plug(&self, ledger: &Ledger) {
        *self.0.lock() = Pull { ledger: Some(ledger.clone()), ..Pull::default() };
    }

    /// Lets go of the ledger.
    pub(crate) fn release(&self) {
        self.0.lock().ledger = None;
    }

    pub(crate) fn pull_after(&self, operations: u32) {
        self.0.lock().after = Some(operations);
    }

    pub(crate) fn pull_at_finality(&self) {
        let mut pull = self.0.lock();
        pull.at_finality = pull.ledger.as_ref().map(|ledger| ledger.finalized().height);
    }

    /// True when the power is gone: before an operation, or after a block has become final.
    pub(crate) fn is_out(&self) -> bool {
        let pull = self.0.lock();
        pull.out || pull.has_finalized()
    }

    /// True when the power went while a block was made final.
    pub(crate) fn in_finality(&self) -> bool {
        self.0.lock().has_finalized()
    }

    /// True when the cord is going to be pulled in this way.
    pub(crate) fn waits_for_finality(&self) -> bool {
        self.0.lock().at_finality.is_some()
    }

    fn strain(&self) -> Result<(), WalError> {
        let mut pull = self.0.lock();
        if let Some(left) = pull.after {
            match left.checked_sub(1) {
                Some(left) => pull.after = Some(left),
                None => pull.out = true,
            }
        }
        pull.out |= pull.has_finalized();
        if pull.out { Err(WalError("the power is gone".to_owned())) } else { Ok(()) }
    }
}

impl Pull {
    fn has_finalized(&self) -> bool {
        let now = self.ledger.as_ref().map(|ledger| ledger.finalized().height);
        self.at_finality.zip(now).is_some_and(|(before, now)| now > before)
    }
}

/// The real log of an engine, in a file that a power cut tears.
#[derive(Clone, Debug)]
pub(crate) struct TornWal {
    inner: Arc<Mutex<Inner>>,
    cord: Cord,
}

#[derive(Debug)]
struct Inner {
    wal: Box<dyn Wal + Send>,
    path: PathBuf,
    /// Bytes that are on the disk for certain.
    durable: u64,
    /// What was on the disk when the log was emptied, until that is on the disk as well.
    before_reset: Option<Vec<u8>>,
}

impl Inner {
    fn length(&self) -> Result<u64, WalError> {
        let length = fs::metadata(&self.path).map(|metadata| metadata.len());
        length.map_err(|error| WalError(error.to_string()))
    }

    fn is_durable(&mut self) -> Result<(), WalError> {
        self.durable = self.length()?;
        self.before_reset = None;
        Ok(())
    }
}

impl TornWal {
    pub(crate) fn open(path: &Path, cord: &Cord) -> Result<Self, Broken> {
        let wal = open_wal(path).map_err(Broken::machine)?;
        let durable = fs::metadata(path).map_err(Broken::machine)?.len();
        let inner = Inner { wal, path: path.to_owned(), durable, before_reset: None };
        Ok(Self { inner: Arc::new(Mutex::new(inner)), cord: cord.clone() })
    }

    /// Leaves of the file what a power cut leaves.
    pub(crate) fn tear(&self, rng: &mut StdRng) -> Result<(), Broken> {
        let mut inner = self.inner.lock();
        if let Some(before) = inner.before_reset.take()
            && rng.r#gen()
        {
            return fs::write(&inner.path, before).map_err(Broken::machine);
        }
        let length = inner.length().map_err(Broken::machine)?;
        let kept = rng.gen_range(inner.durable.min(length)..=length);
        let file = OpenOptions::new().write(true).open(&inner.path).map_err(Broken::machine)?;
        file.set_len(kept).map_err(Broken::machine)?;
        // The length of a file may be on the disk before its content.
        if kept > inner.durable && rng.gen_ratio(1, 3) {
            let zeros = usize::try_from(rng.gen_range(0..=kept - inner.durable).min(64));
            let zeros = vec![0; zeros.expect("64 at most")];
            file.write_all_at(&zeros, kept - zeros.len() as u64).map_err(Broken::machine)?;
        }
        Ok(())
    }

    /// Erases the file, which no honest disk does.
    pub(crate) fn erase(&self) -> Result<(), Broken> {
        fs::write(&self.inner.lock().path, []).map_err(Broken::machine)
    }
}

impl Wal for TornWal {
    fn records(&mut self) -> Result<Vec<Bytes>, WalError> {
        self.inner.lock().wal.records()
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WalError> {
        self.cord.strain()?;
        self.inner.lock().wal.append(record)
    }

    fn sync(&mut self) -> Result<(), WalError> {
        self.cord.strain()?;
        let mut inner = self.inner.lock();
        inner.wal.sync()?;
        inner.is_durable()
    }

    fn replace(&mut self, records: &[Bytes]) -> Result<(), WalError> {
        self.cord.strain()?;
        let mut inner = self.inner.lock();
        inner.wal.replace(records)?;
        inner.is_durable()
    }

    fn reset(&mut self) -> Result<(), WalError> {
        self.cord.strain()?;
        let mut inner = self.inner.lock();
        if inner.before_reset.is_none() {
            let mut bytes = fs::read(&inner.path).map_err(|error| WalError(error.to_string()))?;
            bytes.truncate(usize::try_from(inner.durable).unwrap_or(usize::MAX));
            inner.before_reset = Some(bytes);
        }
        inner.wal.reset()?;
        inner.durable = HEAD_BYTES;
        Ok(())
    }
}

/// The file to which a ledger appends, and its length.
pub(crate) fn log_end(folder: &Path) -> Result<(PathBuf, u64), Broken> {
    let entries = fs::read_dir(folder.join("log")).map_err(Broken::machine)?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(Broken::machine)?.path());
    }
    let last = files.into_iter().max().ok_or_else(|| Broken::machine("a ledger has a log"))?;
    let length = fs::metadata(&last).map_err(Broken::machine)?.len();
    Ok((last, length))
}

/// Tears the last record off a ledger's log, somewhere behind `from`.
pub(crate) fn tear_log(folder: &Path, from: u64, rng: &mut StdRng) -> Result<(), Broken> {
    let (path, length) = log_end(folder)?;
    let kept = rng.gen_range(from.min(length)..=length);
    let file = OpenOptions::new().write(true).open(path).map_err(Broken::machine)?;
    file.set_len(kept).map_err(Broken::machine)
}
