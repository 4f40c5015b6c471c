//! Proofs of equivocation, out of what the library noticed.

use super::context::{SignedProposal, SignedVote, Tendermint};
use alloy_primitives::Address;
use arc_malachitebft_core_consensus::State;
use hanse_primitives::{Equivocation, SigningDomain};

/// What two votes prove, if they prove anything.
pub(crate) fn of_votes(
    domain: &SigningDomain,
    one: &SignedVote,
    other: &SignedVote,
) -> Option<(Address, Equivocation)> {
    let (first, second) = (one.vote(), other.vote());
    if (first.kind, first.height, first.round) != (second.kind, second.height, second.round) {
        return None;
    }
    let proof = Equivocation::Votes {
        kind: first.kind,
        height: first.height,
        round: first.round,
        blocks: [first.block, second.block],
        signatures: [one.signature, other.signature],
    };
    checked(domain, proof)
}

/// What two proposals prove, if they prove anything. Two proposals of one block with different valid
/// rounds prove nothing to the contract, and do no harm.
pub(crate) fn of_proposals(
    domain: &SigningDomain,
    one: &SignedProposal,
    other: &SignedProposal,
) -> Option<(Address, Equivocation)> {
    let proof = Equivocation::Proposals {
        proposals: [one.proposal(), other.proposal()],
        signatures: [one.signature, other.signature],
    };
    checked(domain, proof)
}

/// All that the library holds against validators at its height, but for those who were `accused`
/// already.
pub(crate) fn noticed(
    domain: &SigningDomain,
    state: &State<Tendermint>,
    accused: impl Fn(&Address) -> bool,
) -> Vec<(Address, Equivocation)> {
    let votes = state.driver.votes().evidence().iter();
    let votes = votes.filter(|(account, _)| !accused(&account.0));
    let votes = votes.filter_map(|(_, pairs)| {
        pairs.iter().find_map(|(one, other)| of_votes(domain, one, other))
    });
    let proposals = state.driver.proposals().evidence().iter();
    let proposals = proposals.filter(|(account, _)| !accused(&account.0));
    let proposals = proposals.filter_map(|(_, pairs)| {
        pairs.iter().find_map(|(one, other)| of_proposals(domain, one, other))
    });
    votes.chain(proposals).collect()
}

fn checked(domain: &SigningDomain, proof: Equivocation) -> Option<(Address, Equivocation)> {
    let guilty = proof.verify(domain).ok()?;
    Some((guilty, proof))
}
