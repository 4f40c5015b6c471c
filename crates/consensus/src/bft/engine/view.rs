//! What people may see.

use super::Bft;
use crate::{
    EngineStatus,
    bft::rules::{context::block_of, proposer},
};
use alloy_primitives::Address;
use arc_malachitebft_core_types::VoteType;
use hanse_primitives::{BlockHash, Height};

/// A round as we see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundView {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// Whose turn it is.
    pub proposer: Address,
    /// Who has prevoted what.
    pub prevotes: Vec<Ballot>,
    /// Who has precommitted what.
    pub precommits: Vec<Ballot>,
}

/// One vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Who voted.
    pub validator: Address,
    /// For what; `None` is nil.
    pub block: Option<BlockHash>,
}

impl Bft {
    /// The round that is under way; `None` when no height is started.
    #[must_use]
    pub fn round(&self) -> Option<RoundView> {
        let deciding = self.deciding.as_ref()?;
        let core = deciding.core.as_ref()?;
        let round = core.round();
        let votes = core.driver.votes().per_round(round);
        let votes = votes.map(|votes| votes.received_votes().as_slice()).unwrap_or_default();
        let of = |kind: VoteType| {
            let votes = votes.iter().filter(|vote| vote.kind == kind);
            let ballot = votes
                .map(|vote| Ballot { validator: vote.validator.0, block: block_of(&vote.value) });
            ballot.collect()
        };
        let round = round.as_u32()?;
        Some(RoundView {
            height: deciding.height,
            round,
            proposer: proposer::select(deciding.voters.set(), deciding.height, round),
            prevotes: of(VoteType::Prevote),
            precommits: of(VoteType::Precommit),
        })
    }

    pub(super) fn describe(&self) -> EngineStatus {
        let best =
            self.peers.iter().filter(|(_, peer)| peer.failures == 0).map(|(_, peer)| peer.claims);
        let best_known = best.max().unwrap_or_default().max(self.parent.reference.height);
        let height = self.parent.reference.height.next();
        let (round, step) = match &self.deciding {
            None if self.is_over() => (0, "handover"),
            None => (0, "wait"),
            Some(_) if !self.sync.is_idle() || best_known > height => (0, "sync"),
            Some(deciding) => match &deciding.core {
                None => (0, "wait"),
                Some(core) if !deciding.signs => (core.round().as_u32().unwrap_or(0), "follow"),
                Some(core) => (core.round().as_u32().unwrap_or(0), step(core)),
            },
        };
        EngineStatus { height, round, step, best_known }
    }
}

fn step(
    core: &arc_malachitebft_core_consensus::State<crate::bft::rules::context::Tendermint>,
) -> &'static str {
    if core.driver.step_is_prevote() {
        "prevote"
    } else if core.driver.step_is_precommit() {
        "precommit"
    } else if core.driver.step_is_commit() {
        "commit"
    } else {
        "propose"
    }
}
