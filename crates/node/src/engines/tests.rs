use super::*;
use alloy_primitives::U256;
use hanse_consensus::Wal;
use serde_json::json;
use std::convert::Infallible;

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

fn tenure(spec: &ChainSpec, height: u64) -> Tenure {
    let nothing = |_, _| Ok::<_, Infallible>(U256::ZERO);
    spec.tenure(Height(height), nothing).unwrap().unwrap()
}

#[test]
fn an_engine_is_responsible_from_one_change_to_the_next() {
    let spec = spec("bft", &[(10, "pos"), (20, "bft")]);
    for (height, first, next) in [
        (1, 1, Some(10)),
        (9, 1, Some(10)),
        (10, 10, Some(20)),
        (19, 10, Some(20)),
        (20, 20, None),
        (u64::MAX, 20, None),
    ] {
        let tenure = tenure(&spec, height);
        let found = (tenure.first.0, tenure.next.map(|change| change.height.0));
        assert_eq!(found, (first, next), "at {height}");
    }
}

#[test]
fn miners_and_the_validators_after_them_overlap() {
    let spec = spec("pow", &[(10, "bft")]);
    for height in [1, 9, 10, 19, u64::MAX] {
        let tenure = tenure(&spec, height);
        let change = Change::around(&spec, &tenure).unwrap();
        assert_eq!(change.from, Height(10), "at {height}");
        assert!(change.votes.validators().is_some(), "at {height}");
    }
}

#[test]
fn validators_after_validators_do_not_overlap() {
    let spec = spec("bft", &[(10, "pos"), (20, "bft")]);
    for height in [1, 9, 10, 19, 20] {
        assert!(Change::around(&spec, &tenure(&spec, height)).is_none(), "at {height}");
    }
    let alone = self::spec("pow", &[]);
    assert!(Change::around(&alone, &tenure(&alone, 5)).is_none());
}

/// A log of votes at a height, as an engine leaves it.
fn log(directory: &Path, first: u64, height: Option<u64>) {
    let mut wal = FileWal::open(&directory.join(format!("votes-{first}.wal"))).unwrap();
    if let Some(height) = height {
        // Kind 1, a list with the height.
        wal.append(&[1, 0xc1, u8::try_from(height).unwrap()]).unwrap();
        wal.sync().unwrap();
    }
}

/// Blocks were taken off the chain of a validator that had voted under the engine after a change. Its engine
/// before the change has a log that says nothing of that, and must not sign once more all the same.
#[test]
fn an_engine_signs_nothing_where_another_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let from = |first| signs_from(folder.path(), Height(first)).unwrap().0;
    std::fs::write(folder.path().join("votes-x.wal"), "no log").unwrap();
    std::fs::write(folder.path().join("pool.journal"), "no log").unwrap();
    assert_eq!(from(1), 1, "nothing was signed");
    log(folder.path(), 1, Some(9));
    assert_eq!(from(1), 1, "its own log it knows itself");
    assert_eq!(from(10), 10, "the usual change");
    assert_eq!(from(5), 10, "a change that comes earlier than blocks that were signed");
    log(folder.path(), 10, None);
    assert_eq!(from(1), 10, "a later engine was there");
    log(folder.path(), 10, Some(15));
    assert_eq!(from(1), 16, "and signed");
    assert_eq!(from(12), 16, "also where the change is another now");
    assert_eq!(from(20), 20, "that was before");
}
