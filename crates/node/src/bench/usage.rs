//! What the system knows of a process (Linux's `/proc`, see proc(5)).

use crate::NodeError;
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// Which processes are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    One(u32),
    /// All processes of a group: a node's command may start helpers.
    Group(u32),
}

/// What they have used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Processor time of all threads, user and system, in microseconds.
    pub(super) cpu_micros: u64,
    /// The most memory that was resident at any time.
    pub(super) peak_bytes: u64,
}

/// The fields of `/proc/PID/stat` that count here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) group: u32,
    pub(super) ticks: u64,
}

impl Watched {
    /// Reads the counters.
    pub(super) fn usage(&self) -> Result<Usage, NodeError> {
        match *self {
            Self::One(pid) => usage(pid).ok_or_else(|| gone(pid)),
            Self::Group(group) => {
                let mut sum = Usage::default();
                for pid in processes()? {
                    if stat(pid).is_some_and(|stat| stat.group == group)
                        && let Some(one) = usage(pid)
                    {
                        sum.cpu_micros += one.cpu_micros;
                        sum.peak_bytes += one.peak_bytes;
                    }
                }
                if sum == Usage::default() { Err(gone(group)) } else { Ok(sum) }
            }
        }
    }
}

fn gone(pid: u32) -> NodeError {
    NodeError::Failed(format!("there is no process {pid} whose use could be measured"))
}

/// Processor time of this process, in microseconds.
pub(super) fn own_cpu_micros() -> Result<u64, NodeError> {
    Watched::One(std::process::id()).usage().map(|usage| usage.cpu_micros)
}

fn processes() -> Result<Vec<u32>, NodeError> {
    let entries = fs::read_dir("/proc").map_err(|e| NodeError::io("cannot read /proc", e))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn usage(pid: u32) -> Option<Usage> {
    let ticks = stat(pid)?.ticks;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Usage {
        cpu_micros: ticks * 1_000_000 / rustix::param::clock_ticks_per_second(),
        peak_bytes: parse_peak(&status).unwrap_or(0),
    })
}

/// The command's name is in parentheses and may contain anything, even parentheses.
pub(super) fn parse_stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // The first of these is field 3 of proc(5): 5 is the group, 14 and 15 are user and system time.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let group = u32::try_from(number(5)?).ok()?;
    Some(Stat { group, ticks: number(14)? + number(15)? })
}

/// `VmHWM` of `/proc/PID/status`, in bytes.
pub(super) fn parse_peak(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

/// Bytes that a folder really takes on disk, with all in it.
pub(super) fn disk_bytes(folder: &Path) -> Result<u64, NodeError> {
    let failed = |e| NodeError::file("measure", folder, e);
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        bytes += if metadata.is_dir() {
            disk_bytes(&entry.path())?
        } else {
            metadata.blocks() * 512 // st_blocks is in units of 512 bytes, stat(3type)
        };
    }
    Ok(bytes)
}

/// True when a folder is in memory (tmpfs or ramfs), where syncing costs nothing.
pub(super) fn in_memory(folder: &Path) -> Result<bool, NodeError> {
    // From linux/magic.h.
    const TMPFS_MAGIC: i128 = 0x0102_1994;
    const RAMFS_MAGIC: i128 = 0x8584_58f6;
    let system =
        rustix::fs::statfs(folder).map_err(|e| NodeError::file("use", folder, e.into()))?;
    Ok([TMPFS_MAGIC, RAMFS_MAGIC].contains(&i128::from(system.f_type)))
}
