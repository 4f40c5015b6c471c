use super::*;
use serde_json::json;

/// Work up to 9, votes up to 19, one sealer from 20 on.
fn spec() -> ChainSpec {
    let validators = json!({"engine": "bft", "contract": Address::repeat_byte(1)});
    let genesis = json!({
        "config": {"chainId": 1, "hanse": {
            "consensus": {"engine": "pow"},
            "consensusChanges": [
                {"height": 10, "consensus": validators}, {"height": 20, "consensus": {"engine": "solo"}},
            ],
        }},
        "gasLimit": "0x1", "difficulty": "0x0", "alloc": {},
    });
    ChainSpec::parse(genesis.to_string().as_bytes()).unwrap()
}

#[test]
fn an_engine_is_responsible_from_one_change_to_the_next() {
    let spec = spec();
    let span = |first, last: Option<u64>| Span { first: Height(first), last: last.map(Height) };
    for (height, expected) in [
        (1, span(1, Some(9))),
        (9, span(1, Some(9))),
        (10, span(10, Some(19))),
        (19, span(10, Some(19))),
        (20, span(20, None)),
        (u64::MAX, span(20, None)),
    ] {
        assert_eq!(Span::of(&spec, Height(height)), expected, "at {height}");
    }
}

#[test]
fn miners_and_the_validators_after_them_overlap() {
    let spec = spec();
    for height in [1, 9, 10, 19] {
        let change = Change::around(&spec, Height(height)).unwrap();
        let (before, after) = (change.before.last, change.after.first);
        assert_eq!((before, after), (Some(Height(9)), Height(10)), "at {height}");
    }
    assert!(Change::around(&spec, Height(20)).is_none());
}
