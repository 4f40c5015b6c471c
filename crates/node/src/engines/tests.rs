use super::*;
use serde_json::json;

#[test]
fn an_engine_is_responsible_from_one_change_to_the_next() {
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
    let spec = ChainSpec::parse(genesis.to_string().as_bytes()).unwrap();
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
