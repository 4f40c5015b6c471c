//! What the pool costs a transaction, apart from recovering its sender: 100,000 transactions of
//! 1,000 senders. Divide by 100,000.

use alloy_consensus::{Signed, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hanse_primitives::{
    AccountChange, AccountInfo, Block, Executed, Header, Receipt, RecoveredTransaction,
    SealedBlock, StateChanges, Transaction,
};
use hanse_txpool::{
    Account, Accounts, Admitted, Decoded, Forks, Pool, PoolSettings, Rules, decode, decode_all,
};
use std::{collections::BTreeMap, hint::black_box, sync::Arc};

const TRANSACTIONS: u64 = 100_000;
const SENDERS: u64 = 1_000;
/// Transactions that arrive together.
const BATCH: usize = 100;

struct Rich;

impl Accounts for Rich {
    fn account(&self, _: &Address) -> Result<Account, String> {
        Ok(Account { balance: U256::MAX, ..Account::default() })
    }
}

fn transfer(nonce: u64, tip: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: 1,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: tip,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::repeat_byte(9)),
        value: U256::ONE,
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

/// Senders in turn, nonces ascending. With `fees` the tips differ, without they are 0.
fn transactions(fees: bool) -> Vec<Decoded> {
    let one = |n: u64| {
        let tip = if fees { u128::from(n.wrapping_mul(0x9e37_79b9) % 1_000) } else { 0 };
        let sender = Address::left_padding_from(&(n % SENDERS + 1).to_be_bytes());
        let signature = Signature::new(U256::from(n % SENDERS + 1), U256::ONE, false);
        let signed = Signed::new_unhashed(transfer(n / SENDERS, tip), signature);
        let transaction = RecoveredTransaction::new_unchecked(Transaction::from(signed), sender);
        Decoded::new(transaction).expect("a transfer has proper shape")
    };
    (0..TRANSACTIONS).map(one).collect()
}

fn empty() -> Pool {
    empty_with(PoolSettings::default())
}

fn empty_with(settings: PoolSettings) -> Pool {
    let forks = Forks {
        berlin: true,
        london: true,
        shanghai: true,
        cancun: true,
        prague: true,
        osaka: true,
    };
    let rules = Rules { chain_id: 1, gas_limit: 30_000_000, forks, ..Rules::default() };
    Pool::new(settings, rules, Arc::new(Rich))
}

fn add_all(pool: &Pool, transactions: &[Decoded]) {
    for batch in transactions.chunks(BATCH) {
        black_box(pool.add(batch.to_vec(), 0));
    }
}

fn full(transactions: &[Decoded]) -> Pool {
    let pool = empty();
    add_all(&pool, transactions);
    assert_eq!(u64::try_from(pool.status().pending), Ok(TRANSACTIONS));
    pool
}

fn block(transactions: &[Admitted]) -> Executed {
    let mut block = Block::uncle(Header::default());
    block.body.transactions = transactions.iter().map(|t| t.transaction().clone()).collect();
    let mut nonces: BTreeMap<Address, u64> = BTreeMap::new();
    for transaction in transactions {
        nonces.insert(transaction.sender(), transaction.nonce() + 1);
    }
    let change = |nonce| AccountChange {
        info: Some(AccountInfo { nonce, balance: U256::MAX, ..AccountInfo::default() }),
        ..AccountChange::default()
    };
    let changes = nonces.into_iter().map(|(address, nonce)| (address, change(nonce))).collect();
    let senders = transactions.iter().map(Admitted::sender).collect();
    let receipts = vec![Receipt::Legacy(Default::default()); transactions.len()];
    let changes = StateChanges::new(changes, vec![]);
    Executed::vouch(SealedBlock::new(block), senders, receipts, changes)
}

fn pool(c: &mut Criterion) {
    let mut group = c.benchmark_group("pool");
    group.throughput(Throughput::Elements(TRANSACTIONS)).sample_size(10);
    let free = transactions(false);
    let paid = transactions(true);
    for (name, transactions) in [("free", &free), ("paid", &paid)] {
        group.bench_function(format!("add/{name}"), |b| {
            b.iter_batched_ref(empty, |pool| add_all(pool, transactions), BatchSize::PerIteration);
        });
        let pool = full(transactions);
        group.bench_function(format!("best/{name}"), |b| {
            b.iter(|| {
                let count = pool.best(0, 0).map(black_box).count();
                assert_eq!(u64::try_from(count), Ok(TRANSACTIONS));
            });
        });
        let executed = block(&pool.best(0, 0).collect::<Vec<_>>());
        drop(pool);
        group.bench_function(format!("on_block/{name}"), |b| {
            b.iter_batched_ref(
                || full(transactions),
                |pool| {
                    let adopted = std::slice::from_ref(&executed);
                    pool.on_block(adopted, &[], pool.rules(), Arc::new(Rich), 0)
                        .expect("these accounts can always be read");
                    assert_eq!(pool.status(), Default::default());
                },
                BatchSize::PerIteration,
            );
        });
    }
    // Half of the arrivals find the pool full.
    let tight = PoolSettings { transactions_max: 50_000, ..PoolSettings::default() };
    group.bench_function("add/full", |b| {
        b.iter_batched_ref(
            || empty_with(tight.clone()),
            |pool| add_all(pool, &paid),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn start(c: &mut Criterion) {
    // What a builder waits for before its first transaction.
    let pool = full(&transactions(true));
    c.bench_function("best/start", |b| b.iter(|| black_box(pool.best(0, 0)).next()));
}

fn recovery(c: &mut Criterion) {
    let signer = PrivateKeySigner::from_slice(&[7; 32]).expect("the number is a key");
    let raw = |nonce| -> Bytes {
        let transaction = transfer(nonce, 1);
        let hash = alloy_consensus::SignableTransaction::signature_hash(&transaction);
        let signature = signer.sign_hash_sync(&hash).expect("a key in memory signs");
        let signed = alloy_consensus::SignableTransaction::into_signed(transaction, signature);
        Transaction::from(signed).encoded_2718().into()
    };
    let batch: Vec<Bytes> = (0..1_000).map(raw).collect();
    c.bench_function("decode/one", |b| b.iter(|| decode(black_box(&batch[0]))));
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1_000)).sample_size(10);
    group.bench_function("batch of 1000", |b| b.iter(|| decode_all(black_box(&batch))));
    group.finish();
}

criterion_group!(benches, pool, start, recovery);
criterion_main!(benches);
