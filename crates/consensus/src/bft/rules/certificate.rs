//! Checks signatures, alone and gathered in certificates.

use super::{
    context::{
        BftProposal, BftVote, PolkaCertificate, RoundCertificate, SignedVote, Tendermint,
        round_number,
    },
    voters::Voters,
};
use arc_malachitebft_core_types::{
    self as library, BoxError, CertificateError, CommitSignature as LibrarySignature,
    RoundCertificateType, ThresholdParam, ThresholdParams, Validator as _, ValidatorSet as _,
    VoteType,
};
use hanse_primitives::{CommitCertificate, CommitSignature, SigningDomain, ValidatorSignature};
use std::collections::BTreeSet;

type Checked = Result<(), CertificateError<Tendermint>>;

/// True when the vote is signed by whom it says. About 27 us.
pub(crate) fn is_signed_vote(
    domain: &SigningDomain,
    vote: &BftVote,
    signature: &ValidatorSignature,
) -> bool {
    signature.recover(vote.vote().digest(domain)).ok() == Some(vote.validator.0)
}

/// True when the proposal is signed by whom it says. About 27 us.
pub(crate) fn is_signed_proposal(
    domain: &SigningDomain,
    proposal: &BftProposal,
    signature: &ValidatorSignature,
) -> bool {
    signature.recover(proposal.proposal().digest(domain)).ok() == Some(proposal.proposer.0)
}

/// Checks that a quorum prevoted a block.
pub(crate) fn check_polka(
    domain: &SigningDomain,
    certificate: &PolkaCertificate,
    voters: &Voters,
    thresholds: ThresholdParams,
) -> Checked {
    let votes: Vec<_> = certificate.votes(&Tendermint).collect();
    check_votes(domain, &votes, voters, thresholds.quorum)
}

/// Checks that enough voted in a round to leave it, or to enter it.
pub(crate) fn check_round(
    domain: &SigningDomain,
    certificate: &RoundCertificate,
    voters: &Voters,
    thresholds: ThresholdParams,
) -> Checked {
    let votes: Vec<_> = certificate.votes(&Tendermint).collect();
    match certificate.cert_type {
        RoundCertificateType::Skip => check_votes(domain, &votes, voters, thresholds.honest),
        RoundCertificateType::Precommit => {
            if let Some(other) = votes.iter().find(|vote| vote.kind == VoteType::Prevote) {
                return Err(CertificateError::InvalidVoteType(other.validator));
            }
            check_votes(domain, &votes, voters, thresholds.quorum)
        }
    }
}

/// Checks a certificate of the library's as `primitives` would.
pub(crate) fn check_commit(
    domain: &SigningDomain,
    certificate: &library::CommitCertificate<Tendermint>,
    voters: &Voters,
) -> Checked {
    let checked = commit(certificate.clone()).verify(domain, voters.set());
    checked.map_err(|error| CertificateError::VerificationError(Some(BoxError(Box::new(error)))))
}

/// The certificate as blocks carry it.
pub(crate) fn commit(certificate: library::CommitCertificate<Tendermint>) -> CommitCertificate {
    let sign = |one: LibrarySignature<Tendermint>| CommitSignature {
        validator: one.address.0,
        signature: one.signature,
    };
    let mut signatures: Vec<_> = certificate.commit_signatures.into_iter().map(sign).collect();
    signatures.sort_by_key(|one| one.validator);
    CommitCertificate {
        height: certificate.height.0,
        round: round_number(certificate.round),
        block: certificate.value_id.0,
        signatures,
    }
}

/// Checks that voters with more than the threshold signed, each once.
fn check_votes(
    domain: &SigningDomain,
    votes: &[SignedVote],
    voters: &Voters,
    threshold: ThresholdParam,
) -> Checked {
    let mut seen = BTreeSet::new();
    let mut signed = 0;
    for vote in votes {
        if !seen.insert(vote.validator) {
            return Err(CertificateError::DuplicateVote(vote.validator));
        }
        let voter = voters.get_by_address(&vote.validator);
        signed += voter.ok_or(CertificateError::UnknownValidator(vote.validator))?.voting_power();
    }
    let total = voters.total_voting_power();
    if !threshold.is_met(signed, total) {
        let expected = threshold.min_expected(total);
        return Err(CertificateError::NotEnoughVotingPower { signed, total, expected });
    }
    // The costly check comes last.
    for vote in votes {
        if !is_signed_vote(domain, vote, &vote.signature) {
            let signature = LibrarySignature::new(vote.validator, vote.signature);
            return Err(CertificateError::InvalidCommitSignature(signature));
        }
    }
    Ok(())
}
