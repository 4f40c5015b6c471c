//! How a chain decides its blocks, as its genesis says.

use crate::{Height, limits};
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// The consensus engine of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "engine",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Engine {
    /// One node seals alone, for development and tests.
    Solo {
        /// Milliseconds between blocks; 0 seals as soon as a transaction waits.
        #[serde(default)]
        block_time_ms: u64,
    },
    /// Validators of equal weight decide each block (Tendermint); final at once.
    Bft(ValidatorSettings),
    /// Validators weighted by their stake decide each block (Tendermint); final at once.
    Pos(ValidatorSettings),
    /// Miners compete; the heaviest chain counts (Nakamoto); final some blocks later.
    Pow(WorkSettings),
}

impl Engine {
    /// Its name, as genesis has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Solo { .. } => "solo",
            Self::Bft(_) => "bft",
            Self::Pos(_) => "pos",
            Self::Pow(_) => "pow",
        }
    }

    /// Settings of an engine in which validators vote.
    #[must_use]
    pub const fn validators(&self) -> Option<&ValidatorSettings> {
        match self {
            Self::Bft(settings) | Self::Pos(settings) => Some(settings),
            Self::Solo { .. } | Self::Pow(_) => None,
        }
    }

    /// Refuses settings out of their bounds.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Solo { .. } => Ok(()),
            Self::Bft(settings) | Self::Pos(settings) => settings.check(),
            Self::Pow(settings) => settings.check(),
        }
    }
}

/// Another engine from a height on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineChange {
    /// The first height that the engine decides.
    pub height: Height,
    /// The engine.
    pub consensus: Engine,
}

/// Settings of the engines in which validators vote. All times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ValidatorSettings {
    /// The contract that knows who votes (`IValidators`).
    pub contract: Address,
    /// Least time between two blocks.
    pub block_time_ms: u64,
    /// Time after which a block is made even when no transaction waits; 0: as soon as it may be.
    pub empty_block_time_ms: u64,
    /// How long to wait for a proposal in round 0.
    pub propose_timeout_ms: u64,
    /// How long to wait for more votes once a quorum has voted, in round 0.
    pub vote_timeout_ms: u64,
    /// What each further round adds to both. A round never waits longer than 10 seconds.
    pub timeout_step_ms: u64,
}

impl Default for ValidatorSettings {
    fn default() -> Self {
        Self {
            contract: Address::ZERO,
            block_time_ms: 0,
            empty_block_time_ms: 5_000,
            propose_timeout_ms: 500,
            vote_timeout_ms: 300,
            timeout_step_ms: 250,
        }
    }
}

impl ValidatorSettings {
    fn check(&self) -> Result<(), String> {
        let times = [
            ("proposeTimeoutMs", self.propose_timeout_ms, 1, limits::ROUND_MS_MAX),
            ("voteTimeoutMs", self.vote_timeout_ms, 1, limits::ROUND_MS_MAX),
            ("timeoutStepMs", self.timeout_step_ms, 0, limits::ROUND_MS_MAX),
            ("blockTimeMs", self.block_time_ms, 0, limits::BLOCK_TIME_MS_MAX),
            ("emptyBlockTimeMs", self.empty_block_time_ms, 0, limits::BLOCK_TIME_MS_MAX),
        ];
        if self.contract.is_zero() {
            return Err("consensus.contract must name the contract that knows who votes".to_owned());
        }
        for (name, value, least, most) in times {
            if !(least..=most).contains(&value) {
                return Err(format!("consensus.{name} is {value}; it must be {least} to {most}"));
            }
        }
        Ok(())
    }
}

/// Settings of proof of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WorkSettings {
    /// Milliseconds between blocks that the difficulty aims at; at least 1,000, since header times are
    /// in seconds.
    pub block_time_ms: u64,
    /// Half-life of the difficulty's answer to a change of mining power, in seconds (ASERT).
    pub half_life_seconds: u64,
    /// Blocks on top of which a block is final.
    pub finality_depth: u64,
    /// Difficulty of the first block, in hashes that it takes on average: about the network's hashes
    /// a second times the seconds between blocks.
    pub initial_difficulty: u64,
}

impl Default for WorkSettings {
    fn default() -> Self {
        Self {
            block_time_ms: 5_000,
            half_life_seconds: 600,
            finality_depth: 12,
            initial_difficulty: 10_000_000,
        }
    }
}

impl WorkSettings {
    fn check(&self) -> Result<(), String> {
        let bounds = [
            ("blockTimeMs", self.block_time_ms, 1_000, limits::BLOCK_TIME_MS_MAX),
            ("halfLifeSeconds", self.half_life_seconds, 1, 365 * 86_400),
            ("finalityDepth", self.finality_depth, 1, limits::FINALITY_DEPTH_MAX),
            ("initialDifficulty", self.initial_difficulty, 1, u64::MAX),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(format!("consensus.{name} is {value}; it must be {least} to {most}"));
            }
        }
        Ok(())
    }
}
