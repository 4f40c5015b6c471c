//! A member: a folder, a key, and, while it has power, a chain and an engine.

use crate::{
    Rules, Sabotage, Scenario,
    disk::{Cord, TornWal, log_end, tear_log},
    error::Broken,
    genesis,
    sabotage::{Hasty, Stubborn},
};
use alloy_primitives::{Address, B256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_consensus::{
    Bft, BftSettings, Engine, Heir, MinerSettings, Pow, PowSettings, Signer, Succession, Traitor,
    Treason,
};
use hanse_ledger::Settings;
use hanse_node::simulation::{LocalChain, open, signs_from};
use hanse_primitives::{ChainSpec, Height, ValidatorSignature};
use rand::rngs::StdRng;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Signs with a key in memory.
#[derive(Clone, Debug)]
struct Key(PrivateKeySigner);

impl Signer for Key {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign(&self, digest: B256) -> ValidatorSignature {
        self.0.sign_hash_sync(&digest).expect("a key in memory signs any digest").into()
    }
}

/// An engine, the log that its host gives it, and all of its logs.
type Equipped = (Box<dyn Engine<LocalChain>>, TornWal, Vec<TornWal>);

/// A member of the network.
pub(crate) struct Member {
    number: usize,
    folder: PathBuf,
    spec: Arc<ChainSpec>,
    rules: Rules,
    pub(crate) key: PrivateKeySigner,
    is_validator: bool,
    pub(crate) treason: Option<Treason>,
    sabotage: Option<Sabotage>,
    pub(crate) skew_ms: i64,
    /// Hashes a second; none when it does not mine (any more).
    pub(crate) power: u64,
    pub(crate) cord: Cord,
    clock: Arc<AtomicU64>,
    pub(crate) running: Option<Running>,
    /// Counts starts and stops.
    pub(crate) life: u32,
    /// Length of the ledger's log before the engine was last called, if it may be torn.
    pub(crate) log_bytes: u64,
}

/// What a member has while it has power.
pub(crate) struct Running {
    pub(crate) chain: LocalChain,
    pub(crate) engine: Box<dyn Engine<LocalChain>>,
    pub(crate) wal: TornWal,
    /// All logs of its engines.
    wals: Vec<TornWal>,
    /// The earliest tick that is on its way.
    pub(crate) wake_ms: Option<u64>,
    /// Counts the jobs of its miner.
    pub(crate) job: u64,
    /// Its engine was told of what waits in the pool.
    pub(crate) listening: bool,
}

impl Member {
    pub(crate) fn new(
        number: usize,
        scenario: &Scenario,
        spec: &Arc<ChainSpec>,
        folder: PathBuf,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let is_validator = number < scenario.validators;
        let miners = u64::try_from(scenario.validators).unwrap_or(1);
        let power = genesis::DIFFICULTY * 1_000 / genesis::BLOCK_TIME_MS / miners;
        Self {
            number,
            folder,
            spec: Arc::clone(spec),
            rules: scenario.rules,
            key: genesis::key(number),
            is_validator,
            treason: scenario.traitors.get(&number).copied(),
            sabotage,
            skew_ms: scenario.skews_ms[number],
            power: if is_validator && scenario.rules.mines() { power.max(1) } else { 0 },
            cord: Cord::default(),
            clock: Arc::default(),
            running: None,
            life: 0,
            log_bytes: 0,
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// What its clock says.
    pub(crate) fn local_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.skew_ms)
    }

    pub(crate) fn set_clock(&self, now_ms: u64) -> u64 {
        let local_ms = self.local_ms(now_ms);
        self.clock.store(local_ms / 1_000, Ordering::Relaxed);
        local_ms
    }

    /// Opens the ledger and makes an engine, which is to be started.
    pub(crate) fn power_on(&mut self, now_ms: u64) -> Result<(), Broken> {
        assert!(self.running.is_none(), "a member is started when it is down");
        self.set_clock(now_ms);
        let clock = Arc::clone(&self.clock);
        let clock = move || clock.load(Ordering::Relaxed);
        let chain = open(&self.spec, &self.folder, settings(), clock);
        let chain = chain.map_err(Broken::machine)?;
        self.cord.plug(chain.ledger());
        let (engine, wal, wals) = self.equip(&chain)?;
        self.life += 1;
        self.running =
            Some(Running { chain, engine, wal, wals, wake_ms: None, job: 0, listening: false });
        Ok(())
    }

    /// Lets the power go: all that is left is what was on the disk.
    pub(crate) fn power_off(&mut self, rng: &mut StdRng) -> Result<(), Broken> {
        let Some(Running { chain, engine, wal, wals, .. }) = self.running.take() else {
            return Ok(());
        };
        self.life += 1;
        let torn = self.cord.in_finality();
        self.cord.release();
        drop((engine, wal));
        let ledger = chain.ledger().clone();
        drop(chain);
        ledger.abandon();
        for wal in wals {
            match self.sabotage {
                Some(Sabotage::ErasedLogs) => wal.erase()?,
                _ => wal.tear(rng)?,
            }
        }
        if self.sabotage == Some(Sabotage::LyingDisks) {
            let (_, length) = log_end(&self.folder)?;
            tear_log(&self.folder, length.saturating_sub(4_000), rng)?;
        } else if torn {
            tear_log(&self.folder, self.log_bytes, rng)?;
        }
        Ok(())
    }

    /// Notes how long the ledger's log is, if its next record may be torn.
    pub(crate) fn note_log(&mut self) -> Result<(), Broken> {
        if self.cord.waits_for_finality() {
            (_, self.log_bytes) = log_end(&self.folder)?;
        }
        Ok(())
    }

    fn signer(&self) -> Box<dyn Signer> {
        Box::new(Key(self.key.clone()))
    }

    /// Makes the engine of the next block in the place of the one that has come to its end.
    pub(crate) fn hand_over(&mut self) -> Result<(), Broken> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let (engine, wal, wals) = self.equip(&running.chain)?;
        running.wals.extend(wals);
        running.wake_ms = None;
        running.listening = false;
        self.running = Some(Running { engine, wal, ..running });
        Ok(())
    }

    fn equip(&self, chain: &LocalChain) -> Result<Equipped, Broken> {
        let wal = |name: &str| TornWal::open(&self.folder.join(name), &self.cord);
        let changes = matches!(self.rules, Rules::PowToBft | Rules::PowToPos);
        let first = if changes { Rules::CHANGE } else { Height(1) };
        match self.rules {
            Rules::Bft | Rules::Pos => {
                let wal = wal("votes.wal")?;
                let heir = self.votes(first, genesis::voting(&self.spec))?;
                Ok((self.sabotaged(heir), wal.clone(), vec![wal]))
            }
            Rules::Voted => {
                let head = chain.ledger().head();
                let tenure = chain.executor().tenure(head).map_err(Broken::machine)?;
                let tenure = tenure.ok_or_else(|| Broken::machine("no engine decides"))?;
                let wal = wal(&format!("votes-{}.wal", tenure.first))?;
                let heir = self.votes(tenure.first, Some(&tenure.engine))?;
                Ok((self.sabotaged(heir), wal.clone(), vec![wal]))
            }
            Rules::Pow => {
                let wal = wal("work.wal")?;
                let engine = Box::new(Pow::new(self.work(None)));
                let engine: Box<dyn Engine<LocalChain>> = match self.sabotage {
                    Some(Sabotage::Stubborn) if self.number == 0 => Box::new(Stubborn(engine)),
                    _ => engine,
                };
                Ok((engine, wal.clone(), vec![wal]))
            }
            Rules::PowToBft | Rules::PowToPos => {
                let (work, votes) = (wal("work.wal")?, wal("votes.wal")?);
                let pow = Pow::new(self.work(first.previous()));
                let heir = self.votes(first, genesis::voting(&self.spec))?;
                let engine = Succession::new(pow, heir, Box::new(votes.clone()));
                Ok((Box::new(engine), work.clone(), vec![work, votes]))
            }
        }
    }

    fn work(&self, last: Option<Height>) -> PowSettings {
        let fee_recipient = self.key.address();
        PowSettings {
            work: Rules::work(),
            first: Height(1),
            last,
            miner: (self.power > 0).then_some(MinerSettings { fee_recipient, empty_blocks: true }),
        }
    }

    fn votes(
        &self,
        first: Height,
        by: Option<&hanse_primitives::Engine>,
    ) -> Result<Box<dyn Heir<LocalChain> + Send>, Broken> {
        let timing = by.and_then(|engine| engine.validators());
        let timing = timing.ok_or_else(|| Broken::machine("the genesis names no validators"))?;
        let fee_recipient = match by {
            Some(hanse_primitives::Engine::Pos(settings)) => settings.contract,
            _ => Address::ZERO,
        };
        let signs_from = signs_from(&self.folder, first).map_err(Broken::machine)?;
        let settings = BftSettings { timing: timing.clone(), fee_recipient, first, signs_from };
        let domain = self.spec.signing_domain();
        let bft = Bft::new(settings, domain, self.is_validator.then(|| self.signer()));
        let careless = self.sabotage == Some(Sabotage::Careless) && self.treason.is_none();
        let treason = if careless { Some(Treason::Careless) } else { self.treason };
        Ok(match treason {
            Some(treason) => Box::new(Traitor::new(bft, domain, self.signer(), treason)),
            None => Box::new(bft),
        })
    }

    fn sabotaged(&self, heir: Box<dyn Heir<LocalChain> + Send>) -> Box<dyn Engine<LocalChain>> {
        if self.sabotage == Some(Sabotage::Hasty) && self.number == 0 {
            return Box::new(Hasty::new(heir, self.signer(), self.spec.signing_domain()));
        }
        heir
    }
}

/// Small caches: a simulated chain is short.
fn settings() -> Settings {
    const MIB: usize = 1024 * 1024;
    Settings {
        trie_bytes_max: 16 * MIB,
        state_bytes_max: 4 * MIB,
        block_bytes_max: 4 * MIB,
        store_cache_bytes: 1024 * 1024,
        // The disk is in memory.
        sync: false,
        ..Settings::default()
    }
}
