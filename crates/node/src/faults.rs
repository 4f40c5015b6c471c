//! Makes this node misbehave on request, so that people can watch what the others do about it. Only in
//! networks whose genesis says that they are for development, and only where the operator asks for it.

use crate::driver::now_ms;
use hanse_consensus::{Treason, TreasonOrder};
use hanse_network::Network;
use hanse_primitives::{ChainSpec, Engine};
use hanse_rpc::Faults;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};

const PAUSE: &str = "pause";
const CUT: &str = "cut";

/// The ways to lie, by their names on the interface.
const TREASONS: [(&str, Treason); 5] = [
    ("equivocateVotes", Treason::EquivocateVotes),
    ("equivocateProposals", Treason::EquivocateProposals),
    ("invalidBlocks", Treason::InvalidBlocks),
    ("silent", Treason::Silent),
    ("flood", Treason::Flood),
];

/// Where nobody votes there is nobody to lie to.
const WITHOUT_VOTES: &[&str] = &[PAUSE, CUT];
const WITH_VOTES: &[&str] =
    &[PAUSE, CUT, TREASONS[0].0, TREASONS[1].0, TREASONS[2].0, TREASONS[3].0, TREASONS[4].0];

/// A fault that is on.
#[derive(Clone, Copy, Debug)]
struct Current {
    kind: &'static str,
    until_ms: u64,
}

/// What the engine's side of the node looks at. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultSwitch {
    current: Arc<Mutex<Option<Current>>>,
    /// What a traitorous engine follows.
    pub(crate) treason: TreasonOrder,
}

impl FaultSwitch {
    /// How long the engine must stand still from now on.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        let current = (*self.current.lock()).filter(|current| current.kind == PAUSE)?;
        let left = current.until_ms.saturating_sub(now_ms());
        (left > 0).then(|| Duration::from_millis(left))
    }

    fn current(&self) -> Option<Current> {
        (*self.current.lock()).filter(|current| current.until_ms > now_ms())
    }
}

/// The switch as JSON-RPC has it.
pub(crate) struct FaultControl {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) network: Arc<Network>,
    pub(crate) switch: FaultSwitch,
    /// This node has a key to vote with.
    pub(crate) votes: bool,
}

impl FaultControl {
    fn end(&self) {
        self.switch.treason.set(None);
        self.network.heal();
    }

    /// Lets the peers back when the time has come, unless something else has been asked for since.
    fn heal_later(&self, current: Current, time: Duration) {
        let (network, switch) = (Arc::clone(&self.network), self.switch.clone());
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            let kept = switch
                .current
                .lock()
                .is_some_and(|now| (now.kind, now.until_ms) == (current.kind, current.until_ms));
            if kept {
                network.heal();
            }
        });
    }
}

impl Faults for FaultControl {
    fn kinds(&self) -> &'static [&'static str] {
        let engine = self.spec.hanse().map(|hanse| &hanse.consensus);
        match engine.and_then(Engine::validators) {
            Some(_) if self.votes => WITH_VOTES,
            _ => WITHOUT_VOTES,
        }
    }

    fn current(&self) -> Option<(&'static str, u64)> {
        self.switch.current().map(|current| (current.kind, current.until_ms))
    }

    fn set(&self, fault: Option<(&str, Duration)>) -> Result<(), String> {
        let Some((name, time)) = fault else {
            *self.switch.current.lock() = None;
            self.end();
            tracing::warn!("the fault is over");
            return Ok(());
        };
        let kinds = self.kinds();
        let kind = kinds.iter().find(|kind| **kind == name).copied();
        let kind = kind.ok_or_else(|| {
            format!("there is no fault '{name}' here; there are {}", kinds.join(", "))
        })?;
        let millis = u64::try_from(time.as_millis()).map_err(|error| error.to_string())?;
        let current = Current { kind, until_ms: now_ms().saturating_add(millis) };
        self.end();
        *self.switch.current.lock() = Some(current);
        tracing::warn!(kind, seconds = time.as_secs_f32(), "this node misbehaves on request");
        if kind == CUT {
            self.network.cut_all();
            self.heal_later(current, time);
        }
        let treason = TREASONS.iter().find(|(name, _)| *name == kind);
        if let Some((_, treason)) = treason {
            self.switch.treason.set(Some((*treason, current.until_ms)));
        }
        Ok(())
    }
}
