use crate::*;
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::Signature;
use alloy_rlp::{Decodable, Encodable};
use serde_json::json;

#[test]
fn money_keeps_to_its_currency() {
    let pounds = Money::parse("12.5", Currency::GBP).expect("12.5 is an amount");
    assert_eq!(pounds.minor(), 1250);
    assert_eq!(pounds.to_string(), "12.50 GBP");
    let euros = Money::new(1, Currency::EUR);
    assert_eq!(
        pounds.checked_add(euros),
        Err(MoneyError::CurrencyMismatch(Currency::GBP, Currency::EUR))
    );
    let most = Money::new(i128::MAX, Currency::GBP);
    assert_eq!(most.checked_add(pounds), Err(MoneyError::OutOfRange));
}

#[test]
fn money_rounds_only_where_the_code_says_so() {
    let cases = [
        ("0.001", Rounding::Up, 1),
        ("0.001", Rounding::Down, 0),
        ("-0.001", Rounding::Up, 0),
        ("-0.001", Rounding::Down, -1),
        ("1.230", Rounding::Up, 123),
    ];
    for (text, rounding, minor) in cases {
        let money = Money::parse_rounding(text, Currency::GBP, rounding);
        assert_eq!(money, Ok(Money::new(minor, Currency::GBP)), "{text} {rounding:?}");
    }
    assert!(Money::parse("0.001", Currency::GBP).is_err());
    assert!(Money::parse("1.20000", Currency::GBP).is_ok());
    for text in ["", "-", ".5", "1.2.3", "1e3", "+1", " 1", "٣"] {
        assert!(Money::parse(text, Currency::GBP).is_err(), "{text:?}");
    }
}

#[test]
fn yen_have_no_decimals() {
    let yen: Currency = "JPY".parse().expect("JPY is a currency");
    assert_eq!(Money::new(-5, yen).to_string(), "-5 JPY");
    assert!(Money::parse("1.5", yen).is_err());
    assert!("jpy".parse::<Currency>().is_err());
}

/// Found by the fuzz target `blocks`: a transaction with a type is a string in the block's list, and
/// the RLP library does not look whether the string is as long as it says. Such bytes were taken for
/// the block that they resemble, which other clients refuse.
#[test]
fn a_block_has_one_spelling() {
    let signature = Signature::test_signature();
    let transaction = TxEip1559 { chain_id: 7, ..TxEip1559::default() }.into_signed(signature);
    let mut block = Block::default();
    block.body.transactions = vec![transaction.into(); 2];
    let mut bytes = Vec::new();
    block.encode(&mut bytes);
    assert_eq!(decode_block(&bytes).expect("it is a block"), block);
    let raw = block.body.transactions[0].encoded_2718();
    let at = bytes.windows(raw.len()).position(|window| window == raw).expect("it is in there");
    assert_eq!(usize::from(bytes[at - 1]), raw.len(), "the length of the string");
    bytes[at - 1] += 5; // there is more behind it
    assert!(Block::decode(&mut &bytes[..]).is_ok_and(|found| found == block), "the library's way");
    assert!(decode_block(&bytes).is_err());
}

#[test]
fn a_genesis_that_contradicts_itself_is_refused_with_the_reason() {
    let base = json!({"config": {"chainId": 7}, "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}});
    let refused = |change: fn(&mut serde_json::Value), reason: &str| {
        let mut genesis = base.clone();
        change(&mut genesis);
        let error = ChainSpec::parse(genesis.to_string().as_bytes()).expect_err(reason);
        assert!(error.to_string().contains(reason), "{error} does not say {reason}");
    };
    assert!(ChainSpec::parse(base.to_string().as_bytes()).is_ok());
    refused(|g| g["config"]["chainId"] = 0.into(), "chainId");
    refused(|g| g["gasLimit"] = "0x0".into(), "gasLimit");
    refused(|g| g["config"]["amsterdamTime"] = 0.into(), "Osaka");
    refused(|g| g["config"]["hanse"] = json!({"consensus": {"engine": "magic"}}), "magic");
    refused(|g| g["config"]["hanse"] = json!({"consensus": {"engine": "solo"}, "x": 1}), "x");
    refused(
        |g| {
            g["config"]["shanghaiTime"] = 10.into();
            g["config"]["cancunTime"] = 5.into();
        },
        "order",
    );
    assert!(ChainSpec::parse(b"{\"config\":").is_err());
}

/// A genesis named the time of a blob-parameter fork and not its parameters. It was taken, and the
/// fork changed nothing: such a node leaves the chain of those who have the parameters.
#[test]
fn a_blob_fork_without_its_parameters_is_refused() {
    let mut genesis = json!({
        "config": {
            "chainId": 7, "terminalTotalDifficulty": 0, "londonBlock": 0, "shanghaiTime": 0,
            "cancunTime": 0, "pragueTime": 0, "osakaTime": 0, "bpo1Time": 10, "bpo2Time": 20,
            "blobSchedule": {"bpo1": {"target": 10, "max": 15, "baseFeeUpdateFraction": 8_346_193}},
        },
        "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}
    });
    let error = ChainSpec::parse(genesis.to_string().as_bytes()).expect_err("bpo2 has no entry");
    let expected = "config.bpo2Time is set, but config.blobSchedule.bpo2 does not say what changes";
    assert!(error.to_string().ends_with(expected), "{error}");
    genesis["config"]["blobSchedule"]["bpo2"] =
        json!({"target": 14, "max": 21, "baseFeeUpdateFraction": 11_684_671});
    let spec = ChainSpec::parse(genesis.to_string().as_bytes()).expect("both have an entry");
    let most = |time| spec.blob_params_at(time).map(|params| params.max_blob_count);
    assert_eq!([9, 10, 20].map(most), [Some(9), Some(15), Some(21)]);
}

#[test]
fn hanse_settings_are_read_from_the_genesis() {
    let genesis = json!({
        "config": {
            "chainId": 1337, "terminalTotalDifficulty": 0, "londonBlock": 0, "shanghaiTime": 0,
            "cancunTime": 0, "pragueTime": 0, "osakaTime": 0,
            "hanse": {"consensus": {"engine": "solo", "blockTimeMs": 250}, "baseFee": {"fixed": 0}}
        },
        "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}
    });
    let spec = ChainSpec::parse(genesis.to_string().as_bytes()).expect("the genesis is valid");
    let hanse = spec.hanse().expect("config.hanse is there");
    assert_eq!(hanse.consensus, Engine::Solo { block_time_ms: 250 });
    assert!(spec.is_osaka_active_at_timestamp(0));
    assert!(spec.is_paris_active_at_block(0));
    let header = spec.genesis_block_sealed().header();
    assert_eq!(header.base_fee_per_gas, Some(0));
    assert_eq!(spec.next_base_fee(header), Some(0));
    assert_eq!(spec.blob_params_at(0).map(|p| p.max_blob_count), Some(9));
}

#[test]
fn consensus_settings_are_checked_when_they_are_read() {
    let spec = |hanse: serde_json::Value| {
        let genesis = json!({
            "config": {"chainId": 1, "hanse": hanse}, "gasLimit": "0x1", "difficulty": "0x0",
            "alloc": {},
        });
        ChainSpec::parse(genesis.to_string().as_bytes())
    };
    let contract = "0x0000000000000000000000000000000000001337";
    let spec_of =
        |consensus, changes| spec(json!({"consensus": consensus, "consensusChanges": changes}));
    let bft = json!({"engine": "bft", "contract": contract});
    let work = json!({"engine": "pow", "blockTimeMs": 2000});
    let merge = json!([{"height": 100, "consensus": bft}]);
    let merged = spec_of(work.clone(), merge).expect("work, then votes");
    let work_settings = WorkSettings { block_time_ms: 2_000, ..WorkSettings::default() };
    let nothing = |_, _| -> Result<_, std::convert::Infallible> { unreachable!("no contract") };
    let engine_at = |height| merged.tenure(Height(height), nothing).unwrap().unwrap().engine;
    assert_eq!(engine_at(99), Engine::Pow(work_settings));
    assert!(matches!(engine_at(100), Engine::Bft(_)));
    assert!(merged.is_mined(Height(99)) && !merged.is_mined(Height(100)));

    let refused = [
        (json!({"engine": "bft"}), json!([]), "contract"),
        (json!({"engine": "pow", "blockTimeMs": 10}), json!([]), "blockTimeMs is 10"),
        (json!({"engine": "pow", "finalityDepth": 0}), json!([]), "finalityDepth is 0"),
        (json!({"engine": "paxos"}), json!([]), "paxos"),
        (json!({"engine": "pos", "contract": contract, "typo": 1}), json!([]), "typo"),
        (
            json!({"engine": "pos", "contract": contract, "voteTimeoutMs": 60000}),
            json!([]),
            "voteTimeoutMs is 60000",
        ),
        (work.clone(), json!([{"height": 1, "consensus": bft}]), "ascending"),
        (
            work,
            json!([{"height": 9, "consensus": bft}, {"height": 9, "consensus": bft}]),
            "ascending",
        ),
    ];
    for (consensus, changes, why) in refused {
        let error = spec_of(consensus, changes).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// A change that a node could not follow that comes later, with an empty ledger, is no change at all: it
/// would be found out when it is too late.
#[test]
fn only_changes_that_everybody_can_follow_are_taken() {
    let contract = "0x0000000000000000000000000000000000001337";
    let engine = |name: &str| match name {
        "pow" | "solo" => json!({"engine": name}),
        _ => json!({"engine": name, "contract": contract}),
    };
    let parse = |names: &[&str]| {
        let changes: Vec<_> = (1..names.len())
            .map(|at| json!({"height": 10 * at, "consensus": engine(names[at])}))
            .collect();
        let hanse = json!({"consensus": engine(names[0]), "consensusChanges": changes});
        let genesis = json!({
            "config": {"chainId": 1, "hanse": hanse}, "gasLimit": "0x1", "difficulty": "0x0",
            "alloc": {},
        });
        ChainSpec::parse(genesis.to_string().as_bytes())
    };
    for names in [&["pow", "bft"][..], &["pow", "pos"], &["bft", "pos"], &["pos", "bft", "pos"]] {
        assert!(parse(names).is_ok(), "{names:?}");
    }
    for (names, why) in [
        (&["bft", "pow"][..], "bft, then pow is not supported: miners can only be the first"),
        (&["pos", "pow"], "miners can only be the first"),
        (&["pow", "pow"], "miners can only be the first"),
        (&["pow", "bft", "pos"], "there can be one change"),
        (&["solo", "bft"], "one node that seals alone"),
        (&["bft", "solo"], "one node that seals alone"),
    ] {
        let error = parse(names).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}
