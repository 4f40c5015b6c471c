//! Calling off what takes too long, whatever the code does meanwhile.

use super::world::{Draft, STORE, World, hanse, word};
use crate::{CallError, Interrupt, Overrides, TraceError};
use alloy_primitives::{Address, address};
use alloy_rpc_types_eth::TransactionRequest;
use serde_json::json;
use std::{thread, time::Duration};

/// Where the code of these tests is put.
const BUSY: Address = address!("00000000000000000000000000000000000000bb");

/// Gas that takes minutes to spend.
const GAS: u64 = 1 << 46;

/// Jumps in a circle.
const LOOP: &str = "0x5b5f56";
/// Calls itself twice and has no jumps: the calls double with every level.
const TREE: &str = "0x5f5f5f5f5f305af15f5f5f5f5f305af100";
/// Hands a megabyte to a precompile (identity) again and again.
const PRECOMPILE: &str = "0x5b5f5f621000005f60045afa505f56";

fn called_off(code: &str) -> CallError {
    let world = World::new(&hanse());
    let interrupt = Interrupt::new("timeout = 20ms");
    let executor = world.executor.clone().with_call_gas_max(GAS).interruptible(interrupt.clone());
    let pretended = Overrides {
        state: serde_json::from_value(json!({BUSY.to_string(): {"code": code}}))
            .expect("the overrides decode"),
        block: None,
    };
    let request = TransactionRequest::default().to(BUSY);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            interrupt.set();
        });
        executor.call(world.head(), &request, &pretended).expect_err("it never ends")
    })
}

#[test]
fn loops_and_calls_without_end_are_called_off() {
    for code in [LOOP, TREE, PRECOMPILE] {
        let error = called_off(code);
        assert!(matches!(error, CallError::Interrupted(_)), "{code}: {error}");
        assert_eq!(error.to_string(), "execution aborted (timeout = 20ms)");
        assert_eq!(error.code(), -32_000);
    }
}

#[test]
fn what_is_called_off_says_so_and_nothing_else_is_called_off() {
    let world = World::new(&hanse());
    let interrupt = Interrupt::new("timeout = 0s");
    let executor = world.executor.interruptible(interrupt.clone());
    let block = world.grow(&[Draft::call(0, 0, STORE, [word(7), word(0)].concat()).sign()]);
    let hash = block.executed.block().hash();
    let request = TransactionRequest::default().to(STORE);
    let none = Overrides::default();
    let trace = || executor.trace_block(hash, &Default::default());
    assert!(executor.call(hash, &request, &none).is_ok());
    assert_eq!(trace().expect("it is traced").len(), 1);
    interrupt.set();
    let interrupted = |error| assert!(matches!(error, CallError::Interrupted(_)), "{error}");
    interrupted(executor.call(hash, &request, &none).expect_err("called off"));
    interrupted(executor.estimate_gas(hash, &request, &none).expect_err("called off"));
    interrupted(executor.create_access_list(hash, &request, &none).expect_err("called off"));
    let payload = json!({"blockStateCalls": [{"calls": [{"to": STORE}]}]});
    let payload = serde_json::from_value(payload).expect("the payload decodes");
    interrupted(executor.simulate(hash, payload).expect_err("called off"));
    for error in [
        trace().expect_err("called off"),
        executor.trace_transaction(hash, 0, &Default::default()).expect_err("called off"),
        executor.trace_call(hash, &request, &Default::default()).expect_err("called off"),
    ] {
        assert!(matches!(error, TraceError::Call(CallError::Interrupted(_))), "{error}");
    }
    // A block that counts does not ask.
    let again = executor.execute(block.executed.block().clone(), &|_| None);
    assert_eq!(again.expect("the block is valid").0.block().hash(), hash);
    assert!(world.executor.call(hash, &request, &none).is_ok(), "another executor is not meant");
}
