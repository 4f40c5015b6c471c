use super::*;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Our own artifact of a contract.
fn artifact(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts");
    folder.join(format!("{name}.json")).display().to_string()
}

fn written(value: &Value) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layout.json");
    std::fs::write(&path, value.to_string()).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

/// A variable in a slot of its own, or at an offset in it.
fn at(label: &str, slot: u32, offset: u32, kind: &str) -> Value {
    json!({"label": label, "slot": slot.to_string(), "offset": offset, "type": kind, "astId": 7})
}

fn plain(label: &str, bytes: u32) -> Value {
    json!({"encoding": "inplace", "label": label, "numberOfBytes": bytes.to_string()})
}

fn layout(storage: Vec<Value>, own: Value) -> Layout {
    let mut types = json!({
        "u256": plain("uint256", 32), "u128": plain("uint128", 16), "bool": plain("bool", 1),
        "address": plain("address", 20), "token": plain("contract IERC20", 20),
        "state": plain("enum State", 1),
        "text": {"encoding": "bytes", "label": "string", "numberOfBytes": "32"},
        "data": {"encoding": "bytes", "label": "bytes", "numberOfBytes": "32"},
        "gap2": {"encoding": "inplace", "label": "uint256[2]", "numberOfBytes": "64", "base": "u256"},
        "gap3": {"encoding": "inplace", "label": "uint256[3]", "numberOfBytes": "96", "base": "u256"},
    });
    types.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let (_folder, path) = written(&json!({"storage": storage, "types": types}));
    Layout::read(&path).unwrap()
}

fn broken(old: &Layout, new: &Layout) -> Vec<String> {
    let found = compare(old, new);
    assert_eq!(found.renamed, [""; 0]);
    found.broken
}

#[test]
fn every_contract_of_ours_keeps_what_it_has() {
    for name in ["Members", "Policies", "Escrow", "Currency", "Staking", "ValidatorRegistry"] {
        let own = Layout::read(&artifact(name)).unwrap();
        let found = compare(&own, &own);
        assert_eq!((found.broken, found.renamed, found.added), (vec![], vec![], vec![]), "{name}");
    }
    let found = compare(
        &Layout::read(&artifact("Escrow")).unwrap(),
        &Layout::read(&artifact("Currency")).unwrap(),
    );
    assert!(!found.broken.is_empty());
}

#[test]
fn what_is_new_comes_behind_or_into_room_that_was_kept() {
    let old = layout(
        vec![at("a", 0, 0, "u128"), at("__gap", 1, 0, "gap3"), at("b", 4, 0, "u256")],
        json!({}),
    );
    let behind = layout(
        vec![
            at("a", 0, 0, "u128"),
            at("c", 0, 16, "u128"),
            at("d", 1, 0, "u256"),
            at("__gap", 2, 0, "gap2"),
            at("b", 4, 0, "u256"),
            at("e", 5, 0, "text"),
        ],
        json!({}),
    );
    let found = compare(&old, &behind);
    assert_eq!(found.broken, [""; 0]);
    let added = ["c (uint128) at slot 0, byte 16", "d (uint256) at slot 1", "e (string) at slot 5"];
    assert_eq!(found.added, added);

    // The gap was not made smaller, so all behind it has moved.
    let pushed = layout(
        vec![
            at("a", 0, 0, "u128"),
            at("d", 1, 0, "u256"),
            at("__gap", 2, 0, "gap3"),
            at("b", 5, 0, "u256"),
        ],
        json!({}),
    );
    assert_eq!(broken(&old, &pushed), ["b (uint256) was at slot 4; nothing begins there any more"]);
}

#[test]
fn what_is_old_stays_where_it_is_and_what_it_is() {
    let old = layout(
        vec![at("a", 0, 0, "u256"), at("b", 1, 0, "address"), at("s", 2, 0, "text")],
        json!({}),
    );
    let cases = [
        (
            vec![at("b", 0, 0, "address"), at("s", 1, 0, "text")],
            "a at slot 0 is b now, which was elsewhere",
        ),
        (
            vec![at("a", 0, 0, "u256"), at("s", 2, 0, "text")],
            "b (address) was at slot 1; nothing begins there",
        ),
        (
            vec![at("a", 0, 0, "u128"), at("b", 1, 0, "address"), at("s", 2, 0, "text")],
            "a was uint256 and is uint128",
        ),
        (
            vec![at("a", 0, 0, "u256"), at("b", 1, 0, "u256"), at("s", 2, 0, "text")],
            "b was address and is uint256",
        ),
        (
            vec![at("a", 0, 0, "u256"), at("b", 1, 0, "address"), at("s", 2, 0, "data")],
            "s was string and is bytes",
        ),
        (
            vec![at("a", 0, 0, "u256"), at("b", 1, 0, "address"), at("s", 2, 0, "u256")],
            "s was string and is uint256",
        ),
        (
            vec![at("x", 0, 16, "u128"), at("b", 1, 0, "address"), at("s", 2, 0, "text")],
            "x (uint128) at slot 0, byte 16 lies over a",
        ),
    ];
    for (storage, text) in cases {
        let found = broken(&old, &layout(storage, json!({})));
        assert!(found.iter().any(|one| one.contains(text)), "{text}: {found:?}");
    }
    // A contract is an address; and a name is only a name.
    let same = layout(
        vec![at("a", 0, 0, "u256"), at("b", 1, 0, "token"), at("t", 2, 0, "text")],
        json!({}),
    );
    let found = compare(&old, &same);
    assert_eq!((found.broken, found.renamed), (vec![], vec!["s at slot 2 is t now".to_owned()]));
}

/// A struct with these members, alone, in a mapping, and in an array.
fn kept_everywhere(members: Vec<Value>, bytes: u32) -> Value {
    json!({
        "it": {"encoding": "inplace", "label": "struct It", "numberOfBytes": bytes.to_string(), "members": members},
        "map": {"encoding": "mapping", "label": "mapping(address => struct It)", "numberOfBytes": "32", "key": "address", "value": "it"},
        "list": {"encoding": "dynamic_array", "label": "struct It[]", "numberOfBytes": "32", "base": "it"},
    })
}

#[test]
fn a_struct_grows_only_where_nothing_follows() {
    let small = || kept_everywhere(vec![at("x", 0, 0, "u128"), at("state", 0, 16, "state")], 32);
    let large = || {
        let members =
            vec![at("x", 0, 0, "u128"), at("state", 0, 16, "state"), at("y", 1, 0, "u256")];
        kept_everywhere(members, 64)
    };
    let in_map = |types| layout(vec![at("map", 0, 0, "map")], types);
    let found = compare(&in_map(small()), &in_map(large()));
    assert_eq!(
        (found.broken, found.added),
        (vec![], vec!["map[…].y (uint256) at slot 1".to_owned()])
    );
    assert_eq!(Vec::from_iter(found.enums), ["enum State"], "somebody has to look at that");
    for (kind, name) in [("list", "list[…]"), ("it", "it")] {
        let alone = |types| layout(vec![at(kind, 0, 0, kind)], types);
        let found = broken(&alone(small()), &alone(large()));
        assert_eq!(found, [format!("{name} (struct It) took 32 bytes and takes 64")]);
    }
    // Into the room that packing leaves, it may.
    let packed = || {
        let members =
            vec![at("x", 0, 0, "u128"), at("state", 0, 16, "state"), at("y", 0, 17, "bool")];
        kept_everywhere(members, 32)
    };
    let alone = |types| layout(vec![at("list", 0, 0, "list")], types);
    assert_eq!(broken(&alone(small()), &alone(packed())), [""; 0]);
    let swapped = kept_everywhere(vec![at("state", 0, 0, "state"), at("x", 0, 1, "u128")], 32);
    assert!(!broken(&in_map(small()), &in_map(swapped)).is_empty());
}

#[test]
fn a_struct_may_have_itself_in_a_mapping() {
    let types = json!({
        "node": {"encoding": "inplace", "label": "struct Node", "numberOfBytes": "32", "members": [at("children", 0, 0, "map")]},
        "map": {"encoding": "mapping", "label": "mapping(uint256 => struct Node)", "numberOfBytes": "32", "key": "u256", "value": "node"},
    });
    let tree = layout(vec![at("root", 0, 0, "node")], types);
    assert_eq!(broken(&tree, &tree), [""; 0]);
}

#[test]
fn layouts_are_found_in_what_tools_write() {
    let own = json!({"storage": [at("a", 0, 0, "u")], "types": {"u": plain("uint256", 32)}});
    let nothing = json!({"storage": [], "types": null});
    let standard = json!({"contracts": {
        "a.sol": {"A": {"storageLayout": own}, "I": {"abi": []}},
        "b.sol": {"B": {"storageLayout": nothing}},
    }});
    for value in [
        json!({"storageLayout": own}),
        own.clone(),
        json!({"contracts": {"a.sol": {"A": {"storageLayout": own}}}}),
    ] {
        let (_folder, path) = written(&value);
        assert_eq!(Layout::read(&path).unwrap().storage.len(), 1, "{value}");
    }
    let (_folder, path) = written(&standard);
    assert_eq!(Layout::read(&format!("{path}:A")).unwrap().storage.len(), 1);
    assert_eq!(Layout::read(&format!("{path}:B")).unwrap().storage.len(), 0);
    let why = |place: &str| Layout::read(place).unwrap_err().to_string();
    assert!(why(&path).contains("say which, as FILE:NAME: A, B"), "{}", why(&path));
    assert!(why(&format!("{path}:C")).contains("no storageLayout of a contract C"));
    let (_folder, path) = written(&json!({"abi": []}));
    assert!(why(&path).contains("extra_output"));
    let (_folder, path) = written(&json!({"storage": [at("a", 0, 0, "gone")], "types": {}}));
    assert!(why(&path).contains("there is no type gone"));
    assert!(Layout::read("nowhere.json").is_err());
}
