//! Messages between validators, for fuzzing.

use super::{
    engine::certificates,
    rules::{
        certificate::{check_polka, check_round, is_signed_proposal, is_signed_vote},
        context::{
            BftAddress, BftHeight, BftProposal, BftValue, BftVote, PolkaCertificate,
            RoundCertificate, SignedProposal,
        },
        message::{FinalBlock, Message, Part, Request, Response},
        voters::Voters,
    },
};
use crate::Signer;
use alloy_primitives::Bytes;
use arc_malachitebft_core_types::{
    NilOrVal, PolkaSignature, Round, RoundCertificateType, RoundSignature, SignedMessage,
    ThresholdParams, VoteType,
};
use hanse_primitives::{
    BlockRef, CommitCertificate, CommitSignature, Height, Proposal, SealedBlock, SigningDomain,
    ValidatorSet, Vote, VoteKind,
};

/// Takes bytes for a message. True when whatever it is signed with checks out against `set`; a message
/// that bears no signature is fine when it can be read.
///
/// # Panics
/// When what was read is not written as the same bytes.
#[must_use]
pub fn judge(bytes: &[u8], domain: &SigningDomain, set: &ValidatorSet) -> bool {
    let Ok(message) = Message::decode(bytes) else { return false };
    assert_eq!(&message.encode()[..], bytes, "a message has one encoding");
    let voters = Voters::new(set.clone(), Height(1)).expect("the set is the caller's own");
    let thresholds = ThresholdParams::default();
    match message {
        Message::Vote(vote) => is_signed_vote(domain, &vote, &vote.signature),
        Message::Offer(proposal) => is_signed_proposal(domain, &proposal, &proposal.signature),
        Message::Part(part) => is_signed_proposal(domain, &part.proposal, &part.proposal.signature),
        Message::Polka(certificate) => {
            check_polka(domain, &certificate, &voters, thresholds).is_ok()
        }
        Message::Round(certificate) => {
            check_round(domain, &certificate, &voters, thresholds).is_ok()
        }
        Message::Status(_) | Message::Request(_) => true,
        Message::Response(response) => certificates(response)
            .is_some_and(|all| all.iter().all(|one| one.verify(domain, set).is_ok())),
    }
}

/// One of each message, about `block`, which validators with these keys sign.
#[must_use]
pub fn messages(
    domain: &SigningDomain,
    signers: &[&dyn Signer],
    block: &SealedBlock,
) -> Vec<(&'static str, Vec<u8>)> {
    let (height, hash) = (block.height(), block.hash());
    let vote = |kind, signer: &dyn Signer| {
        let vote = Vote { kind, height, round: 0, block: Some(hash) };
        let signed = BftVote::new(vote, signer.address());
        SignedMessage::new(signed, signer.sign(vote.digest(domain)))
    };
    let Some(first) = signers.first() else { return Vec::new() };
    let proposal = propose(domain, *first, block);
    let mut rlp = Vec::new();
    alloy_rlp::Encodable::encode(block.block(), &mut rlp);
    let rlp = Bytes::from(rlp);
    let part = Part::cut(&proposal, &rlp).next().expect("a block has some bytes");
    let prevotes = signers.iter().map(|signer| {
        let vote = vote(VoteKind::Prevote, *signer);
        PolkaSignature::new(BftAddress(signer.address()), vote.signature)
    });
    let polka = PolkaCertificate {
        height: BftHeight(height),
        round: Round::new(0),
        value_id: BftValue(hash),
        polka_signatures: prevotes.collect(),
    };
    let precommits = signers.iter().map(|signer| {
        let vote = vote(VoteKind::Precommit, *signer);
        let value = NilOrVal::Val(BftValue(hash));
        let account = BftAddress(signer.address());
        RoundSignature::new(VoteType::Precommit, value, account, vote.signature)
    });
    let round = RoundCertificate {
        height: BftHeight(height),
        round: Round::new(0),
        cert_type: RoundCertificateType::Precommit,
        round_signatures: precommits.collect(),
    };
    let response = Response {
        from: height,
        blocks: vec![FinalBlock { block: rlp, certificate: certificate(domain, signers, block) }],
    };
    let head = BlockRef { height, hash };
    [
        ("vote", Message::Vote(vote(VoteKind::Prevote, *first))),
        ("part", Message::Part(part)),
        ("polka", Message::Polka(polka)),
        ("round", Message::Round(round)),
        ("status", Message::Status(head)),
        ("request", Message::Request(Request { from: height, count: 4 })),
        ("response", Message::Response(response)),
        ("offer", Message::Offer(proposal)),
    ]
    .map(|(name, message)| (name, message.encode().to_vec()))
    .to_vec()
}

fn propose(domain: &SigningDomain, signer: &dyn Signer, block: &SealedBlock) -> SignedProposal {
    let (height, block) = (block.height(), block.hash());
    let proposal = Proposal { height, round: 0, block, valid_round: None };
    let signed = BftProposal::new(proposal, signer.address());
    SignedMessage::new(signed, signer.sign(proposal.digest(domain)))
}

fn certificate(
    domain: &SigningDomain,
    signers: &[&dyn Signer],
    block: &SealedBlock,
) -> CommitCertificate {
    let (height, block) = (block.height(), block.hash());
    let vote = Vote { kind: VoteKind::Precommit, height, round: 0, block: Some(block) };
    let sign = |signer: &&dyn Signer| CommitSignature {
        validator: signer.address(),
        signature: signer.sign(vote.digest(domain)),
    };
    let mut signatures: Vec<CommitSignature> = signers.iter().map(sign).collect();
    signatures.sort_by_key(|one| one.validator);
    CommitCertificate { height, round: 0, block, signatures }
}
