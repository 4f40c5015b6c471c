use super::{Answer, Call, fees::head};
use crate::{json::Hex, wire::Reply};
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS, eip7002, eip7251,
    eip7840::BlobParams,
};
use alloy_hardforks::{EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, FixedBytes};
use hanse_primitives::ChainSpec;
use serde::Serialize;
use std::collections::BTreeMap;

/// `eth_config` (EIP-7910): the rules now, next and last in the schedule.
pub(super) fn config(call: &Call<'_>) -> Answer {
    let spec = &call.rpc.spec;
    let now = head(call.rpc)?.timestamp;
    let times = times(spec);
    let current = times.iter().rev().find(|time| **time <= now).copied();
    let next = times.iter().find(|time| **time > now).copied();
    let last = next.and(times.last().copied());
    Reply::new(&Configuration {
        current: Rules::at(spec, current.unwrap_or(spec.genesis().timestamp)),
        next: next.map(|time| Rules::at(spec, time)),
        last: last.map(|time| Rules::at(spec, time)),
    })
}

#[derive(Serialize)]
struct Configuration {
    current: Rules,
    next: Option<Rules>,
    last: Option<Rules>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rules {
    activation_time: u64,
    blob_schedule: Option<Blobs>,
    chain_id: Hex<u64>,
    fork_id: FixedBytes<4>,
    precompiles: BTreeMap<&'static str, Address>,
    system_contracts: BTreeMap<&'static str, Address>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blobs {
    target: u64,
    max: u64,
    base_fee_update_fraction: u128,
}

impl Rules {
    fn at(spec: &ChainSpec, time: u64) -> Self {
        let blobs = |params: BlobParams| Blobs {
            target: params.target_blob_count,
            max: params.max_blob_count,
            base_fee_update_fraction: params.update_fraction,
        };
        Self {
            activation_time: time,
            blob_schedule: spec.blob_params_at(time).map(blobs),
            chain_id: Hex(spec.chain_id()),
            fork_id: fork_id(spec, time),
            precompiles: precompiles(spec, time),
            system_contracts: system_contracts(spec, time),
        }
    }
}

/// The times of all forks that come by time, ascending.
fn times(spec: &ChainSpec) -> Vec<u64> {
    let each = spec.forks().filter_map(|(_, condition)| match condition {
        ForkCondition::Timestamp(time) => Some(time),
        _ => None,
    });
    let mut times: Vec<u64> = each.collect();
    times.dedup();
    times
}

/// Checksum of genesis and all forks up to a time (EIP-2124, EIP-6122).
fn fork_id(spec: &ChainSpec, until: u64) -> FixedBytes<4> {
    let mut blocks: Vec<u64> =
        spec.forks().filter_map(|(_, condition)| block_of(condition)).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let genesis = spec.genesis_block_sealed();
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(genesis.hash().as_slice());
    let begun = genesis.header().timestamp;
    let times = times(spec).into_iter().filter(|time| *time > begun && *time <= until);
    for fork in blocks.into_iter().filter(|block| *block > 0).chain(times) {
        checksum.update(&fork.to_be_bytes());
    }
    checksum.finalize().to_be_bytes().into()
}

const fn block_of(condition: ForkCondition) -> Option<u64> {
    match condition {
        ForkCondition::Block(block) => Some(block),
        ForkCondition::TTD { fork_block, .. } => fork_block,
        _ => None,
    }
}

fn precompiles(spec: &ChainSpec, time: u64) -> BTreeMap<&'static str, Address> {
    const CANCUN: [(&str, u64); 10] = [
        ("ECREC", 0x01),
        ("SHA256", 0x02),
        ("RIPEMD160", 0x03),
        ("ID", 0x04),
        ("MODEXP", 0x05),
        ("BN254_ADD", 0x06),
        ("BN254_MUL", 0x07),
        ("BN254_PAIRING", 0x08),
        ("BLAKE2F", 0x09),
        ("KZG_POINT_EVALUATION", 0x0a),
    ];
    const PRAGUE: [(&str, u64); 7] = [
        ("BLS12_G1ADD", 0x0b),
        ("BLS12_G1MSM", 0x0c),
        ("BLS12_G2ADD", 0x0d),
        ("BLS12_G2MSM", 0x0e),
        ("BLS12_PAIRING_CHECK", 0x0f),
        ("BLS12_MAP_FP_TO_G1", 0x10),
        ("BLS12_MAP_FP2_TO_G2", 0x11),
    ];
    const OSAKA: [(&str, u64); 1] = [("P256VERIFY", 0x100)];
    let cancun = spec.is_cancun_active_at_timestamp(time);
    let known = &CANCUN[..if cancun { CANCUN.len() } else { CANCUN.len() - 1 }];
    let prague = spec.is_prague_active_at_timestamp(time).then_some(PRAGUE);
    let osaka = spec.is_osaka_active_at_timestamp(time).then_some(OSAKA);
    let all = known.iter().copied().chain(prague.into_iter().flatten());
    all.chain(osaka.into_iter().flatten())
        .map(|(name, number)| (name, Address::left_padding_from(&number.to_be_bytes())))
        .collect()
}

fn system_contracts(spec: &ChainSpec, time: u64) -> BTreeMap<&'static str, Address> {
    let mut contracts = BTreeMap::new();
    if spec.is_cancun_active_at_timestamp(time) {
        contracts.insert("BEACON_ROOTS_ADDRESS", BEACON_ROOTS_ADDRESS);
    }
    if spec.is_prague_active_at_timestamp(time) {
        contracts.insert(
            "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS",
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
        );
        if let Some(address) = spec.deposit_contract() {
            contracts.insert("DEPOSIT_CONTRACT_ADDRESS", address);
        }
        contracts.insert("HISTORY_STORAGE_ADDRESS", HISTORY_STORAGE_ADDRESS);
        contracts.insert(
            "WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS",
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        );
    }
    contracts
}
