//! The rules of single forks, with numbers worked out by hand from the EIPs.

use super::world::{Draft, Kind, STORE, all_forks, genesis, hanse, istanbul, spurious};
use crate::{next_blob_fee, next_excess_blob_gas, rules};
use alloy_primitives::{B256, U256};
use hanse_primitives::{ChainSpec, Header};
use serde_json::json;

const BLOB: u64 = 131_072;

/// A parent and a child that keep every rule of a fork, made by the builder's own function.
fn pair(spec: &ChainSpec, parent: Header) -> (Header, Header) {
    let attributes = hanse_primitives::Attributes {
        timestamp: parent.timestamp + 10,
        parent_beacon_block_root: spec.blob_params_at(parent.timestamp + 10).map(|_| B256::ZERO),
        ..Default::default()
    };
    let child = rules::next_header(spec, None, &parent, parent.hash_slow(), &attributes);
    (parent, child.expect("the attributes are right"))
}

fn check(spec: &ChainSpec, parent: &Header, child: &Header) -> Result<(), String> {
    rules::check_header(spec, None, parent, parent.hash_slow(), child).map_err(|v| v.to_string())
}

fn at(number: u64, timestamp: u64) -> Header {
    Header {
        number,
        timestamp,
        gas_limit: 30_000_000,
        gas_used: 15_000_000,
        difficulty: U256::from(131_072),
        ..Header::default()
    }
}

#[test]
fn the_gas_limit_moves_by_less_than_a_1024th() {
    let spec = hanse();
    let (parent, child) = pair(&spec, spec.genesis_block_sealed().header().clone());
    let step = parent.gas_limit / 1024;
    for (limit, valid) in [
        (parent.gas_limit, true),
        (parent.gas_limit + step - 1, true),
        (parent.gas_limit + step, false),
        (parent.gas_limit - step + 1, true),
        (parent.gas_limit - step, false),
    ] {
        let child = Header { gas_limit: limit, ..child.clone() };
        assert_eq!(check(&spec, &parent, &child).is_ok(), valid, "{limit}");
    }
    let small = Header { gas_limit: 5_000, ..parent.clone() };
    let child = Header { parent_hash: small.hash_slow(), gas_limit: 4_999, ..child };
    let refused = check(&spec, &small, &child).expect_err("5,000 is the least");
    assert!(refused.contains("out of bounds"), "{refused}");
}

#[test]
fn london_doubles_the_gas_limit_once_and_starts_at_a_gwei() {
    let spec = all_forks();
    let (parent, child) = pair(&spec, at(17, 170));
    assert_eq!(child.gas_limit, 60_000_000);
    assert_eq!(child.base_fee_per_gas, Some(1_000_000_000));
    let same = Header { gas_limit: 30_000_000, ..child };
    assert!(check(&spec, &parent, &same).is_err());
    let london = Header { base_fee_per_gas: Some(1_000_000_000), ..at(18, 180) };
    let fee = |gas_used| {
        let (_, child) = pair(&spec, Header { gas_used, ..london.clone() });
        assert_eq!(child.gas_limit, 30_000_000);
        child.base_fee_per_gas
    };
    assert_eq!(fee(15_000_000), Some(1_000_000_000), "at the target");
    assert_eq!(fee(30_000_000), Some(1_125_000_000), "an eighth more when full");
    assert_eq!(fee(0), Some(875_000_000), "an eighth less when empty");
}

#[test]
fn the_merge_fixes_what_work_decided() {
    let spec = all_forks();
    let (parent, child) = pair(&spec, at(18, 180));
    assert!(!child.difficulty.is_zero());
    let idle = Header { difficulty: U256::ZERO, ..child };
    assert!(check(&spec, &parent, &idle).is_err(), "no work before the merge");
    let (parent, child) = pair(&spec, Header { base_fee_per_gas: Some(7), ..at(19, 190) });
    assert!(child.difficulty.is_zero());
    let busy = Header { difficulty: U256::ONE, ..child };
    assert!(check(&spec, &parent, &busy).is_err(), "no work after it");
}

#[test]
fn blob_gas_follows_target_and_reserve_price() {
    let spec = all_forks();
    let used = |blobs: u64, excess: u64, base_fee: u64, time: u64| {
        let parent = Header {
            blob_gas_used: Some(blobs * BLOB),
            excess_blob_gas: Some(excess * BLOB),
            base_fee_per_gas: Some(base_fee),
            ..at(23, time - 10)
        };
        next_excess_blob_gas(&spec, &parent, time)
    };
    assert_eq!(used(6, 0, 7, 230), None, "before Cancun");
    assert_eq!(used(6, 0, 7, 250), Some(3 * BLOB), "Cancun: above the target of 3");
    assert_eq!(used(1, 1, 7, 250), Some(0), "below it");
    assert_eq!(used(6, 1, 7, 270), Some(BLOB), "Prague: a target of 6");
    assert_eq!(used(9, 0, 7, 290), Some(3 * BLOB), "Osaka, blobs cost more than the reserve");
    // EIP-7918: 2^13 * 100 gwei is above 2^17 * 1 wei, so a third of what was used is added.
    assert_eq!(used(6, 0, 100_000_000_000, 290), Some(2 * BLOB), "Osaka, below the reserve");
    assert_eq!(used(15, 0, 7, 310), Some(5 * BLOB), "first blob fork: a target of 10");
    assert_eq!(used(21, 0, 7, 330), Some(7 * BLOB), "second: a target of 14");
    let fresh = at(23, 230);
    assert_eq!(next_blob_fee(&spec, &fresh, 240), Some(1), "the first fee is the least");
}

#[test]
fn the_sides_of_the_dao_fork_tell_each_other_apart() {
    for support in [true, false] {
        let config = json!({"homesteadBlock": 0, "daoForkBlock": 5, "daoForkSupport": support});
        let spec = genesis(config);
        let parent = at(4, 40);
        let child = |extra: &'static [u8]| Header {
            parent_hash: parent.hash_slow(),
            number: 5,
            timestamp: 50,
            extra_data: extra.into(),
            gas_used: 0,
            ommers_hash: alloy_consensus::constants::EMPTY_OMMER_ROOT_HASH,
            ..parent.clone()
        };
        assert_eq!(check(&spec, &parent, &child(b"dao-hard-fork")).is_ok(), support);
        assert_eq!(check(&spec, &parent, &child(b"")).is_ok(), !support);
    }
}

#[test]
fn a_chain_id_means_nothing_before_eip_155() {
    let early = genesis(json!({"homesteadBlock": 0}));
    let signed = Draft::transfer(0, 0, STORE, 0).sign().into_inner();
    let bare = Draft { kind: Kind::Bare, ..Draft::transfer(0, 0, STORE, 0) }.sign().into_inner();
    assert!(rules::misplaced(&early, 1, &signed).is_some());
    assert!(rules::misplaced(&early, 1, &bare).is_none());
    assert!(rules::misplaced(&spurious(), 1, &signed).is_none());
}

#[test]
fn new_fields_wait_for_their_fork() {
    let spec = istanbul();
    let (parent, child) = pair(&spec, spec.genesis_block_sealed().header().clone());
    assert!(check(&spec, &parent, &child).is_ok());
    let early = [
        Header { base_fee_per_gas: Some(1), ..child.clone() },
        Header { withdrawals_root: Some(B256::ZERO), ..child.clone() },
        Header { parent_beacon_block_root: Some(B256::ZERO), ..child.clone() },
        Header { blob_gas_used: Some(0), ..child.clone() },
        Header { excess_blob_gas: Some(0), ..child.clone() },
        Header { requests_hash: Some(B256::ZERO), ..child.clone() },
        Header { block_access_list_hash: Some(B256::ZERO), ..child.clone() },
        Header { slot_number: Some(1), ..child },
    ];
    for header in early {
        assert!(check(&spec, &parent, &header).is_err(), "{header:?}");
    }
}
