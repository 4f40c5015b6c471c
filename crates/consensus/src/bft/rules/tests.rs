//! The rules, one by one.

use super::{
    certificate,
    codec::DecodeError,
    context::{
        BftAddress, BftHeight, BftProposal, BftValue, BftVote, Input, PolkaCertificate,
        RoundCertificate, SignedProposal, SignedVote, Tendermint,
    },
    evidence,
    message::{FinalBlock, Message, Part, Request, Response},
    proposer,
    provenance::{self, Doubt, Parent},
    record::Record,
    stamp::Stamp,
    timing,
    voters::Voters,
};
use crate::{
    bft::limits::{PART_BYTES_MAX, STAMP_PROBE_BLOCKS},
    randao::prev_randao,
};
use alloy_primitives::{Address, B256, Bytes, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use arc_malachitebft_core_consensus::ProposedValue;
use arc_malachitebft_core_types::{
    NilOrVal, PolkaSignature, Round, RoundCertificateType, RoundSignature, SignedMessage,
    ThresholdParams, Timeout, TimeoutKind, Validity, ValueOrigin, VoteType,
};
use hanse_primitives::{
    Block, BlockRef, CommitCertificate, CommitSignature, Header, Height, Proposal, Provenance,
    SealedBlock, SigningDomain, Validator, ValidatorSet, ValidatorSettings, ValidatorSignature,
    Vote, VoteKind,
};
use std::collections::BTreeMap;

fn domain() -> SigningDomain {
    SigningDomain::new(1337, B256::repeat_byte(9))
}

fn key(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

fn sign(key: &PrivateKeySigner, digest: B256) -> ValidatorSignature {
    key.sign_hash_sync(&digest).unwrap().into()
}

/// Keys and set of as many validators as there are powers, in the set's order.
fn set(powers: &[u64]) -> (Vec<PrivateKeySigner>, ValidatorSet) {
    let mut keys: Vec<_> = (1..).map(key).take(powers.len()).collect();
    keys.sort_by_key(PrivateKeySigner::address);
    let validator = |(key, power): (&PrivateKeySigner, &u64)| Validator {
        address: key.address(),
        power: *power,
        proposes: true,
    };
    let set = ValidatorSet::new(keys.iter().zip(powers).map(validator).collect());
    (keys, set)
}

fn signed(key: &PrivateKeySigner, kind: VoteKind, round: u32, block: Option<B256>) -> SignedVote {
    let vote = Vote { kind, height: Height(7), round, block };
    SignedMessage::new(BftVote::new(vote, key.address()), sign(key, vote.digest(&domain())))
}

fn proposal(key: &PrivateKeySigner, round: u32, block: B256, valid: Option<u32>) -> SignedProposal {
    let proposal = Proposal { height: Height(7), round, block, valid_round: valid };
    let signature = sign(key, proposal.digest(&domain()));
    SignedMessage::new(BftProposal::new(proposal, key.address()), signature)
}

#[test]
fn over_a_long_run_everybody_proposes_his_share() {
    for powers in [vec![1; 4], vec![4, 4, 1, 1], vec![1; 64], vec![1000, 1, 1], vec![7, 5, 3, 2, 1]]
    {
        let (_, set) = set(&powers);
        let heights = 10_000_u64;
        let mut counts: BTreeMap<Address, u64> = BTreeMap::new();
        for height in 1..=heights {
            *counts.entry(proposer::select(&set, Height(height), 0)).or_default() += 1;
        }
        for validator in set.as_slice() {
            let share = u128::from(validator.power * heights) / set.total_power();
            let count = counts.get(&validator.address).copied().unwrap_or(0);
            // A hash of the height would be off by about 40 here, and now and then by 150.
            let off = count.abs_diff(u64::try_from(share).unwrap());
            assert!(off <= 6, "{powers:?}: {count} instead of {share}");
        }
    }
}

#[test]
fn the_turn_does_not_stay_with_one_of_equals() {
    let (_, set) = set(&[1; 4]);
    let turns: Vec<_> = (1..100).map(|height| proposer::select(&set, Height(height), 0)).collect();
    assert!(turns.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn the_rounds_of_a_height_go_to_all_in_turn() {
    let (_, set) = set(&[4, 4, 1, 1, 9]);
    for height in 1..200 {
        let mut turns: Vec<_> =
            (0..5).map(|round| proposer::select(&set, Height(height), round)).collect();
        let again = proposer::select(&set, Height(height), 5);
        assert_eq!(again, turns[0], "and then from the start");
        turns.sort();
        turns.dedup();
        assert_eq!(turns.len(), 5);
    }
    proposer::select(&set, Height(u64::MAX), u32::MAX);
}

#[test]
fn who_is_absent_comes_last() {
    // Once, the absent had no turn at all. Then a height could not be decided: a block had a quorum of
    // prevotes, the only honest validator that knew of it had been absent before, and the others'
    // blocks could not get its vote.
    let (_, all) = set(&[1, 1, 1, 1]);
    let mut some: Vec<_> = all.as_slice().to_vec();
    some[1].proposes = false;
    let absent = some[1].address;
    let some = ValidatorSet::new(some);
    for height in 1..100 {
        for round in 0..20 {
            let turn = proposer::select(&some, Height(height), round);
            assert_eq!(turn == absent, round % 4 == 3, "round {round}");
        }
    }
    let none = all.as_slice().iter().map(|one| Validator { proposes: false, ..*one }).collect();
    let none = ValidatorSet::new(none);
    for (height, round) in (1..100).flat_map(|height| [(height, 0), (height, 1)]) {
        let turn = proposer::select(&all, Height(height), round);
        assert_eq!(proposer::select(&none, Height(height), round), turn);
    }
}

#[test]
fn rounds_wait_longer_and_never_too_long() {
    let settings = ValidatorSettings {
        propose_timeout_ms: 500,
        vote_timeout_ms: 300,
        timeout_step_ms: 250,
        ..ValidatorSettings::default()
    };
    let wait = |kind, round| timing::duration_ms(&settings, Timeout::new(Round::new(round), kind));
    assert_eq!(wait(TimeoutKind::Propose, 0), 500);
    assert_eq!(wait(TimeoutKind::Propose, 2), 1_000);
    assert_eq!(wait(TimeoutKind::Prevote, 1), 550);
    assert_eq!(wait(TimeoutKind::Precommit, 4), 1_300);
    assert_eq!(wait(TimeoutKind::Rebroadcast, 0), 1_100);
    assert_eq!(wait(TimeoutKind::Precommit, u32::MAX), 10_000);
}

#[test]
fn too_much_power_stops_the_chain_and_does_not_wrap() {
    let (_, fine) = set(&[u64::MAX / 3 - 1, 1]);
    assert!(Voters::new(fine, Height(1)).is_ok());
    for powers in [vec![u64::MAX / 3, 1], vec![u64::MAX, u64::MAX], vec![]] {
        assert!(Voters::new(set(&powers).1, Height(1)).is_err(), "{powers:?}");
    }
}

fn samples() -> Vec<Message> {
    let (keys, _) = set(&[1; 4]);
    let block = B256::repeat_byte(0xab);
    let polka = PolkaCertificate {
        height: BftHeight(Height(7)),
        round: Round::new(2),
        value_id: BftValue(block),
        polka_signatures: keys
            .iter()
            .map(|key| signed(key, VoteKind::Prevote, 2, Some(block)))
            .map(|vote| PolkaSignature::new(vote.validator, vote.signature))
            .collect(),
    };
    let round = RoundCertificate {
        height: BftHeight(Height(7)),
        round: Round::new(2),
        cert_type: RoundCertificateType::Precommit,
        round_signatures: keys
            .iter()
            .map(|key| signed(key, VoteKind::Precommit, 2, None))
            .map(|vote| {
                let signature = vote.signature;
                RoundSignature::new(VoteType::Precommit, NilOrVal::Nil, vote.validator, signature)
            })
            .collect(),
    };
    let part = Part {
        proposal: proposal(&keys[0], 3, block, Some(2)),
        total: PART_BYTES_MAX + 3,
        index: 1,
        data: Bytes::from_static(b"end"),
    };
    let certificate = CommitCertificate { height: Height(5), round: 1, block, signatures: vec![] };
    let final_block = FinalBlock { block: Bytes::from_static(b"block"), certificate };
    vec![
        Message::Vote(signed(&keys[1], VoteKind::Precommit, 0, Some(block))),
        Message::Vote(signed(&keys[1], VoteKind::Prevote, u32::MAX, None)),
        Message::Part(part),
        Message::Polka(polka),
        Message::Round(round),
        Message::Status(BlockRef { height: Height(300), hash: block }),
        Message::Request(Request { from: Height(12), count: 16 }),
        Message::Response(Response { from: Height(5), blocks: vec![final_block] }),
        Message::Offer(proposal(&keys[3], 0, block, None)),
    ]
}

#[test]
fn messages_have_one_encoding_and_it_stays() {
    let golden = "d2fa66921f6c7c71 4c979f4cf880c9f1 fe8eb52ed0e7b8f8 dd9e21421b982be9 \
                  c33ecb0e2595c791 36489cd0d6758bb5 af9ff15d7000e10e 532dda8834c9273b \
                  eb5570c7ce390275";
    let hashes: Vec<_> =
        samples().iter().map(|m| hex::encode(&keccak256(m.encode())[..8])).collect();
    assert_eq!(hashes.join(" "), golden);
    for message in samples() {
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message));
        for end in 0..bytes.len() {
            assert!(Message::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(Message::decode(&longer).is_err());
    }
}

#[test]
fn parts_fit_together_and_nothing_else_is_one() {
    let (keys, _) = set(&[1]);
    let proposal = proposal(&keys[0], 0, B256::repeat_byte(1), None);
    for length in [1, PART_BYTES_MAX - 1, PART_BYTES_MAX, PART_BYTES_MAX + 1, 3 * PART_BYTES_MAX] {
        let block: Bytes = (0..=255).cycle().take(length).collect::<Vec<u8>>().into();
        let parts: Vec<Part> = Part::cut(&proposal, &block).collect();
        assert_eq!(parts.len(), length.div_ceil(PART_BYTES_MAX));
        let whole: Vec<u8> = parts.iter().flat_map(|part| part.data.to_vec()).collect();
        assert_eq!(whole, block);
        for part in parts {
            let again = Message::decode(&Message::Part(part.clone()).encode());
            assert_eq!(again, Ok(Message::Part(part.clone())));
            let wrong = [
                Part { index: part.index + 3, ..part.clone() },
                Part {
                    total: part.total + 1,
                    index: part.total.div_ceil(PART_BYTES_MAX),
                    ..part.clone()
                },
                Part { total: 9 << 20, ..part.clone() },
                Part { total: 0, index: 0, data: Bytes::new(), ..part.clone() },
                Part { data: part.data.slice(1..), ..part },
            ];
            for wrong in wrong {
                assert!(Message::decode(&Message::Part(wrong).encode()).is_err());
            }
        }
    }
}

#[test]
fn records_come_back_as_they_were() {
    let (keys, _) = set(&[1; 4]);
    let block = B256::repeat_byte(0xab);
    let polka = samples().into_iter().find_map(|message| match message {
        Message::Polka(certificate) => Some(certificate),
        _ => None,
    });
    let value = |validity, valid_round| ProposedValue {
        height: BftHeight(Height(7)),
        round: Round::new(4),
        valid_round,
        proposer: BftAddress(keys[0].address()),
        value: BftValue(block),
        validity,
    };
    let timeout = |kind| Input::TimeoutElapsed(Timeout::new(Round::new(3), kind));
    let inputs = [
        Input::Vote(signed(&keys[2], VoteKind::Prevote, 1, None)),
        Input::Proposal(proposal(&keys[3], 5, block, Some(4))),
        timeout(TimeoutKind::Propose),
        timeout(TimeoutKind::Prevote),
        timeout(TimeoutKind::Precommit),
        Input::ProposedValue(value(Validity::Valid, Round::Nil), ValueOrigin::Consensus),
        Input::ProposedValue(value(Validity::Invalid, Round::new(0)), ValueOrigin::Consensus),
        Input::PolkaCertificate(polka.unwrap()),
    ];
    let others = [Record::Height(Height(9)), Record::Body(Bytes::from_static(b"block"))];
    for record in inputs.into_iter().map(Record::Input).chain(others) {
        let bytes = record.encode().unwrap();
        assert_eq!(Record::decode(&bytes), Ok(record.clone()));
        assert!(Record::decode(&bytes[..bytes.len() - 1]).is_err());
    }
    assert_eq!(Record::Input(timeout(TimeoutKind::Rebroadcast)).encode(), None);
    assert_eq!(Record::decode(&[]), Err(DecodeError::InputTooShort));
    assert!(Record::decode(&[99, 0xc0]).is_err());
}

#[test]
fn round_certificates_need_signatures_power_and_the_right_votes() {
    let (keys, set) = set(&[1; 4]);
    let voters = Voters::new(set, Height(7)).unwrap();
    let certificate = |kind, votes: &[SignedVote]| RoundCertificate {
        height: BftHeight(Height(7)),
        round: Round::new(2),
        cert_type: kind,
        round_signatures: votes
            .iter()
            .map(|v| RoundSignature::new(v.kind, v.value, v.validator, v.signature))
            .collect(),
    };
    let check = |kind, votes: &[SignedVote]| {
        let thresholds = ThresholdParams::default();
        certificate::check_round(&domain(), &certificate(kind, votes), &voters, thresholds).is_ok()
    };
    let pre = |n: usize| signed(&keys[n], VoteKind::Prevote, 2, Some(B256::repeat_byte(1)));
    let nil = |n: usize| signed(&keys[n], VoteKind::Precommit, 2, None);
    let (skip, leave) = (RoundCertificateType::Skip, RoundCertificateType::Precommit);
    assert!(check(skip.clone(), &[pre(0), nil(1)]));
    assert!(!check(skip.clone(), &[pre(0)]), "one may lie");
    assert!(!check(skip.clone(), &[pre(0), nil(0)]), "one counts once");
    assert!(check(leave.clone(), &[nil(0), nil(1), nil(2)]));
    assert!(!check(leave.clone(), &[nil(0), nil(1)]), "no quorum");
    assert!(!check(leave.clone(), &[nil(0), nil(1), pre(2)]), "prevotes do not end a round");
    let mut forged = nil(1);
    forged.signature = nil(0).signature;
    assert!(!check(leave, &[nil(0), forged, nil(2)]));
    let stranger = signed(&key(99), VoteKind::Prevote, 2, None);
    assert!(!check(skip, &[pre(0), stranger]));
}

#[test]
fn polkas_need_a_quorum_for_the_block() {
    let (keys, set) = set(&[1; 4]);
    let voters = Voters::new(set, Height(7)).unwrap();
    let block = B256::repeat_byte(1);
    let check = |signers: &[usize], signed_block: B256| {
        let votes =
            signers.iter().map(|n| signed(&keys[*n], VoteKind::Prevote, 2, Some(signed_block)));
        let certificate = PolkaCertificate {
            height: BftHeight(Height(7)),
            round: Round::new(2),
            value_id: BftValue(block),
            polka_signatures: votes
                .map(|vote| PolkaSignature::new(vote.validator, vote.signature))
                .collect(),
        };
        let thresholds = ThresholdParams::default();
        certificate::check_polka(&domain(), &certificate, &voters, thresholds).is_ok()
    };
    assert!(check(&[0, 1, 2], block));
    assert!(!check(&[0, 1], block));
    assert!(!check(&[0, 1, 1], block));
    assert!(!check(&[0, 1, 2], B256::repeat_byte(2)));
}

#[test]
fn evidence_is_two_different_things_and_no_less() {
    let (keys, _) = set(&[1; 2]);
    let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let vote = |n: usize, round, block| signed(&keys[n], VoteKind::Precommit, round, block);
    let proof = |a: &SignedVote, b: &SignedVote| evidence::of_votes(&domain(), a, b).map(|p| p.0);
    let first = vote(0, 0, Some(one));
    assert_eq!(proof(&first, &vote(0, 0, Some(two))), Some(keys[0].address()));
    assert_eq!(proof(&first, &vote(0, 0, None)), Some(keys[0].address()));
    assert_eq!(proof(&first, &first), None);
    assert_eq!(proof(&first, &vote(0, 1, Some(two))), None, "another round");
    assert_eq!(proof(&first, &vote(1, 0, Some(two))), None, "another validator");
    assert_eq!(proof(&first, &signed(&keys[0], VoteKind::Prevote, 0, Some(two))), None);
    let offer = |block, valid| proposal(&keys[0], 3, block, valid);
    let proof = |a, b| evidence::of_proposals(&domain(), &a, &b).map(|p| p.0);
    assert_eq!(proof(offer(one, None), offer(two, None)), Some(keys[0].address()));
    assert_eq!(proof(offer(one, None), offer(one, Some(1))), None);
}

const NOW_MS: u64 = 1_700_000_000_500;

/// A parent that validators decided, and a block that keeps every rule.
fn generations() -> (Parent, ValidatorSet, Block) {
    let (keys, set) = set(&[1; 4]);
    let reference = BlockRef { height: Height(6), hash: B256::repeat_byte(6) };
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: Height(6),
        round: 1,
        block: Some(reference.hash),
    };
    let commit = |key: &PrivateKeySigner| CommitSignature {
        validator: key.address(),
        signature: sign(key, vote.digest(&domain())),
    };
    let certificate = CommitCertificate {
        height: Height(6),
        round: 1,
        block: reference.hash,
        signatures: keys[..3].iter().map(commit).collect(),
    };
    let timestamp = NOW_MS / 1_000 - 1;
    let parent = Parent { reference, timestamp, decided: Some((certificate, set.clone())) };
    let made = provenance::of_new_block(proposer::select(&set, Height(7), 0), 0, &parent);
    let block = Block::uncle(Header {
        number: 7,
        parent_hash: reference.hash,
        timestamp: NOW_MS / 1_000,
        mix_hash: prev_randao(reference.hash, Height(7)),
        extra_data: made.encode(),
        ..Header::default()
    });
    (parent, set, block)
}

fn judge(change: impl FnOnce(&mut Block, &mut Provenance)) -> Result<(), Doubt> {
    let (parent, set, mut block) = generations();
    let mut made = Provenance::decode(&block.header.extra_data).unwrap();
    let before = made.clone();
    change(&mut block, &mut made);
    if made != before {
        block.header.extra_data = made.encode();
    }
    let judged = provenance::check(&SealedBlock::new(block), &parent, &set, &domain(), NOW_MS);
    match judged {
        Ok(_) => Ok(()),
        Err(Doubt::Invalid(_)) => invalid(),
        Err(early) => Err(early),
    }
}

#[test]
fn a_block_says_where_it_comes_from() {
    assert_eq!(judge(|_, _| {}), Ok(()));
    let (keys, set) = set(&[1; 4]);
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: Height(6),
        round: 1,
        block: Some(B256::repeat_byte(6)),
    };
    let fourth = CommitSignature {
        validator: keys[3].address(),
        signature: sign(&keys[3], vote.digest(&domain())),
    };
    // Another proof of the same is as good.
    assert_eq!(judge(|_, made| made.parent_signatures.push(fourth)), Ok(()));
    assert_eq!(judge(|_, made| made.parent_signatures[0] = fourth), invalid());
    let second = proposer::select(&set, Height(7), 1);
    assert_eq!(judge(|_, made| (made.round, made.proposer) = (1, second)), Ok(()));
    let broken: [fn(&mut Block, &mut Provenance); 14] = [
        |block, _| block.header.number = 8,
        |block, _| block.header.parent_hash = B256::repeat_byte(7),
        |block, _| block.header.extra_data = Bytes::new(),
        |block, _| block.header.extra_data = [&block.header.extra_data[..], &[0]].concat().into(),
        |_, made| made.round = 1,
        |_, made| made.proposer = Address::ZERO,
        |_, made| made.parent_signatures.clear(),
        |_, made| made.parent_signatures.truncate(2),
        |_, made| made.parent_round = 0,
        |_, made| made.parent_signatures[1].signature = made.parent_signatures[0].signature,
        |block, _| block.header.timestamp -= 2,
        |block, _| block.header.mix_hash = B256::ZERO,
        |block, _| block.header.parent_beacon_block_root = Some(B256::repeat_byte(1)),
        |block, _| block.body.withdrawals = Some(vec![Default::default()].into()),
    ];
    for (case, change) in broken.into_iter().enumerate() {
        assert_eq!(judge(change), invalid(), "case {case}");
    }
}

/// Whatever the reason.
fn invalid() -> Result<(), Doubt> {
    Err(Doubt::Invalid(String::new()))
}

#[test]
fn the_clock_condemns_nobody() {
    assert_eq!(judge(|block, _| block.header.timestamp += 5), Ok(()), "a little ahead");
    let early = judge(|block, _| block.header.timestamp += 60);
    assert_eq!(early, Err(Doubt::Early((NOW_MS / 1_000 + 60) * 1_000 - 5_000)));
    let forever = judge(|block, _| block.header.timestamp = u64::MAX);
    assert!(matches!(forever, Err(Doubt::Early(_))));
}

#[test]
fn a_parent_without_a_certificate_has_none() {
    let (mut parent, set, mut block) = generations();
    parent.decided = None;
    let judge = |block: &Block| {
        let block = SealedBlock::new(block.clone());
        provenance::check(&block, &parent, &set, &domain(), NOW_MS).is_ok()
    };
    assert!(!judge(&block), "a certificate where none can be");
    let made = provenance::of_new_block(proposer::select(&set, Height(7), 0), 0, &parent);
    block.header.extra_data = made.encode();
    assert!(judge(&block));
    block.header.extra_data = Provenance { parent_round: 1, ..made }.encode();
    assert!(!judge(&block), "one encoding for none");
}

#[test]
fn a_new_block_is_made_for_its_round_and_an_old_one_was_there() {
    assert!(provenance::fits_round(0, 0, None) && provenance::fits_round(3, 3, None));
    assert!(!provenance::fits_round(0, 1, None) && !provenance::fits_round(2, 1, None));
    assert!(provenance::fits_round(0, 2, Some(1)) && provenance::fits_round(1, 2, Some(1)));
    assert!(!provenance::fits_round(2, 3, Some(1)));
}

#[test]
fn the_engine_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<crate::Bft>();
    is_send::<Tendermint>();
}

/// A validator's clock was a minute ahead: every fourth height lost a round, since nobody took its blocks,
/// and nothing told it. Now its third block has a time that the others take.
#[test]
fn a_block_that_nobody_takes_is_followed_by_one_with_the_time_of_the_chain() {
    let mut stamp = Stamp::default();
    let (parent, now_ms) = (1_000, 1_060_500);
    // Decided 2.4 seconds ago, as this clock saw it.
    let decided_ms = now_ms - 2_400;
    let time = |stamp: &Stamp| stamp.seconds(parent, decided_ms, now_ms);
    assert_eq!(time(&stamp), 1_060, "what the clock says");
    stamp.note(false);
    assert_eq!(time(&stamp), 1_060, "that may have had any reason");
    stamp.note(false);
    assert_eq!(time(&stamp), 1_002, "the chain's time, and what has passed since");
    assert_eq!(stamp.seconds(parent, decided_ms, 900_000), parent, "never before its parent");
    assert_eq!(stamp.seconds(parent, 0, 1_000_900), parent, "nor later than the clock says");
    for _ in 1..STAMP_PROBE_BLOCKS {
        stamp.note(true);
        assert_eq!(time(&stamp), 1_002, "it works, so it stays");
    }
    stamp.note(true);
    assert_eq!(time(&stamp), 1_060, "the clock may have been set");
    stamp.note(false);
    assert_eq!(time(&stamp), 1_002, "it was not");
    for _ in 0..STAMP_PROBE_BLOCKS {
        stamp.note(true);
    }
    stamp.note(true);
    stamp.note(false);
    assert_eq!(time(&stamp), 1_060, "it was, and all is forgiven");
}
