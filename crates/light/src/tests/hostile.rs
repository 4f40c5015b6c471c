//! Servers that lie: whatever they change of a proof, nothing is proven.

use super::golden::{fixture, read, votes};
use crate::{
    AccountProof, Checkpoint, FinalityProof, LightError, TransactionProof, Verifier, decode,
};
use alloy_primitives::{TxHash, U256};
use proptest::prelude::*;
use serde_json::Value;

/// Every text of a value, by the way to it.
fn texts(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(path.to_owned()),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                texts(item, &format!("{path}/{at}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                texts(field, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn lists(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            found.push(path.to_owned());
            for (at, item) in items.iter().enumerate() {
                lists(item, &format!("{path}/{at}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                lists(field, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn verifier(fixture: &Value) -> Verifier {
    Verifier::new(read::<Checkpoint>(&fixture["checkpoint"])).unwrap()
}

/// Checks a proof of a transaction as a client does.
fn transaction(fixture: &Value, which: &str, answer: &Value) -> Result<(), LightError> {
    let number = u64::from_str_radix(
        fixture[which]["proof"]["number"].as_str().unwrap().trim_start_matches("0x"),
        16,
    );
    let hash: TxHash = read(&fixture[which]["hash"]);
    let proof: TransactionProof = decode(answer.to_string().as_bytes())?;
    let mut verifier = verifier(fixture);
    let before = verifier.checkpoint();
    let outcome = verifier.finality(&proof.finality, number.unwrap());
    // What is trusted does not move along with a lie.
    assert!(outcome.is_ok() || verifier.checkpoint() == before);
    outcome?.transaction(&proof, hash).map(drop)
}

/// Checks a proof of state as a client does.
fn state(fixture: &Value, answer: &Value) -> Result<(), LightError> {
    let honest: AccountProof = read(&fixture["state"]["proof"]);
    let slots: Vec<U256> = honest.storage_proof.iter().map(|one| one.key).collect();
    let finality: FinalityProof = decode(answer["finality"].to_string().as_bytes())?;
    let proof: AccountProof = decode(answer["proof"].to_string().as_bytes())?;
    let number = u64::from_str_radix(
        fixture["state"]["finality"]["number"].as_str().unwrap().trim_start_matches("0x"),
        16,
    );
    let block = verifier(fixture).finality(&finality, number.unwrap())?;
    block.account(&proof, honest.address, &slots).map(drop)
}

fn with_other_digit(text: &str, at: usize) -> String {
    let digits = text.strip_prefix("0x").unwrap();
    let at = at % digits.len();
    let digit = u8::from_str_radix(&digits[at..=at], 16).unwrap();
    let other = char::from_digit(u32::from(digit ^ 1), 16).unwrap();
    format!("0x{}{other}{}", &digits[..at], &digits[at + 1..])
}

/// One digit of any text, at both ends and in the middle: every field is bound by something.
#[test]
fn no_digit_can_be_changed() {
    let fixture = fixture();
    for which in ["early", "late"] {
        let honest = &fixture[which]["proof"];
        transaction(&fixture, which, honest).unwrap();
        let mut paths = Vec::new();
        texts(honest, "", &mut paths);
        assert!(paths.len() > 10);
        for path in paths {
            let text = honest.pointer(&path).unwrap().as_str().unwrap();
            for at in [0, text.len() / 2, text.len() - 3] {
                let mut answer = honest.clone();
                *answer.pointer_mut(&path).unwrap() = with_other_digit(text, at).into();
                assert!(transaction(&fixture, which, &answer).is_err(), "{which} {path} {at}");
            }
        }
    }
    let honest = &fixture["state"];
    state(&fixture, honest).unwrap();
    let mut paths = Vec::new();
    texts(honest, "", &mut paths);
    for path in paths {
        let text = honest.pointer(&path).unwrap().as_str().unwrap();
        for at in [0, text.len() / 2, text.len() - 3] {
            let mut answer = honest.clone();
            *answer.pointer_mut(&path).unwrap() = with_other_digit(text, at).into();
            assert!(state(&fixture, &answer).is_err(), "{path} {at}");
        }
    }
}

/// A list with an entry less, an entry twice, or in another order. Nodes may come in any order, a
/// quorum may do without a signature that is not needed, and a way without a detour.
#[test]
fn no_list_can_be_changed() {
    let fixture = fixture();
    let honest = &fixture["late"]["proof"];
    let mut paths = Vec::new();
    lists(honest, "", &mut paths);
    for path in paths {
        let is_signatures = path.ends_with("signatures");
        let is_links = path.ends_with("links");
        let count = honest.pointer(&path).unwrap().as_array().unwrap().len();
        for at in 0..count {
            let list = |answer: &mut Value, change: &dyn Fn(&mut Vec<Value>)| {
                change(answer.pointer_mut(&path).unwrap().as_array_mut().unwrap());
            };
            let mut less = honest.clone();
            list(&mut less, &|items| drop(items.remove(at)));
            let may_be_needless = is_signatures || (is_links && at + 1 < count);
            if !may_be_needless {
                assert!(transaction(&fixture, "late", &less).is_err(), "{path} without {at}");
            }
            let mut twice = honest.clone();
            list(&mut twice, &|items| items.insert(at, items[at].clone()));
            assert!(transaction(&fixture, "late", &twice).is_err(), "{path} with {at} twice");
            if (is_signatures || is_links) && at > 0 {
                let mut swapped = honest.clone();
                list(&mut swapped, &|items| items.swap(at - 1, at));
                assert!(transaction(&fixture, "late", &swapped).is_err(), "{path} swapped {at}");
            }
        }
    }
}

#[test]
fn each_lie_is_named() {
    let fixture = fixture();
    let honest = &fixture["late"]["proof"];
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut answer = honest.clone();
        change(&mut answer);
        transaction(&fixture, "late", &answer).unwrap_err()
    };
    let last = honest["links"].as_array().unwrap().len() - 1;
    let without_steps = refused(&|answer| {
        let links = answer["links"].as_array_mut().unwrap();
        links.drain(..last);
    });
    assert!(
        matches!(without_steps, LightError::TooLittleTrust { total: 4, .. }),
        "{without_steps}"
    );
    let nothing = refused(&|answer| answer["links"] = Value::Array(Vec::new()));
    assert!(matches!(nothing, LightError::WrongEnd(_)), "{nothing}");
    let ahead = refused(&|answer| answer["links"][last]["parent"] = Value::Null);
    assert!(matches!(ahead, LightError::NoParent(_)), "{ahead}");
    let step = refused(&|answer| answer["links"][0]["validators"] = Value::Null);
    assert!(matches!(step, LightError::Idle(_)), "{step}");
    let index = refused(&|answer| answer["index"] = "0x80".into());
    assert!(matches!(index, LightError::NothingThere { .. } | LightError::Proof { .. }), "{index}");
    let other = {
        let proof = &fixture["early"]["proof"];
        let number = u64::from_str_radix(&proof["number"].as_str().unwrap()[2..], 16).unwrap();
        let proof: TransactionProof = read(proof);
        let block = verifier(&fixture).finality(&proof.finality, number).unwrap();
        block.transaction(&proof, TxHash::ZERO).unwrap_err()
    };
    assert!(matches!(other, LightError::OtherTransaction { .. }), "{other}");
}

#[test]
fn a_checkpoint_that_makes_no_sense_is_refused() {
    let fixture = fixture();
    let refused = |change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint: Checkpoint = read(&fixture["checkpoint"]);
        change(&mut checkpoint);
        Verifier::new(checkpoint).unwrap_err()
    };
    let changes: [&dyn Fn(&mut Checkpoint); 7] = [
        &|point| point.validators.clear(),
        &|point| point.validators.reverse(),
        &|point| point.validators[1] = point.validators[0],
        &|point| point.validators[0].power = 0,
        &|point| point.hash.0[0] ^= 1,
        &|point| point.network.engines.clear(),
        &|point| point.network.engines[0].from = 2,
    ];
    for change in changes {
        assert!(matches!(refused(change), LightError::Checkpoint(_)));
    }
    let solo = refused(&|point| point.network.engines[0].contract = None);
    assert!(matches!(solo, LightError::NotSigned { height: 1, .. }), "{solo}");
}

proptest! {
    /// Any digit of any text, and bytes that are no proof at all: an error, never a panic.
    #[test]
    fn any_changed_digit_is_refused(pick in any::<prop::sample::Index>(), at in any::<usize>()) {
        let fixture = fixture();
        let honest = &fixture["late"]["proof"];
        let mut paths = Vec::new();
        texts(honest, "", &mut paths);
        let path = pick.get(&paths);
        let text = honest.pointer(path).unwrap().as_str().unwrap();
        let mut answer = honest.clone();
        *answer.pointer_mut(path).unwrap() = with_other_digit(text, at).into();
        prop_assert!(transaction(&fixture, "late", &answer).is_err());
    }

    #[test]
    fn bytes_that_are_no_proof_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode::<TransactionProof>(&bytes).is_err());
        prop_assert!(decode::<AccountProof>(&bytes).is_err());
        prop_assert!(decode::<Checkpoint>(&bytes).is_err());
    }
}

/// Of what proves which contract knows the validators, nothing can be changed, left out or taken from another block.
#[test]
fn votes_on_the_engine_are_changed_by_nobody() {
    let fixture = votes();
    let proofs = fixture["proofs"].as_array().unwrap();
    let refused = |answer: &Value, number: u64| {
        let Ok(proof) = decode::<FinalityProof>(answer.to_string().as_bytes()) else { return true };
        verifier(&fixture).finality(&proof, number).is_err()
    };
    for (at, one) in proofs.iter().enumerate() {
        let honest = &one["finality"];
        let number = read::<FinalityProof>(honest).number;
        assert!(!refused(honest, number), "the honest one is taken");
        for list in ["engineVotes", "account"] {
            let place = format!("/links/0/validators/{list}");
            let count = honest.pointer(&place).unwrap().as_array().unwrap().len();
            for node in 0..count {
                let mut answer = honest.clone();
                let nodes = answer.pointer_mut(&place).unwrap().as_array_mut().unwrap();
                let removed = nodes.remove(node);
                assert!(refused(&answer, number), "{at}: {list} without node {node}");
                let nodes = answer.pointer_mut(&place).unwrap().as_array_mut().unwrap();
                nodes.extend([removed.clone(), removed]);
                assert!(refused(&answer, number), "{at}: {list} with node {node} twice");
            }
            for other in proofs.iter().filter(|other| *other != one) {
                let mut answer = honest.clone();
                *answer.pointer_mut(&place).unwrap() =
                    other["finality"].pointer(&place).unwrap().clone();
                assert!(refused(&answer, number), "{at}: {list} of another block");
            }
        }
        let mut answer = honest.clone();
        answer
            .pointer_mut("/links/0/validators")
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove("engineVotes");
        assert!(refused(&answer, number), "{at}: without a word on votes");
    }
}
