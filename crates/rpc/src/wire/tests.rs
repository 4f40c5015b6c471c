use super::*;
use crate::{RpcError, limits::METHOD_BYTES_MAX};
use alloy_primitives::{Address, B256, Bytes, U256, address};
use serde_json::value::RawValue;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn envelope(json: &str) -> Result<(Option<String>, String), RpcError> {
    match read(json.as_bytes())? {
        Message::Single(Ok(envelope)) => {
            Ok((envelope.id.map(str::to_owned), envelope.method.into_owned()))
        }
        Message::Single(Err(malformed)) => Err(malformed.error),
        Message::Batch(_) => panic!("a single request was read as a batch"),
    }
}

#[test]
fn the_id_is_echoed_as_it_was_written() {
    for id in ["1", "-7", "1.50", "1e3", "\"a\\u0062\"", "null", "18446744073709551616"] {
        let (found, _) =
            envelope(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#)).unwrap();
        assert_eq!(found.as_deref(), Some(id));
    }
}

#[test]
fn a_request_without_an_id_is_a_notification() {
    assert_eq!(envelope(r#"{"jsonrpc":"2.0","method":"m"}"#).unwrap().0, None);
}

/// Found by the fuzz target `requests`: a notification whose method had too long a name was answered
/// with an error, in a batch as the answer to nobody. The name was looked at before the missing id.
#[test]
fn a_notification_of_any_method_is_one() {
    let long = "m".repeat(METHOD_BYTES_MAX + 1);
    let (id, method) = envelope(&format!(r#"{{"jsonrpc":"2.0","method":"{long}"}}"#)).unwrap();
    assert_eq!((id, &*method), (None, ""), "no method has this name");
    let asked = envelope(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{long}"}}"#));
    assert_eq!(asked.unwrap_err().code(), -32600);
}

#[test]
fn escapes_in_a_method_are_understood() {
    let (_, method) = envelope(r#"{"jsonrpc":"2.0","id":1,"method":"eth\u005fcall"}"#).unwrap();
    assert_eq!(method, "eth_call");
}

#[test]
fn broken_json_and_broken_requests_differ() {
    let code = |json: &str| envelope(json).unwrap_err().code();
    assert_eq!(code("{"), -32700);
    assert_eq!(code(""), -32700);
    assert_eq!(code("nonsense"), -32700);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"m"} trailing"#), -32700);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":1,"x":}"#), -32700, "syntax is graver");
    assert_eq!(code("1"), -32600);
    assert_eq!(code("\"text\""), -32600);
    assert_eq!(code("{}"), -32600);
    assert_eq!(code(r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#), -32600);
    assert_eq!(code(r#"{"id":1,"method":"m"}"#), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":1}"#), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":1}"#), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":{"a":1},"method":"m"}"#), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#), -32600);
    let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"m"}}"#, "x".repeat(300));
    assert_eq!(code(&long), -32600);
    assert_eq!(read(&[b'"', 0xff, b'"']).unwrap_err(), RpcError::Parse, "not UTF-8");
}

#[test]
fn depth_is_not_followed_by_the_envelope() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    let json = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{deep}}}"#);
    let Message::Single(Ok(envelope)) = read(json.as_bytes()).unwrap() else {
        panic!("a deep parameter is not our concern yet")
    };
    let params = Params::split(envelope.params, 3).unwrap();
    let refused = params.required::<Object<serde_json::Value>>(0).map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), -32602);
    assert!(read("[".repeat(1_000_000).as_bytes()).is_err(), "an endless batch is no JSON");
}

#[test]
fn parameters_are_split_by_position() {
    let params = raw(r#"["0x1", null, [1, 2], {"a": "]"}]"#);
    let params = Params::split(Some(&params), 4).unwrap();
    assert_eq!(params.required::<u64>(0).unwrap(), 1);
    assert_eq!(params.optional::<u64>(1).unwrap(), None);
    assert_eq!(params.raw(3).unwrap().get(), r#"{"a": "]"}"#);
    let missing = params.required::<u64>(1).unwrap_err();
    assert_eq!(missing.to_string(), "missing value for required argument 1");
    assert_eq!(params.required::<u64>(9).unwrap_err().code(), -32602);
    assert!(Params::split(None, 0).is_ok());
    let too_many = Params::split(Some(&raw("[1,2]")), 1).unwrap_err();
    assert_eq!(too_many.to_string(), "too many arguments, want at most 1");
    let by_name = Params::split(Some(&raw(r#"{"a":1}"#)), 1).unwrap_err();
    assert_eq!(by_name.to_string(), "non-array args");
    let flood = format!("[{}1]", "1,".repeat(1_000));
    assert_eq!(Params::split(Some(&raw(&flood)), 3).unwrap_err().code(), -32602);
}

fn quantity(json: &str) -> Result<u64, String> {
    u64::from_json(&raw(json)).map_err(|why| why.to_string())
}

#[test]
fn quantities_have_one_spelling() {
    assert_eq!(quantity("\"0x0\""), Ok(0));
    assert_eq!(quantity("\"0xff\""), Ok(255));
    assert_eq!(quantity("\"0xffffffffffffffff\""), Ok(u64::MAX));
    let refused = |json: &str, why: &str| assert_eq!(quantity(json), Err(why.to_owned()), "{json}");
    refused("\"2\"", "hex string without 0x prefix");
    refused("\"\"", "empty hex string");
    refused("\"0x\"", "hex string \"0x\"");
    refused("\"0x01\"", "hex number with leading zero digits");
    refused("\"0x10000000000000000\"", "hex number > 64 bits");
    refused("\"0x+1\"", "invalid hex string");
    refused("\"0xg\"", "invalid hex string");
    refused("1", "expected a string");
    refused("null", "expected a string");
    assert_eq!(U256::from_json(&raw(&format!("\"0x{}\"", "f".repeat(64)))), Ok(U256::MAX));
    assert!(U256::from_json(&raw(&format!("\"0x1{}\"", "0".repeat(64)))).is_err());
}

#[test]
fn bytes_have_whole_pairs_of_digits() {
    assert_eq!(Bytes::from_json(&raw("\"0x\"")).unwrap(), Bytes::new());
    assert_eq!(Bytes::from_json(&raw("\"0x0aFF\"")).unwrap().as_ref(), [10, 255]);
    assert!(Bytes::from_json(&raw("\"0xa\"")).is_err());
    assert!(Bytes::from_json(&raw("\"0xzz\"")).is_err());
    assert!(Bytes::from_json(&raw("\"ff\"")).is_err());
    assert!(Bytes::from_json(&raw("\"0x0xff\"")).is_err(), "one prefix, not two");
    let known = address!("00000000000000000000000000000000000000aa");
    assert_eq!(Address::from_json(&raw(&format!("\"{known}\""))).unwrap(), known);
    assert!(Address::from_json(&raw("\"0xaa\"")).is_err());
    assert!(B256::from_json(&raw(&format!("\"0x{}\"", "0".repeat(66)))).is_err());
}

fn block_id(json: &str) -> Result<BlockId, String> {
    BlockId::from_json(&raw(json)).map_err(|why| why.to_string())
}

#[test]
fn blocks_are_named_by_tag_number_hash_or_object() {
    use BlockTag::{Earliest, Finalized, Latest, Number, Pending, Safe};
    let tags = [
        ("latest", Latest),
        ("earliest", Earliest),
        ("pending", Pending),
        ("safe", Safe),
        ("finalized", Finalized),
        ("0x36", Number(54)),
    ];
    for (text, tag) in tags {
        assert_eq!(block_id(&format!("\"{text}\"")), Ok(BlockId::Tag(tag)));
        let object = format!(r#"{{"blockNumber":"{text}"}}"#);
        assert_eq!(block_id(&object), Ok(BlockId::Tag(tag)));
    }
    let hash = B256::repeat_byte(7);
    let by_hash = |require_canonical| Ok(BlockId::Hash { hash, require_canonical });
    assert_eq!(block_id(&format!("\"{hash}\"")), by_hash(false));
    assert_eq!(block_id(&format!(r#"{{"blockHash":"{hash}"}}"#)), by_hash(false));
    let strict = format!(r#"{{"blockHash":"{hash}","requireCanonical":true}}"#);
    assert_eq!(block_id(&strict), by_hash(true));
}

#[test]
fn what_names_no_block_is_refused() {
    let hash = B256::repeat_byte(7);
    for wrong in [
        "\"newest\"".to_owned(),
        "\"3\"".to_owned(),
        "3".to_owned(),
        "{}".to_owned(),
        r#"{"blockHash":"0x1"}"#.to_owned(),
        format!(r#"{{"blockHash":"{hash}","blockNumber":"0x1"}}"#),
        format!(r#"{{"blockHash":"{hash}","other":1}}"#),
        format!("\"0x{}\"", "z".repeat(64)),
        "\"0x10000000000000000\"".to_owned(),
    ] {
        assert!(block_id(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn answers_are_json() {
    let mut out = Vec::new();
    write_result(&mut out, "7", &Reply::new(&"a\"b").unwrap());
    assert_eq!(out, br#"{"jsonrpc":"2.0","id":7,"result":"a\"b"}"#);
    out.clear();
    let error = RpcError::Coded {
        code: 3,
        message: "execution reverted: \"x\"".to_owned(),
        data: Some(Bytes::from_static(&[1])),
    };
    write_error(&mut out, "\"id\"", &error);
    let expected = r#"{"jsonrpc":"2.0","id":"id","error":{"code":3,"message":"execution reverted: \"x\"","data":"0x01"}}"#;
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    let told = write_notification("0x1", &Reply::null());
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["params"]["subscription"], "0x1");
    assert!(told.get("id").is_none());
}

/// What the shortcut recognizes, the ordinary road reads alike.
#[test]
fn the_shortcut_agrees_with_the_road() {
    let method = r#""method":"eth_sendRawTransaction","params":["0x02ff"]"#;
    let version = r#""jsonrpc":"2.0""#;
    let spellings = [
        format!("{{{version},\"id\":17,{method}}}"),
        format!("{{{version},{method},\"id\":17}}"),
        format!("{{{method},\"id\":17,{version}}}"),
    ];
    for text in &spellings {
        assert_eq!(transaction(text), Some(("17", "02ff")), "{text}");
        let Message::Single(Ok(envelope)) = read(text.as_bytes()).unwrap() else {
            panic!("{text} is a request")
        };
        assert_eq!((envelope.id, &*envelope.method), (Some("17"), "eth_sendRawTransaction"));
        let params = Params::split(envelope.params, 1).unwrap();
        assert_eq!(params.required::<Bytes>(0).unwrap().as_ref(), [2, 255]);
    }
}

#[test]
fn the_shortcut_leaves_everything_else_alone() {
    let send = r#""method":"eth_sendRawTransaction","params":["0x"#;
    let version = r#""jsonrpc":"2.0""#;
    for other in [
        format!("{{{version},\"id\":1,{send}00\",\"0x11\"]}}"),
        format!("{{{version},\"id\":1,{send}00\"],\"method\":\"eth_call\"}}"),
        format!("{{{version},\"id\":\"1\",{send}00\"]}}"),
        format!("{{{version},\"id\":01,{send}00\"]}}"),
        format!("{{{version},\"id\":,{send}00\"]}}"),
        format!("{{{version},\"id\":1,{send}00\\u0022]}}"),
        format!("{{{version},{send}00\"]}}"),
        format!("{{{send}00\"],\"id\":1}}"),
        format!("{{{send}00\"],\"id\":1,\"id\":2,{version}}}"),
        format!("{{{version},\"id\":1,{send}00\"]}} "),
        format!("{{{version},{send}00\"],\"id\":1,\"x\":{{}}}}"),
        format!("{{{version},\"id\":1,{send}0xff\"]}}"),
        "{}".to_owned(),
        String::new(),
    ] {
        assert_eq!(transaction(&other), None, "{other}");
    }
}
