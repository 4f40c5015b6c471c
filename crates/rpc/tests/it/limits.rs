//! Requests that ask for too much, in-process.

use super::chain::TestChain;
use alloy_primitives::B256;
use hanse_rpc::RpcLimits;
use serde_json::{Value, json};
use std::fmt::Write;

#[test]
fn a_batch_has_a_limit_and_is_not_empty() {
    let chain = TestChain::with(RpcLimits { batch_calls_max: 3, ..RpcLimits::default() });
    let batch = |count: usize| {
        let calls: Vec<_> = (0..count)
            .map(|id| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId" }))
            .collect();
        chain.text(&Value::from(calls).to_string())
    };
    assert_eq!(batch(3).as_array().unwrap().len(), 3);
    assert_eq!(batch(4)["error"]["code"], -32005);
    assert_eq!(batch(0)["error"]["code"], -32600);
    let strange = chain.text(r#"[1, {"jsonrpc":"2.0","id":1,"method":"eth_chainId"}]"#);
    assert_eq!(strange[0]["error"]["code"], -32600);
    assert_eq!(strange[0]["id"], Value::Null);
    assert_eq!(strange[1]["result"], "0x7");
}

#[test]
fn an_answer_has_a_limit() {
    let chain = TestChain::with(RpcLimits { response_bytes_max: 3_000, ..RpcLimits::default() });
    let block = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x0", false] });
    let batch = Value::from(vec![block; 10]);
    let answers = chain.text(&batch.to_string());
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 10, "each call is answered");
    assert!(answers[0]["result"].is_object());
    assert_eq!(answers[9]["error"]["code"], -32003);
}

#[test]
fn depth_does_no_harm_anywhere() {
    let chain = TestChain::new();
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    for method in ["eth_call", "eth_getLogs", "eth_getStorageValues", "eth_signTypedData_v4"] {
        let request =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{deep},{deep}]}}"#);
        assert_eq!(chain.text(&request)["error"]["code"], -32602, "{method}");
    }
    let request = format!(r#"{{"jsonrpc":"2.0","id":{deep},"method":"eth_chainId"}}"#);
    assert_eq!(chain.text(&request)["error"]["code"], -32600);
    assert_eq!(chain.text(&deep)["error"]["code"], Value::Null, "a batch of one strange thing");
    let open = r#"{"a":"#.repeat(200_000);
    assert_eq!(chain.text(&open)["error"]["code"], -32700);
}

#[test]
fn a_search_for_logs_has_limits() {
    let limits = RpcLimits { log_blocks_max: 2, logs_max: 1, ..RpcLimits::default() };
    let chain = TestChain::with(limits);
    for nonce in 0..3 {
        chain.result("eth_sendRawTransaction", json!([chain.emit(nonce, B256::ZERO)]));
        chain.seal();
    }
    let (code, message) = chain.error("eth_getLogs", json!([{ "fromBlock": "0x0" }]));
    assert_eq!(code, -32005, "{message}");
    let (code, message) = chain.error("eth_getLogs", json!([{ "fromBlock": "0x2" }]));
    assert_eq!(code, -32005, "{message}");
    assert!(message.contains("more than 1 results"), "{message}");
    assert_eq!(chain.result("eth_getLogs", json!([{}])).as_array().unwrap().len(), 1);
}

#[test]
fn filters_are_counted() {
    let chain = TestChain::with(RpcLimits { filters_max: 2, ..RpcLimits::default() });
    let first = chain.result("eth_newBlockFilter", json!([]));
    chain.result("eth_newFilter", json!([{}]));
    let (code, _) = chain.error("eth_newPendingTransactionFilter", json!([]));
    assert_eq!(code, -32005);
    chain.result("eth_uninstallFilter", json!([first]));
    chain.result("eth_newBlockFilter", json!([]));
}

#[test]
fn an_idle_filter_ends() {
    let idle = std::time::Duration::from_millis(1);
    let chain = TestChain::with(RpcLimits { filter_idle_max: idle, ..RpcLimits::default() });
    let filter = chain.result("eth_newBlockFilter", json!([]));
    std::thread::sleep(idle * 10);
    assert_eq!(chain.error("eth_getFilterChanges", json!([filter])).1, "filter not found");
}

/// Bytes that are not even close, from a small generator with a fixed seed, and well-formed
/// requests with bytes changed: nothing may panic, and every answer must be JSON.
#[test]
fn noise_is_answered() {
    let chain = TestChain::new();
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    };
    let mut seeds = vec![
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{ "to": null }, "latest", {}, {}] }).to_string(),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [{ "topics": [["0x00"], null] }] }).to_string(),
        json!([{ "jsonrpc": "2.0", "id": "a", "method": "eth_feeHistory", "params": ["0x1", "latest", [1.5]] }]).to_string(),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getStorageAt", "params": [B256::ZERO, "0x0", { "blockHash": "0x" }] }).to_string(),
    ];
    let mut noise = String::new();
    for _ in 0..64 {
        write!(noise, "{:x}", roll()).unwrap();
    }
    seeds.push(noise);
    for seed in &seeds {
        for _ in 0..2_000 {
            let mut bytes = seed.clone().into_bytes();
            for _ in 0..=roll() % 4 {
                let at = usize::try_from(roll()).unwrap_or(0) % bytes.len();
                bytes[at] = roll().to_le_bytes()[0];
            }
            let answer = hanse_rpc::handle_text(&chain.rpc, &bytes);
            if !answer.is_empty() {
                serde_json::from_slice::<Value>(&answer).unwrap();
            }
        }
    }
}
