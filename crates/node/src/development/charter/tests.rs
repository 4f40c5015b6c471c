use super::*;
use crate::development::{Consensus, market};
use hanse_execution::Executor;
use hanse_identity::{Authority, Serial, Validity};
use hanse_ledger::{Ledger, Settings};
use hanse_primitives::{BaseFee, ChainSpec};
use std::sync::Arc;

/// A file of founders with the root certificate of one of them beside it.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let id = MspId::new("Brand").expect("an id");
    let validity = Validity::days(0, 3_650).expect("a time");
    let serial = Serial::new(&[7; 8]).expect("a number");
    let authority = Authority::create(&id, "an authority", validity, &serial).expect("made");
    let root = authority.root().certificate().to_pem();
    fs::write(folder.path().join("brand.pem"), root).expect("written");
    let path = folder.path().join("consortium.toml");
    fs::write(&path, text).expect("written");
    (folder, path)
}

const BRAND: &str = "[[organization]]\nid = 'Brand'\nroles = ['merchant']\nroot = 'brand.pem'\n\
    admins = ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8']\n";

#[test]
fn a_consortium_becomes_the_law_of_a_genesis() {
    let (_folder, path) = written(&format!("open = true\n{BRAND}"));
    let consensus = Consensus::Solo { block_time_ms: 0 };
    for charter in [Charter::load(&path).expect("a charter"), Charter::sole().expect("a charter")] {
        let genesis = market(&consensus, BaseFee::Fixed(0), Some(&charter)).expect("a genesis");
        let spec = ChainSpec::new(genesis).expect("valid");
        let membership = spec.membership().expect("it has members");
        for contract in [membership.members, membership.policies] {
            let account = spec.genesis().alloc.get(&contract).expect("it is there");
            assert!(account.code.as_ref().is_some_and(|code| !code.is_empty()));
        }
        let contracts = &spec.hanse().expect("it is ours").contracts;
        assert!(contracts.anchors.is_some() && contracts.data_catalog.is_some());
        let upgrades = contracts.upgrades.expect("contracts can be replaced");
        let storage = spec.genesis().alloc[&upgrades].storage.as_ref().expect("it knows which");
        let covered: Vec<Address> =
            storage.values().map(|word| Address::from_word(*word)).collect();
        let own = [membership.members, membership.policies, upgrades];
        let market = contracts.escrow.into_iter().chain(contracts.currencies.values().copied());
        for contract in own.into_iter().chain(market) {
            assert!(covered.contains(&contract), "{contract} is among {covered:?}");
        }
        assert!(contracts.engines.is_none(), "one node alone stays alone");
    }
}

#[test]
fn where_validators_vote_members_vote_on_the_engine() {
    let (_folder, path) = written(&format!("engine-notice = 77\n{BRAND}"));
    let charter = Charter::load(&path).expect("a charter");
    let account = Address::repeat_byte(7);
    let seats = vec![crate::development::Seat { account, name: "one".to_owned(), stake: 10 }];
    let absence = crate::development::Absence::default();
    for consensus in [
        Consensus::Bft { seats: seats.clone(), absence, block_time_ms: 0 },
        Consensus::Pos { seats, absence, block_time_ms: 0 },
    ] {
        let genesis = market(&consensus, BaseFee::Fixed(0), Some(&charter)).expect("a genesis");
        let spec = Arc::new(ChainSpec::new(genesis).expect("valid"));
        let engines = spec.hanse().and_then(|hanse| hanse.contracts.engines).expect("they vote");
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(folder.path(), &spec, Settings::default()).expect("a ledger");
        let executor = Executor::new(Arc::clone(&spec), ledger);
        let at = spec.genesis_reference();
        let told = executor.engine_votes(at.hash).expect("it answers").expect("it is there");
        assert_eq!((told.contract, told.notice, told.count), (engines, 77, 0));
        let tenure = executor.tenure(at).expect("it is there").expect("it is ours");
        assert_eq!(tenure.engine, spec.hanse().expect("it is ours").consensus);
    }
}

#[test]
fn a_consortium_with_mistakes_is_refused_with_their_place() {
    let cases = [
        ("open = true\norganization = []\n".to_owned(), "at least one organization"),
        (BRAND.replace("merchant", "king"), "king"),
        (BRAND.replace("brand.pem", "nobody.pem"), "nobody.pem"),
        (BRAND.replace("'Brand'", "'Carrier'"), "Carrier"),
        (BRAND.replace("id = 'Brand'", "id = '1 x'"), "1 x"),
        (BRAND.replace("['0x70997970C51812dc3A010C7d01b50e0d17dc79C8']", "[]"), "admins"),
        (format!("{BRAND}[policies]\nsend = 'AND('\n"), "policy send"),
        (format!("openn = true\n{BRAND}"), "openn"),
    ];
    for (text, part) in cases {
        let (_folder, path) = written(&text);
        let error = Charter::load(&path).expect_err(part).to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}
