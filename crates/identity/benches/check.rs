//! What it costs to read and check a peer's certificate, and to decide a policy.
#![allow(missing_docs, reason = "the macro makes a public function")]

use alloy_primitives::Address;
use criterion::{Criterion, criterion_group, criterion_main};
use hanse_identity::{
    Approver, Authority, Certificate, MspId, Policy, Purpose, Request, RoleSet, Serial, Validity,
    check,
};
use hanse_primitives::PeerId;
use std::{collections::BTreeSet, hint::black_box};

/// The start of 2026.
const NOW: u64 = 1_767_225_600;

fn certificates(criterion: &mut Criterion) {
    let name = MspId::new("BrandMSP").expect("a name");
    let serial = Serial::new(&[1; 16]).expect("a serial number");
    let validity = Validity::days(NOW, 365).expect("a year");
    let authority = Authority::create(&name, "CA", validity, &serial).expect("an authority");
    let request = Request::node("node-1", PeerId([7; 32])).expect("a node");
    let parsed = authority.issue(&request, validity, &serial).expect("a certificate");
    let (node, roots) = (parsed.der(), [authority.root().clone()]);
    let none = BTreeSet::new();
    criterion.bench_function("certificate/parse", |b| {
        b.iter(|| Certificate::parse(black_box(node)));
    });
    criterion.bench_function("certificate/check", |b| {
        b.iter(|| check(black_box(&parsed), &roots, &none, NOW, Purpose::Node));
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
