//! How long this node keeps history: everything, what the network's rules say, or so many days.

use crate::NodeError;
use hanse_execution::{Executor, RetentionRule};
use hanse_identity::limits::DAY_SECONDS;
use hanse_ledger::{Horizon, Ledger, PruneReport};
use hanse_primitives::{BlockRef, Height};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// Time until the first look: a node that has just come has other things to do.
const FIRST: Duration = Duration::from_secs(10);

/// What a node keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum History {
    /// Everything that the network's rules do not let go.
    #[default]
    Rules,
    /// Everything, whatever the rules say.
    Archive,
    /// As [`History::Rules`], and nothing but headers, seals and proofs that is older than so many days.
    Days(u32),
}

impl Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => f.write_str("rules"),
            Self::Archive => f.write_str("archive"),
            Self::Days(days) => write!(f, "{days}d"),
        }
    }
}

impl FromStr for History {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "rules" => return Ok(Self::Rules),
            "archive" => return Ok(Self::Archive),
            _ => {}
        }
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        days.filter(|days| *days > 0).map(Self::Days).ok_or_else(|| {
            format!("'{text}' is none of: rules, archive, or a number of days as 90d")
        })
    }
}

impl From<History> for String {
    fn from(history: History) -> Self {
        history.to_string()
    }
}

impl TryFrom<String> for History {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Lets history go from time to time.
pub(crate) struct Keeper {
    ledger: Ledger,
    executor: Executor,
    history: History,
    every: Duration,
    /// That this node goes against the rules has been said.
    has_warned: AtomicBool,
}

/// Rises when transactions have gone.
pub(crate) type Gone = watch::Receiver<u64>;

impl Keeper {
    pub(crate) const fn new(
        ledger: Ledger,
        executor: Executor,
        history: History,
        every: Duration,
    ) -> Self {
        Self { ledger, executor, history, every, has_warned: AtomicBool::new(false) }
    }

    /// Runs for as long as the runtime.
    pub(crate) fn start(self) -> Gone {
        let (tell, gone) = watch::channel(0_u64);
        let keeper = Arc::new(self);
        tokio::spawn(async move {
            let mut wait = FIRST.min(keeper.every);
            loop {
                tokio::time::sleep(wait).await;
                wait = keeper.every;
                let own = Arc::clone(&keeper);
                match tokio::task::spawn_blocking(move || own.once()).await {
                    Ok(Ok(report)) if report.transactions > 0 => {
                        tell.send_modify(|count| *count += report.transactions);
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => {
                        tracing::error!(%error, "history is not let go; trying again later");
                    }
                    Err(error) => tracing::error!(%error, "letting history go has failed"),
                }
            }
        });
        gone
    }

    fn once(&self) -> Result<PruneReport, NodeError> {
        let last = self.ledger.finalized();
        let rules = self.executor.retention_rules(last.hash);
        let rules = rules.map_err(|error| NodeError::Failed(error.to_string()))?;
        let horizon = match self.history {
            History::Archive => {
                if !rules.is_empty() && !self.has_warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        rules = rules.len(),
                        "the network has rules by which data go, and this node keeps them all the \
                         same (--history archive)"
                    );
                }
                Horizon::default()
            }
            History::Rules => self.horizon(last, &rules, None)?,
            History::Days(days) => self.horizon(last, &rules, Some(days))?,
        };
        let report = self.ledger.prune(&horizon)?;
        if report != PruneReport::default() {
            tracing::info!(
                blocks = report.blocks,
                transactions = report.transactions,
                versions = report.versions,
                log_bytes = report.log_bytes,
                whole_from = self.ledger.horizon().highest().0,
                "let history go"
            );
        }
        Ok(report)
    }

    /// The horizon as of a block: whole days, so that it moves once a day.
    fn horizon(
        &self,
        last: BlockRef,
        rules: &[RetentionRule],
        all: Option<u32>,
    ) -> Result<Horizon, NodeError> {
        let header = self.ledger.header(last.height)?;
        let now = header.map_or(0, |header| header.timestamp);
        let mut known: BTreeMap<u32, Height> = BTreeMap::new();
        let mut height = |days: u32| match known.get(&days) {
            Some(height) => Ok(*height),
            None => {
                let time =
                    now.saturating_sub(u64::from(days) * DAY_SECONDS) / DAY_SECONDS * DAY_SECONDS;
                let height = self.first_since(time, last.height)?;
                known.insert(days, height);
                Ok::<_, NodeError>(height)
            }
        };
        let mut days_of = BTreeMap::new();
        for rule in rules {
            for contract in &rule.contracts {
                let days = days_of.entry(*contract).or_insert(rule.days);
                *days = (*days).max(rule.days);
            }
        }
        let mut horizon = Horizon::default();
        for (contract, days) in days_of {
            horizon.contracts.insert(contract, height(days)?);
        }
        if let Some(days) = all {
            horizon.all = height(days)?;
        }
        Ok(horizon)
    }

    /// The lowest height at or below `last` whose block is not older than `time`; `last` if all are.
    fn first_since(&self, time: u64, last: Height) -> Result<Height, NodeError> {
        let (mut low, mut high) = (Height::GENESIS.0, last.0);
        while low < high {
            let middle = low.midpoint(high);
            let header = self.ledger.header(Height(middle))?;
            let header = header.ok_or_else(|| {
                NodeError::Failed(format!("the ledger has no header at height {middle}"))
            })?;
            if header.timestamp < time { low = middle + 1 } else { high = middle }
        }
        Ok(Height(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_is_written() {
        for history in [History::Rules, History::Archive, History::Days(1), History::Days(3_650)] {
            assert_eq!(history.to_string().parse(), Ok(history));
        }
        for wrong in ["", "d", "0d", "-1d", "90", "99999999999d", "Archive", "all"] {
            let error = wrong.parse::<History>().unwrap_err();
            assert!(error.contains("as 90d"), "{error}");
        }
    }
}
