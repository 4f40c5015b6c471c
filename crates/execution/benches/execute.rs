//! How long a block of 5,000 transactions takes: recovering the senders, executing, building, and
//! the state root alone. Divide by 5,000 for a transaction; `execute` includes every root.

use alloy_consensus::{SignableTransaction, TxLegacy};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hanse_execution::{BuildLimits, Executor, recover_all};
use hanse_ledger::{Ledger, Settings};
use hanse_primitives::{Attributes, ChainSpec, RecoveredTransaction, SealedBlock, recover};
use serde_json::json;
use std::{hint::black_box, sync::Arc, time::Duration};

const TRANSACTIONS: u64 = 5_000;
const SENDERS: u64 = 1_000;
const CHAIN_ID: u64 = 7;
const TOKEN: Address = Address::repeat_byte(0x77);

fn signer(index: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::from(U256::from(index + 1))).expect("the key is valid")
}

/// Slot of an account's balance: the first mapping of the token.
fn balance_slot(account: Address) -> B256 {
    keccak256([account.into_word(), B256::ZERO].concat())
}

fn spec() -> ChainSpec {
    let artifact = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/artifacts/Currency.json");
    let artifact = std::fs::read(artifact).expect("the currency has been compiled");
    let artifact: serde_json::Value = serde_json::from_slice(&artifact).expect("it is JSON");
    let (mut alloc, mut balances) = (json!({}), json!({}));
    for index in 0..SENDERS {
        let address = signer(index).address();
        alloc[address.to_string()] = json!({"balance": "0xd3c21bcecceda1000000"});
        balances[balance_slot(address).to_string()] = json!(B256::from(U256::from(1_000_000)));
    }
    alloc[TOKEN.to_string()] =
        json!({"balance": "0x0", "code": artifact["deployedBytecode"], "storage": balances});
    let genesis = json!({
        "config": {
            "chainId": CHAIN_ID, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 0,
            "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0, "osakaTime": 0,
            "hanse": {"consensus": {"engine": "solo"}, "baseFee": {"fixed": 0}},
        },
        "difficulty": "0x0", "gasLimit": "0x2540be400", "alloc": alloc,
    });
    ChainSpec::parse(genesis.to_string().as_bytes()).expect("the genesis is valid")
}

fn transactions(token: bool) -> Vec<RecoveredTransaction> {
    (0..TRANSACTIONS)
        .map(|index| {
            let from = signer(index % SENDERS);
            let receiver = signer((index * 7 + 1) % SENDERS).address();
            let (to, value, input) = if token {
                let mut call = vec![0xa9, 0x05, 0x9c, 0xbb];
                call.extend_from_slice(receiver.into_word().as_slice());
                call.extend_from_slice(B256::with_last_byte(1).as_slice());
                (TOKEN, U256::ZERO, Bytes::from(call))
            } else {
                (receiver, U256::ONE, Bytes::new())
            };
            let transaction = TxLegacy {
                chain_id: Some(CHAIN_ID),
                nonce: index / SENDERS,
                gas_price: 1,
                gas_limit: 100_000,
                to: TxKind::Call(to),
                value,
                input,
            };
            let hash = transaction.signature_hash();
            let signature = from.sign_hash_sync(&hash).expect("signing in memory works");
            recover(transaction.into_signed(signature).into()).expect("the signature is valid")
        })
        .collect()
}

fn run(criterion: &mut Criterion) {
    let spec = spec();
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let ledger = Ledger::open(folder.path(), &spec, Settings::default()).expect("it opens");
    let executor = Executor::new(Arc::new(spec), ledger.clone());
    let parent = ledger.head().hash;
    let attributes = Attributes {
        timestamp: 1,
        parent_beacon_block_root: Some(B256::ZERO),
        ..Attributes::default()
    };
    for (name, token) in [("value", false), ("token", true)] {
        let signed = transactions(token);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(TRANSACTIONS));
        group.sample_size(20).measurement_time(Duration::from_secs(5));
        let build = || {
            executor
                .build(parent, &attributes, &signed, &BuildLimits::default())
                .expect("it builds")
        };
        let built = build();
        assert!(built.skipped.is_empty() && built.executed.receipts().iter().all(|r| r.status()));
        let block: SealedBlock = built.executed.block().clone();
        let senders: std::collections::BTreeMap<B256, Address> = signed
            .iter()
            .map(|transaction| (*transaction.inner().tx_hash(), transaction.signer()))
            .collect();
        group.bench_function("build", |bencher| bencher.iter(build));
        group.bench_function("execute", |bencher| {
            bencher.iter_batched(
                || block.clone(),
                |block| executor.execute(block, &|one| senders.get(one.tx_hash()).copied()),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("state root", |bencher| {
            bencher.iter(|| ledger.root(parent, black_box(built.executed.changes())));
        });
        if !token {
            group.bench_function("recover", |bencher| {
                bencher.iter(|| recover_all(black_box(block.transactions()), &|_| None));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, run);
criterion_main!(benches);
