//! The rooms of a node below its servers, wired together, and its way to the others.

use crate::{
    Config, NodeError,
    chain::{Clock, LocalChain, head_of_pool},
    driver::{self, EventSender},
    gossip::Gossip,
    members::{Doorstep, Members, OwnCertificate},
    own::OwnAccount,
    peers::{self, Listeners},
    roster::{Roster, Watch, credential},
    validator::ValidatorKey,
};
use hanse_execution::Executor;
use hanse_ledger::Ledger;
use hanse_network::Network;
use hanse_primitives::ChainSpec;
use hanse_rpc::{Events, Submit};
use hanse_txpool::Pool;
use std::{path::Path, sync::Arc};
use tokio::sync::mpsc;

/// The rooms below the servers, wired together and not started.
pub(crate) struct Rooms {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) pool: Pool,
    pub(crate) events: Events,
    pub(crate) clock: Clock,
}

impl Rooms {
    /// Opens the ledger in `directory` and an empty pool on its head.
    pub(crate) fn open(
        spec: ChainSpec,
        directory: &Path,
        config: &Config,
    ) -> Result<Self, NodeError> {
        let spec = Arc::new(spec);
        let ledger = Ledger::open(directory, &spec, config.ledger_settings())?;
        let executor =
            Executor::new(Arc::clone(&spec), ledger.clone()).with_call_gas_max(config.rpc.gascap);
        let clock: Clock = Arc::new(|| driver::now_ms() / 1_000);
        let (rules, accounts) = head_of_pool(&ledger, &executor, clock())?;
        let pool = Pool::new(config.pool_settings(), rules, accounts);
        Ok(Self { spec, ledger, executor, pool, events: Events::new(), clock })
    }

    /// Connects this node to the others, and ends connections that the chain has no place for.
    pub(crate) fn join(
        &self,
        config: &Config,
        outward: Outward<'_>,
        engine: EventSender,
        gossip: Gossip,
    ) -> Result<Arc<Network>, NodeError> {
        let Outward { directory, validator, members, status, roster } = outward;
        let (arrivals, arrived) = mpsc::unbounded_channel();
        let key = config.network.key.clone().unwrap_or_else(|| directory.join("node.key"));
        let certificate = config.network.certificate.clone();
        let certificate =
            OwnCertificate::open(&certificate.unwrap_or_else(|| key.with_file_name("node.pem")))?;
        let trusted = peers::trusted(config)?;
        let doorstep = members.clone().map(|members| {
            Arc::new(Doorstep {
                members,
                spec: Arc::clone(&self.spec),
                ledger: self.ledger.clone(),
                executor: self.executor.clone(),
                status: Arc::clone(status),
                trusted,
            })
        });
        let admission = doorstep.clone().map(|doorstep| doorstep as _);
        let shown = certificate.der();
        let listeners = Listeners { engine, gossip, arrivals };
        let network = peers::connect(
            config,
            &self.spec,
            directory,
            validator.as_ref(),
            shown,
            admission,
            listeners,
        )?;
        let watch = Watch {
            spec: Arc::clone(&self.spec),
            ledger: self.ledger.clone(),
            executor: self.executor.clone(),
            network: Arc::clone(&network),
            roster: roster.clone(),
            doorstep,
        };
        watch.start(&self.events, arrived);
        if let Some(members) = members {
            let (spec, peer) = (Arc::clone(&self.spec), network.id());
            let credential = move |der| credential(validator.as_ref(), der, &spec, peer);
            certificate.watch(Arc::clone(&network), members, credential);
        }
        Ok(network)
    }

    /// The account that this node may send transactions from.
    pub(crate) fn own_account(&self, key: ValidatorKey, submit: Arc<dyn Submit>) -> OwnAccount {
        OwnAccount {
            spec: Arc::clone(&self.spec),
            ledger: self.ledger.clone(),
            executor: self.executor.clone(),
            pool: self.pool.clone(),
            submit,
            key,
        }
    }

    /// The chain over these rooms.
    pub(crate) fn chain(&self) -> LocalChain {
        LocalChain::new(
            Arc::clone(&self.spec),
            self.ledger.clone(),
            self.executor.clone(),
            self.pool.clone(),
            self.events.clone(),
            Arc::clone(&self.clock),
        )
    }
}

/// What a node among others needs besides its rooms.
pub(crate) struct Outward<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) validator: Option<ValidatorKey>,
    pub(crate) members: Option<Members>,
    pub(crate) status: &'a driver::Status,
    pub(crate) roster: &'a Roster,
}
