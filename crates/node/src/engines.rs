//! Which engine decides the next block, and the log that it recovers from.

use crate::{
    chain::LocalChain,
    driver::{Engines, Equipped},
    validator::ValidatorKey,
    wal::{FileWal, NoWal},
};
use alloy_primitives::Address;
use hanse_consensus::{
    Bft, BftSettings, Chain, Heir, MinerSettings, Pow, PowSettings, Signer, Solo, SoloSettings,
    Succession, Traitor, TreasonOrder, Wal, logged_height,
};
use hanse_primitives::{ChainSpec, Engine, Height, Tenure, WorkSettings};
use std::path::{Path, PathBuf};

/// An engine in which validators vote, over this node's chain.
type LocalHeir = Box<dyn Heir<LocalChain> + Send>;

/// What the logs of engines in which validators vote are called, before the first height of each.
const VOTES: &str = "votes";

/// The same of miners' logs.
const WORK: &str = "work";

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

/// Makes engines as the chain's genesis names them, and its members have voted since.
pub(crate) fn engines(role: Role) -> Engines {
    Box::new(move |chain| {
        let head = chain.head();
        let block = chain.block(head.hash).map_err(|error| error.to_string())?;
        let block = block.ok_or_else(|| format!("the head {} is not known", head.hash))?;
        let tenure = chain.tenure().map_err(|error| error.to_string())?;
        let tenure = tenure.ok_or("the genesis names no consensus engine")?;
        if let Some(change) = Change::around(&chain.spec, &tenure) {
            return role.hands_over(chain, &change);
        }
        match &tenure.engine {
            Engine::Solo { block_time_ms } => {
                let settings =
                    SoloSettings { block_time_ms: *block_time_ms, fee_recipient: Address::ZERO };
                let engine = Box::new(Solo::new(settings, &block));
                Ok(Equipped { engine, wal: Box::new(NoWal) })
            }
            Engine::Bft(_) | Engine::Pos(_) => {
                let engine = role.votes(&chain.spec, &tenure.engine, tenure.first)?;
                Ok(Equipped { engine, wal: role.wal(VOTES, tenure.first)? })
            }
            Engine::Pow(settings) => {
                let engine = Box::new(role.works(settings, None));
                Ok(Equipped { engine, wal: role.wal(WORK, tenure.first)? })
            }
        }
    })
}

impl Role {
    fn votes(&self, spec: &ChainSpec, engine: &Engine, first: Height) -> Result<LocalHeir, String> {
        let timing = engine.validators().ok_or("nobody votes under this engine")?;
        let fee_recipient = match engine {
            // The fees are shared out by the contract that holds the stakes.
            Engine::Pos(settings) => settings.contract,
            _ => Address::ZERO,
        };
        let signs_from = signs_from(&self.directory, first)?;
        if signs_from > first {
            tracing::warn!(
                %signs_from,
                "the chain was further once: below that height this node signs nothing, since it may have"
            );
        }
        let settings = BftSettings { timing: timing.clone(), fee_recipient, first, signs_from };
        let domain = spec.signing_domain();
        let signer = || self.validator.clone().map(|key| Box::new(key) as Box<dyn Signer>);
        let engine = Bft::new(settings, domain, signer());
        Ok(match (signer(), &self.treason) {
            (Some(signer), Some(order)) => {
                Box::new(Traitor::on_order(engine, domain, signer, order.clone()))
            }
            _ => Box::new(engine),
        })
    }

    /// Miners are the first engine, if there are any.
    fn works(&self, work: &WorkSettings, last: Option<Height>) -> Pow {
        let work = work.clone();
        Pow::new(PowSettings { work, first: Height(1), last, miner: self.miner })
    }

    /// Both engines around a change, which overlap there.
    fn hands_over(&self, chain: &LocalChain, change: &Change<'_>) -> Result<Equipped, String> {
        let pow = self.works(change.work, change.from.previous());
        let bft = self.votes(&chain.spec, change.votes, change.from)?;
        let engine = Succession::new(pow, bft, self.wal(VOTES, change.from)?);
        Ok(Equipped { engine: Box::new(engine), wal: self.wal(WORK, Height(1))? })
    }

    fn wal(&self, name: &str, first: Height) -> Result<Box<dyn Wal + Send>, String> {
        let path = self.directory.join(format!("{name}-{first}.wal"));
        let wal = FileWal::open(&path).map_err(|error| error.to_string())?;
        Ok(Box::new(wal))
    }
}

/// Below which height an engine that begins at `first` signs nothing, by the logs of the others in a folder.
///
/// An engine is only made when the chain has come to its first height. So where a later one has a log, or an
/// earlier one has signed at a height of this one, the chain has lost blocks since, and what was signed there
/// is forgotten: to sign again could be to sign two things.
pub(crate) fn signs_from(directory: &Path, first: Height) -> Result<Height, String> {
    let mut signs_from = first;
    for entry in std::fs::read_dir(directory).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let begins = name
            .and_then(|name| name.strip_prefix(VOTES)?.strip_prefix('-')?.strip_suffix(".wal"))
            .and_then(|number| number.parse().ok())
            .map(Height);
        let Some(begins) = begins.filter(|begins| *begins != first) else { continue };
        let mut wal = FileWal::open(&path).map_err(|error| error.to_string())?;
        let logged = logged_height(&mut wal).map_err(|error| error.to_string())?;
        let after = logged.filter(|height| *height >= first).map(Height::next);
        signs_from = signs_from.max(begins).max(after.unwrap_or(first));
    }
    Ok(signs_from)
}

/// Miners, and validators after them. Genesis plans it; members cannot vote for it.
#[derive(Debug)]
struct Change<'a> {
    work: &'a WorkSettings,
    votes: &'a Engine,
    /// The first height of the validators.
    from: Height,
}

impl<'a> Change<'a> {
    /// The change in which the engine of the next block takes part, if it does.
    fn around(spec: &'a ChainSpec, tenure: &'a Tenure) -> Option<Self> {
        let miners = &spec.hanse()?.consensus;
        let Engine::Pow(work) = miners else { return None };
        if tenure.engine.validators().is_some() {
            return Some(Self { work, votes: &tenure.engine, from: tenure.first });
        }
        let next = tenure.next.as_ref()?;
        Some(Self { work, votes: &next.consensus, from: next.height })
    }
}

#[cfg(test)]
mod tests;
