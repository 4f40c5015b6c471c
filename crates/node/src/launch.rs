//! Puts a node together and takes it apart again.

use crate::{
    Config, NodeError,
    access::{self, Certificates},
    anchor::Anchorage,
    audit::AuditLog,
    clock::Skew,
    development::{self, DevelopmentWallet},
    driver::{self, Driver, Outside, Waker},
    engines::{self, Role},
    faults::{FaultControl, FaultSwitch},
    follow, gossip,
    history::Keeper,
    members::{Callers, Members},
    metrics::{self, NodeMeter},
    miner::Miner,
    outside::{Accuser, Alone, Among},
    overview::Overview,
    peers,
    rejoin::Rejoin,
    rooms::{Outward, Rooms},
    roster::Roster,
    standstill::Standstill,
    submit::Submitter,
    validator::ValidatorKey,
    workers::ServerThreads,
};
use alloy_primitives::Address;
use hanse_commerce::orders::Orders;
use hanse_ledger::Ledger;
use hanse_network::Network;
use hanse_primitives::{BaseFee, ChainSpec};
use hanse_rpc::{Context, CurrencyInfo, NetworkInfo, PartyInfo, Rpc, ServerOptions, Wallet};
use hanse_txpool::Admitted;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// Gas limit that a block of a foreign chain moves towards when one is built for a test: what
/// Ethereum's clients aim for (geth's default).
const FOREIGN_GAS_LIMIT: u64 = 60_000_000;

/// What this program calls itself, as `hanse/v0.1.0/linux-x86_64`.
#[must_use]
pub fn client_version() -> String {
    format!(
        "hanse/v{}/{}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// A running node.
pub struct Node {
    /// The rules of its chain.
    pub spec: Arc<ChainSpec>,
    /// Its record.
    pub ledger: Ledger,
    /// Where JSON-RPC over HTTP is served.
    pub http: Option<SocketAddr>,
    /// Where JSON-RPC over WebSocket is served.
    pub ws: Option<SocketAddr>,
    /// Where the web page is served.
    pub web: Option<SocketAddr>,
    driver: Option<Driver>,
    network: Option<Arc<Network>>,
    servers: JoinSet<std::io::Result<()>>,
    /// After the servers, whose connections it serves.
    threads: ServerThreads,
    stop: watch::Sender<bool>,
    failure: watch::Receiver<Option<String>>,
    /// The ledger's folder, when it is to go with the node.
    scratch: Option<TempDir>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("http", &self.http)
            .field("ws", &self.ws)
            .field("web", &self.web)
            .finish_non_exhaustive()
    }
}

/// Reads the genesis that `config` names, or makes the development chain's.
///
/// # Errors
/// [`NodeError`] when there is no such file, it is no genesis, or neither file nor `--dev` is given.
pub fn chain_spec(config: &Config, base_fee: BaseFee) -> Result<ChainSpec, NodeError> {
    match (&config.chain, config.dev.enabled) {
        (Some(path), false) => {
            let json = std::fs::read(path).map_err(|e| NodeError::file("read", path, e))?;
            Ok(ChainSpec::parse(&json)?)
        }
        (Some(_), true) => Err(NodeError::Config(
            "--dev makes a chain of its own; leave --chain away, or write the development genesis \
             to a file with `hanse genesis` and edit it"
                .to_owned(),
        )),
        (None, true) => {
            let block_time_ms = config.dev_block_time_ms()?;
            let options = development::Options { block_time_ms, base_fee };
            Ok(ChainSpec::new(development::genesis(options)?)?)
        }
        (None, false) => Err(NodeError::Config(
            "which chain? Give --chain genesis.json, or --dev for a development chain".to_owned(),
        )),
    }
}

/// The folder of the ledger: what `config` says, a scratch folder for development, or an error.
fn data_directory(config: &Config) -> Result<(PathBuf, Option<TempDir>), NodeError> {
    if let Some(path) = &config.datadir {
        return Ok((path.clone(), None));
    }
    if !config.dev.enabled {
        return Err(NodeError::Config("where is the ledger? Give --datadir".to_owned()));
    }
    let scratch = tempfile::Builder::new()
        .prefix("hanse-dev-")
        .tempdir()
        .map_err(|e| NodeError::io("cannot make a temporary folder", e))?;
    Ok((scratch.path().to_owned(), Some(scratch)))
}

impl Node {
    /// Opens the ledger, starts engine and servers, and returns once all ports are open.
    ///
    /// # Errors
    /// [`NodeError`] with what could not be opened, and why.
    pub async fn start(config: &Config, spec: ChainSpec) -> Result<Self, NodeError> {
        let (directory, scratch) = data_directory(config)?;
        let rooms = Rooms::open(spec, &directory, config)?;
        let ports = Ports::bind(config, rooms.spec.hanse().is_some()).await?;
        let (waker, events, mailbox) = driver::mailbox();
        let keeper = Keeper::new(
            rooms.ledger.clone(),
            rooms.executor.clone(),
            config.ledger.history,
            Duration::from_secs(config.ledger.history_check),
        );
        let gone = keeper.start();
        let escrow = rooms.spec.hanse().and_then(|settings| settings.contracts.escrow);
        let orders = escrow.map(|at| follow::orders(at, &rooms.events, &rooms.ledger, gone));
        let orders = orders.transpose()?;
        let networked = peers::is_networked(&rooms.spec);
        let (gossip, ends) = gossip::gossip();
        let journal = scratch.is_none().then(|| directory.join("pool.journal"));
        let submit = Submitter::open(
            rooms.pool.clone(),
            journal.as_deref(),
            waker.clone(),
            Arc::clone(&rooms.clock),
            networked.then(|| gossip.clone()),
        )?;
        announce_pending(&rooms);
        let (failed, failure) = watch::channel(None);
        let mut role = peers::role(config, &directory, networked)?;
        let (roster, skew) = (Roster::default(), Skew::default());
        let status = driver::Status::default();
        let members = Members::new(&rooms.executor, &rooms.ledger)?;
        let network = match networked {
            false => None,
            true => {
                let outward = Outward {
                    directory: &directory,
                    validator: role.validator.clone(),
                    members: members.clone(),
                    status: &status,
                    roster: &roster,
                };
                let network = rooms.join(config, outward, events.clone(), gossip)?;
                skew.watch(Arc::clone(&network));
                let (status, ledger) = (Arc::clone(&status), rooms.ledger.clone());
                Standstill { status, ledger, network: Arc::clone(&network) }.watch();
                Some(network)
            }
        };
        let faults = fault_control(config, &rooms.spec, network.as_ref(), &mut role)?;
        let own =
            role.validator.clone().map(|key| rooms.own_account(key, Arc::clone(&submit) as _));
        let anchoring = own.clone();
        let outside: Box<dyn Outside> = match &network {
            None => Box::new(Alone),
            Some(network) => {
                let ends = ends.run(
                    Arc::clone(network),
                    rooms.pool.clone(),
                    waker.clone(),
                    Arc::clone(&rooms.clock),
                );
                ends.map_err(|e| NodeError::io("cannot start a thread", e))?;
                Box::new(Among {
                    network: Arc::clone(network),
                    miner: Miner::new(config.network.miner_threads, events),
                    accuser: own.clone().map(Accuser),
                })
            }
        };
        if let (Some(own), Some(network)) = (own, &network) {
            let (executor, network) = (rooms.executor.clone(), Arc::clone(network));
            let wanted = config.network.rejoin;
            let (status, skew) = (Arc::clone(&status), skew.clone());
            let rejoin = Rejoin { own, executor, network, status, skew, wanted };
            rejoin.start(&rooms.events);
        }
        let overview = Overview {
            status: Arc::clone(&status),
            ledger: rooms.ledger.clone(),
            network: network.clone(),
            roster,
            validator: role.validator.as_ref().map(ValidatorKey::account),
            miner: role.miner.as_ref().map(|miner| miner.fee_recipient),
        };
        let driver = match rooms.spec.hanse() {
            None => None,
            Some(_) => {
                let failed = move |error| {
                    let _ = failed.send(Some(error));
                };
                let parts = driver::Parts {
                    mailbox,
                    engines: engines::engines(role),
                    chain: rooms.chain(),
                    outside,
                    status,
                    faults: faults
                        .as_ref()
                        .map(|control| control.switch.clone())
                        .unwrap_or_default(),
                };
                let driver = Driver::start(parts, failed);
                Some(driver.map_err(|e| NodeError::io("cannot start the engine's thread", e))?)
            }
        };
        let meter = Arc::new(NodeMeter::new(
            metrics::install()?,
            rooms.ledger.clone(),
            rooms.pool.clone(),
            network.clone(),
        ));
        let audit = match scratch {
            None => Some(Arc::new(AuditLog::begin(&directory, config)?)),
            Some(_) => None,
        };
        let anchors = rooms.spec.hanse().and_then(|hanse| hanse.contracts.anchors);
        if let (Some(log), Some(contract), Some(own)) = (audit.clone(), anchors, anchoring) {
            Anchorage { own, contract, log }.start();
        }
        let seams = Seams { submit, waker, orders, meter, overview, faults, audit };
        let rpc = Rpc::new(context(config, &rooms, seams));
        let (stop, stopping) = watch::channel(false);
        let mut node = Self {
            spec: Arc::clone(&rooms.spec),
            ledger: rooms.ledger,
            http: None,
            ws: None,
            web: None,
            driver,
            network: network.clone(),
            servers: JoinSet::new(),
            threads: ServerThreads::start()?,
            stop,
            failure,
            scratch,
        };
        node.serve(ports, config, &rpc, &stopping, members)?;
        Ok(node)
    }

    fn serve(
        &mut self,
        ports: Ports,
        config: &Config,
        rpc: &Rpc,
        stopping: &watch::Receiver<bool>,
        members: Option<Members>,
    ) -> Result<(), NodeError> {
        let options = ServerOptions {
            hosts: config.http.vhosts.clone(),
            origins: config.http.corsdomain.clone(),
            workers: self.threads.workers(),
            ..ServerOptions::default()
        };
        let callers = members
            .map(|members| Callers::new(members, &config.access.certificates))
            .transpose()?;
        let callers = callers.map(|callers| Box::new(callers) as Box<dyn Certificates>);
        let options = access::protect(options, config, callers)?;
        let address = |listener: &TcpListener| {
            listener.local_addr().map_err(|e| NodeError::io("cannot read a port", e))
        };
        let stopped = || stop_signal(stopping.clone());
        if let Some(listener) = ports.http {
            self.http = Some(address(&listener)?);
            let (rpc, options) = (rpc.clone(), options.clone());
            self.servers.spawn(hanse_rpc::serve_http(listener, rpc, options, stopped()));
        }
        if let Some(listener) = ports.ws {
            self.ws = Some(address(&listener)?);
            let (rpc, options) = (rpc.clone(), options.clone());
            self.servers.spawn(hanse_rpc::serve_ws(listener, rpc, options, stopped()));
        }
        for listener in [ports.web, ports.metrics].into_iter().flatten() {
            self.web.get_or_insert(address(&listener)?);
            let (rpc, options) = (rpc.clone(), options.clone());
            self.servers.spawn(hanse_rpc::serve_web(listener, rpc, options, stopped()));
        }
        Ok(())
    }

    /// Completes when the node cannot go on by itself, with the reason.
    pub async fn failed(&mut self) -> String {
        loop {
            if let Some(reason) = self.failure.borrow_and_update().clone() {
                return reason;
            }
            if self.failure.changed().await.is_err() {
                // Nothing is left that could fail; only a signal ends the node.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Finishes what is under way: answers requests, seals no more, writes the store.
    ///
    /// What comes back is the folder of a ledger that is to be forgotten; drop it after the runtime,
    /// since tasks that are still ending hold the ledger open.
    ///
    /// # Errors
    /// When the store cannot be written; the log has everything all the same.
    pub async fn stop(mut self) -> Result<Option<TempDir>, NodeError> {
        let _ = self.stop.send(true);
        while self.servers.join_next().await.is_some() {}
        let (driver, ledger) = (self.driver.take(), self.ledger.clone());
        let network = self.network.take();
        let forget = self.scratch.is_some();
        let closed = tokio::task::spawn_blocking(move || {
            if let Some(driver) = driver {
                driver.stop();
            }
            if network.is_some_and(|network| !network.shutdown()) {
                tracing::warn!("some connections did not end in time");
            }
            if forget { Ok(()) } else { ledger.checkpoint() }
        });
        closed.await.map_err(|error| NodeError::Failed(error.to_string()))??;
        Ok(self.scratch.take())
    }
}

/// Completes when the node is told to stop.
async fn stop_signal(mut stopping: watch::Receiver<bool>) {
    // An error says that the node is gone, which is as good a reason to stop.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Opened ports, before anything answers on them.
struct Ports {
    http: Option<TcpListener>,
    ws: Option<TcpListener>,
    web: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

impl Ports {
    async fn bind(config: &Config, own_chain: bool) -> Result<Self, NodeError> {
        let (http, ws, web) = (&config.http, &config.ws, &config.web);
        let web_on = web.enabled.unwrap_or(own_chain);
        let metrics = config.metrics.listen;
        Ok(Self {
            http: bind("http", http.enabled.then(|| SocketAddr::new(http.addr, http.port))).await?,
            ws: bind("ws", ws.enabled.then(|| SocketAddr::new(ws.addr, ws.port))).await?,
            web: bind("web", web_on.then(|| SocketAddr::new(web.addr, web.port))).await?,
            metrics: bind("metrics", metrics).await?,
        })
    }
}

async fn bind(name: &str, address: Option<SocketAddr>) -> Result<Option<TcpListener>, NodeError> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let what = format!(
            "cannot open {address} (is another node running? choose another port with --{name}.port)"
        );
        NodeError::io(what, error)
    })?;
    Ok(Some(listener))
}

/// Tells subscribers of pending transactions, when there are any.
fn announce_pending(rooms: &Rooms) {
    let events = rooms.events.clone();
    rooms.pool.follow(Box::new(move |admitted: &[Admitted]| {
        if events.wants_pending() {
            events.publish_pending(admitted.iter().map(|one| *one.hash()).collect());
        }
    }));
}

/// The fault switch of a node of a development network, if its operator asks for one.
fn fault_control(
    config: &Config,
    spec: &Arc<ChainSpec>,
    network: Option<&Arc<Network>>,
    role: &mut Role,
) -> Result<Option<FaultControl>, NodeError> {
    let Some(network) = network.filter(|_| config.dev.faults) else { return Ok(None) };
    if !spec.hanse().is_some_and(|hanse| hanse.development) {
        return Err(NodeError::Config(
            "--dev.faults is for development networks; the genesis of this one does not say \
             \"development\": true"
                .to_owned(),
        ));
    }
    let control = FaultControl {
        spec: Arc::clone(spec),
        network: Arc::clone(network),
        switch: FaultSwitch::default(),
        votes: role.validator.is_some(),
    };
    role.treason = Some(control.switch.treason.clone());
    Ok(Some(control))
}

/// What the node does for its servers.
struct Seams {
    submit: Arc<Submitter>,
    waker: Waker,
    orders: Option<Arc<Orders>>,
    meter: Arc<NodeMeter>,
    overview: Overview,
    faults: Option<FaultControl>,
    audit: Option<Arc<AuditLog>>,
}

fn context(config: &Config, rooms: &Rooms, seams: Seams) -> Context {
    let Seams { submit, waker, orders, meter, overview, faults, audit } = seams;
    let dev = config.dev.enabled;
    let wallet = dev.then(|| Arc::new(DevelopmentWallet::new()) as Arc<dyn Wallet>);
    let peers = overview.network.clone();
    let network = NetworkInfo { nodes: config.network.nodes.clone(), ..network_info(&rooms.spec) };
    Context {
        spec: Arc::clone(&rooms.spec),
        ledger: rooms.ledger.clone(),
        executor: rooms.executor.clone(),
        pool: rooms.pool.clone(),
        submit,
        wallet,
        development: dev.then(|| Arc::new(waker) as _),
        consensus: rooms.spec.hanse().map(|_| Arc::new(overview) as _),
        faults: faults.map(|faults| Arc::new(faults) as _),
        audit: audit.map(|audit| audit as _),
        testing: config.rpc.testing.unwrap_or(dev || rooms.spec.hanse().is_none()),
        events: rooms.events.clone(),
        meter: Some(meter),
        clock: Arc::clone(&rooms.clock),
        peers: Arc::new(move || peers.as_ref().map_or(0, |peers| peers.totals().peers)),
        ready: Arc::new(|| true),
        fee_recipient: rooms.spec.hanse().map(|_| Address::ZERO),
        gas_limit: rooms.spec.hanse().is_none().then_some(FOREIGN_GAS_LIMIT),
        client_version: client_version(),
        network: Arc::new(move || network.clone()),
        orders: Arc::new(move || orders.clone()),
        limits: config.rpc_limits(),
    }
}

fn network_info(spec: &ChainSpec) -> NetworkInfo {
    let Some(hanse) = spec.hanse() else {
        return NetworkInfo {
            name: format!("Chain {}", spec.chain_id()),
            chain_id: spec.chain_id(),
            ..NetworkInfo::default()
        };
    };
    let currency = |(currency, address): (&hanse_primitives::Currency, &Address)| CurrencyInfo {
        code: currency.code().to_owned(),
        address: *address,
        decimals: currency.decimals(),
    };
    let party = |party: &hanse_primitives::Party| PartyInfo {
        address: party.address,
        name: party.name.clone(),
        role: serde_json::to_value(party.role)
            .ok()
            .and_then(|role| role.as_str().map(str::to_owned))
            .unwrap_or_default(),
    };
    NetworkInfo {
        name: hanse.network.clone(),
        chain_id: spec.chain_id(),
        escrow: hanse.contracts.escrow,
        deployed_at: 0,
        currencies: hanse.contracts.currencies.iter().map(currency).collect(),
        members: hanse.contracts.membership.map(|law| law.members),
        policies: hanse.contracts.membership.map(|law| law.policies),
        anchors: hanse.contracts.anchors,
        data_catalog: hanse.contracts.data_catalog,
        upgrades: hanse.contracts.upgrades,
        engines: hanse.contracts.engines,
        development: hanse.development,
        parties: hanse.parties.iter().map(party).collect(),
        nodes: Vec::new(),
    }
}
