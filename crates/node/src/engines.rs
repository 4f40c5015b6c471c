//! Which engine decides the next block, and the log that it recovers from.

use crate::{
    chain::LocalChain,
    driver::{Engines, Equipped},
    validator::ValidatorKey,
    wal::{FileWal, NoWal},
};
use alloy_primitives::Address;
use hanse_consensus::{
    Bft, BftSettings, Chain, MinerSettings, Pow, PowSettings, Signer, Solo, SoloSettings,
    Succession, Wal,
};
use hanse_primitives::{ChainSpec, Engine, Height, ValidatorSettings, WorkSettings};
use std::path::PathBuf;

/// What this node may do in a network.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// Folder for the engines' logs.
    pub(crate) directory: PathBuf,
    /// The key to vote with; without one the node follows.
    pub(crate) validator: Option<ValidatorKey>,
    /// Whom to mine for; without one the node follows.
    pub(crate) miner: Option<MinerSettings>,
}

/// Makes engines as the chain's genesis names them.
pub(crate) fn engines(role: Role) -> Engines {
    Box::new(move |chain| {
        let head = chain.head();
        let block = chain.block(head.hash).map_err(|error| error.to_string())?;
        let block = block.ok_or_else(|| format!("the head {} is not known", head.hash))?;
        let next = head.height.next();
        let span = Span::of(&chain.spec, next);
        if let Some(change) = Change::around(&chain.spec, next) {
            return role.hands_over(chain, &change);
        }
        match chain.spec.engine_at(next) {
            Some(Engine::Solo { block_time_ms }) => {
                let settings =
                    SoloSettings { block_time_ms: *block_time_ms, fee_recipient: Address::ZERO };
                let engine = Box::new(Solo::new(settings, &block));
                Ok(Equipped { engine, wal: Box::new(NoWal) })
            }
            Some(Engine::Bft(settings) | Engine::Pos(settings)) => {
                let engine = Box::new(role.votes(&chain.spec, settings, span));
                Ok(Equipped { engine, wal: role.wal("votes", span)? })
            }
            Some(Engine::Pow(settings)) => {
                let engine = Box::new(role.works(settings, span));
                Ok(Equipped { engine, wal: role.wal("work", span)? })
            }
            None => Err("the genesis names no consensus engine".to_owned()),
        }
    })
}

impl Role {
    fn votes(&self, spec: &ChainSpec, timing: &ValidatorSettings, span: Span) -> Bft {
        let fee_recipient = match spec.engine_at(span.first) {
            // The fees are shared out by the contract that holds the stakes.
            Some(Engine::Pos(settings)) => settings.contract,
            _ => Address::ZERO,
        };
        let settings = BftSettings {
            timing: timing.clone(),
            fee_recipient,
            first: span.first,
            last: span.last,
        };
        let signer = self.validator.clone().map(|key| Box::new(key) as Box<dyn Signer>);
        Bft::new(settings, spec.signing_domain(), signer)
    }

    fn works(&self, work: &WorkSettings, span: Span) -> Pow {
        Pow::new(PowSettings {
            work: work.clone(),
            first: span.first,
            last: span.last,
            miner: self.miner,
        })
    }

    /// Both engines around a change, which overlap there.
    fn hands_over(&self, chain: &LocalChain, change: &Change<'_>) -> Result<Equipped, String> {
        let pow = self.works(change.work, change.before);
        let bft = self.votes(&chain.spec, change.votes, change.after);
        let engine = Succession::new(pow, Box::new(bft), self.wal("votes", change.after)?);
        Ok(Equipped { engine: Box::new(engine), wal: self.wal("work", change.before)? })
    }

    fn wal(&self, name: &str, span: Span) -> Result<Box<dyn Wal + Send>, String> {
        let path = self.directory.join(format!("{name}-{}.wal", span.first));
        let wal = FileWal::open(&path).map_err(|error| error.to_string())?;
        Ok(Box::new(wal))
    }
}

/// Miners, and validators after them.
struct Change<'a> {
    work: &'a WorkSettings,
    before: Span,
    votes: &'a ValidatorSettings,
    after: Span,
}

impl<'a> Change<'a> {
    /// The change in which the engine of a height takes part, if it does. Of two, the one behind it: the
    /// one before is over.
    fn around(spec: &'a ChainSpec, height: Height) -> Option<Self> {
        let span = Span::of(spec, height);
        let next = span.last.map(Height::next);
        let previous = span.first.previous();
        let at = |before: Option<Height>, after: Option<Height>| {
            let (before, after) = (before?, after?);
            let Some(Engine::Pow(work)) = spec.engine_at(before) else { return None };
            let votes = spec.engine_at(after)?.validators()?;
            let (before, after) = (Span::of(spec, before), Span::of(spec, after));
            Some(Self { work, before, votes, after })
        };
        at(span.last, next).or_else(|| at(previous, Some(span.first)))
    }
}

/// The heights that one engine decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: Height,
    last: Option<Height>,
}

impl Span {
    /// The span that a height is in.
    fn of(spec: &ChainSpec, height: Height) -> Self {
        let changes = spec.hanse().map_or(&[][..], |hanse| &hanse.consensus_changes);
        let begins = changes.iter().map(|change| change.height);
        let first = begins.clone().filter(|begin| *begin <= height).max();
        let last = begins.filter(|begin| *begin > height).min().and_then(Height::previous);
        Self { first: first.unwrap_or(Height(1)), last }
    }
}

#[cfg(test)]
mod tests;
