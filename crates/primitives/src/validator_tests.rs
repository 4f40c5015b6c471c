//! What validators sign, and what it proves.

use crate::*;
use alloy_dyn_abi::TypedData;
use alloy_primitives::{Address, B256, FixedBytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};

fn domain() -> SigningDomain {
    SigningDomain::new(1337, B256::repeat_byte(9))
}

fn key(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).unwrap()
}

fn sign(key: &PrivateKeySigner, digest: B256) -> ValidatorSignature {
    key.sign_hash_sync(&digest).unwrap().into()
}

/// The digest as an independent EIP-712 implementation has it.
fn typed(primary: &str, fields: Value, message: Value) -> B256 {
    let data: TypedData = serde_json::from_value(json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"}, {"name": "salt", "type": "bytes32"},
            ],
            primary: fields,
        },
        "primaryType": primary,
        "domain": {
            "name": "Hanse consensus", "version": "1", "chainId": 1337,
            "salt": B256::repeat_byte(9),
        },
        "message": message,
    }))
    .unwrap();
    data.eip712_signing_hash().unwrap()
}

#[test]
fn votes_and_proposals_are_signed_as_eip_712_says() {
    let fields = json!([
        {"name": "kind", "type": "uint8"}, {"name": "height", "type": "uint64"},
        {"name": "round", "type": "uint32"}, {"name": "block", "type": "bytes32"},
    ]);
    let block = B256::repeat_byte(0xab);
    for (kind, block) in [(VoteKind::Prevote, Some(block)), (VoteKind::Precommit, None)] {
        let vote = Vote { kind, height: Height(u64::MAX - 5), round: u32::MAX - 1, block };
        let message = json!({
            "kind": kind.byte(), "height": vote.height.0.to_string(), "round": vote.round,
            "block": block.unwrap_or_default(),
        });
        assert_eq!(vote.digest(&domain()), typed("Vote", fields.clone(), message));
        assert_eq!(VoteKind::of_byte(kind.byte()), Some(kind));
    }
    let fields = json!([
        {"name": "height", "type": "uint64"}, {"name": "round", "type": "uint32"},
        {"name": "block", "type": "bytes32"}, {"name": "validRound", "type": "int64"},
    ]);
    for (valid_round, number) in [(None, -1), (Some(7), 7)] {
        let proposal = Proposal { height: Height(3), round: 9, block, valid_round };
        let message = json!({"height": 3, "round": 9, "block": block, "validRound": number});
        assert_eq!(proposal.digest(&domain()), typed("Proposal", fields.clone(), message));
    }
}

/// What is signed, and by whom, as the page checks it too: `web/src/lib/consensus` reads the same file.
#[test]
fn the_browser_computes_the_same_digests() {
    let block = B256::repeat_byte(0xab);
    let case = |message: Value, digest: B256| {
        let signature = sign(&key(1), digest);
        json!({"message": message, "digest": digest, "signature": signature, "signer": key(1).address()})
    };
    let mut cases = Vec::new();
    for (kind, block) in [
        (VoteKind::Prevote, Some(block)),
        (VoteKind::Prevote, None),
        (VoteKind::Precommit, Some(block)),
        (VoteKind::Precommit, None),
    ] {
        let vote = Vote { kind, height: Height(u64::MAX - 5), round: u32::MAX - 1, block };
        let height = vote.height.0.to_string();
        let message = json!({"kind": kind, "height": height, "round": vote.round, "block": block});
        cases.push(case(message, vote.digest(&domain())));
    }
    for valid_round in [None, Some(7)] {
        let proposal = Proposal { height: Height(3), round: 9, block, valid_round };
        let message = json!({
            "kind": "proposal", "height": "3", "round": 9, "block": block, "validRound": valid_round,
        });
        cases.push(case(message, proposal.digest(&domain())));
    }
    let found = json!({
        "chainId": 1337, "genesis": B256::repeat_byte(9), "separator": domain().separator(),
        "cases": cases,
    });
    let golden: Value = serde_json::from_str(include_str!("fixtures/signing.json")).unwrap();
    assert_eq!(golden, found, "the file should be:\n{found:#}");
}

#[test]
fn a_signature_names_its_signer_and_has_one_form_only() {
    let digest = B256::repeat_byte(4);
    let signature = sign(&key(1), digest);
    assert_eq!(signature.recover(digest).unwrap(), key(1).address());
    assert_ne!(signature.recover(B256::repeat_byte(5)).ok(), Some(key(1).address()));
    let mut other = signature;
    other.0[64] = 29;
    assert!(other.recover(digest).is_err(), "an unknown recovery id");
    // The same signature with the high s would make two certificates out of one.
    let order = alloy_primitives::U256::from_be_bytes(alloy_primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let s = alloy_primitives::U256::from_be_slice(&signature.0[32..64]);
    let mut high = signature;
    high.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    high.0[64] = 55 - signature.0[64];
    assert!(high.recover(digest).is_err(), "a high s is refused");
}

fn set(powers: &[u64]) -> (Vec<PrivateKeySigner>, ValidatorSet) {
    let mut keys: Vec<_> = (1..).map(key).take(powers.len()).collect();
    keys.sort_by_key(PrivateKeySigner::address);
    let validators = keys.iter().zip(powers);
    let validators = validators.map(|(key, power)| Validator {
        address: key.address(),
        power: *power,
        proposes: true,
    });
    let set = ValidatorSet::new(validators.collect());
    (keys, set)
}

fn certificate(signers: &[&PrivateKeySigner]) -> CommitCertificate {
    let mut certificate = CommitCertificate {
        height: Height(12),
        round: 1,
        block: B256::repeat_byte(7),
        signatures: Vec::new(),
    };
    let digest = certificate.vote().digest(&domain());
    certificate.signatures = signers
        .iter()
        .map(|key| CommitSignature { validator: key.address(), signature: sign(key, digest) })
        .collect();
    certificate
}

#[test]
fn a_certificate_takes_more_than_two_thirds_of_the_power() {
    let (keys, four) = set(&[1, 1, 1, 1]);
    let all: Vec<_> = keys.iter().collect();
    assert_eq!(certificate(&all[..3]).verify(&domain(), &four), Ok(()));
    let two = certificate(&all[..2]).verify(&domain(), &four);
    assert_eq!(two, Err(CertificateError::NoQuorum { signed: 2, total: 4 }));
    // Exactly two thirds are not more than two thirds.
    let (keys, three) = set(&[1, 1, 1]);
    let all: Vec<_> = keys.iter().collect();
    assert!(certificate(&all[..2]).verify(&domain(), &three).is_err());
    // Stake counts, not heads; sums of it do not overflow.
    let (keys, stake) = set(&[u64::MAX, u64::MAX, 1]);
    assert_eq!(certificate(&[&keys[0], &keys[1]]).verify(&domain(), &stake), Ok(()));
    assert!(certificate(&[&keys[0], &keys[2]]).verify(&domain(), &stake).is_err());
}

#[test]
fn a_forged_certificate_proves_nothing() {
    let (keys, four) = set(&[1, 1, 1, 1]);
    let all: Vec<_> = keys.iter().collect();
    let good = certificate(&all[..3]);
    assert_eq!(good.verify(&domain(), &four), Ok(()));
    let other_chain = SigningDomain::new(1338, B256::repeat_byte(9));
    let first = keys[0].address();
    assert_eq!(good.verify(&other_chain, &four), Err(CertificateError::Signature(first)));

    let mut twice = good.clone();
    twice.signatures[1] = twice.signatures[0];
    assert_eq!(twice.verify(&domain(), &four), Err(CertificateError::Order));
    let mut other_block = good.clone();
    other_block.block = B256::repeat_byte(8);
    assert_eq!(other_block.verify(&domain(), &four), Err(CertificateError::Signature(first)));
    let mut borrowed = good.clone();
    borrowed.signatures[2].validator = keys[3].address();
    let lie = borrowed.verify(&domain(), &four);
    assert_eq!(lie, Err(CertificateError::Signature(keys[3].address())));
    let stranger = key(77);
    let (_, without) = set(&[1, 1, 1]);
    let mut signers = vec![&stranger, &keys[0], &keys[1], &keys[2]];
    signers.sort_by_key(|key| key.address());
    let strange = certificate(&signers).verify(&domain(), &without);
    assert_eq!(strange, Err(CertificateError::Stranger(stranger.address())));
}

#[test]
fn a_block_carries_the_certificate_of_its_parent() {
    let (keys, _) = set(&[1; 64]);
    let all: Vec<_> = keys.iter().collect();
    let certificate = certificate(&all);
    let provenance = Provenance {
        proposer: keys[0].address(),
        round: 3,
        parent_round: certificate.round,
        parent_signatures: certificate.signatures.clone(),
    };
    let bytes = provenance.encode();
    assert!(bytes.len() <= limits::PROVENANCE_BYTES_MAX, "{} bytes", bytes.len());
    assert_eq!(Provenance::decode(&bytes).unwrap(), provenance);
    let parent = BlockRef { height: certificate.height, hash: certificate.block };
    assert_eq!(provenance.parent_certificate(parent), Some(certificate));
    let longer = [&bytes[..], &[0]].concat();
    assert!(Provenance::decode(&longer).is_err(), "nothing may follow");
}

fn double_vote(first: &PrivateKeySigner, second: &PrivateKeySigner) -> Equivocation {
    let vote = |block| Vote { kind: VoteKind::Prevote, height: Height(5), round: 0, block };
    let blocks = [Some(B256::repeat_byte(1)), None];
    Equivocation::Votes {
        kind: VoteKind::Prevote,
        height: Height(5),
        round: 0,
        blocks,
        signatures: [
            sign(first, vote(blocks[0]).digest(&domain())),
            sign(second, vote(blocks[1]).digest(&domain())),
        ],
    }
}

#[test]
fn an_equivocation_convicts_only_who_signed_both() {
    assert_eq!(double_vote(&key(1), &key(1)).verify(&domain()).unwrap(), key(1).address());
    assert!(double_vote(&key(1), &key(2)).verify(&domain()).is_err());

    let proposal = |block, valid_round| Proposal {
        height: Height(5),
        round: 2,
        block: B256::repeat_byte(block),
        valid_round,
    };
    let accuse = |proposals: [Proposal; 2]| Equivocation::Proposals {
        proposals,
        signatures: proposals.map(|one| sign(&key(3), one.digest(&domain()))),
    };
    let guilty = accuse([proposal(1, None), proposal(2, None)]);
    assert_eq!(guilty.verify(&domain()).unwrap(), key(3).address());
    // Proposing the same block again with another valid round is how a locked value is proposed.
    assert!(accuse([proposal(1, None), proposal(1, Some(0))]).verify(&domain()).is_err());
    let later = Proposal { round: 3, ..proposal(2, None) };
    assert!(accuse([proposal(1, None), later]).verify(&domain()).is_err());
    let elsewhere = SigningDomain::new(1, B256::ZERO);
    assert_ne!(guilty.verify(&elsewhere).ok(), Some(key(3).address()));
}

#[test]
fn a_validator_set_is_ordered_and_has_no_doubles() {
    let validator =
        |byte, power| Validator { address: Address::repeat_byte(byte), power, proposes: true };
    let set =
        ValidatorSet::new(vec![validator(3, 1), validator(1, 5), validator(2, 0), validator(1, 9)]);
    assert_eq!(set.as_slice(), [validator(1, 5), validator(3, 1)]);
    assert_eq!(set.get(&Address::repeat_byte(2)), None);
    assert_eq!(set.total_power(), 6);
}

#[test]
fn serde_and_rlp_agree_on_what_a_signature_is() {
    let signature = ValidatorSignature(FixedBytes::repeat_byte(5));
    assert_eq!(alloy_rlp::encode(signature).len(), 67, "a string with a two-byte head");
    let text = serde_json::to_value(signature).unwrap();
    assert_eq!(serde_json::from_value::<ValidatorSignature>(text).unwrap(), signature);
}
