use super::{
    Own, accounts,
    book::{Book, Changes},
    catch_up::CatchUp,
    check::{self, Balances},
    follow::Seen,
    host::metric,
    load::{Outcome, lanes},
    plan::{Kind, Plan, Target, Workload},
    summary::{Row, Summary},
    usage::{self, Stat, Watched},
    wallet::{Fees, Signed, senders},
};
use crate::{latencies::Latencies, localnet::Choice};
use alloy_consensus::{Transaction, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, U256};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const FEES: Fees = Fees { chain_id: 1337, max_fee: 10, tip: 1 };

fn book(kind: Kind, count: usize, accounts: u64) -> Book {
    Book::new(kind, FEES, senders(&B256::ZERO, count), accounts, B256::ZERO, 1_000)
}

fn decode(signed: &Signed) -> TxEnvelope {
    TxEnvelope::decode_2718(&mut signed.raw.as_ref()).unwrap()
}

#[test]
fn transfers_are_signed_by_their_senders_with_nonces_in_a_row() {
    let mut book = book(Kind::Value, 3, 0);
    let phases = book.phases(7);
    assert_eq!(phases.len(), 1);
    let mut nonces: BTreeMap<Address, Vec<u64>> = BTreeMap::new();
    let mut changes: Changes = book.addresses().iter().map(|address| (*address, 0)).collect();
    for signed in &phases[0] {
        let transaction = decode(signed);
        let sender = transaction.recover_signer().unwrap();
        assert_eq!(sender, book.addresses()[signed.sender]);
        assert_eq!(*transaction.tx_hash(), signed.hash);
        nonces.entry(sender).or_default().push(transaction.nonce());
        *changes.get_mut(&sender).unwrap() -= 1;
        *changes.get_mut(&transaction.to().unwrap()).unwrap() += 1;
    }
    let lengths: BTreeSet<usize> = nonces.values().map(Vec::len).collect();
    assert_eq!(lengths, BTreeSet::from([2, 3]));
    for nonces in nonces.values() {
        let expected: Vec<u64> = (0..).take(nonces.len()).collect();
        assert_eq!(*nonces, expected);
    }
    assert_eq!(*book.changes(), changes);
    // What is written later goes on where this ended.
    let more = book.phases(1);
    assert_eq!(decode(&more[0][0]).nonce(), 2);
}

#[test]
fn money_is_only_moved() {
    for (kind, accounts) in [(Kind::Value, 0), (Kind::Value, 10), (Kind::Currency, 5)] {
        let mut book = book(kind, 4, accounts);
        book.phases(100);
        assert_eq!(book.changes().values().sum::<i128>(), 0);
        if accounts > 0 {
            let received = (0..accounts).map(|number| book.changes()[&accounts::address(number)]);
            assert_eq!(received.sum::<i128>(), 100);
        }
    }
}

#[test]
fn an_order_takes_three_phases_and_ends_with_everybody_paid() {
    let mut book = book(Kind::Order, 3, 0);
    let phases = book.phases(4);
    let lengths: Vec<usize> = phases.iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 2, 2]);
    // The first order: 1,000 from the shopper, 100 of it to the carrier; the second: the next in
    // turn.
    let [first, second, third] = book.addresses() else { panic!("three senders") };
    assert_eq!(book.changes()[first], -1_000 + 100);
    assert_eq!(book.changes()[second], 900 - 1_000);
    assert_eq!(book.changes()[third], 100 + 900);
    let senders: Vec<usize> = phases.iter().map(|phase| phase[0].sender).collect();
    assert_eq!(senders, [0, 1, 2]);
}

#[test]
fn a_sender_keeps_to_one_connection() {
    let mut book = book(Kind::Value, 5, 0);
    let phase = book.phases(23).remove(0);
    let workload = Workload { kind: Kind::Value, batch: 4, connections: 2 };
    let lanes = lanes(&phase, 100, &workload);
    assert_eq!(lanes.len(), 2);
    let mut all = BTreeSet::new();
    for (number, lane) in lanes.iter().enumerate() {
        for request in lane {
            assert!((1..=4).contains(&request.transactions.len()));
            assert!(request.body.starts_with(b"[{"));
            let calls: Vec<serde_json::Value> = serde_json::from_slice(&request.body).unwrap();
            for (call, place) in calls.iter().zip(&request.transactions) {
                let signed = &phase[place - 100];
                assert_eq!(signed.sender % 2, number);
                assert_eq!(call["params"][0], signed.raw.to_string());
                assert!(all.insert(*place));
            }
        }
    }
    assert_eq!(all, (100..123).collect());
    let single = Workload { batch: 1, connections: 16, ..workload };
    let lanes = super::load::lanes(&phase, 0, &single);
    assert_eq!(lanes.len(), 5, "no connection without a sender");
    assert!(lanes[0][0].body.starts_with(b"{"));
}

#[test]
fn receivers_are_spread_and_each_has_an_address_of_its_own() {
    let receivers: BTreeSet<u64> =
        (0..1_000).map(|number| accounts::receiver(number, 1_000_000)).collect();
    assert_eq!(receivers.len(), 1_000);
    let lower = receivers.iter().filter(|number| **number < 500_000).count();
    assert!((400..600).contains(&lower), "{lower} of 1000 in the lower half");
    assert_ne!(accounts::address(0), accounts::address(1));
}

#[test]
fn a_balance_that_is_wrong_is_found() {
    let (rich, poor) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let balances = |values: [u64; 2]| -> Balances {
        [(rich, U256::from(values[0])), (poor, U256::from(values[1]))].into()
    };
    let changes = Changes::from([(rich, -10), (poor, 10)]);
    let fees = check::Fees::from([(rich, U256::from(3))]);
    let before = balances([100, 0]);
    assert_eq!(check::compare(&before, &balances([87, 10]), &changes, &fees), None);
    for wrong in [[87, 11], [90, 10], [100, 0], [88, 9]] {
        let problem = check::compare(&before, &balances(wrong), &changes, &fees);
        assert!(problem.is_some(), "{wrong:?}");
    }
}

#[test]
fn counters_of_a_process_are_read() {
    let text = "42 (a (b) c) S 1 77 77 0 -1 4194304 5 0 0 0 250 50 0 0 20 0 8 0 1 2 3";
    assert_eq!(usage::parse_stat(text), Some(Stat { group: 77, ticks: 300 }));
    assert_eq!(usage::parse_stat("42 (short) S 1"), None);
    assert_eq!(usage::parse_peak("VmPeak:\t 9 kB\nVmHWM:\t  20 kB\n"), Some(20_480));
    assert_eq!(usage::parse_peak("VmPeak:\t 9 kB\n"), None);
    let own = Watched::One(std::process::id()).usage().unwrap();
    assert!(own.peak_bytes > 1_000_000, "{own:?}");
    assert!(Watched::One(u32::MAX).usage().is_err());
}

#[test]
fn a_metric_is_found_by_its_whole_name() {
    let page = "# TYPE a histogram\na_sum_of_all 7\na_sum 1234.5\na_count 2\n";
    assert_eq!(metric(page, "a_sum"), Some(1_234));
    assert_eq!(metric(page, "a_count"), Some(2));
    assert_eq!(metric(page, "a"), None);
}

#[test]
fn numbers_that_make_no_load_are_refused() {
    let good = Plan {
        workloads: Workload::usual(),
        transactions: 100,
        senders: 10,
        rate: None,
        accounts: vec![0],
        target: Target::Started {
            own: Own { block_time_ms: 0, validators: 1, choice: Choice::Bft, members: false },
            peer: None,
        },
        quiet: true,
    };
    assert_eq!(good.problem(), None);
    let order = vec![Workload::new(Kind::Order, 1)];
    let bad = [
        Plan { transactions: 0, ..good.clone() },
        Plan { senders: 0, ..good.clone() },
        Plan { senders: 101, ..good.clone() },
        Plan { rate: Some(0), ..good.clone() },
        Plan { accounts: vec![1, u64::MAX], ..good.clone() },
        Plan { workloads: vec![Workload::new(Kind::Value, 0)], ..good.clone() },
        Plan { workloads: order, senders: 2, ..good },
    ];
    for plan in bad {
        assert!(plan.problem().is_some(), "{plan:?}");
    }
}

/// `included` transactions in one second that took the node `cpu` microseconds each.
fn row(node: &str, accounts: u64, included: usize, cpu: u64) -> Row {
    let mut latencies = Latencies::default();
    for ms in 1..=100 {
        latencies.add(Duration::from_millis(ms));
    }
    Row {
        node: node.to_owned(),
        workload: Workload::new(Kind::Value, 100),
        accounts,
        outcome: Outcome {
            elapsed: Duration::from_secs(1),
            included,
            latencies,
            seen: Seen::default(),
            refusals: Vec::new(),
        },
        node_cpu_micros: Some(cpu * u64::try_from(included).unwrap()),
        own_cpu_micros: 5 * u64::try_from(included).unwrap(),
        peak_bytes: Some(64 << 20),
        disk_bytes_each: None,
        receipts: included,
        sync_micros: Some(250_000),
        wire_bytes: None,
        catch_up: None,
        problems: Vec::new(),
    }
}

#[test]
fn the_summary_divides_like_by_like() {
    let mut summary = Summary {
        rows: vec![
            row("hanse", 1_000, 40_000, 40),
            row("peer", 1_000, 10_000, 160),
            row("hanse", 9_000, 32_000, 50),
            row("peer", 9_000, 5_000, 320),
        ],
    };
    let json = summary.json();
    assert_eq!(json["ok"], true);
    let first = &json["rows"][0];
    assert_eq!(first["includedPerSecond"], 40_000.0);
    assert_eq!(first["nodeCpuMicros"], 40.0);
    assert_eq!(first["generatorCpuMicros"], 5.0);
    assert_eq!(first["syncShare"], 0.25);
    assert_eq!(first["inclusionMs"]["p99"], 99.0);
    assert_eq!(first["inclusionMs"]["max"], 100.0);
    let ratios: Vec<f64> = json["ratios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ratio| ratio["includedPerSecond"].as_f64().unwrap())
        .collect();
    // Against the peer on either state, then each against itself on the smaller one.
    assert_eq!(ratios, [4.0, 6.4, 0.8, 0.5]);
    assert_eq!(json["ratios"][0]["nodeCpuMicros"], 0.25);
    let text = summary.text();
    assert!(text.contains("hanse / peer: value by 100, 1000 accounts: 4.00 times"), "{text}");
    assert_eq!(text.lines().count(), 1 + 4 + 4);
    let (blocks, elapsed) = (8, Duration::from_millis(250));
    summary.rows[0].catch_up = Some(CatchUp { transactions: 20_000, blocks, elapsed });
    let caught = &summary.json()["rows"][0]["catchUp"];
    assert_eq!((&caught["perSecond"], &caught["ofLiveRate"]), (&json!(80_000.0), &json!(2.0)));
    assert!(summary.text().contains("caught up at 80000 tx/s, 2.00 times the live rate"));
    summary.rows[1].problems.push("something is missing".to_owned());
    assert_eq!(summary.failures(), ["peer, value by 100: something is missing"]);
    assert_eq!(summary.json()["ok"], false);
    assert!(summary.text().contains("FAILED"));
}
