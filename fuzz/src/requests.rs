//! JSON-RPC requests, through the dispatcher that the servers use.

use super::{
    Target,
    world::{World, key},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxHash};
use alloy_signer::SignerSync;
use hanse_rpc::{
    Context, Events, NetworkInfo, Rpc, RpcLimits, Submit, SubmitError, Wallet, handle_text,
};
use hanse_txpool::{Pool, PoolSettings, Rules};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Answers a request. True when it was answered by results alone.
///
/// An answer is JSON-RPC 2.0: an object, or a list that is not empty, of objects with an id and
/// either a result or an error. Each call with an id is answered in its place, a notification never.
/// No request makes us fail.
#[must_use]
pub fn requests() -> Target {
    let world = World::new();
    let rpc = interface(&world);
    Box::new(move |bytes| {
        let _alive = &world;
        let answer = handle_text(&rpc, bytes);
        check(bytes, &answer)
    })
}

/// What an answer must look like.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer<'a> {
    jsonrpc: &'a str,
    #[serde(borrow)]
    id: &'a RawValue,
    /// `null` is a result, too.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    code: i64,
    message: String,
    #[serde(default)]
    #[expect(dead_code, reason = "it may be there")]
    data: Option<String>,
}

/// Tells a `null` from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The id that a call must be answered with.
enum Asked<'a> {
    /// It is no well-formed call: `null` or the id that it may have.
    Malformed,
    Notification,
    Call(&'a str),
}

fn check(request: &[u8], answer: &[u8]) -> bool {
    let answers: Vec<Answer<'_>> = if answer.is_empty() {
        Vec::new()
    } else if answer[0] == b'[' {
        let list: Vec<_> = serde_json::from_slice(answer).expect("an answer is JSON-RPC");
        assert!(!list.is_empty(), "a batch of notifications has no answer");
        list
    } else {
        vec![serde_json::from_slice(answer).expect("an answer is JSON-RPC")]
    };
    let results = answers.iter().filter(|answer| is_result(answer)).count();
    let Some(asked) = asked(request) else {
        let told = answers.iter().all(|answer| answer.error.is_some());
        assert!(answers.len() == 1 && told, "no JSON, so an error");
        return false;
    };
    let answered = asked.iter().filter(|asked| !matches!(asked, Asked::Notification));
    let (count, mut expected) = (answered.clone().count(), answered);
    if answers.len() == 1 && asked.len() != 1 {
        return false; // the batch as a whole was refused
    }
    for answer in &answers {
        match expected.next().expect("nothing is answered that was not asked") {
            Asked::Call(id) => assert_eq!(answer.id.get(), *id),
            _ => assert!(answer.error.is_some(), "what is no call has no result"),
        }
    }
    assert!(expected.next().is_none(), "every call is answered");
    results == count
}

fn is_result(answer: &Answer<'_>) -> bool {
    assert_eq!(answer.jsonrpc, "2.0");
    assert!(answer.result.is_some() != answer.error.is_some(), "either result or error");
    if let Some(error) = answer.error {
        let failure: Failure = serde_json::from_str(error.get()).expect("an error has its shape");
        assert!(!failure.message.is_empty());
        assert!(!failure.message.starts_with("internal error"), "{}", failure.message);
        assert!((-38_999..=-32_000).contains(&failure.code) || failure.code == 3, "{failure:?}");
    }
    answer.error.is_none()
}

/// The calls of a request; `None` when it is not JSON.
fn asked(request: &[u8]) -> Option<Vec<Asked<'_>>> {
    let text = std::str::from_utf8(request).ok()?;
    if text.trim_start().starts_with('[') {
        let calls: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return Some(calls.into_iter().map(|call| one(call.get())).collect());
    }
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    Some(vec![one(whole.get())])
}

fn one(call: &str) -> Asked<'_> {
    #[derive(Deserialize)]
    struct Call<'a> {
        jsonrpc: String,
        #[serde(rename = "method")]
        _method: String,
        /// Given twice, as any of these, it makes no call.
        #[serde(rename = "params", borrow, default)]
        _params: Option<&'a RawValue>,
        #[serde(borrow, default, deserialize_with = "present")]
        id: Option<&'a RawValue>,
    }
    // A list can be read as a struct, but a call is an object.
    match serde_json::from_str::<Call<'_>>(call) {
        Ok(read) if call.starts_with('{') && read.jsonrpc == "2.0" => match read.id {
            None => Asked::Notification,
            Some(id) if id.get().starts_with(['"', 'n', '-']) => Asked::Call(id.get()),
            Some(id) if id.get().starts_with(|c: char| c.is_ascii_digit()) => Asked::Call(id.get()),
            Some(_) => Asked::Malformed,
        },
        _ => Asked::Malformed,
    }
}

struct Submitter(Pool);

impl Submit for Submitter {
    fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<TxHash, SubmitError>> {
        let outcomes = self.0.submit(&raw, 0).into_iter();
        outcomes.map(|outcome| outcome.map_err(SubmitError::from)).collect()
    }
}

struct OneKey;

impl Wallet for OneKey {
    fn accounts(&self) -> Vec<Address> {
        vec![key().address()]
    }

    fn sign(&self, address: &Address, digest: &B256) -> Option<Signature> {
        let ours = *address == key().address();
        ours.then(|| key().sign_hash_sync(digest).ok()).flatten()
    }
}

/// The interface with all that a development node offers, and small limits so that they are met.
fn interface(world: &World) -> Rpc {
    let head = world.head();
    let now = head.timestamp + 1;
    let rules = Rules::next(&world.spec, &head, now);
    let settings = PoolSettings { transactions_max: 64, ..PoolSettings::default() };
    let pool = Pool::new(settings, rules, world.accounts());
    let chain_id = world.spec.chain_id();
    Rpc::new(Context {
        spec: world.spec.clone(),
        ledger: world.ledger.clone(),
        executor: world.executor.clone(),
        submit: Arc::new(Submitter(pool.clone())),
        pool,
        wallet: Some(Arc::new(OneKey)),
        development: None,
        consensus: None,
        faults: None,
        audit: None,
        testing: true,
        events: Events::new(),
        meter: None,
        clock: Arc::new(move || now),
        peers: Arc::new(|| 0),
        ready: Arc::new(|| true),
        fee_recipient: None,
        gas_limit: None,
        client_version: "hanse/fuzz".to_owned(),
        network: Arc::new(move || NetworkInfo { chain_id, ..NetworkInfo::default() }),
        orders: Arc::new(|| None),
        limits: RpcLimits { batch_calls_max: 16, filters_max: 16, ..RpcLimits::default() },
    })
}
