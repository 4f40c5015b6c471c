//! What JSON-RPC asks: calls, estimates, access lists, simulations and traces on the real ledger.

use super::world::{Draft, REVERT, STORE, World, hanse, signer, word};
use crate::{CallError, Overrides, TraceError};
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_rpc_types_eth::{TransactionRequest, simulate::SimulatePayload};
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use serde_json::{Value, json};

fn options(options: Value) -> GethDebugTracingOptions {
    serde_json::from_value(options).expect("the options decode")
}

fn none() -> Overrides {
    Overrides::default()
}

fn overridden(state: Value, block: Value) -> Overrides {
    Overrides {
        state: Some(serde_json::from_value(state).expect("the overrides decode")),
        block: Some(serde_json::from_value(block).expect("the overrides decode")),
    }
}

fn store(from: Address, slot: u64, value: u64) -> TransactionRequest {
    TransactionRequest::default()
        .from(from)
        .to(STORE)
        .input(Bytes::from([word(slot), word(value)].concat()).into())
}

/// Returns what the EVM says about a block: number, time, base fee, chain id.
const LOOKER: Address = address!("0x00000000000000000000000000000000000000bb");
const LOOK: &str = "0x4360005242602052486040524660605260806000f3";

#[test]
fn a_call_sees_its_overrides_and_leaves_nothing_behind() {
    let world = World::new(&hanse());
    let pretended = overridden(
        json!({LOOKER.to_string(): {"code": LOOK}}),
        json!({"number": "0x64", "time": "0x3e8", "baseFeePerGas": "0x7"}),
    );
    let request = TransactionRequest::default().to(LOOKER);
    let seen = world.executor.call(world.head(), &request, &pretended).expect("the call succeeds");
    let expected = [word(100), word(1_000), word(0), word(super::world::CHAIN_ID)].concat();
    assert_eq!(seen.output, Bytes::from(expected), "no fee offered, no base fee seen");
    let plain = world.executor.call(world.head(), &request, &none()).expect("no code, no failure");
    assert!(plain.output.is_empty());
}

#[test]
fn state_and_state_diff_differ_in_what_they_leave() {
    let world = World::new(&hanse());
    // Returns slot 7, which the genesis set to 9.
    let code = "0x60075460005260206000f3";
    let read = |account: Value| {
        let pretended = overridden(json!({STORE.to_string(): account}), json!({}));
        let request = TransactionRequest::default().to(STORE);
        let seen = world.executor.call(world.head(), &request, &pretended);
        U256::from_be_slice(&seen.expect("the call succeeds").output)
    };
    let one = json!({B256::with_last_byte(1).to_string(): B256::with_last_byte(1).to_string()});
    let seven = json!({B256::with_last_byte(7).to_string(): B256::with_last_byte(5).to_string()});
    assert_eq!(read(json!({"code": code})), U256::from(9));
    assert_eq!(read(json!({"code": code, "stateDiff": one})), U256::from(9));
    assert_eq!(read(json!({"code": code, "state": one})), U256::ZERO);
    assert_eq!(read(json!({"code": code, "stateDiff": seven})), U256::from(5));
}

#[test]
fn an_estimate_is_enough_and_hardly_more() {
    let world = World::new(&hanse());
    let sender = signer(0).address();
    let transfer = TransactionRequest::default().from(sender).to(Address::repeat_byte(1));
    let gas = world.executor.estimate_gas(world.head(), &transfer, &none());
    assert_eq!(gas.expect("a transfer works"), 21_000);
    let request = store(sender, 1, 1);
    let gas = world.executor.estimate_gas(world.head(), &request, &none()).expect("it works");
    let used = world.executor.call(world.head(), &request, &none()).expect("it works").gas_used;
    assert!(gas >= used && gas * 1_000 <= used * 1_200, "{gas} for {used}");
    let with = |gas| world.executor.call(world.head(), &request.clone().gas_limit(gas), &none());
    assert!(with(gas).is_ok());
    let revert = TransactionRequest::default().from(sender).to(REVERT);
    let error = world.executor.estimate_gas(world.head(), &revert, &none());
    assert!(matches!(error, Err(CallError::Reverted(_))));
}

#[test]
fn an_access_list_names_what_is_touched_and_settles() {
    let world = World::new(&hanse());
    let request = store(signer(0).address(), 5, 1);
    let listed = world.executor.create_access_list(world.head(), &request, &none());
    let listed = listed.expect("it works");
    assert_eq!(listed.access_list.0.len(), 1);
    assert_eq!(listed.access_list.0[0].address, STORE);
    assert_eq!(listed.access_list.0[0].storage_keys, [B256::with_last_byte(5)]);
    let revert = TransactionRequest::default().to(REVERT);
    let listed = world.executor.create_access_list(world.head(), &revert, &none());
    assert_eq!(listed.expect("it is told").error.as_deref(), Some("execution reverted"));
}

#[test]
fn a_simulation_goes_on_where_the_last_block_ended() {
    let world = World::new(&hanse());
    let sender = signer(0).address();
    let input = Bytes::from([word(3), word(4)].concat());
    let payload: SimulatePayload = serde_json::from_value(json!({
        "blockStateCalls": [
            {"calls": [{"from": sender, "to": STORE, "input": input}]},
            {"blockOverrides": {"number": "0x4"}, "calls": [{"from": sender, "to": REVERT}]},
        ],
        "traceTransfers": true,
    }))
    .expect("the payload decodes");
    let blocks = world.executor.simulate(world.head(), payload).expect("it runs");
    assert_eq!(blocks.len(), 4, "two blocks fill the gap");
    for pair in blocks.windows(2) {
        assert_eq!(pair[1].block.header().parent_hash, pair[0].block.hash());
    }
    assert_ne!(blocks[0].block.header().state_root, B256::ZERO);
    assert_eq!(blocks[0].calls[0].logs.len(), 1);
    let failure = blocks[3].calls[0].failure.as_ref().expect("it reverted");
    assert_eq!((failure.code, failure.message.as_str()), (3, "execution reverted"));
    assert_eq!(blocks[3].senders, [sender]);
}

#[test]
fn a_trace_tells_what_the_block_did() {
    let world = World::new(&hanse());
    let input = [word(1), word(2)].concat();
    let signed = [
        Draft::transfer(1, 0, Address::repeat_byte(9), 5).sign(),
        Draft::call(0, 0, STORE, input).sign(),
    ];
    let built = world.grow(&signed);
    let block = built.executed.block().hash();
    let trace = |wanted: Value| {
        world.executor.trace_transaction(block, 1, &options(wanted)).expect("it is traced")
    };
    let GethTrace::Default(steps) = trace(json!({})) else { panic!("no struct log") };
    let ops: Vec<&str> = steps.struct_logs.iter().map(|step| step.opcode()).collect();
    assert!(ops.contains(&"SSTORE") && ops.contains(&"LOG1"), "{ops:?}");
    let used = built.executed.receipts()[1].cumulative_gas_used()
        - built.executed.receipts()[0].cumulative_gas_used();
    assert_eq!(steps.gas, used);
    let GethTrace::CallTracer(call) = trace(json!({"tracer": "callTracer"})) else {
        panic!("no call trace")
    };
    assert_eq!((call.to, call.gas_used), (Some(STORE), U256::from(used)));
    for tracer in ["prestateTracer", "4byteTracer", "noopTracer", "flatCallTracer"] {
        trace(json!({"tracer": tracer}));
    }
    trace(json!({"tracer": "muxTracer", "tracerConfig": {"callTracer": {}}}));
    let all = world.executor.trace_block(block, &options(json!({}))).expect("it is traced");
    assert_eq!(all.len(), 2);
}

#[test]
fn a_call_is_traced_before_or_after_a_block() {
    let world = World::new(&hanse());
    let block = world.grow(&[Draft::call(0, 0, STORE, [word(7), word(0)].concat()).sign()]);
    // Returns slot 7: 9 before the block, 0 after it.
    let code = json!({STORE.to_string(): {"code": "0x60075460005260206000f3"}});
    let seen = |index: Option<&str>| {
        let mut wanted = json!({"tracer": "callTracer", "stateOverrides": code});
        if let Some(index) = index {
            wanted["txIndex"] = json!(index);
        }
        let wanted: GethDebugTracingCallOptions =
            serde_json::from_value(wanted).expect("the options decode");
        let hash = block.executed.block().hash();
        let request = TransactionRequest::default().to(STORE);
        let traced = world.executor.trace_call(hash, &request, &wanted).expect("it is traced");
        let GethTrace::CallTracer(call) = traced else { panic!("no call trace") };
        U256::from_be_slice(&call.output.expect("it returned something"))
    };
    assert_eq!(seen(Some("0x0")), U256::from(9));
    assert_eq!(seen(None), U256::ZERO);
}

#[test]
fn what_cannot_be_traced_is_refused() {
    let world = World::new(&hanse());
    let genesis = world.head();
    let block = world.grow(&[Draft::transfer(0, 0, STORE, 1).sign()]).executed.block().hash();
    let traced = |hash, index, wanted: Value| {
        world.executor.trace_transaction(hash, index, &options(wanted)).expect_err("no trace")
    };
    assert!(matches!(traced(genesis, 0, json!({})), TraceError::Genesis));
    assert!(matches!(traced(block, 1, json!({})), TraceError::UnknownTransaction(1)));
    let javascript = json!({"tracer": "{result: function() { return 1; }}"});
    let refused = traced(block, 0, javascript).to_string();
    assert!(refused.contains("JavaScript"), "{refused}");
    let error = traced(B256::repeat_byte(1), 0, json!({}));
    assert_eq!(error.to_string(), "header not found");
}
