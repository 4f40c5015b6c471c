//! What the ledger costs a transaction: blocks of 5,000 transfers from 1,000 senders to some of
//! 100,000 accounts, inserted, made the head and made final one after another, until checkpoints
//! have been written several times.
//!
//! `cargo bench -p hanse-ledger --bench commit [-- BLOCKS ACCOUNTS]`. Prints microseconds a
//! transaction: CPU time of the whole process (background threads and the last checkpoint included),
//! without what it took to make the blocks up; and wall time of each step on the committing thread.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at any surprise")]
#![allow(clippy::cast_possible_truncation, reason = "its own small numbers")]

use alloy_consensus::{
    Eip658Value, EthereumTxEnvelope, Receipt as InnerReceipt, ReceiptWithBloom, Signed, TxLegacy,
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use hanse_ledger::{
    Ledger, Settings,
    testing::{Dice, address, spec},
};
use hanse_primitives::{
    AccountChange, AccountInfo, Block, Executed, Header, Receipt, SealedBlock, StateChanges,
    Transaction,
};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The allocator of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TRANSACTIONS: u64 = 5_000;
const SENDERS: u64 = 1_000;
/// The name of rayon's threads: the trie and the encoding of records use them.
const POOL: &str = "bench-pool";

/// Nanoseconds of CPU time that a thread, by its folder under `/proc`, has used.
fn cpu_of(task: &str) -> u64 {
    let text = fs::read_to_string(format!("{task}/schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// CPU time of all threads whose name begins like this.
fn cpu_of_threads(name: &str) -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    tasks
        .filter(|task| fs::read_to_string(task.join("comm")).unwrap_or_default().starts_with(name))
        .map(|task| cpu_of(task.to_str().unwrap()))
        .sum()
}

/// Adds up what is spent on something: CPU time of this thread and of the pool that helps it, and
/// wall time.
#[derive(Default)]
struct Spent {
    cpu: u64,
    wall: Duration,
}

impl Spent {
    fn on<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let cpu = || cpu_of("/proc/thread-self") + cpu_of_threads(POOL);
        let (before, wall) = (cpu(), Instant::now());
        let outcome = work();
        self.wall += wall.elapsed();
        self.cpu += cpu() - before;
        outcome
    }

    fn say(&self, what: &str, transactions: u64) {
        let per = |nanos: f64| nanos / 1000.0 / transactions as f64;
        let (cpu, wall) = (per(self.cpu as f64), per(self.wall.as_nanos() as f64));
        println!("{what:34} cpu {cpu:6.2} us, wall {wall:6.2} us");
    }
}

/// Transfers as an executor would hand them over, with made-up signatures.
struct Transfers {
    dice: Dice,
    accounts: Vec<Address>,
    nonces: Vec<u64>,
}

impl Transfers {
    fn next(&mut self) -> (Vec<Transaction>, Vec<Address>, Vec<Receipt>, StateChanges) {
        let mut touched: BTreeMap<u64, u64> = BTreeMap::new();
        let first = self.dice.below(self.accounts.len() as u64);
        let (mut transactions, mut senders) = (Vec::new(), Vec::new());
        for number in 0..TRANSACTIONS {
            let from = (first + number % SENDERS) % self.accounts.len() as u64;
            let to = self.dice.below(self.accounts.len() as u64);
            let nonce = &mut self.nonces[from as usize];
            let body = TxLegacy {
                chain_id: Some(7),
                nonce: *nonce,
                gas_price: 1_000_000_000,
                gas_limit: 21_000,
                to: TxKind::Call(self.accounts[to as usize]),
                value: U256::from(self.dice.roll() >> 20),
                input: Bytes::new(),
            };
            *nonce += 1;
            touched.insert(from, *nonce);
            touched.entry(to).or_insert(self.nonces[to as usize]);
            let word =
                |dice: &mut Dice| U256::from_limbs([dice.roll(), dice.roll(), dice.roll(), 7]);
            let signature = Signature::new(word(&mut self.dice), word(&mut self.dice), false);
            let signed = EthereumTxEnvelope::Legacy(Signed::new_unhashed(body, signature));
            let _ = signed.tx_hash();
            transactions.push(signed);
            senders.push(self.accounts[from as usize]);
        }
        let receipts = (1..=TRANSACTIONS).map(|number| receipt(number * 21_000)).collect();
        let changes = touched
            .into_iter()
            .map(|(account, nonce)| {
                let balance = U256::from(self.dice.roll());
                let info = AccountInfo { nonce, balance, ..AccountInfo::default() };
                let change = AccountChange { info: Some(info), ..AccountChange::default() };
                (self.accounts[account as usize], change)
            })
            .collect();
        (transactions, senders, receipts, StateChanges::new(changes, Vec::new()))
    }
}

fn receipt(cumulative_gas_used: u64) -> Receipt {
    Receipt::Legacy(ReceiptWithBloom {
        receipt: InnerReceipt {
            status: Eip658Value::Eip658(true),
            cumulative_gas_used,
            logs: Vec::new(),
        },
        logs_bloom: Default::default(),
    })
}

fn main() {
    rayon::ThreadPoolBuilder::new().thread_name(|_| POOL.to_owned()).build_global().unwrap();
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let blocks: u64 = numbers.next().unwrap_or(300);
    let accounts: u64 = numbers.next().unwrap_or(100_000);
    let folder = TempDir::new().unwrap();
    let spec = spec(accounts);
    let ledger = Ledger::open(folder.path(), &spec, Settings::default()).unwrap();
    ledger.checkpoint().unwrap();
    let mut transfers = Transfers {
        dice: Dice(1),
        accounts: (0..accounts).map(address).collect(),
        nonces: vec![0; accounts as usize],
    };
    let mut parent = spec.genesis_block_sealed().clone();
    let (mut making, mut root) = (Spent::default(), Spent::default());
    let (mut insert, mut finalize, mut reads) =
        (Spent::default(), Spent::default(), Spent::default());
    let mut slowest = Duration::ZERO;
    let threads = ["ledger-writer", "fjall"];
    let before = threads.map(cpu_of_threads);
    for _ in 0..blocks {
        let (transactions, senders, receipts, changes) = making.on(|| transfers.next());
        let pending = root.on(|| ledger.root(parent.hash(), &changes).unwrap());
        let executed = making.on(|| {
            let header = Header {
                parent_hash: parent.hash(),
                number: parent.header().number + 1,
                state_root: pending.root(),
                ..Header::default()
            };
            let mut block = Block { header, ..Block::default() };
            block.body.transactions = transactions;
            Executed::vouch(SealedBlock::new(block), senders, receipts, changes)
        });
        parent = executed.block().clone();
        insert.on(|| ledger.insert(executed.clone(), Some(pending)).unwrap());
        let before = finalize.wall;
        finalize.on(|| {
            ledger.set_head(parent.hash()).unwrap();
            ledger.finalize(parent.hash(), Bytes::new()).unwrap();
        });
        slowest = slowest.max(finalize.wall - before);
        reads.on(|| {
            let view = ledger.state(parent.hash()).unwrap();
            for sender in executed.senders() {
                view.account(sender).unwrap();
            }
        });
        making.on(|| drop(executed));
    }
    finalize.on(|| ledger.checkpoint().unwrap());
    let total = blocks * TRANSACTIONS;
    let spent: Vec<_> = threads
        .iter()
        .zip(before)
        .map(|(name, before)| Spent { cpu: cpu_of_threads(name) - before, wall: Duration::ZERO })
        .collect();
    println!("{blocks} blocks of {TRANSACTIONS} transactions, {accounts} accounts");
    root.say("state root", total);
    insert.say("insert", total);
    finalize.say("set_head, finalize, last checkpoint", total);
    reads.say("a read of the head's state", total);
    spent[0].say("thread that writes checkpoints", total);
    spent[1].say("the store's own threads", total);
    // The pool encodes records between `insert` and `finalize`, so its share is in these two.
    let cpu = insert.cpu + finalize.cpu + spent[0].cpu + spent[1].cpu;
    let all = Spent { cpu, wall: Duration::ZERO };
    all.say("all but the state root", total);
    println!("slowest commit {slowest:?}; {:?}", ledger.usage());
}
