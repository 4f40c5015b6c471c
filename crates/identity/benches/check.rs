//! What it costs to read and check a peer's certificate, and to decide a policy.
#![allow(missing_docs, reason = "the macro makes a public function")]

use alloy_primitives::Address;
use criterion::{Criterion, criterion_group, criterion_main};
use hanse_identity::{Approver, Certificate, MspId, Policy, Purpose, RoleSet, check, testing};
use std::{collections::BTreeSet, hint::black_box};

fn certificates(criterion: &mut Criterion) {
    let roots = [testing::authority().root().clone()];
    let (_, node) = testing::issued()[0];
    let parsed = Certificate::parse(node).expect("a fixture");
    let none = BTreeSet::new();
    criterion.bench_function("certificate/parse", |b| {
        b.iter(|| Certificate::parse(black_box(node)));
    });
    criterion.bench_function("certificate/check", |b| {
        b.iter(|| check(black_box(&parsed), &roots, &none, testing::NOW, Purpose::Node));
    });
}

fn policies(criterion: &mut Criterion) {
    let text = "AND(MAJORITY(admin), 2 of (Bank.admin, Brand.merchant, Shop.member, '*.auditor'))";
    let policy = Policy::parse(text).expect("a policy");
    let form = policy.to_form();
    let name = |number: usize| MspId::new(&format!("Org{number}")).expect("a name");
    let active: BTreeSet<MspId> = (0..16).map(name).collect();
    let approver = |number: u8| Approver {
        account: Address::repeat_byte(number),
        organization: name(usize::from(number)),
        roles: RoleSet::from_bits(0b110).expect("roles"),
    };
    let approvers: Vec<Approver> = (0..16).map(approver).collect();
    criterion.bench_function("policy/parse", |b| b.iter(|| Policy::parse(black_box(text))));
    criterion
        .bench_function("policy/from_form", |b| b.iter(|| Policy::from_form(black_box(&form))));
    criterion.bench_function("policy/evaluate", |b| {
        b.iter(|| policy.evaluate(black_box(&approvers), &active));
    });
}

criterion_group!(benches, certificates, policies);
criterion_main!(benches);
