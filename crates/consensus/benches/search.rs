//! Hashes a second of one thread that looks for a nonce.

use alloy_primitives::{B256, U256};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hanse_consensus::{Job, search};
use std::{hint::black_box, sync::atomic::AtomicBool};

fn attempts(c: &mut Criterion) {
    // A target that nothing reaches: every attempt is made.
    let job = Job { seal_hash: B256::repeat_byte(7), target: U256::ZERO };
    let stop = AtomicBool::new(false);
    let mut group = c.benchmark_group("search");
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("100k nonces", |b| {
        b.iter(|| search(black_box(&job), black_box(0), 100_000, &stop));
    });
    group.finish();
}

criterion_group!(benches, attempts);
criterion_main!(benches);
