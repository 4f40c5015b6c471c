use super::*;
use crate::wire::FromJson;
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};
use serde_json::value::RawValue;

#[test]
fn the_table_is_in_order() {
    for pair in METHODS.windows(2) {
        assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
    }
    for method in METHODS {
        assert_eq!(find(method.name).unwrap().name, method.name);
    }
    assert!(find("eth_nothing").is_none());
    assert!(find("").is_none());
}

#[test]
fn every_namespace_is_told_once() {
    let all: Vec<_> = namespaces().collect();
    assert_eq!(all, ["debug", "eth", "evm", "hanse", "net", "rpc", "testing", "txpool", "web3"]);
}

fn filter(json: &str) -> Result<LogFilter, String> {
    let raw = RawValue::from_string(json.to_owned()).unwrap();
    LogFilter::from_json(&raw).map_err(|why| why.to_string())
}

fn log(address: u8, topics: &[u8]) -> Log {
    let topics = topics.iter().map(|byte| B256::repeat_byte(*byte)).collect();
    Log::new_unchecked(Address::repeat_byte(address), topics, Default::default())
}

fn hash(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

#[test]
fn topics_match_by_position() {
    let wants = |json: &str, log: &Log| filter(json).unwrap().wants(log);
    let (a, b) = (hash(1), hash(2));
    let ab = log(9, &[1, 2]);
    assert!(wants("{}", &ab));
    assert!(wants("{}", &log(9, &[])));
    assert!(wants(&format!(r#"{{"topics":["{a}"]}}"#), &ab));
    assert!(wants(&format!(r#"{{"topics":["{a}","{b}"]}}"#), &ab));
    assert!(wants(&format!(r#"{{"topics":[null,"{b}"]}}"#), &ab));
    assert!(wants(&format!(r#"{{"topics":[[],"{b}"]}}"#), &ab));
    assert!(wants(&format!(r#"{{"topics":[["{b}","{a}"]]}}"#), &ab));
    assert!(wants(&format!(r#"{{"topics":[["{b}",null]]}}"#), &ab), "null admits all");
    assert!(!wants(&format!(r#"{{"topics":["{b}"]}}"#), &ab));
    assert!(!wants(&format!(r#"{{"topics":["{a}",null,null]}}"#), &ab), "too few topics");
    assert!(!wants(&format!(r#"{{"topics":["{a}"]}}"#), &log(9, &[])));
}

#[test]
fn addresses_are_alternatives() {
    let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let wants = |json: &str, log: &Log| filter(json).unwrap().wants(log);
    assert!(wants(&format!(r#"{{"address":"{one}"}}"#), &log(1, &[])));
    assert!(!wants(&format!(r#"{{"address":"{one}"}}"#), &log(2, &[])));
    assert!(wants(&format!(r#"{{"address":["{one}","{two}"]}}"#), &log(2, &[])));
    assert!(wants(r#"{"address":[]}"#, &log(2, &[])));
    assert!(wants(r#"{"address":null}"#, &log(2, &[])));
}

#[test]
fn a_bloom_never_hides_a_wanted_log() {
    let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let wanted =
        filter(&format!(r#"{{"address":["{one}","{two}"],"topics":[null,"{}"]}}"#, hash(3)))
            .unwrap();
    let mut bloom = Bloom::default();
    assert!(!wanted.may_be_in(&bloom));
    bloom.accrue(BloomInput::Raw(two.as_slice()));
    assert!(!wanted.may_be_in(&bloom), "the topic is missing");
    bloom.accrue(BloomInput::Raw(hash(3).as_slice()));
    assert!(wanted.may_be_in(&bloom));
    assert!(filter("{}").unwrap().may_be_in(&Bloom::default()));
}

#[test]
fn wrong_filters_are_refused() {
    let both = format!(r#"{{"blockHash":"{}","fromBlock":"0x1"}}"#, hash(1));
    let why = "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other";
    assert_eq!(filter(&both).unwrap_err(), why);
    assert_eq!(
        filter(r#"{"topics":[null,null,null,null,null]}"#).unwrap_err(),
        "exceed max topics"
    );
    assert!(filter(r#"{"address":"0x1"}"#).is_err());
    assert!(filter(r#"{"topics":"0x1"}"#).is_err());
    assert!(filter(r#"{"fromBlock":"3"}"#).is_err());
    assert!(filter("[]").is_err());
    let many = format!("[{}null]", "null,".repeat(2_000));
    assert!(filter(&format!(r#"{{"address":{many}}}"#)).is_err());
}
