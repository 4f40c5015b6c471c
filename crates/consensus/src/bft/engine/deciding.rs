//! Everything about the height that is being decided. Dropped as a whole when it is.

use super::{assemble::Assembly, timers::Timers};
use crate::bft::rules::{
    context::{Input, SignedProposal, Tendermint},
    voters::Voters,
};
use alloy_primitives::{Address, Bytes};
use arc_malachitebft_core_consensus::State;
use arc_malachitebft_core_types::{ThresholdParam, Validator as _, ValidatorSet as _};
use hanse_primitives::{BlockHash, Height, PeerId, SealedBlock};
use std::collections::{BTreeMap, BTreeSet};

/// A height that is being decided.
pub(super) struct Deciding {
    pub(super) height: Height,
    pub(super) voters: Voters,
    /// True when we vote at this height.
    pub(super) signs: bool,
    /// The library, once the height is started.
    pub(super) core: Option<Box<State<Tendermint>>>,
    pub(super) timers: Timers,
    /// Blocks that were judged.
    pub(super) bodies: BTreeMap<BlockHash, Body>,
    /// Blocks that could not be judged yet.
    pub(super) doubted: BTreeMap<BlockHash, Doubted>,
    /// Blocks that are on their way, by who sends them.
    pub(super) assemblies: BTreeMap<PeerId, Vec<Assembly>>,
    /// Proposals whose signature was checked, by round.
    pub(super) proposals: BTreeMap<u32, Vec<Offer>>,
    /// Votes and certificates for when the height is started.
    pub(super) early: Vec<(PeerId, Input)>,
    pub(super) call: Call,
    /// Who was shown, in which round, what the proposer told us.
    pub(super) shown: BTreeSet<(PeerId, u32)>,
    /// The round for which we are to propose.
    pub(super) wanted: Option<Wanted>,
    /// True when the height was started because a transaction waited.
    pub(super) eager: bool,
}

/// A judged block.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) block: SealedBlock,
    /// Its RLP.
    pub(super) bytes: Bytes,
    /// The round for which it was built; `None` when it does not say.
    pub(super) first_round: Option<u32>,
    pub(super) is_valid: bool,
    /// True when the library knows of it.
    pub(super) told: bool,
}

/// A block that could not be judged yet.
#[derive(Debug)]
pub(super) struct Doubted {
    pub(super) block: SealedBlock,
    pub(super) bytes: Bytes,
    pub(super) from: PeerId,
    /// When to try again.
    pub(super) due_ms: u64,
}

/// A proposal with a good signature.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) signed: SignedProposal,
    /// Who sent it; `None` when we or the log did.
    pub(super) from: Option<PeerId>,
    /// True when the library knows of it, or never shall.
    pub(super) told: bool,
}

/// Why others want the height to be started.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The proposer's block is there.
    pub(super) proposal: bool,
    /// So many voted that an honest one is among them.
    pub(super) many: bool,
    /// Somebody voted.
    pub(super) one: bool,
    voted: BTreeSet<Address>,
    power: u64,
}

/// A round for which the library waits for our block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) round: u32,
    /// The block is built then, even if it is empty.
    pub(super) latest_ms: u64,
    /// Nothing is tried before.
    pub(super) earliest_ms: u64,
}

impl Deciding {
    pub(super) fn new(height: Height, voters: Voters, signs: bool) -> Self {
        Self {
            height,
            voters,
            signs,
            core: None,
            timers: Timers::default(),
            bodies: BTreeMap::new(),
            doubted: BTreeMap::new(),
            assemblies: BTreeMap::new(),
            proposals: BTreeMap::new(),
            early: Vec::new(),
            call: Call::default(),
            shown: BTreeSet::new(),
            wanted: None,
            eager: false,
        }
    }

    /// The round that is under way.
    pub(super) fn round(&self) -> u32 {
        self.core.as_ref().and_then(|core| core.round().as_u32()).unwrap_or(0)
    }

    /// When a block that could not be judged is to be looked at again.
    pub(super) fn doubts_due_ms(&self) -> Option<u64> {
        self.doubted.values().map(|doubted| doubted.due_ms).min()
    }

    /// Notes that a validator has started this height, as its good signature proves.
    pub(super) fn note_voter(&mut self, validator: Address) {
        let Some(voter) = self.voters.voter(&validator) else { return };
        self.call.one = true;
        if self.call.voted.insert(validator) {
            self.call.power += voter.voting_power();
            let total = self.voters.total_voting_power();
            self.call.many |= ThresholdParam::F_PLUS_ONE.is_met(self.call.power, total);
        }
    }
}
