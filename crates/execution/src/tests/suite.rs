//! The official execution-apis suite, when `HANSE_RPC_SUITE` names its folder of tests: its chain,
//! from Frontier to the second blob fork, and its recorded answers as far as this room decides them.

use super::{
    memory::{Memory, MemoryChain},
    world::World,
};
use crate::{
    CallError, Overrides, SimulatedBlock,
    simulation::{call, create_access_list, estimate_gas, simulate},
    state::BlockState,
};
use alloy_primitives::Bytes;
use alloy_rlp::Decodable;
use alloy_rpc_types_eth::{TransactionRequest, simulate::SimulatePayload};
use hanse_primitives::{Block, ChainSpec, SealedBlock, StateChanges};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

const GAS_MAX: u64 = crate::limits::CALL_GAS_MAX;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("HANSE_RPC_SUITE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: HANSE_RPC_SUITE does not name the suite's folder");
    }
    folder
}

fn chain(folder: &Path) -> MemoryChain {
    let genesis = fs::read(folder.join("genesis.json")).expect("the suite has a genesis");
    let bytes = fs::read(folder.join("chain.rlp")).expect("the suite has a chain");
    let mut chain = MemoryChain::new(ChainSpec::parse(&genesis).expect("the genesis is valid"));
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let block = SealedBlock::new(Block::decode(&mut rest).expect("the chain decodes"));
        let height = block.height();
        chain.import(block).unwrap_or_else(|fault| panic!("block {height}: {fault:?}"));
    }
    chain
}

/// A recorded exchange.
struct Case {
    name: String,
    request: Value,
    response: Value,
}

fn cases(folder: &Path, method: &str) -> Vec<Case> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join(method))
        .expect("the suite has the method")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("the case can be read");
        let name = file.file_stem().expect("a case has a name").to_string_lossy().into_owned();
        let parse = |line: &str| serde_json::from_str::<Value>(line).expect("the line is JSON");
        let mut request = None;
        for line in text.lines() {
            if let Some(line) = line.strip_prefix(">> ") {
                request = Some(parse(line));
            } else if let Some(line) = line.strip_prefix("<< ") {
                let request = request.take().expect("a response follows its request");
                cases.push(Case { name: name.clone(), request, response: parse(line) });
            }
        }
    }
    cases
}

fn error_of(error: &CallError) -> Value {
    let mut shown = json!({"code": error.code(), "message": error.to_string()});
    if let Some(data) = error.data() {
        shown["data"] = json!(data);
    }
    json!({ "error": shown })
}

/// Fails with a list of what differs, so that one run shows all.
fn report(method: &str, total: usize, wrong: Vec<String>) {
    eprintln!("{method}: {} of {total} as recorded", total - wrong.len());
    assert!(wrong.is_empty(), "{method}:\n{}", wrong.join("\n"));
}

fn quantity(number: u64) -> Value {
    json!(format!("{number:#x}"))
}

#[test]
fn the_chain_replays_to_its_roots() {
    let Some(folder) = folder() else { return };
    let chain = chain(&folder);
    eprintln!("{} blocks, head {}", chain.blocks.len(), chain.head().hash());
    assert!(chain.head().header().number > 50);
}

/// The product's path: the ledger's trie and states.
fn world(folder: &Path, chain: &MemoryChain) -> World {
    let genesis = fs::read(folder.join("genesis.json")).expect("the suite has a genesis");
    let world = World::new(&ChainSpec::parse(&genesis).expect("the genesis is valid"));
    for block in &chain.blocks[1..] {
        let height = block.height();
        let (executed, root) = world
            .executor
            .execute(block.clone(), &|_| None)
            .unwrap_or_else(|error| panic!("block {height}: {error}"));
        world.keep(executed, root);
    }
    world
}

#[test]
fn the_chain_replays_on_the_ledger() {
    let Some(folder) = folder() else { return };
    let chain = chain(&folder);
    let world = world(&folder, &chain);
    assert_eq!(world.head(), chain.head().hash());
    world.ledger.finalize(world.head(), Bytes::new()).expect("the chain becomes final");
    let payload = json!({"blockStateCalls": [{}], "validation": true});
    let payload: SimulatePayload = serde_json::from_value(payload).expect("the payload decodes");
    let simulated = world.executor.simulate(world.head(), payload).expect("it runs");
    let case = cases(&folder, "eth_simulateV1")
        .into_iter()
        .find(|case| case.name == "ethSimulate-empty-validation")
        .expect("the suite has the case");
    assert_eq!(json!(simulated[0].block.hash()), case.response["result"][0]["hash"]);
}

#[test]
fn traces_are_as_recorded() {
    let Some(folder) = folder() else { return };
    let chain = chain(&folder);
    let world = world(&folder, &chain);
    let (mut wrong, mut total) = (Vec::new(), 0);
    for method in ["debug_traceTransaction", "debug_traceBlockByNumber"] {
        for case in cases(&folder, method) {
            let Some(wanted) = case.response.get("result") else { continue };
            let params = &case.request["params"];
            let options = serde_json::from_value(params.get(1).cloned().unwrap_or(json!({})));
            let options = options.expect("the options decode");
            let subject = params[0].as_str().expect("it names something");
            let found = if method == "debug_traceTransaction" {
                let hash = subject.parse().expect("a hash");
                let place = world.ledger.transaction(&hash).expect("readable").expect("known");
                let trace =
                    world.executor.trace_transaction(place.block.hash, place.index, &options);
                json!(trace.expect("it is traced"))
            } else {
                let (block, _) = chain.at(subject).expect("the block is known");
                let traces = world.executor.trace_block(block.hash(), &options);
                let traces = traces.expect("it is traced");
                let hashes = block.transactions().iter().map(|one| one.tx_hash());
                let shown = hashes
                    .zip(traces)
                    .map(|(hash, trace)| json!({"txHash": hash, "result": trace}));
                Value::Array(shown.collect())
            };
            total += 1;
            let mut differ = Vec::new();
            differences(&case.name, &found, wanted, &mut differ);
            if !differ.is_empty() {
                differ.truncate(8);
                wrong.push(differ.join("\n"));
            }
        }
    }
    report("debug_trace*", total, wrong);
}

/// The parts of a simulated block that this room decides. The hash covers the header.
fn shown(simulated: &SimulatedBlock) -> Value {
    let calls: Vec<Value> = simulated
        .calls
        .iter()
        .map(|call| {
            let logs: Vec<Value> = call
                .logs
                .iter()
                .map(|log| json!([log.address, log.topics(), log.data.data]))
                .collect();
            let failure = call.failure.as_ref().map(|failure| {
                let mut shown = json!({"code": failure.code, "message": failure.message});
                if let Some(data) = &failure.data {
                    shown["data"] = json!(data);
                }
                shown
            });
            json!({
                "returnData": call.return_data,
                "logs": logs,
                "gasUsed": quantity(call.gas_used),
                "maxUsedGas": quantity(call.gas_used_max),
                "error": failure,
            })
        })
        .collect();
    let header = simulated.block.header();
    json!({
        "hash": simulated.block.hash(),
        "stateRoot": header.state_root,
        "receiptsRoot": header.receipts_root,
        "transactionsRoot": header.transactions_root,
        "number": quantity(header.number),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": header.base_fee_per_gas.map(quantity),
        "gasUsed": quantity(header.gas_used),
        "calls": calls,
    })
}

/// The same parts of a recorded block.
fn recorded(block: &Value) -> Value {
    let mut shown = json!({});
    for field in [
        "hash",
        "stateRoot",
        "receiptsRoot",
        "transactionsRoot",
        "number",
        "timestamp",
        "baseFeePerGas",
        "gasUsed",
    ] {
        shown[field] = block[field].clone();
    }
    let calls = block["calls"].as_array().expect("a block has calls");
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| {
            let logs: Vec<Value> = call["logs"]
                .as_array()
                .expect("a call has logs")
                .iter()
                .map(|log| {
                    let address = log["address"].as_str().expect("a log has an address");
                    let address: alloy_primitives::Address = address.parse().expect("an address");
                    json!([address, log["topics"], log["data"]])
                })
                .collect();
            json!({
                "returnData": call["returnData"],
                "logs": logs,
                "gasUsed": call["gasUsed"],
                "maxUsedGas": call["maxUsedGas"],
                "error": call["error"],
            })
        })
        .collect();
    shown["calls"] = json!(calls);
    shown
}

fn differences(path: &str, found: &Value, wanted: &Value, out: &mut Vec<String>) {
    match (found, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                differences(&format!("{path}.{key}"), &found[key], &wanted[key], out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{at}]"), a, b, out);
            }
        }
        _ if found == wanted => {}
        _ => out.push(format!("{path}: {found} instead of {wanted}")),
    }
}

#[test]
fn simulations_are_as_recorded() {
    let Some(folder) = folder() else { return };
    let chain = chain(&folder);
    let cases = cases(&folder, "eth_simulateV1");
    let total = cases.len();
    let mut wrong = Vec::new();
    for case in cases {
        let at = case.request["params"][1].as_str().unwrap_or("latest");
        let Some((base, state)) = chain.at(at) else {
            assert_eq!(case.response["error"]["message"], "header not found", "{}", case.name);
            continue;
        };
        let payload: SimulatePayload =
            serde_json::from_value(case.request["params"][0].clone()).expect("the payload decodes");
        let roots = |changes: &StateChanges| Ok(state.root_after(changes));
        let mut block_state = BlockState::new(state.clone());
        let result = simulate(&chain.spec, &base, &mut block_state, payload, GAS_MAX, &roots);
        let found = match result {
            Ok(blocks) => json!({"result": blocks.iter().map(shown).collect::<Vec<_>>()}),
            Err(error) => error_of(&error),
        };
        let wanted = match case.response.get("result") {
            Some(blocks) => {
                let blocks = blocks.as_array().expect("a result is a list of blocks");
                json!({"result": blocks.iter().map(recorded).collect::<Vec<_>>()})
            }
            None => json!({"error": case.response["error"]}),
        };
        let mut differ = Vec::new();
        differences(&case.name, &found, &wanted, &mut differ);
        if !differ.is_empty() {
            differ.truncate(6);
            wrong.push(differ.join("\n"));
        }
    }
    report("eth_simulateV1", total, wrong);
}

fn request(case: &Case) -> TransactionRequest {
    serde_json::from_value(case.request["params"][0].clone()).expect("the request decodes")
}

#[test]
fn calls_estimates_and_access_lists_are_as_recorded() {
    let Some(folder) = folder() else { return };
    let chain = chain(&folder);
    let (head, memory): (SealedBlock, Memory) = chain.at("latest").expect("the head is known");
    let (spec, header, none) = (&chain.spec, head.header(), Overrides::default());
    for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
        let cases = cases(&folder, method);
        let total = cases.len();
        let mut wrong = Vec::new();
        for case in cases {
            let request = request(&case);
            let mut state = BlockState::new(memory.clone());
            let found = match method {
                "eth_call" => call(spec, header, &mut state, &request, &none, GAS_MAX)
                    .map(|outcome| json!(outcome.output)),
                "eth_estimateGas" => {
                    estimate_gas(spec, header, &mut state, &request, &none, GAS_MAX).map(quantity)
                }
                _ => create_access_list(spec, header, &mut state, &request, &none, GAS_MAX).map(
                    |outcome| {
                        let mut shown = json!({
                            "accessList": outcome.access_list,
                            "gasUsed": quantity(outcome.gas_used),
                        });
                        if let Some(error) = outcome.error {
                            shown["error"] = json!(error);
                        }
                        shown
                    },
                ),
            };
            let found =
                found.map_or_else(|error| error_of(&error), |result| json!({ "result": result }));
            let mut wanted = case.response.clone();
            let fields = wanted.as_object_mut().expect("a response is an object");
            fields.remove("jsonrpc");
            fields.remove("id");
            differences(&case.name, &found, &wanted, &mut wrong);
        }
        report(method, total, wrong);
    }
}
