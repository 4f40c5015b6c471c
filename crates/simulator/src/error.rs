use crate::Rules;
use std::fmt;
use thiserror::Error;

/// What must hold, whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// Honest members have the same final block, and so the same state, at each height.
    OneChain,
    /// What was final stays so, through any crash.
    FinalityStays,
    /// Nobody but the bank makes money, and none gets lost.
    MoneyConserved,
    /// No honest validator signs two things, and nobody has a proof that one did.
    HonestKeys,
    /// No honest member is penalized by another.
    HonestPeers,
    /// A traitor whose evidence the contract took votes no more, three blocks later.
    TraitorsRemoved,
    /// Once the faults are over, blocks come, and everybody has them.
    Progress,
    /// Once the faults are over, the heaviest chain that anybody had is everybody's.
    HeaviestWins,
    /// No honest member stops by itself.
    NobodyStops,
}

/// A law was broken, or the simulation could not go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Failure {
    /// The seed of the run.
    pub seed: u64,
    /// How blocks came about.
    pub rules: Rules,
    /// Virtual milliseconds since the start.
    pub at_ms: u64,
    /// The law; `None` when the machine of the simulation failed (a full disk, say).
    pub law: Option<Law>,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, rules, at_ms, law, what } = self;
        match law {
            Some(law) => write!(f, "{law:?} does not hold after {at_ms} ms: {what}")?,
            None => write!(f, "the simulation cannot go on after {at_ms} ms: {what}")?,
        }
        write!(f, "\nreproduce: make simulate SEEDS=1 FROM={seed} ENGINES={rules}")
    }
}

/// What a check says, before it is known when and in which run.
pub(crate) type Checked = Result<(), Broken>;

/// A broken law, and what was seen.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) law: Option<Law>,
    pub(crate) what: String,
}

impl Broken {
    pub(crate) fn law(law: Law, what: impl Into<String>) -> Self {
        Self { law: Some(law), what: what.into() }
    }

    /// The machine of the simulation failed.
    pub(crate) fn machine(error: impl fmt::Display) -> Self {
        Self { law: None, what: error.to_string() }
    }
}
