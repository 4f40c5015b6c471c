//! Methods in-process: what they answer beyond the recorded exchanges.

use super::chain::{EMITTER, SPINNER, TestChain, genesis, rich};
use alloy_eips::eip7002;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, eip191_hash_message, hex};
use hanse_rpc::RpcLimits;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

fn call(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

#[test]
fn neighbouring_transactions_of_a_batch_reach_the_pool_as_one() {
    let chain = TestChain::new();
    let send = |id, nonce| {
        call(id, "eth_sendRawTransaction", json!([chain.emit(nonce, B256::repeat_byte(1))]))
    };
    let batch = json!([
        send(1, 0),
        send(2, 1),
        call(3, "eth_sendRawTransaction", json!(["0x02ff"])),
        call(4, "eth_blockNumber", json!([])),
        send(5, 2),
        call(6, "eth_sendRawTransaction", json!(["nothex"])),
    ]);
    let answers = chain.text(&batch.to_string());
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|a| a["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6], "answers are in order");
    for at in [0, 1, 4] {
        assert!(answers[at]["result"].as_str().unwrap().starts_with("0x"), "{answers}");
    }
    assert_eq!(answers[2]["error"]["code"], -32000);
    assert_eq!(answers[5]["error"]["code"], -32602);
    assert_eq!(chain.submissions.load(Ordering::SeqCst), 2, "one batch before, one after");
    assert_eq!(chain.pool.status().pending, 3);
}

#[test]
fn notifications_are_heard_and_not_answered() {
    let chain = TestChain::new();
    let raw = chain.emit(0, B256::ZERO);
    let heard = json!({ "jsonrpc": "2.0", "method": "eth_sendRawTransaction", "params": [raw] });
    assert_eq!(chain.text(&heard.to_string()), Value::Null);
    assert_eq!(chain.pool.status().pending, 1);
    let batch = json!([heard, { "jsonrpc": "2.0", "method": "eth_blockNumber" }]);
    assert_eq!(chain.text(&batch.to_string()), Value::Null, "a batch of notifications only");
    let mixed = json!([heard, call(9, "eth_chainId", json!([]))]);
    let answer = chain.text(&mixed.to_string());
    assert_eq!(answer, json!([{ "jsonrpc": "2.0", "id": 9, "result": "0x7" }]));
}

#[test]
fn unknown_methods_and_wrong_parameters_are_told() {
    let chain = TestChain::new();
    let (code, message) = chain.error("eth_foo", json!([]));
    assert_eq!((code, &*message), (-32601, "the method eth_foo does not exist/is not available"));
    let (code, message) = chain.error("eth_getBalance", json!([]));
    assert_eq!((code, &*message), (-32602, "missing value for required argument 0"));
    let (code, message) = chain.error("eth_chainId", json!([1]));
    assert_eq!((code, &*message), (-32602, "too many arguments, want at most 0"));
    let (code, _) = chain.error("eth_getBalance", json!({ "address": "0x0" }));
    assert_eq!(code, -32602);
    let (code, message) = chain.error("eth_getBalance", json!([Address::ZERO, "0x99"]));
    assert_eq!((code, &*message), (-32000, "header not found"));
    let (code, _) = chain.error("eth_subscribe", json!(["newHeads"]));
    assert_eq!(code, -32601, "there is no connection to notify");
    let (code, _) = chain.error("evm_mine", json!([]));
    assert_eq!(code, -32601, "only a development node has it");
}

#[test]
fn the_pool_counts_for_pending_only() {
    let chain = TestChain::new();
    let from = rich().address();
    for nonce in 0..3 {
        chain.result("eth_sendRawTransaction", json!([chain.emit(nonce, B256::ZERO)]));
    }
    assert_eq!(chain.result("eth_getTransactionCount", json!([from, "latest"])), "0x0");
    assert_eq!(chain.result("eth_getTransactionCount", json!([from, "pending"])), "0x3");
    let waiting = chain.signed(1, EMITTER, B256::ZERO.0.into());
    let found = chain.result("eth_getTransactionByHash", json!([waiting.tx_hash()]));
    assert_eq!(found["blockHash"], Value::Null);
    assert_eq!(found["nonce"], "0x1");
    let pending = chain.result("eth_getBlockByNumber", json!(["pending", false]));
    assert_eq!(pending["transactions"].as_array().unwrap().len(), 3);
    assert_eq!(pending["hash"], Value::Null);
    assert_eq!(pending["number"], "0x1");
    assert_eq!(chain.result("eth_getBlockTransactionCountByNumber", json!(["pending"])), "0x3");
    let raw = chain.result("debug_getRawTransaction", json!([waiting.tx_hash()]));
    assert_eq!(raw, chain.emit(1, B256::ZERO));
}

#[test]
fn a_block_off_the_chain_is_refused_where_that_is_asked() {
    let chain = TestChain::new();
    let genesis = chain.ledger.head().hash;
    let stale = chain.build(genesis, 200);
    chain.set_head(&stale);
    let better = chain.build(genesis, 201);
    chain.set_head(&better);
    let hash = stale.block().hash();
    let from = rich().address();
    let lenient = json!([from, { "blockHash": hash }]);
    assert!(chain.result("eth_getBalance", lenient).is_string());
    let (code, message) = chain
        .error("eth_getBalance", json!([from, { "blockHash": hash, "requireCanonical": true }]));
    assert_eq!((code, &*message), (-32000, "hash is not currently canonical"));
    let head = json!([from, { "blockHash": better.block().hash(), "requireCanonical": true }]);
    assert!(chain.result("eth_getBalance", head).is_string());
}

#[test]
fn filters_tell_what_changed_also_when_the_chain_turns() {
    let chain = TestChain::new();
    let genesis = chain.ledger.head().hash;
    let topic = B256::repeat_byte(3);
    let logs = chain.result("eth_newFilter", json!([{ "topics": [topic] }]));
    let blocks = chain.result("eth_newBlockFilter", json!([]));
    let pending = chain.result("eth_newPendingTransactionFilter", json!([]));
    let changes = |id: &Value| chain.result("eth_getFilterChanges", json!([id]));

    let hash = chain.result("eth_sendRawTransaction", json!([chain.emit(0, topic)]));
    let told: B256 = hash.as_str().unwrap().parse().unwrap();
    assert!(chain.events.wants_pending());
    chain.events.publish_pending([told].into());
    assert_eq!(changes(&pending), json!([hash]));
    assert_eq!(changes(&pending), json!([]));

    let first = chain.build(genesis, 200);
    chain.set_head(&first);
    let found = changes(&logs);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["removed"], false);
    assert_eq!(found[0]["address"], json!(EMITTER));
    assert_eq!(changes(&blocks), json!([first.block().hash()]));
    assert_eq!(changes(&logs), json!([]));

    let other = chain.build(genesis, 300);
    let longer = chain.build(other.block().hash(), 301);
    chain.set_head(&longer);
    let found = changes(&logs);
    assert_eq!(found.as_array().unwrap().len(), 1, "the transaction is not in the new branch");
    assert_eq!(found[0]["removed"], true);
    assert_eq!(found[0]["blockHash"], json!(first.block().hash()));
    assert_eq!(changes(&blocks), json!([other.block().hash(), longer.block().hash()]));

    assert_eq!(chain.result("eth_uninstallFilter", json!([logs])), true);
    assert_eq!(chain.result("eth_uninstallFilter", json!([logs])), false);
    let (code, message) = chain.error("eth_getFilterChanges", json!([logs]));
    assert_eq!((code, &*message), (-32000, "filter not found"));
}

#[test]
fn logs_are_found_by_topic_address_and_block() {
    let chain = TestChain::new();
    for nonce in 0..4_u8 {
        let topic = B256::repeat_byte(nonce);
        chain.result("eth_sendRawTransaction", json!([chain.emit(nonce.into(), topic)]));
        chain.seal();
    }
    let count =
        |filter: Value| chain.result("eth_getLogs", json!([filter])).as_array().unwrap().len();
    assert_eq!(count(json!({ "fromBlock": "earliest" })), 4);
    assert_eq!(count(json!({})), 1, "the head only");
    assert_eq!(count(json!({ "fromBlock": "0x2", "toBlock": "0x3", "address": EMITTER })), 2);
    let two = [B256::repeat_byte(0), B256::repeat_byte(2)];
    assert_eq!(count(json!({ "fromBlock": "0x0", "topics": [two] })), 2);
    assert_eq!(count(json!({ "fromBlock": "0x0", "address": Address::ZERO })), 0);
    let head = chain.ledger.head().hash;
    assert_eq!(count(json!({ "blockHash": head })), 1);
    let (code, _) = chain.error("eth_getLogs", json!([{ "blockHash": B256::ZERO }]));
    assert_eq!(code, -32000);
}

#[test]
fn the_wallet_signs_and_sends() {
    let chain = TestChain::new();
    let from = rich().address();
    assert_eq!(chain.result("eth_accounts", json!([])), json!([from]));
    let signature = chain.result("eth_sign", json!([from, "0xdeadbeef"]));
    let bytes: [u8; 65] = hex::decode_to_array(signature.as_str().unwrap()).unwrap();
    let signature = Signature::from_raw_array(&bytes).unwrap();
    let digest = eip191_hash_message([0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(signature.recover_address_from_prehash(&digest).unwrap(), from);

    let order =
        json!({ "from": from, "to": EMITTER, "value": "0x0", "data": B256::repeat_byte(4) });
    let signed = chain.result("eth_signTransaction", json!([order]));
    assert_eq!(signed["tx"]["from"], json!(from));
    let hash = chain.result("eth_sendTransaction", json!([order]));
    assert_eq!(hash, signed["tx"]["hash"], "the same order makes the same transaction");
    chain.seal();
    let receipt = chain.result("eth_getTransactionReceipt", json!([hash]));
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["logs"].as_array().unwrap().len(), 1);
    let (code, message) = chain.error("eth_sign", json!([Address::ZERO, "0x"]));
    assert_eq!((code, &*message), (-32000, "unknown account"));
}

#[test]
fn typed_data_is_signed_by_its_own_hash() {
    let chain = TestChain::new();
    let from = rich().address();
    let document = json!({
        "types": {
            "EIP712Domain": [{ "name": "name", "type": "string" }],
            "Receipt": [{ "name": "order", "type": "bytes32" }, { "name": "amount", "type": "uint256" }],
        },
        "primaryType": "Receipt",
        "domain": { "name": "Hanse" },
        "message": { "order": B256::repeat_byte(1), "amount": "12" },
    });
    let as_object = chain.result("eth_signTypedData_v4", json!([from, document]));
    let as_text = chain.result("eth_signTypedData_v4", json!([from, document.to_string()]));
    assert_eq!(as_object, as_text);
    let (code, _) = chain.error("eth_signTypedData_v4", json!([from, { "types": {} }]));
    assert_eq!(code, -32602);
}

#[test]
fn fees_are_suggested_from_what_was_paid() {
    let chain = TestChain::new();
    assert_eq!(
        chain.result("eth_maxPriorityFeePerGas", json!([])),
        "0x3b9aca00",
        "nobody paid yet"
    );
    chain.result("eth_sendRawTransaction", json!([chain.emit(0, B256::ZERO)]));
    chain.seal();
    assert_eq!(chain.result("eth_maxPriorityFeePerGas", json!([])), "0x1");
    let price = chain.result("eth_gasPrice", json!([]));
    let base = chain.result("eth_baseFee", json!([]));
    let number = |value: Value| U256::from_str_radix(&value.as_str().unwrap()[2..], 16).unwrap();
    assert_eq!(number(price), number(base) + U256::from(1));
    let history = chain.result("eth_feeHistory", json!([5, "latest", [0.0, 50.0, 100.0]]));
    assert_eq!(history["oldestBlock"], "0x0", "there are but two blocks");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["reward"], json!([["0x0", "0x0", "0x0"], ["0x1", "0x1", "0x1"]]));
    let (code, _) = chain.error("eth_feeHistory", json!(["0x1", "latest", [50.0, 10.0]]));
    assert_eq!(code, -32000);
    let (code, _) = chain.error("eth_feeHistory", json!(["0x1", "latest", [101.0]]));
    assert_eq!(code, -32000);
}

#[test]
fn a_call_that_never_ends_runs_out_of_gas() {
    let chain = TestChain::new();
    let (code, message) = chain.error("eth_call", json!([{ "to": SPINNER }]));
    assert_eq!(code, -32000, "{message}");
    assert!(message.contains("gas"), "{message}");
    let echoed = chain
        .result("eth_call", json!([{ "to": EMITTER, "data": B256::repeat_byte(8) }, "latest"]));
    assert_eq!(echoed, json!(B256::repeat_byte(8)));
    let overridden = json!([{ "to": Address::ZERO }, "latest", { Address::ZERO.to_string(): { "code": "0x60015f5260205ff3" } }]);
    assert_eq!(chain.result("eth_call", overridden), json!(B256::from(U256::from(1))));
}

#[test]
fn proofs_fit_the_state_root() {
    let chain = TestChain::new();
    let from = rich().address();
    let proof = chain.result("eth_getProof", json!([from, ["0x0"], "latest"]));
    let head = chain.result("eth_getBlockByNumber", json!(["latest", false]));
    let first: Vec<u8> = hex::decode(proof["accountProof"][0].as_str().unwrap()).unwrap();
    let root = alloy_primitives::keccak256(first);
    assert_eq!(json!(root), head["stateRoot"]);
    assert_eq!(proof["storageProof"][0]["key"], "0x0");
    assert_eq!(proof["storageProof"][0]["value"], "0x0");
}

#[test]
fn a_transaction_can_be_sent_twice_for_its_receipt() {
    let chain = TestChain::new();
    let raw = chain.emit(0, B256::repeat_byte(1));
    for _ in 0..2 {
        let (code, _) = chain.error("eth_sendRawTransactionSync", json!([raw]));
        assert_eq!(code, 4, "accepted, and nobody seals");
    }
    chain.seal();
    let receipt = chain.result("eth_sendRawTransactionSync", json!([raw]));
    assert_eq!(receipt["status"], "0x1");
    let late = chain.error("eth_sendRawTransaction", json!([raw]));
    assert_eq!(late.0, -32000, "without the wish for a receipt it is an error: {}", late.1);
}

/// A block that asked for something was told without what it asks for: only its hash was at hand.
#[test]
fn a_built_block_tells_its_requests() {
    let mut genesis = genesis();
    let contract = eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
    genesis["alloc"][contract.to_string()] =
        json!({ "balance": "0x0", "code": eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE });
    let genesis = serde_json::to_vec(&genesis).unwrap();
    let chain = TestChain::of(&genesis, RpcLimits::default(), None);
    // A validator's key of 48 bytes, and how much it wants, most significant byte first.
    let input = Bytes::from([&[0x77; 48][..], &[0, 0, 0, 0, 0, 0, 1, 2]].concat());
    let signed = chain.result(
        "eth_signTransaction",
        json!([{
            "from": rich().address(), "to": contract, "gas": "0x30d40", "nonce": "0x0", "value": "0x1",
            "maxFeePerGas": "0x2540be400", "maxPriorityFeePerGas": "0x1", "data": input,
        }]),
    );
    let attributes = json!({
        "timestamp": "0x65", "prevRandao": B256::ZERO, "suggestedFeeRecipient": EMITTER,
        "withdrawals": [], "parentBeaconBlockRoot": B256::ZERO,
    });
    let parent = chain.ledger.head().hash;
    let built = |transactions: Value| {
        let params = json!([parent, attributes, transactions, "0x"]);
        chain.result("testing_buildBlockV1", params)["executionRequests"].clone()
    };
    assert_eq!(built(json!([])), json!([]));
    // EIP-7002: type 1; who asks, the key, the amount with the least significant byte first.
    let request =
        [&[1], rich().address().as_slice(), &[0x77; 48], &[2, 1, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(built(json!([signed["raw"]])), json!([Bytes::from(request)]));
}
