//! Opens a ledger: checks whose it is, repairs what a crash left, replays what the store lacks.

use crate::{
    LedgerError, Settings, checkpoint,
    codec::Malformed,
    flat::Flat,
    limits::PROOF_TRIES,
    log::{Body, Entry, Found, Log, LogSettings, Payload, Seen},
    recent::FinalBlock,
    rollback,
    shared::Shared,
    store::Store,
    stored::BlockWeight,
    tree::Tree,
    trie::StateTrie,
    writer::Writer,
};
use alloy_primitives::B256;
use hanse_primitives::{BlockRef, ChainSpec, Height, SealedBlock};
use parking_lot::{Mutex, RwLock};
use quick_cache::sync::Cache;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

/// Opens or creates the ledger in `directory`.
pub(crate) fn open(
    directory: &Path,
    spec: &ChainSpec,
    settings: Settings,
) -> Result<Shared, LedgerError> {
    fs::create_dir_all(directory).map_err(|source| LedgerError::io("create", directory, source))?;
    let lock = lock(directory)?;
    let genesis = spec.genesis_block_sealed();
    let store = Arc::new(Store::open(directory, genesis.hash(), settings.store_cache_bytes)?);
    if let Some(height) = store.wanted_rollback()? {
        rollback::resume(directory, genesis.hash(), &store, height, &settings)?;
    }
    let log = Log::open(
        directory.join("log"),
        genesis.hash(),
        LogSettings::of(&settings),
        store.checkpoint()?.map(|seen| Seen { height: seen.block.height, position: seen.position }),
    )?;
    if log.is_empty() {
        let changes = spec.genesis_changes();
        let body = Body::new(genesis, &[], &[], &changes);
        log.append(&[Entry { height: Height::GENESIS, body: &body, seal: &[] }])?;
        log.sync()?;
    }
    let (flat, block, trie) = replay(&log, genesis.hash(), store, &settings)?;
    let block_bytes = u64::try_from(settings.block_bytes_max).unwrap_or(u64::MAX);
    Ok(Shared {
        tree: RwLock::new(Tree::new(block, trie)),
        commit: Mutex::new(()),
        pruning: Mutex::new(()),
        blocks: Cache::with_weighter(1024, block_bytes, BlockWeight),
        old_tries: Cache::new(PROOF_TRIES),
        writer: Writer::default(),
        jobs: Arc::new(()),
        lineage: AtomicU64::new(0),
        genesis: genesis.clone(),
        settings,
        log,
        flat,
        _lock: lock,
    })
}

/// Keeps other processes out.
pub(crate) fn lock(directory: &Path) -> Result<File, LedgerError> {
    let path = directory.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| LedgerError::io("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(LedgerError::io("lock", &path, source)),
    }
}

/// Brings memory to where the log ends: applies what the store does not have, without executing it
/// again.
fn replay(
    log: &Log,
    genesis: B256,
    store: Arc<Store>,
    settings: &Settings,
) -> Result<(Flat, BlockRef, StateTrie), LedgerError> {
    let checkpoint = store.checkpoint()?;
    let height = checkpoint.map_or(Height::GENESIS, |checkpoint| checkpoint.block.height);
    let flat = Flat::new(store.clone(), height, settings);
    let mut cursor = log.cursor_at_genesis();
    let mut last = None;
    let mut trie = StateTrie::empty(store.clone());
    if let Some(checkpoint) = checkpoint {
        cursor = log.cursor(checkpoint.position);
        let seen = cursor.next(log)?.ok_or_else(|| {
            log.corrupt(checkpoint.position, "the log ends before what the store has seen")
        })?;
        // It may have been pruned: only its header is needed.
        let block = seen
            .record
            .split()
            .and_then(|payload| payload.block())
            .map_err(|error| log.corrupt(seen.position, error.0))?;
        if block.reference() != checkpoint.block {
            return Err(log.corrupt(seen.position, "not the block that the store has seen here"));
        }
        trie = StateTrie::open(store, block.header().state_root)?;
        last = Some(checkpoint.block);
    }
    while let Some(found) = cursor.next(log)? {
        let (block, changes) =
            decode(log, &found, |payload| Ok((payload.block()?, payload.changes()?)))?;
        check_place(log, &found, &block, last, genesis)?;
        trie = trie.apply_owned(&changes)?;
        if trie.root() != block.header().state_root {
            return Err(log.corrupt(found.position, "changes that do not lead to the state root"));
        }
        let waiting = flat.extend(|generation| {
            generation.push(
                FinalBlock { block: block.reference(), position: found.position },
                block.transactions().iter().map(|transaction| transaction.tx_hash()),
                &changes,
                u64::try_from(found.record.bytes).unwrap_or(u64::MAX),
            );
            generation.bytes()
        });
        last = Some(block.reference());
        if waiting >= settings.checkpoint_bytes {
            tracing::info!(height = block.height().0, "replaying the block log");
            flat.extend(|generation| generation.set_trie(trie.clone()));
            write_now(&flat, log, genesis)?;
            trie.evict(settings.trie_bytes_max);
        }
    }
    flat.extend(|generation| generation.set_trie(trie.clone()));
    let last = last.expect("the log holds at least the genesis block");
    Ok((flat, last, trie))
}

fn write_now(flat: &Flat, log: &Log, genesis: B256) -> Result<(), LedgerError> {
    match flat.freeze() {
        Some(generation) => checkpoint::write(flat, log, &generation, genesis),
        None => Ok(()),
    }
}

fn decode<T>(
    log: &Log,
    found: &Found,
    take: impl FnOnce(&Payload<'_>) -> Result<T, Malformed>,
) -> Result<T, LedgerError> {
    if found.record.is_pruned {
        let what =
            "what the key-value store lacks has been pruned; restore the folder, or sync anew";
        return Err(log.corrupt(found.position, what));
    }
    found
        .record
        .split()
        .and_then(|payload| take(&payload))
        .map_err(|error| log.corrupt(found.position, error.0))
}

fn check_place(
    log: &Log,
    found: &Found,
    block: &SealedBlock,
    last: Option<BlockRef>,
    genesis: B256,
) -> Result<(), LedgerError> {
    let in_place = match last {
        None => block.hash() == genesis && block.height() == Height::GENESIS,
        Some(last) => {
            block.header().parent_hash == last.hash && block.height() == last.height.next()
        }
    };
    if in_place && block.height() == found.record.height {
        return Ok(());
    }
    Err(log.corrupt(found.position, "a block that does not follow the one before it"))
}
