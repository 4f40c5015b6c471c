use super::*;
use serde_json::json;

fn written(value: &Value) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contract.json").display().to_string();
    fs::write(&path, value.to_string()).unwrap();
    (folder, path)
}

fn read(value: &Value) -> Result<Code, String> {
    let (_folder, path) = written(value);
    Code::read(&path).map_err(|error| error.to_string())
}

/// Three tools write the same contract: two bytes that the constructor sets, after one that it does not.
fn shapes() -> [Value; 3] {
    let references = json!({"77": [{"start": 1, "length": 2}], "9": [{"start": 5, "length": 1}]});
    let object = json!({"object": "0xaa0000bbcc00dd", "immutableReferences": references});
    let spans = json!([{"start": 1, "length": 2}, {"start": 5, "length": 1}]);
    [
        json!({"deployedBytecode": "0xaa0000bbcc00dd", "immutables": spans}),
        json!({"deployedBytecode": object}),
        json!({"contracts": {"a.sol": {"A": {"evm": {"deployedBytecode": object}}, "I": {"abi": []}}}}),
    ]
}

#[test]
fn what_is_immutable_may_be_anything_and_the_rest_is_the_same() {
    for value in shapes() {
        let code = read(&value).unwrap();
        let same = Match::Same(vec![(1, Bytes::from([1, 2])), (5, Bytes::from([3]))]);
        assert_eq!(code.compare(&[0xaa, 1, 2, 0xbb, 0xcc, 3, 0xdd]), same);
        assert_eq!(code.compare(&[0xaa, 1, 2, 0xbc, 0xcc, 3, 0xdd]), Match::Other(3));
        assert_eq!(code.compare(&[0xaa, 1, 2, 0xbb, 0xcc, 3]), Match::Other(6));
        assert_eq!(code.compare(&[0xaa, 1, 2, 0xbb, 0xcc, 3, 0xdd, 0]), Match::Other(7));
        assert_eq!(code.compare(&[0xaa, 1]), Match::Other(1), "shorter than an immutable's place");
        assert_eq!(code.compare(&[]), Match::Other(0));
    }
}

#[test]
fn what_is_no_code_is_refused_with_the_reason() {
    let cases = [
        (json!({"abi": []}), "no deployedBytecode"),
        (json!({"deployedBytecode": "0x"}), "an interface is none"),
        (json!({"deployedBytecode": {"object": "0x73__$libra$__"}}), "libraries"),
        (json!({"deployedBytecode": "0x00", "immutables": [{"start": 1, "length": 1}]}), "outside"),
        (
            json!({"deployedBytecode": "0x00", "immutables": [{"start": u64::MAX, "length": 2}]}),
            "outside",
        ),
    ];
    for (value, text) in cases {
        let why = read(&value).unwrap_err();
        assert!(why.contains(text), "{text}: {why}");
    }
}
