//! The key-value store: what is derived from the block log so that it can be found by key.
//!
//! It is written a checkpoint at a time, each in bulk and in key order, which costs a fraction of
//! what single writes do. A checkpoint becomes real in one step: its rows are written to
//! `checkpoint.redo` and synced, then taken into the key spaces. Taking them in again changes
//! nothing, so a crash in the middle is repaired at the next opening by doing just that.
//!
//! Keys (numbers big-endian; "inverted" means subtracted from the largest number, so that the newest
//! version comes first):
//!
//! | space | key | value |
//! |---|---|---|
//! | accounts | address | account at the checkpoint |
//! | slots | address, slot | value at the checkpoint |
//! | code | hash | code |
//! | account history | address, inverted height | account from that height on; empty when there is none |
//! | slot history | address, slot, inverted height | value from that height on; empty when zero |
//! | heights | height | log position, block hash |
//! | hashes | block hash | height |
//! | transactions | first 16 bytes of the hash | height (5 bytes), index (3) |
//! | nodes | 0, path or 1, hashed address, path | trie record |
//! | meta | name | format, genesis, checkpoint, wanted rollback, horizon, what has been pruned, first state |

mod history;
mod nodes;
mod read;
mod redo;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use nodes::NodeRows;
pub(crate) use read::{Place, transaction_key};
pub(crate) use rows::{Rows, WriteSet};

use crate::{
    Horizon, LedgerError,
    codec::{Malformed, Reader},
    log::Position,
};
use alloy_primitives::{Address, B256, U256};
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions,
    config::{FilterPolicy, HashRatioPolicy},
};
use hanse_primitives::{BlockRef, Height};
use parking_lot::{Mutex, RwLock};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// The version of the keys and values above.
pub(crate) const FORMAT: u32 = 1;

/// One key space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Accounts,
    Slots,
    Code,
    AccountHistory,
    SlotHistory,
    Heights,
    Hashes,
    Transactions,
    Nodes,
    Meta,
}

impl Space {
    pub(crate) const COUNT: usize = 10;

    /// All, in the order in which a checkpoint is taken in: history before what it is the history
    /// of, and last of all the note that says how far the store goes.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::AccountHistory,
        Self::SlotHistory,
        Self::Accounts,
        Self::Slots,
        Self::Code,
        Self::Heights,
        Self::Hashes,
        Self::Transactions,
        Self::Nodes,
        Self::Meta,
    ];

    const fn index(self) -> usize {
        match self {
            Self::AccountHistory => 0,
            Self::SlotHistory => 1,
            Self::Accounts => 2,
            Self::Slots => 3,
            Self::Code => 4,
            Self::Heights => 5,
            Self::Hashes => 6,
            Self::Transactions => 7,
            Self::Nodes => 8,
            Self::Meta => 9,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Slots => "slots",
            Self::Code => "code",
            Self::AccountHistory => "account_history",
            Self::SlotHistory => "slot_history",
            Self::Heights => "heights",
            Self::Hashes => "hashes",
            Self::Transactions => "transactions",
            Self::Nodes => "nodes",
            Self::Meta => "meta",
        }
    }

    fn options(self) -> KeyspaceCreateOptions {
        let options = KeyspaceCreateOptions::default();
        match self {
            // Only ever read by range, where a filter cannot help.
            Self::AccountHistory | Self::SlotHistory => {
                options.filter_policy(FilterPolicy::disabled())
            }
            Self::Accounts | Self::Slots => {
                options.data_block_hash_ratio_policy(HashRatioPolicy::all(4.0))
            }
            _ => options,
        }
    }
}

/// How far the store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) block: BlockRef,
    pub(crate) position: Position,
}

/// The open store.
pub(crate) struct Store {
    database: Database,
    spaces: [Keyspace; Space::COUNT],
    redo: PathBuf,
    /// One checkpoint at a time.
    writing: Mutex<()>,
    /// From where on history is kept.
    horizon: RwLock<Horizon>,
    /// The same of all states, in a ledger that was made of a snapshot.
    first_state: RwLock<Height>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("redo", &self.redo).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store under `directory`, or makes an empty one, and completes a checkpoint that a
    /// crash interrupted.
    pub(crate) fn open(
        directory: &Path,
        genesis: B256,
        cache_bytes: u64,
    ) -> Result<Self, LedgerError> {
        let path = directory.join("store");
        let database = Database::builder(&path)
            .cache_size(cache_bytes)
            .worker_threads(2)
            .manual_journal_persist(true)
            .open()
            .map_err(|error| match error {
                fjall::Error::Locked => LedgerError::Locked(directory.to_owned()),
                error => error.into(),
            })?;
        let mut spaces = Vec::with_capacity(Space::COUNT);
        for space in Space::ALL {
            spaces.push(database.keyspace(space.name(), || space.options())?);
        }
        let spaces =
            spaces.try_into().unwrap_or_else(|_| unreachable!("one key space was opened for each"));
        let store = Self {
            database,
            spaces,
            redo: directory.join("checkpoint.redo"),
            writing: Mutex::new(()),
            horizon: RwLock::default(),
            first_state: RwLock::default(),
        };
        store.check_identity(&path, genesis)?;
        store.finish_interrupted()?;
        *store.horizon.write() = store.noted(b"horizon")?;
        *store.first_state.write() = store.noted(b"first state")?.all;
        Ok(store)
    }

    fn check_identity(&self, path: &Path, genesis: B256) -> Result<(), LedgerError> {
        let Some(bytes) = self.get(Space::Meta, b"identity")? else { return Ok(()) };
        let (format, found) =
            read_identity(&bytes).map_err(|error| self.malformed("meta", &error))?;
        if format != FORMAT {
            return Err(LedgerError::Format {
                path: path.to_owned(),
                found: format,
                expected: FORMAT,
            });
        }
        if found != genesis {
            return Err(LedgerError::OtherGenesis {
                path: path.to_owned(),
                found,
                expected: genesis,
            });
        }
        Ok(())
    }

    /// How far the store goes; `None` before the first checkpoint.
    pub(crate) fn checkpoint(&self) -> Result<Option<Checkpoint>, LedgerError> {
        let Some(bytes) = self.get(Space::Meta, b"checkpoint")? else { return Ok(None) };
        Checkpoint::read(&bytes).map(Some).map_err(|error| self.malformed("meta", &error))
    }

    /// The height that a rollback was asked for, which has not been completed.
    pub(crate) fn wanted_rollback(&self) -> Result<Option<Height>, LedgerError> {
        let Some(bytes) = self.get(Space::Meta, b"rollback")? else { return Ok(None) };
        let mut reader = Reader::new(&bytes);
        let height = reader.array().map(u64::from_be_bytes);
        height.map(|height| Some(Height(height))).map_err(|error| self.malformed("meta", &error))
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.database.disk_space().unwrap_or(0)
    }

    fn space(&self, space: Space) -> &Keyspace {
        &self.spaces[space.index()]
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<fjall::Slice>, LedgerError> {
        Ok(self.space(space).get(key)?)
    }

    /// Every row of a key space, in key order.
    pub(crate) fn iter(
        &self,
        space: Space,
    ) -> impl Iterator<Item = Result<(fjall::Slice, fjall::Slice), LedgerError>> + use<> {
        self.space(space).iter().map(|guard| Ok(guard.into_inner()?))
    }

    /// How many rows a key space has; reads all of them.
    pub(crate) fn count(&self, space: Space) -> Result<u64, LedgerError> {
        let mut count = 0;
        for row in self.iter(space) {
            row?;
            count += 1;
        }
        Ok(count)
    }

    fn malformed(&self, what: &str, error: &Malformed) -> LedgerError {
        LedgerError::Corrupt(format!("the store's {what}: {error}"))
    }
}

impl WriteSet {
    /// Notes how far the store goes once this is written.
    pub(crate) fn set_checkpoint(&mut self, checkpoint: &Checkpoint, genesis: B256) {
        let mut identity = FORMAT.to_be_bytes().to_vec();
        identity.extend_from_slice(genesis.as_slice());
        let meta = self.rows(Space::Meta);
        meta.put(b"identity", &identity);
        meta.put(b"checkpoint", &checkpoint.bytes());
    }

    /// Notes that a rollback to this height is wanted, or no more.
    pub(crate) fn set_wanted_rollback(&mut self, height: Option<Height>) {
        let meta = self.rows(Space::Meta);
        match height {
            Some(height) => meta.put(b"rollback", &height.0.to_be_bytes()),
            None => meta.delete(b"rollback"),
        }
    }
}

impl Checkpoint {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.block.height.0.to_be_bytes().to_vec();
        bytes.extend_from_slice(&place_bytes(self.position, self.block.hash));
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let height = Height(u64::from_be_bytes(reader.array()?));
        let (position, hash) = read_place(reader.rest())?;
        Ok(Self { block: BlockRef { height, hash }, position })
    }
}

fn read_identity(bytes: &[u8]) -> Result<(u32, B256), Malformed> {
    let mut reader = Reader::new(bytes);
    Ok((u32::from_be_bytes(reader.array()?), B256::from(reader.array()?)))
}

/// The value of the space `heights`.
pub(crate) fn place_bytes(position: Position, hash: B256) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..4].copy_from_slice(&position.segment.to_be_bytes());
    bytes[4..8].copy_from_slice(&position.offset.to_be_bytes());
    bytes[8..].copy_from_slice(hash.as_slice());
    bytes
}

fn read_place(bytes: &[u8]) -> Result<(Position, B256), Malformed> {
    let mut reader = Reader::new(bytes);
    let segment = u32::from_be_bytes(reader.array()?);
    let offset = u32::from_be_bytes(reader.array()?);
    let hash = B256::from(reader.array()?);
    reader.end()?;
    Ok((Position { segment, offset }, hash))
}

/// The key of a slot.
pub(crate) fn slot_key(address: &Address, slot: &U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// The key of the version that `height` made of an account.
pub(crate) fn account_version_key(address: &Address, height: Height) -> [u8; 28] {
    let mut key = [0; 28];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&inverted(height));
    key
}

/// The key of the version that `height` made of a slot.
pub(crate) fn slot_version_key(address: &Address, slot: &U256, height: Height) -> [u8; 60] {
    let mut key = [0; 60];
    key[..52].copy_from_slice(&slot_key(address, slot));
    key[52..].copy_from_slice(&inverted(height));
    key
}

fn inverted(height: Height) -> [u8; 8] {
    (u64::MAX - height.0).to_be_bytes()
}
