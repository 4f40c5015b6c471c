//! What a real network of four proved while half of its validators changed
//! (`LIGHT_FIXTURE=... node tests/tools/light.mjs`). The page's tests read the same file.

use crate::{
    AccountProof, Checkpoint, Decision, FinalityProof, TransactionProof, Verifier, decode,
};
use alloy_primitives::{Address, B256, TxHash, U256};
use serde_json::Value;

pub(super) fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/chain.json")).unwrap()
}

pub(super) fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    decode(value.to_string().as_bytes()).unwrap()
}

fn verifier(fixture: &Value) -> Verifier {
    Verifier::new(read::<Checkpoint>(&fixture["checkpoint"])).unwrap()
}

#[test]
fn a_transaction_before_the_change_needs_one_certificate() {
    let fixture = fixture();
    let proof: TransactionProof = read(&fixture["early"]["proof"]);
    let hash: TxHash = read(&fixture["early"]["hash"]);
    assert_eq!(proof.finality.links.len(), 1);
    let mut verifier = verifier(&fixture);
    let block = verifier.finality(&proof.finality, proof.finality.number).unwrap();
    assert_eq!(block.support().decision, Decision::Child);
    assert_eq!(block.support().trusted_since, 0);
    let proven = block.transaction(&proof, hash).unwrap();
    assert!(proven.receipt.status());
    let order: B256 = read(&fixture["order"]["id"]);
    assert!(proven.receipt.logs().iter().any(|log| log.topics().get(1) == Some(&order)));
}

#[test]
fn a_transaction_after_the_change_is_reached_over_the_new_validators() {
    let fixture = fixture();
    let proof: TransactionProof = read(&fixture["late"]["proof"]);
    assert!(proof.finality.links.len() > 1);
    let mut verifier = verifier(&fixture);
    let block = verifier.finality(&proof.finality, proof.finality.number).unwrap();
    assert!(block.support().trusted_since > 0);
    assert!(verifier.checkpoint().number > 0);
    let founders = read::<Checkpoint>(&fixture["checkpoint"]).validators;
    let voters = verifier.checkpoint().validators;
    assert!(voters.iter().any(|seat| !founders.contains(seat)), "the newcomer votes");
    assert!(block.transaction(&proof, read(&fixture["late"]["hash"])).is_ok());
}

#[test]
fn state_is_read_where_the_contract_has_it() {
    let fixture = fixture();
    let finality: FinalityProof = read(&fixture["state"]["finality"]);
    let proof: AccountProof = read(&fixture["state"]["proof"]);
    let block = verifier(&fixture).finality(&finality, finality.number).unwrap();
    assert_eq!(block.support().decision, Decision::Own { signed: 3, total: 3 });
    let slots: Vec<U256> = proof.storage_proof.iter().map(|one| one.key).collect();
    let account = block.account(&proof, proof.address, &slots).unwrap();
    let merchant: Address = read(&fixture["order"]["merchant"]);
    let (_, sale) = account.slots[0];
    assert_eq!(Address::from_word(sale.into()), merchant);
    assert_eq!(sale >> 160, read::<U256>(&fixture["order"]["shippingFee"]));
    let (_, payment) = account.slots[2];
    assert_eq!(payment >> 160, read::<U256>(&fixture["order"]["amount"]));
}

#[test]
fn nothing_can_be_proven_as_well() {
    let fixture = fixture();
    let finality: FinalityProof = read(&fixture["state"]["finality"]);
    let block = verifier(&fixture).finality(&finality, finality.number).unwrap();
    let proof: AccountProof = read(&fixture["absent"]);
    let account = block.account(&proof, proof.address, &[U256::from(7)]).unwrap();
    assert!(!account.exists && account.balance.is_zero());
    assert_eq!(account.slots, [(U256::from(7), U256::ZERO)]);
}

/// The forms are the same after being read and written, so that a checkpoint file is what it was.
#[test]
fn what_is_read_is_written_again() {
    let fixture = fixture();
    let checkpoint: Checkpoint = read(&fixture["checkpoint"]);
    assert_eq!(serde_json::to_value(&checkpoint).unwrap(), fixture["checkpoint"]);
    let proof: TransactionProof = read(&fixture["late"]["proof"]);
    assert_eq!(serde_json::to_value(&proof).unwrap(), fixture["late"]["proof"]);
}

/// What a real network proved whose members voted for stakes and back: while that waited, after the first change,
/// and after the last (`ENGINES_FIXTURE=... ` for `tests/tools/engines.mjs`). The page's tests read the same file.
pub(super) fn votes() -> Value {
    serde_json::from_str(include_str!("../fixtures/engines.json")).unwrap()
}

#[test]
fn who_decides_is_proven_over_votes_on_the_engine() {
    let fixture = votes();
    let proofs = fixture["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 3);
    for proof in proofs {
        let finality: FinalityProof = read(&proof["finality"]);
        let mut verifier = verifier(&fixture);
        let block = verifier.finality(&finality, finality.number).unwrap();
        assert_eq!(block.hash(), read::<B256>(&proof["hash"]));
        assert!(matches!(block.support().decision, Decision::Own { .. }));
        let kept = verifier.checkpoint();
        assert_eq!(kept.number, finality.number - 1);
        assert_eq!(serde_json::to_value(&kept.validators).unwrap(), proof["validators"]);
        // And on from there, with what comes later.
        let last: FinalityProof = read(&proofs[2]["finality"]);
        if last != finality {
            Verifier::new(kept).unwrap().finality(&last, last.number).unwrap();
        }
    }
}
