//! Makes a ledger of a snapshot.
//!
//! It is made in a folder of its own, opened and verified there, and then takes its place. A crash in
//! between leaves nothing that would be taken for a ledger.

use crate::{
    Horizon, Ledger, LedgerError, Settings,
    codec::{Malformed, account_bytes, read_account, slot_bytes},
    limits::{PRUNE_ROWS, RECORD_BYTES_MAX},
    log::{Log, LogSettings, Payload, Position, sync_directory},
    open,
    past_state::PastAccount,
    remains::Past,
    snapshot::{ACCOUNT, CODE, END, FORMAT, MAGIC, NO_STATE, SLOT},
    store::{
        Checkpoint, NodeRows, Place, Space, Store, WriteSet, account_version_key, place_bytes,
        slot_key, slot_version_key, transaction_key,
    },
    trie::{Gathered, StateTrie},
};
use alloy_primitives::{Address, B256, U256, keccak256};
use crc32fast::Hasher;
use hanse_primitives::{BlockHash, BlockRef, ChainSpec, Header, Height};
use std::{fs, io::Read, path::Path, sync::Arc};

/// The folder in which the ledger is made.
const UNFINISHED: &str = "restoring";

/// Makes the ledger of a snapshot in `directory`, where there must be none.
pub(crate) fn restore(
    directory: &Path,
    spec: &ChainSpec,
    settings: &Settings,
    trusted: BlockHash,
    input: &mut dyn Read,
) -> Result<Ledger, LedgerError> {
    fs::create_dir_all(directory).map_err(|source| LedgerError::io("create", directory, source))?;
    let lock = open::lock(directory)?;
    let (log, store) = (directory.join("log"), directory.join("store"));
    if log.exists() && store.exists() {
        let why = format!("{} holds a ledger already; choose another folder", directory.display());
        return Err(LedgerError::Snapshot(why));
    }
    let unfinished = directory.join(UNFINISHED);
    for path in [&unfinished, &log, &store] {
        if path.exists() {
            fs::remove_dir_all(path).map_err(|source| LedgerError::io("remove", path, source))?;
        }
    }
    let made = make(&unfinished, spec, settings, trusted, input);
    if let Err(error) = made {
        let _ = fs::remove_dir_all(&unfinished); // what went wrong before is what is to be said
        return Err(error);
    }
    let names = [(unfinished.join("store"), &store), (unfinished.join("log"), &log)];
    for (from, to) in names {
        fs::rename(&from, to).map_err(|source| LedgerError::io("name", to, source))?;
    }
    sync_directory(directory)?;
    fs::remove_dir_all(&unfinished)
        .map_err(|source| LedgerError::io("remove", &unfinished, source))?;
    drop(lock);
    Ledger::open(directory, spec, settings.clone())
}

fn make(
    directory: &Path,
    spec: &ChainSpec,
    settings: &Settings,
    trusted: BlockHash,
    input: &mut dyn Read,
) -> Result<(), LedgerError> {
    let genesis = spec.genesis_block_sealed().hash();
    let mut input = Input { input, crc: Hasher::new() };
    let front = Front::read(&mut input)?;
    if front.genesis != genesis {
        return refuse(format!("it is of the chain with genesis {}, not {genesis}", front.genesis));
    }
    if front.last.hash != trusted {
        let last = front.last;
        return refuse(format!(
            "it ends with block {} ({}), not {trusted}",
            last.height, last.hash
        ));
    }
    let store = Arc::new(Store::open(directory, genesis, settings.store_cache_bytes)?);
    let log = Log::open(directory.join("log"), genesis, LogSettings::of(settings), None)?;
    let base = read_blocks(&mut input, &front, &log, &store)?;
    match base {
        Some((position, header)) => {
            let state = State { height: Height(header.number), store: &store };
            let trie = state.read(&mut input)?;
            if trie.root() != header.state_root {
                return refuse(format!("its state is not that of block {}", header.number));
            }
            let block = BlockRef { height: Height(header.number), hash: header.hash_slow() };
            let checkpoint = Checkpoint { block, position };
            finish(&store, &trie, &checkpoint, &front.horizon, genesis)?;
        }
        None => {
            if input.byte()? != END {
                return refuse("it has a state and does not say of which block".to_owned());
            }
        }
    }
    input.end()?;
    log.sync()?;
    drop((log, store));
    let report = Ledger::open(directory, spec, settings.clone())
        .and_then(|ledger| ledger.verify(&mut |_| {}))
        // What does not fit in what was just written is the snapshot's fault, not the disk's.
        .map_err(|error| match error {
            LedgerError::Corrupt(what) => LedgerError::Snapshot(what),
            error => error,
        })?;
    match report.problems.first() {
        None => Ok(()),
        Some(problem) => refuse(problem.clone()),
    }
}

fn refuse<T>(why: String) -> Result<T, LedgerError> {
    Err(LedgerError::Snapshot(why))
}

struct Front {
    genesis: B256,
    last: BlockRef,
    base: Option<Height>,
    horizon: Horizon,
}

impl Front {
    fn read(input: &mut Input<'_>) -> Result<Self, LedgerError> {
        if input.array()? != MAGIC {
            return refuse("it is no snapshot".to_owned());
        }
        let format = u32::from_be_bytes(input.array()?);
        if format != FORMAT {
            return refuse(format!("it has format {format}; this program reads {FORMAT}"));
        }
        let genesis = B256::from(input.array()?);
        let height = Height(u64::from_be_bytes(input.array()?));
        let last = BlockRef { height, hash: B256::from(input.array()?) };
        let base = u64::from_be_bytes(input.array()?);
        let base = (base != NO_STATE).then_some(Height(base));
        if base.is_some_and(|base| base > height) {
            return refuse("its state is above its last block".to_owned());
        }
        let horizon = Horizon::read(&input.bytes()?);
        let horizon = horizon.map_err(|error| LedgerError::Snapshot(error.to_string()))?;
        if horizon.highest().previous() != base {
            return refuse("its state is not that below its horizon".to_owned());
        }
        Ok(Self { genesis, last, base, horizon })
    }
}

/// Reads the blocks into the log, and the indexes of those that the state covers into the store. Gives the
/// place and the header of the block of the state.
fn read_blocks(
    input: &mut Input<'_>,
    front: &Front,
    log: &Log,
    store: &Store,
) -> Result<Option<(Position, Header)>, LedgerError> {
    let mut parent: Option<BlockHash> = None;
    let mut found = None;
    let mut set = WriteSet::default();
    let mut rows = 0;
    let mut height = Height::GENESIS;
    while height <= front.last.height {
        let is_pruned = match input.byte()? {
            0 => false,
            1 => true,
            _ => return refuse(format!("block {height} is neither whole nor pruned")),
        };
        let payload = input.bytes()?;
        let past = Payload::split(&payload, is_pruned);
        let past = past.and_then(|payload| Past::read(&payload));
        let past = past.map_err(|error| malformed(height, &error))?;
        let block = past.block();
        let follows = match parent {
            None => block.hash() == front.genesis,
            Some(parent) => block.header().parent_hash == parent,
        };
        if !follows || block.height() != height {
            return refuse(format!("block {height} does not follow the one before it"));
        }
        parent = Some(block.hash());
        let position = log.append_record(height, &payload, is_pruned)?;
        if front.base.is_some_and(|base| height <= base) {
            let key = height.0.to_be_bytes();
            set.rows(Space::Heights).put(&key, &place_bytes(position, block.hash()));
            set.rows(Space::Hashes).put(block.hash().as_slice(), &key);
            rows += 2;
            for (index, one) in past.transactions().enumerate() {
                let place = Place::new(height, index).bytes();
                set.rows(Space::Transactions).put(&transaction_key(&one.hash()), &place);
                rows += 1;
            }
            flush(store, &mut set, &mut rows)?;
        }
        if front.base == Some(height) {
            found = Some((position, block.header().clone()));
        }
        height = height.next();
    }
    store.write(set)?;
    if parent != Some(front.last.hash) {
        return refuse("its last block is another one than it says".to_owned());
    }
    Ok(found)
}

fn malformed(height: Height, error: &Malformed) -> LedgerError {
    LedgerError::Snapshot(format!("block {height}: {error}"))
}

fn flush(store: &Store, set: &mut WriteSet, rows: &mut u64) -> Result<(), LedgerError> {
    if *rows >= PRUNE_ROWS {
        store.write(std::mem::take(set))?;
        *rows = 0;
    }
    Ok(())
}

/// The state of one block, on its way into the store.
struct State<'a> {
    height: Height,
    store: &'a Arc<Store>,
}

impl State<'_> {
    fn read(&self, input: &mut Input<'_>) -> Result<StateTrie, LedgerError> {
        let mut gathered = Gathered::into(StateTrie::empty(self.store.clone()));
        let mut set = WriteSet::default();
        let mut rows = 0;
        let mut account: Option<PastAccount> = None;
        loop {
            match input.byte()? {
                SLOT => {
                    let slot = U256::from_be_bytes(input.array::<32>()?);
                    let value = U256::from_be_bytes(input.array::<32>()?);
                    let Some((_, _, storage)) = &mut account else {
                        return refuse("a slot of no account".to_owned());
                    };
                    if value.is_zero() || storage.last().is_some_and(|(last, _)| *last >= slot) {
                        return refuse("slots out of order, or empty".to_owned());
                    }
                    storage.push((slot, value));
                    continue;
                }
                ACCOUNT => {
                    let before = account.as_ref().map(|(address, ..)| *address);
                    self.keep(account.take(), &mut set, &mut rows, &mut gathered)?;
                    let address = Address::from(input.array()?);
                    let info = read_account(&input.bytes()?);
                    let info = info.ok().flatten();
                    let (Some(info), false) = (info, before >= Some(address)) else {
                        return refuse("accounts out of order, or malformed".to_owned());
                    };
                    account = Some((address, info, Vec::new()));
                }
                CODE => {
                    let code = input.bytes()?;
                    set.rows(Space::Code).put(keccak256(&code).as_slice(), &code);
                    rows += 1;
                }
                END => break,
                _ => return refuse("something that is no part of a state".to_owned()),
            }
            flush(self.store, &mut set, &mut rows)?;
        }
        self.keep(account, &mut set, &mut rows, &mut gathered)?;
        self.store.write(set)?;
        Ok(gathered.finish()?)
    }

    fn keep(
        &self,
        account: Option<PastAccount>,
        set: &mut WriteSet,
        rows: &mut u64,
        gathered: &mut Gathered,
    ) -> Result<(), LedgerError> {
        let Some((address, info, storage)) = account else { return Ok(()) };
        let bytes = account_bytes(Some(&info));
        set.rows(Space::Accounts).put(address.as_slice(), &bytes);
        let version = account_version_key(&address, self.height);
        set.rows(Space::AccountHistory).put(&version, &bytes);
        for (slot, value) in &storage {
            let bytes = slot_bytes(value);
            set.rows(Space::Slots).put(&slot_key(&address, slot), &bytes);
            let version = slot_version_key(&address, slot, self.height);
            set.rows(Space::SlotHistory).put(&version, &bytes);
        }
        *rows += 2 + 2 * u64::try_from(storage.len()).unwrap_or(u64::MAX / 4);
        Ok(gathered.add(address, Some(info), storage)?)
    }
}

/// Notes that the store has the state of `checkpoint`, and nothing from before.
fn finish(
    store: &Store,
    trie: &StateTrie,
    checkpoint: &Checkpoint,
    horizon: &Horizon,
    genesis: B256,
) -> Result<(), LedgerError> {
    let mut set = WriteSet::default();
    let unconfirmed = trie.persist(&mut NodeRows(set.rows(Space::Nodes)))?;
    store.write(set)?;
    unconfirmed.confirm();
    store.set_pruned(horizon)?;
    store.set_horizon(horizon)?;
    store.set_first_state(checkpoint.block.height)?;
    let mut set = WriteSet::default();
    set.set_checkpoint(checkpoint, genesis);
    store.write(set)
}

/// Sums up what is read.
struct Input<'a> {
    input: &'a mut dyn Read,
    crc: Hasher,
}

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], LedgerError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(read)?;
        self.crc.update(&bytes);
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, LedgerError> {
        Ok(self.array::<1>()?[0])
    }

    fn bytes(&mut self) -> Result<Vec<u8>, LedgerError> {
        let length = u32::from_be_bytes(self.array()?);
        if usize::try_from(length).is_ok_and(|length| length > RECORD_BYTES_MAX) {
            return refuse(format!("a piece of {length} bytes"));
        }
        // Memory is taken as bytes come, so that a length that lies costs nothing.
        let mut bytes = Vec::new();
        let mut piece = self.input.take(u64::from(length));
        let got = piece.read_to_end(&mut bytes).map_err(read)?;
        if u64::try_from(got).ok() != Some(u64::from(length)) {
            return refuse("it ends too early".to_owned());
        }
        self.crc.update(&bytes);
        Ok(bytes)
    }

    fn end(mut self) -> Result<(), LedgerError> {
        let expected = self.crc.clone().finalize();
        if u32::from_be_bytes(self.array()?) != expected {
            return refuse("its checksum is wrong".to_owned());
        }
        Ok(())
    }
}

fn read(source: std::io::Error) -> LedgerError {
    match source.kind() {
        std::io::ErrorKind::UnexpectedEof => LedgerError::Snapshot("it ends too early".to_owned()),
        _ => LedgerError::Io { what: "read the snapshot".to_owned(), source },
    }
}
