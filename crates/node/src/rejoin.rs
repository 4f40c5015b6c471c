//! Takes the seat back that this node's validator has lost for absence: by a transaction of its own, once
//! the node is at the tip and the wait is over. Who was put out for anything else stays out.

use crate::{NodeError, clock::Skew, docket::Docket, driver::Status, own::OwnAccount};
use hanse_execution::{AbsenceRules, Executor, Standing, comeback};
use hanse_network::Network;
use hanse_primitives::{BlockRef, Height};
use hanse_rpc::Events;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Least time between two looks.
const LOOK_TIME: Duration = Duration::from_secs(1);

/// Blocks that peers may be ahead of a node that is at the tip: they may just have been decided.
const BEHIND_MAX: u64 = 2;

/// Follows what becomes of this node's validator.
pub(crate) struct Rejoin {
    pub(crate) own: OwnAccount,
    pub(crate) executor: Executor,
    pub(crate) network: Arc<Network>,
    pub(crate) status: Status,
    pub(crate) skew: Skew,
    /// Whether to take the seat back, or only to say that it is lost.
    pub(crate) wanted: bool,
}

/// What is to be done about a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is ours, or is not for us to take.
    Nothing,
    /// Not yet.
    Wait,
    /// Ask for it.
    Ask,
}

/// Where a node is among its peers.
#[derive(Clone, Copy, Debug)]
struct Place {
    head: Height,
    best_known: Height,
    peers: usize,
    /// Its clock is so far off that it could not take part.
    is_out_of_time: bool,
}

impl Place {
    /// Whether it has, as far as it can know, the newest block, and could take part in the next. Alone it
    /// cannot know.
    const fn is_tip(self) -> bool {
        self.peers > 0
            && !self.is_out_of_time
            && self.best_known.0 <= self.head.0.saturating_add(BEHIND_MAX)
    }
}

fn step(standing: Standing, since: Height, rules: AbsenceRules, place: Place) -> Step {
    if standing != Standing::Absent {
        return Step::Nothing;
    }
    let allowed_in = since.0.saturating_add(rules.wait_blocks);
    if place.head.next().0 >= allowed_in && place.is_tip() { Step::Ask } else { Step::Wait }
}

impl Rejoin {
    /// Runs until the chain is gone. Looks only when a block comes: who hears of none, because it sleeps
    /// or is cut off, is absent and has to stay so.
    pub(crate) fn start(self, events: &Events) {
        let mut chain = events.chain();
        tokio::spawn(async move {
            let mut told = None;
            let mut docket = Docket::default();
            loop {
                if matches!(chain.recv().await, Err(RecvError::Closed)) {
                    return;
                }
                // One look is enough for all that have come.
                while !matches!(chain.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {
                }
                if let Err(error) = self.look(&mut told) {
                    tracing::error!(%error, "this validator's standing cannot be read");
                }
                if let Err(error) = docket.look(&self.own) {
                    tracing::error!(%error, "what was proven before cannot be read");
                }
                tokio::time::sleep(LOOK_TIME).await;
            }
        });
    }

    /// Finds out how things stand, says so when they have changed, and does what is to be done.
    fn look(&self, told: &mut Option<Standing>) -> Result<(), NodeError> {
        let failed = |error: hanse_execution::ExecutionError| NodeError::Failed(error.to_string());
        let Some((engine, contract)) = self.own.engine().map_err(failed)? else { return Ok(()) };
        let head = self.own.ledger.head();
        let found = self.executor.standing(head.hash, contract, self.own.address());
        let Some((standing, since)) = found.map_err(failed)? else { return Ok(()) };
        let news = told.replace(standing) != Some(standing);
        if !news && standing != Standing::Absent {
            return Ok(());
        }
        let rules = self.executor.absence_rules(head.hash, contract).map_err(failed)?;
        if news {
            self.tell(standing, since, rules);
        }
        if !self.wanted || step(standing, since, rules, self.place(head)) != Step::Ask {
            return Ok(());
        }
        let Some(input) = comeback(&engine) else { return Ok(()) };
        if self.own.has_pending().map_err(NodeError::Failed)? {
            return Ok(());
        }
        match self.own.call(contract, input) {
            Ok(hash) => tracing::info!(%hash, head = head.height.0, "asked for the seat back"),
            Err(error) => tracing::warn!(%error, "the seat cannot be asked for; trying again"),
        }
        Ok(())
    }

    fn place(&self, head: BlockRef) -> Place {
        let best_known = self.status.lock().best_known;
        let peers = self.network.peers().len();
        Place { head: head.height, best_known, peers, is_out_of_time: self.skew.is_too_much() }
    }

    fn tell(&self, standing: Standing, since: Height, rules: AbsenceRules) {
        let validator = self.own.address();
        let AbsenceRules { window, missed_max, seconds_min, wait_blocks } = rules;
        match standing {
            Standing::Active => tracing::info!(%validator, "this validator has a seat"),
            Standing::Absent => {
                let allowed_in = since.0.saturating_add(wait_blocks);
                let next = if self.wanted {
                    "this node asks for it once it is at the tip and that block may come"
                } else {
                    "it stays away, since this node is told not to rejoin; send the transaction yourself"
                };
                tracing::warn!(
                    %validator, removed_in = since.0, allowed_in,
                    "this validator has lost its seat: it missed more than {missed_max} of {window} blocks for \
                     {seconds_min} s; {next}"
                );
            }
            Standing::Equivocated => tracing::error!(
                %validator, since = since.0,
                "this validator is out for ever: it is proven to have signed two things; no node rejoins by itself"
            ),
            other => tracing::warn!(
                %validator, since = since.0, standing = other.name(),
                "this validator has no seat, and it is not this node's to take back"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
