//! Which engine decides the next block, and the log that it recovers from.

use crate::{
    chain::LocalChain,
    driver::{Engines, Equipped},
    validator::ValidatorKey,
    wal::{FileWal, NoWal},
};
use alloy_primitives::Address;
use hanse_consensus::{
    Bft, BftSettings, Chain, MinerSettings, Pow, PowSettings, Signer, Solo, SoloSettings, Traitor,
    TreasonOrder,
};
use hanse_primitives::{ChainSpec, Engine, Height, ValidatorSettings};
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
    /// Where it may be told to lie.
    pub(crate) treason: Option<TreasonOrder>,
}

/// Makes engines as the chain's genesis names them.
pub(crate) fn engines(role: Role) -> Engines {
    Box::new(move |chain| {
        let head = chain.head();
        let block = chain.block(head.hash).map_err(|error| error.to_string())?;
        let block = block.ok_or_else(|| format!("the head {} is not known", head.hash))?;
        let next = head.height.next();
        let span = Span::of(&chain.spec, next);
        match chain.spec.engine_at(next) {
            Some(Engine::Solo { block_time_ms }) => {
                let settings =
                    SoloSettings { block_time_ms: *block_time_ms, fee_recipient: Address::ZERO };
                let engine = Box::new(Solo::new(settings, &block));
                Ok(Equipped { engine, wal: Box::new(NoWal) })
            }
            Some(Engine::Bft(settings)) => role.votes(chain, settings, Address::ZERO, span),
            // The fees are shared out by the contract that holds the stakes.
            Some(Engine::Pos(settings)) => role.votes(chain, settings, settings.contract, span),
            Some(Engine::Pow(settings)) => {
                let settings = PowSettings {
                    work: settings.clone(),
                    first: span.first,
                    last: span.last,
                    miner: role.miner,
                };
                role.equip(Box::new(Pow::new(settings)), "work", span)
            }
            None => Err("the genesis names no consensus engine".to_owned()),
        }
    })
}

impl Role {
    fn votes(
        &self,
        chain: &LocalChain,
        timing: &ValidatorSettings,
        fee_recipient: Address,
        span: Span,
    ) -> Result<Equipped, String> {
        let settings = BftSettings {
            timing: timing.clone(),
            fee_recipient,
            first: span.first,
            last: span.last,
        };
        let domain = chain.spec.signing_domain();
        let signer = || self.validator.clone().map(|key| Box::new(key) as Box<dyn Signer>);
        let engine = Bft::new(settings, domain, signer());
        let engine: crate::driver::LocalEngine = match (signer(), &self.treason) {
            (Some(signer), Some(order)) => {
                Box::new(Traitor::on_order(engine, domain, signer, order.clone()))
            }
            _ => Box::new(engine),
        };
        self.equip(engine, "votes", span)
    }

    fn equip(
        &self,
        engine: crate::driver::LocalEngine,
        name: &str,
        span: Span,
    ) -> Result<Equipped, String> {
        let path = self.directory.join(format!("{name}-{}.wal", span.first));
        let wal = FileWal::open(&path).map_err(|error| error.to_string())?;
        Ok(Equipped { engine, wal: Box::new(wal) })
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
