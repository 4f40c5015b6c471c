//! The rules, on chains that change their validators at will.

use super::world::{CONTRACT, LATER, Powers, Vote, World, state};
use crate::{
    Certificate, Decision, EngineName, FinalityProof, LightError, Link, Record, SetProof, Span,
    Verifier, prove_finality,
};
use alloy_primitives::{Bytes, U256};
use hanse_primitives::{CertificateError, Header};
use proptest::prelude::*;

fn equal(keys: &[usize]) -> Powers {
    keys.iter().map(|key| (*key, 1)).collect()
}

/// `count` heights decided by the same four.
fn quiet(count: usize) -> World {
    World::new(vec![equal(&[0, 1, 2, 3]); count])
}

/// Four with equal votes, and from block 31 on the same four by stake; decided in block 10.
fn to_stake(later: Powers) -> World {
    let mut sets = vec![equal(&[0, 1, 2, 3]); 30];
    sets.extend(vec![later; 30]);
    World::voted(sets, Vote { decided: 10, from: 31, stale: equal(&[0, 1, 2, 3]) })
}

fn rlp(header: &Header) -> Bytes {
    alloy_rlp::encode(header).into()
}

#[test]
fn one_certificate_is_enough_while_nothing_changes() {
    let world = quiet(500);
    for (trusted, target) in [(0, 1), (0, 2), (0, 250), (0, 499), (0, 500), (7, 9), (7, 500)] {
        let proof = prove_finality(&world.network, &world, trusted, target).unwrap();
        assert_eq!(proof.links.len(), 1);
        let mut verifier = Verifier::new(world.checkpoint(trusted)).unwrap();
        let block = verifier.finality(&proof, target).unwrap();
        assert_eq!(block.hash(), world.headers[usize::try_from(target).unwrap()].hash_slow());
        // The last block has no child that could vouch for it.
        let is_own = matches!(block.support().decision, Decision::Own { .. });
        assert_eq!(is_own, target == 500, "{trusted} {target}");
    }
    assert_eq!(world.proofs.get(), 2);
}

/// While A, B, C and D leave, E, F, G and H come: each link leads as far as two thirds go.
#[test]
fn a_wholly_new_set_is_reached_in_steps() {
    let mut sets = vec![equal(&[0, 1, 2, 3]); 20];
    for gone in 1..=4 {
        let keys: Vec<usize> = (gone..gone + 4).collect();
        sets.extend(vec![equal(&keys); 20]);
    }
    let world = World::new(sets);
    let proof = prove_finality(&world.network, &world, 0, 100).unwrap();
    assert!((2..=5).contains(&proof.links.len()), "{}", proof.links.len());
    let mut verifier = Verifier::new(world.checkpoint(0)).unwrap();
    verifier.finality(&proof, 100).unwrap();
    assert_eq!(verifier.checkpoint(), world.checkpoint(99));
}

/// The hardest change: everybody at once. Only the state of the last block of the old ones tells.
#[test]
fn a_set_that_changes_at_once_is_followed_block_by_block() {
    let mut sets = vec![equal(&[0, 1, 2, 3]); 10];
    sets.extend(vec![equal(&[4, 5, 6]); 10]);
    let world = World::new(sets);
    let proof = prove_finality(&world.network, &world, 0, 20).unwrap();
    assert!(proof.links.iter().any(|link| link.next_validators.is_some()));
    let mut verifier = Verifier::new(world.checkpoint(0)).unwrap();
    assert!(verifier.finality(&proof, 20).is_ok());
}

/// Nothing is known beforehand of what members vote for; it is proven with each set.
#[test]
fn a_change_of_engine_by_vote_is_followed() {
    for later in [equal(&[0, 1, 2, 3]), equal(&[4, 5, 6]), [(0, 5), (2, 1), (3, 2)].into()] {
        let world = to_stake(later);
        for (trusted, target) in [(0, 60), (0, 30), (0, 31), (29, 31), (30, 31), (40, 60), (3, 12)]
        {
            let proof = prove_finality(&world.network, &world, trusted, target).unwrap();
            let mut verifier = Verifier::new(world.checkpoint(trusted)).unwrap();
            let block = verifier.finality(&proof, target).unwrap();
            assert_eq!(block.hash(), world.headers[usize::try_from(target).unwrap()].hash_slow());
            let checkpoint = verifier.checkpoint();
            assert_eq!(checkpoint, world.checkpoint(checkpoint.number));
        }
    }
}

/// Who votes stays who it was, so that a child vouches for its parent: no state is needed, however old.
#[test]
fn over_a_change_of_engine_a_child_vouches_without_state() {
    let world = to_stake([(0, 5), (1, 1), (2, 1), (3, 2)].into());
    let proof = prove_finality(&world.network, &world, 0, 50).unwrap();
    assert_eq!((proof.links.len(), world.proofs.get()), (1, 0));
    Verifier::new(world.checkpoint(0)).unwrap().finality(&proof, 50).unwrap();
}

/// A server hides a change: it proves who would decide if there had been none. That contract still names a set, and
/// three of four old votes look like a quorum.
#[test]
fn a_hidden_change_of_engine_is_found_out() {
    let world = to_stake([(0, 1), (1, 1), (2, 1), (3, 4)].into());
    let mut lost = world.header_on(world.headers[39].hash_slow(), 40);
    lost.gas_used = 1;
    let certificate = world.certify(&lost, 0, &[0, 1, 2]);
    let honest = world.prove_validators(40).unwrap();
    let (_, hidden) = world.proof_of(39, CONTRACT);
    let mut unsaid = hidden.clone();
    unsaid.engine_votes = None;
    let mut emptied = hidden.clone();
    emptied.engine_votes = Some(Vec::new());
    let earlier = world.proof_of(5, CONTRACT).1;
    let mut outdated = hidden.clone();
    outdated.engine_votes = earlier.engine_votes;
    let refusal = |validators: &SetProof| {
        let link = Link {
            parent: Some(rlp(&world.headers[39])),
            header: rlp(&lost),
            certificate: Certificate::new(&certificate),
            validators: Some(validators.clone()),
            next_validators: None,
        };
        let proof = FinalityProof { number: 40, links: vec![link] };
        let mut verifier = Verifier::new(world.checkpoint(0)).unwrap();
        verifier.finality(&proof, 40).unwrap_err().to_string()
    };
    for (proof, why) in [
        (&honest, "quorum"),
        (&hidden, "proof"),
        (&unsaid, "not proven which contract"),
        (&emptied, "proof"),
        (&outdated, "proof"),
    ] {
        let told = refusal(proof);
        assert!(told.contains(why), "{told}");
    }
    // The same honest proof of the block that was decided is taken.
    let proof = prove_finality(&world.network, &world, 0, 40).unwrap();
    Verifier::new(world.checkpoint(0)).unwrap().finality(&proof, 40).unwrap();
}

/// The other way round: a change that nobody has voted for, or that has not come yet, moves nothing.
#[test]
fn a_change_of_engine_counts_from_its_block_on() {
    let world = to_stake(equal(&[4, 5, 6]));
    for number in [5, 10, 29] {
        let root = world.headers[number].state_root;
        let decides = u64::try_from(number).unwrap() + 1;
        let (_, late) = world.proof_of(decides - 1, LATER);
        assert!(late.verify(decides, &world.network, root).is_err(), "at {decides}");
        let (_, early) = world.proof_of(decides - 1, CONTRACT);
        let set = early.verify(decides, &world.network, root).unwrap();
        assert_eq!(set, world.set(&equal(&[0, 1, 2, 3])));
    }
    let (_, late) = world.proof_of(30, LATER);
    let set = late.verify(31, &world.network, world.headers[30].state_root).unwrap();
    assert_eq!(set, world.set(&equal(&[4, 5, 6])));
}

/// Where members do not vote on engines, nothing is said of it: a proof has one spelling.
#[test]
fn votes_that_no_network_has_are_refused() {
    let mut sets = vec![equal(&[0, 1, 2, 3]); 5];
    sets.extend(vec![equal(&[4, 5, 6]); 5]);
    let world = World::new(sets);
    let mut proof = prove_finality(&world.network, &world, 0, 10).unwrap();
    let links = proof.links.iter_mut();
    let sets = links.flat_map(|link| [&mut link.validators, &mut link.next_validators]);
    sets.flatten().for_each(|set| set.engine_votes = Some(Vec::new()));
    let refused = Verifier::new(world.checkpoint(0)).unwrap().finality(&proof, 10);
    assert!(matches!(refused, Err(LightError::Idle(_))), "{refused:?}");
}

/// Three of four precommitted a block in round 0, where they were three of seven and decided nothing; another
/// block was decided in round 1. Counted by the old set alone the certificate would look like a quorum.
#[test]
fn a_quorum_of_the_old_set_is_not_taken_for_a_quorum_of_the_new_one() {
    let mut sets = vec![equal(&[0, 1, 2, 3]); 5];
    sets.extend(vec![equal(&[0, 1, 2, 3, 4, 5, 6]); 5]);
    let world = World::new(sets);
    let mut failed = world.header_on(world.headers[9].hash_slow(), 10);
    failed.gas_used = 1;
    let link = Link {
        parent: Some(rlp(&world.headers[9])),
        header: rlp(&failed),
        certificate: Certificate::new(&world.certify(&failed, 0, &[0, 1, 2])),
        validators: None,
        next_validators: None,
    };
    let ask = |link: &Link, target| {
        let proof = FinalityProof { number: target, links: vec![link.clone()] };
        Verifier::new(world.checkpoint(0)).unwrap().finality(&proof, target).map(drop)
    };
    assert_eq!(ask(&link, 10), Err(LightError::NotDecided(10)));
    // Its parent is final all the same: honest validators vote for children of final blocks only.
    assert_eq!(ask(&link, 9), Ok(()));
    let validators = Some(world.prove_validators(10).unwrap());
    let refused = ask(&Link { validators, ..link.clone() }, 10).unwrap_err();
    let fault = CertificateError::NoQuorum { signed: 3, total: 7 };
    assert_eq!(refused, LightError::Certificate { number: 10, fault });
    // Nor does its state say anything about the next validators.
    let next_validators = Some(world.prove_validators(11).unwrap());
    assert_eq!(ask(&Link { next_validators, ..link }, 9), Err(LightError::NotDecided(10)));
}

/// Traitors with two of four votes make a state in which they are everybody.
#[test]
fn a_minority_cannot_make_itself_the_set() {
    let world = quiet(10);
    let seats = world.seats(&equal(&[0, 1]));
    let (state_root, proof) = state(&seats);
    let parent = Header { state_root, number: 8, ..Header::default() };
    let header = Header { parent_hash: parent.hash_slow(), number: 9, ..Header::default() };
    let link = Link {
        parent: Some(rlp(&parent)),
        header: rlp(&header),
        certificate: Certificate::new(&world.certify(&header, 0, &[0, 1])),
        validators: Some(proof),
        next_validators: None,
    };
    let proof = FinalityProof { number: 9, links: vec![link] };
    let refused = Verifier::new(world.checkpoint(0)).unwrap().finality(&proof, 9).unwrap_err();
    let expected = LightError::TooLittleTrust { number: 9, signed: 2, total: 4, trusted: 0 };
    assert_eq!(refused, expected);
}

#[test]
fn signatures_must_be_ordered_genuine_and_of_this_chain() {
    let world = quiet(10);
    let honest = prove_finality(&world.network, &world, 0, 8).unwrap();
    let refused = |change: &dyn Fn(&mut Certificate)| {
        let mut proof = honest.clone();
        change(&mut proof.links[0].certificate);
        Verifier::new(world.checkpoint(0)).unwrap().finality(&proof, 8).unwrap_err()
    };
    let fault = |error| match error {
        LightError::Certificate { fault, .. } => fault,
        other => panic!("{other}"),
    };
    let twice = |certificate: &mut Certificate| {
        certificate.signatures[1] = certificate.signatures[0];
    };
    assert_eq!(fault(refused(&twice)), CertificateError::Order);
    let first = prove_signer(&honest);
    let forged = |certificate: &mut Certificate| certificate.signatures[0].signature.0[3] ^= 1;
    assert_eq!(fault(refused(&forged)), CertificateError::Signature(first));
    let round = |certificate: &mut Certificate| certificate.round = 1;
    assert_eq!(fault(refused(&round)), CertificateError::Signature(first));
    let stranger = |certificate: &mut Certificate| {
        certificate.signatures[0].validator = CONTRACT;
        certificate.signatures.sort_by_key(|one| one.validator);
    };
    assert_eq!(fault(refused(&stranger)), CertificateError::Signature(CONTRACT));
    // The same headers, signed under another chain id.
    let mut elsewhere = world.checkpoint(0);
    elsewhere.network.chain_id = 8;
    let error = Verifier::new(elsewhere).unwrap().finality(&honest, 8).unwrap_err();
    assert_eq!(fault(error), CertificateError::Signature(first));
}

fn prove_signer(proof: &FinalityProof) -> alloy_primitives::Address {
    proof.links[0].certificate.signatures[0].validator
}

#[test]
fn blocks_that_nobody_signs_are_never_passed_over() {
    let mut world = quiet(20);
    world.network.engines.push(Span { from: 8, engine: EngineName::Pow, contract: None });
    let not_signed = LightError::NotSigned { height: 8, engine: EngineName::Pow };
    assert_eq!(prove_finality(&world.network, &world, 0, 12).unwrap_err(), not_signed);
    let honest = prove_finality(&quiet(20).network, &world, 0, 12).unwrap();
    let refused = Verifier::new(world.checkpoint(0)).unwrap().finality(&honest, 12).unwrap_err();
    assert_eq!(refused, not_signed);
    assert_eq!(
        Verifier::new(world.checkpoint(9)).unwrap_err(),
        LightError::NotSigned { height: 10, engine: EngineName::Pow }
    );
    let below = prove_finality(&world.network, &world, 0, 5).unwrap();
    assert!(Verifier::new(world.checkpoint(0)).unwrap().finality(&below, 5).is_ok());
}

#[test]
fn nothing_older_than_what_is_trusted_is_proven() {
    let world = quiet(10);
    let before = LightError::BeforeTrust { target: 3, trusted: 5 };
    assert_eq!(prove_finality(&world.network, &world, 5, 3).unwrap_err(), before);
    assert_eq!(
        prove_finality(&world.network, &world, 10, 10).unwrap_err(),
        LightError::NoneAbove(10)
    );
    let proof = prove_finality(&world.network, &world, 0, 3).unwrap();
    let mut verifier = Verifier::new(world.checkpoint(5)).unwrap();
    assert_eq!(verifier.finality(&proof, 3).unwrap_err(), before);
    let mut verifier = Verifier::new(world.checkpoint(6)).unwrap();
    let other = FinalityProof { number: 7, ..proof };
    assert!(matches!(verifier.finality(&other, 7), Err(LightError::NotAhead { .. })));
}

#[test]
fn seats_that_no_contract_of_ours_has_are_refused() {
    let world = quiet(3);
    let [a, b] = [world.address(0), world.address(1)].map(|address| address);
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let cases: [(&[(alloy_primitives::Address, u64)], &str); 4] = [
        (&[], "it is empty"),
        (&[(high, 1), (low, 1)], "the seats are not in order"),
        (&[(low, 1), (low, 1)], "the seats are not in order"),
        (&[(low, 0)], "a seat has no power"),
    ];
    for (seats, why) in cases {
        let (root, proof) = state(seats);
        let refused = proof.verify(9, &world.network, root).unwrap_err();
        // A contract without seats has no storage, so the proof of its emptiness has no nodes to spare.
        let expected = LightError::Seats { number: 9, why };
        assert!(refused == expected, "{refused}");
    }
    let read = |_| Ok::<_, LightError>(U256::from(65));
    let refused = crate::validators_in_state(9, read).unwrap_err();
    assert_eq!(refused, LightError::Seats { number: 9, why: "it is larger than any" });
}

/// Sets that change by steps of any size, with any powers.
fn arb_sets() -> impl Strategy<Value = Vec<Powers>> {
    let set = prop::collection::btree_map(0_usize..9, 1_u64..20, 1..7);
    prop::collection::vec((set, 1_usize..8), 1..6)
        .prop_map(|spans| spans.into_iter().flat_map(|(set, count)| vec![set; count]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the changes, an honest server finds a way that the client takes, from and to anywhere.
    #[test]
    fn every_final_block_can_be_proven(sets in arb_sets(), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let world = World::new(sets);
        let last = world.certificates.len();
        let trusted = from.index(last);
        let target = trusted + 1 + to.index(last - trusted);
        let hash = world.headers[target].hash_slow();
        let (trusted, target) = (trusted as u64, target as u64);
        let proof = prove_finality(&world.network, &world, trusted, target).unwrap();
        let mut verifier = Verifier::new(world.checkpoint(trusted)).unwrap();
        let block = verifier.finality(&proof, target).unwrap();
        prop_assert_eq!(block.hash(), hash);
        let now = verifier.checkpoint();
        prop_assert_eq!(&now, &world.checkpoint(now.number));
    }

    /// Signers without more than two thirds of the trusted power prove nothing, whatever they build and
    /// whomever they name as validators.
    #[test]
    fn no_minority_proves_a_block_of_its_own(
        sets in arb_sets(),
        traitors in prop::collection::btree_set(0_usize..9, 1..6),
        ahead in 1_u64..40,
        with_set in any::<bool>(),
    ) {
        let world = World::new(sets);
        let trusted = world.set(&{
            let point = world.checkpoint(0);
            let seats = point.validators;
            (0..9).filter_map(|key| {
                let seat = seats.iter().find(|seat| key < world.keys_known() && seat.address == world.address(key))?;
                Some((key, seat.power))
            }).collect()
        });
        let traitors: Vec<usize> = traitors.into_iter().filter(|key| *key < world.keys_known()).collect();
        let power: u128 = traitors.iter().filter_map(|key| trusted.get(&world.address(*key))).map(|one| u128::from(one.power)).sum();
        prop_assume!(!traitors.is_empty() && !trusted.is_quorum(power));
        let (state_root, set) = state(&world.seats(&equal(&traitors)));
        let parent = if ahead == 1 { world.headers[0].clone() } else {
            Header { state_root, number: ahead - 1, ..Header::default() }
        };
        let header = Header { parent_hash: parent.hash_slow(), number: ahead, state_root, ..Header::default() };
        let link = Link {
            parent: Some(rlp(&parent)),
            header: rlp(&header),
            certificate: Certificate::new(&world.certify(&header, 0, &traitors)),
            validators: (with_set && ahead > 1).then(|| set.clone()),
            next_validators: (with_set && ahead == 1).then_some(set),
        };
        for target in [ahead - 1, ahead] {
            let proof = FinalityProof { number: target, links: vec![link.clone()] };
            let mut verifier = Verifier::new(world.checkpoint(0)).unwrap();
            prop_assert!(verifier.finality(&proof, target).is_err());
        }
    }
}
