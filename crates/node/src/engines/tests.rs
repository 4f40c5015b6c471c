use super::*;
use serde_json::json;

/// A chain with an engine, and others from heights on.
fn spec(first: &str, changes: &[(u64, &str)]) -> ChainSpec {
    let contract = Address::repeat_byte(1);
    let engine = |name: &str| match name {
        "pow" => json!({"engine": name}),
        _ => json!({"engine": name, "contract": contract}),
    };
    let change =
        |(height, name): &(u64, &str)| json!({"height": height, "consensus": engine(name)});
    let changes: Vec<_> = changes.iter().map(change).collect();
    let genesis = json!({
        "config": {"chainId": 1, "hanse": {
            "consensus": engine(first), "consensusChanges": changes,
        }},
        "gasLimit": "0x1", "difficulty": "0x0", "alloc": {},
    });
    ChainSpec::parse(genesis.to_string().as_bytes()).unwrap()
}

#[test]
fn an_engine_is_responsible_from_one_change_to_the_next() {
    let spec = spec("bft", &[(10, "pos"), (20, "bft")]);
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
    let spec = spec("pow", &[(10, "bft")]);
    for height in [1, 9, 10, 19, u64::MAX] {
        let change = Change::around(&spec, Height(height)).unwrap();
        let (before, after) = (change.before.last, change.after.first);
        assert_eq!((before, after), (Some(Height(9)), Height(10)), "at {height}");
    }
}

#[test]
fn validators_after_validators_do_not_overlap() {
    let spec = spec("bft", &[(10, "pos"), (20, "bft")]);
    for height in [1, 9, 10, 19, 20] {
        assert!(Change::around(&spec, Height(height)).is_none(), "at {height}");
    }
}
