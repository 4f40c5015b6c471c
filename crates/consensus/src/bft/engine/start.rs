//! When a height is started.
//!
//! Before it is, no clock runs, and messages of the height are kept. A height is started when a block
//! is wanted, and never sooner than `block_time_ms` after the last decision:
//!
//! - a transaction waits in our pool;
//! - `empty_block_time_ms` has passed;
//! - the proposer's block is there;
//! - validators with more than a third of the power have voted, so an honest one has a reason;
//! - one has voted, and the time is over in which an honest one would have waited for a proposal. So
//!   a single traitor, who could vote at once, cannot drive the chain to make empty blocks faster.

use super::Bft;
use crate::{
    Chain, EngineError, Host,
    bft::{
        limits::RETRY_MS,
        rules::context::{BftAddress, BftHeight, Input, Tendermint},
    },
};
use alloy_primitives::Address;
use arc_malachitebft_core_consensus::{Params, State};
use arc_malachitebft_core_types::{ThresholdParams, ValuePayload, VoteExtensionPolicy};

impl Bft {
    /// When the height is to be started; `None` when it has been, or there is none.
    pub(super) fn start_due_ms(&self, pending: bool) -> Option<u64> {
        let deciding = self.deciding.as_ref().filter(|deciding| deciding.core.is_none())?;
        let timing = &self.settings.timing;
        let since = |ms: u64| self.decided_ms.saturating_add(ms);
        let earliest = since(timing.block_time_ms);
        let mut due = self.empty_due_ms();
        if self.counts(pending) {
            due = earliest;
        } else if pending {
            due = due.min(since(RETRY_MS));
        }
        if deciding.call.proposal || deciding.call.many {
            due = earliest;
        } else if deciding.call.one {
            due = due.min(since(timing.propose_timeout_ms));
        }
        Some(due.max(earliest))
    }

    /// When a block is due even though nothing waits.
    pub(super) fn empty_due_ms(&self) -> u64 {
        let timing = &self.settings.timing;
        let wait_ms = timing.empty_block_time_ms.max(timing.block_time_ms);
        self.decided_ms.saturating_add(wait_ms)
    }

    /// True when a waiting transaction is a reason for a block: not when it was one for the last block
    /// already, and did not run.
    pub(super) const fn counts(&self, pending: bool) -> bool {
        pending && !self.futile
    }

    /// Starts the height if it is time.
    pub(super) fn start_if_due<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        let due = self.start_due_ms(host.pending).is_some_and(|due_ms| due_ms <= host.now_ms);
        if !due || self.is_catching_up(host.now_ms) {
            return Ok(false);
        }
        let eager = self.counts(host.pending);
        if let Some(deciding) = &mut self.deciding {
            deciding.eager = eager;
        }
        self.start_core(host)?;
        self.tell_all(host)?;
        let early = self.deciding.as_mut().map(|deciding| std::mem::take(&mut deciding.early));
        for (from, input) in early.unwrap_or_default() {
            if self.finished.is_some() {
                break;
            }
            self.sender = Some(from);
            let fed = self.feed(input, host);
            self.sender = None;
            fed?;
        }
        Ok(true)
    }

    /// Hands the height to the library.
    pub(super) fn start_core<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let account = self.account();
        let Some(deciding) = &mut self.deciding else { return Ok(()) };
        let params = Params {
            address: BftAddress(account.unwrap_or(Address::ZERO)),
            threshold_params: ThresholdParams::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: deciding.signs,
        };
        let (height, voters) = (BftHeight(deciding.height), deciding.voters.clone());
        // The library's own queue for other heights stays empty: we keep their messages ourselves.
        let core = State::new(Tendermint, height, voters.clone(), params, 1, 1);
        deciding.core = Some(Box::new(core));
        let policy = VoteExtensionPolicy::Disabled;
        self.feed(Input::StartHeight(height, voters, false, None, policy), host)
    }
}
