//! What a block must say of its making before anybody votes for it.
//!
//! All of it follows from the block, its parent and the sets that decide the two, so every honest
//! validator comes to the same judgement; only the clock may differ, and it condemns nobody.

use super::proposer;
use crate::{bft::limits::CLOCK_AHEAD_MS_MAX, randao::prev_randao};
use hanse_primitives::{
    BlockRef, CommitCertificate, Height, Provenance, SealedBlock, SigningDomain, ValidatorSet,
};

/// The final block on which the next one stands.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) reference: BlockRef,
    /// Seconds since the Unix epoch.
    pub(crate) timestamp: u64,
    /// What made it final, if validators did, and who they were.
    pub(crate) decided: Option<(CommitCertificate, ValidatorSet)>,
}

/// Why a block cannot be voted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It breaks a rule, whoever looks and whenever.
    Invalid(String),
    /// It comes from the future; look again then (milliseconds since the Unix epoch).
    Early(u64),
}

/// Judges a block whose proposal is signed by a proposer of its height.
///
/// # Errors
/// [`Doubt`].
pub(crate) fn check(
    block: &SealedBlock,
    parent: &Parent,
    voters: &ValidatorSet,
    domain: &SigningDomain,
    now_ms: u64,
) -> Result<Provenance, Doubt> {
    let invalid = |why: &str| Err(Doubt::Invalid(why.to_owned()));
    let header = block.header();
    let height = parent.reference.height.next();
    if block.height() != height || header.parent_hash != parent.reference.hash {
        return invalid("it does not follow the final block");
    }
    let Ok(provenance) = Provenance::decode(&header.extra_data) else {
        return invalid("its extra data is no provenance");
    };
    if proposer::select(voters, height, provenance.round) != provenance.proposer {
        return invalid("it was not its proposer's turn");
    }
    check_parent(&provenance, parent, domain)?;
    check_attributes(block, parent)?;
    let time_ms = header.timestamp.saturating_mul(1_000);
    if time_ms > now_ms.saturating_add(CLOCK_AHEAD_MS_MAX) {
        return Err(Doubt::Early(time_ms.saturating_sub(CLOCK_AHEAD_MS_MAX)));
    }
    Ok(provenance)
}

/// True when a proposal of the round may offer the block: a new one is made for the round, an old one
/// was there when a quorum prevoted it.
pub(crate) fn fits_round(first: u32, round: u32, valid_round: Option<u32>) -> bool {
    valid_round.map_or(first == round, |valid| first <= valid)
}

fn check_parent(
    provenance: &Provenance,
    parent: &Parent,
    domain: &SigningDomain,
) -> Result<(), Doubt> {
    let claimed = provenance.parent_certificate(parent.reference);
    let (claimed, (ours, voters)) = match (claimed, &parent.decided) {
        (Some(claimed), Some(decided)) => (claimed, decided),
        (None, None) if provenance.parent_round == 0 => return Ok(()),
        _ => return Err(Doubt::Invalid("its parent was made final in another way".to_owned())),
    };
    // Ours was checked when the parent was decided. Others may have heard of more late votes, or fewer.
    if claimed == *ours {
        return Ok(());
    }
    let checked = claimed.verify(domain, voters);
    checked.map_err(|error| Doubt::Invalid(format!("its parent's certificate: {error}")))
}

/// What an engine decides about a block, and the builder and executor take as it is.
fn check_attributes(block: &SealedBlock, parent: &Parent) -> Result<(), Doubt> {
    let header = block.header();
    let why = if header.timestamp < parent.timestamp {
        "it is older than its parent"
    } else if header.mix_hash != prev_randao(parent.reference.hash, block.height()) {
        "its prevRandao was chosen at will"
    } else if header.parent_beacon_block_root.is_some_and(|root| !root.is_zero()) {
        "it names a beacon block"
    } else if block.block().body.withdrawals.as_ref().is_some_and(|list| !list.is_empty()) {
        "it creates money by withdrawals"
    } else {
        return Ok(());
    };
    Err(Doubt::Invalid(why.to_owned()))
}

/// The extra data of a block that `proposer` builds for a round on `parent`.
pub(crate) fn of_new_block(
    proposer: alloy_primitives::Address,
    round: u32,
    parent: &Parent,
) -> Provenance {
    let (parent_round, parent_signatures) = match &parent.decided {
        Some((certificate, _)) => (certificate.round, certificate.signatures.clone()),
        None => (0, Vec::new()),
    };
    Provenance { proposer, round, parent_round, parent_signatures }
}

/// The height whose block stands on `parent`.
pub(crate) const fn next_height(parent: &Parent) -> Height {
    parent.reference.height.next()
}
