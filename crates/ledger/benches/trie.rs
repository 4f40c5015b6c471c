//! The state trie alone: updates of a resident state, a proof, and a cold start.
//!
//! The module is private, so it is compiled in here a second time. `cargo bench -p hanse-ledger
//! --bench trie`; set `RAYON_NUM_THREADS=1` for figures of one core.

use alloy_primitives::{Address, B256, U256, map::HashMap};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hanse_ledger::{AccountProof, LedgerError, StorageProof};
use hanse_primitives::{AccountChange, AccountInfo, StateChanges};
use parking_lot::Mutex;
use std::{hint::black_box, sync::Arc, time::Duration};
use trie::{NodePath, NodeSink, NodeSource, StateTrie};

#[path = "../src/trie/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the benchmark does not use all of it")]
mod trie;

/// The allocator of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Accounts changed by one batch.
const BATCH: u64 = 2_000;

/// Records in memory, so that the disk is not measured.
#[derive(Debug, Default)]
struct Records(Mutex<HashMap<(Option<B256>, NodePath), fjall::Slice>>);

impl NodeSource for Records {
    fn node(
        &self,
        owner: Option<&B256>,
        path: &NodePath,
    ) -> Result<Option<fjall::Slice>, LedgerError> {
        Ok(self.0.lock().get(&(owner.copied(), *path)).cloned())
    }

    fn paths(&self, _: &B256, _: &mut dyn FnMut(NodePath)) -> Result<(), LedgerError> {
        Ok(())
    }
}

impl NodeSink for &Records {
    fn put(&mut self, owner: Option<&B256>, path: &NodePath, record: &[u8]) {
        self.0.lock().insert((owner.copied(), *path), record.into());
    }

    fn delete(&mut self, owner: Option<&B256>, path: &NodePath) {
        self.0.lock().remove(&(owner.copied(), *path));
    }
}

/// A generator of numbers: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn pay(accounts: impl Iterator<Item = u64>, nonce: u64) -> StateChanges {
    let mut accounts: Vec<_> = accounts.collect();
    accounts.sort_unstable();
    accounts.dedup();
    let change = |account: u64| {
        let balance = U256::from(10_000_000_000_000_000_000u64 + account + nonce);
        let info = AccountInfo { nonce, balance, ..AccountInfo::default() };
        let change = AccountChange { info: Some(info), ..AccountChange::default() };
        (Address::left_padding_from(&account.to_be_bytes()), change)
    };
    StateChanges::new(accounts.into_iter().map(change).collect(), Vec::new())
}

/// Bytes of memory that the process has, where the system says so.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// A persisted state of so many accounts, all in memory.
fn state(accounts: u64) -> (Arc<Records>, StateTrie) {
    let records = Arc::new(Records::default());
    let empty = StateTrie::empty(records.clone());
    let changes = pay(0..accounts, 0);
    let before = resident_bytes();
    let trie = empty.apply_owned(&changes).expect("nothing has to be read");
    eprintln!(
        "{accounts} accounts: {:?} bytes an account, {:?} by the system",
        trie.memory_bytes() as u64 / accounts,
        resident_bytes().zip(before).map(|(after, before)| after.saturating_sub(before) / accounts),
    );
    trie.persist(&mut &*records).expect("nothing has to be read").confirm();
    (records, trie)
}

fn trie_benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("trie");
    group.sample_size(20).measurement_time(Duration::from_secs(6));
    for accounts in [100_000, 1_000_000] {
        let (records, trie) = state(accounts);
        {
            let records = records.0.lock();
            let bytes: usize = records.values().map(|record| record.len()).sum();
            eprintln!("{accounts} accounts: {} records, {bytes} bytes", records.len());
        }
        let mut numbers = Numbers(1);
        let mut head = trie.clone();
        let mut nonce = 0;
        group.throughput(Throughput::Elements(BATCH));
        // A chain: the parent is alive while its child is made, and dropped afterwards.
        group.bench_function(format!("update {BATCH} of {accounts}"), |bencher| {
            bencher.iter_batched(
                || {
                    nonce += 1;
                    pay((0..BATCH).map(|_| numbers.below(accounts)), nonce)
                },
                |changes| head = head.apply(&changes).expect("everything is in memory"),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("update {BATCH} of {accounts} in place"), |bencher| {
            bencher.iter_batched(
                || {
                    nonce += 1;
                    pay((0..BATCH).map(|_| numbers.below(accounts)), nonce)
                },
                |changes| {
                    let own = std::mem::replace(&mut head, StateTrie::empty(records.clone()));
                    head = own.apply_owned(&changes).expect("everything is in memory");
                },
                BatchSize::PerIteration,
            );
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("prove 1 of {accounts}"), |bencher| {
            bencher.iter(|| {
                let account = numbers.below(accounts);
                let address = Address::left_padding_from(&account.to_be_bytes());
                black_box(trie.prove(&address, &[]).expect("everything is in memory"))
            });
        });
        group.bench_function(format!("open {accounts} cold and update 1"), |bencher| {
            bencher.iter(|| {
                let cold = StateTrie::open(records.clone(), trie.root()).expect("it is there");
                let one = pay(std::iter::once(numbers.below(accounts)), 1);
                black_box(cold.apply_owned(&one).expect("its nodes are there"))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, trie_benches);
criterion_main!(benches);
