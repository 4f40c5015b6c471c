use hanse_primitives::{ChainSpec, Header};
use hanse_txpool::{BlobRules, Forks, Rules};
use serde_json::json;

fn spec() -> ChainSpec {
    let genesis = json!({
        "config": {
            "chainId": 7, "terminalTotalDifficulty": 0, "homesteadBlock": 0, "berlinBlock": 2,
            "londonBlock": 3, "shanghaiTime": 100, "cancunTime": 200, "pragueTime": 300,
            "osakaTime": 400
        },
        "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}
    });
    ChainSpec::parse(genesis.to_string().as_bytes()).expect("the genesis is valid")
}

#[test]
fn the_next_blocks_forks_count_not_the_heads() {
    let at = |number, timestamp| {
        let parent = Header { number, timestamp: 0, gas_limit: 9, ..Header::default() };
        Rules::next(&spec(), &parent, timestamp)
    };
    assert_eq!(at(0, 0), Rules { chain_id: 7, gas_limit: 9, ..Rules::default() });
    assert!(at(1, 0).forks.berlin && !at(1, 0).forks.london);
    // The first block of London has the initial base fee.
    assert_eq!(at(2, 99).base_fee, 1_000_000_000);
    let forks = |time| at(5, time).forks;
    assert!(!forks(99).shanghai && forks(100).shanghai);
    assert!(!forks(199).cancun && forks(200).cancun);
    assert!(!forks(299).prague && forks(300).prague);
    assert!(!forks(399).osaka);
    let all = Forks {
        berlin: true,
        london: true,
        shanghai: true,
        cancun: true,
        prague: true,
        osaka: true,
    };
    assert_eq!(forks(400), all);
    let ahead = Header { number: 5, timestamp: 400, gas_limit: 9, ..Header::default() };
    assert_eq!(Rules::next(&spec(), &ahead, 99).forks, all, "no block is older than its parent");
}

#[test]
fn blob_fees_follow_the_parents_excess() {
    let parent = Header {
        number: 9,
        base_fee_per_gas: Some(7),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        ..Header::default()
    };
    let spec = spec();
    assert_eq!(Rules::next(&spec, &parent, 199).blobs, None);
    assert_eq!(Rules::next(&spec, &parent, 199).blob_fee(), 0);
    assert_eq!(
        Rules::next(&spec, &parent, 200).blobs,
        Some(BlobRules { fee: 1, blobs_max: 6 }),
        "Cancun: six a block"
    );
    assert_eq!(Rules::next(&spec, &parent, 300).blobs, Some(BlobRules { fee: 1, blobs_max: 9 }));
    assert_eq!(
        Rules::next(&spec, &parent, 400).blobs,
        Some(BlobRules { fee: 1, blobs_max: 6 }),
        "Osaka: nine a block, six a transaction (EIP-7594)"
    );
    let busy = Header { excess_blob_gas: Some(50_000_000), ..parent.clone() };
    assert!(Rules::next(&spec, &busy, 300).blob_fee() > 1_000);
    let first = Header { blob_gas_used: None, excess_blob_gas: None, ..parent };
    assert_eq!(Rules::next(&spec, &first, 200).blob_fee(), 1);
}
