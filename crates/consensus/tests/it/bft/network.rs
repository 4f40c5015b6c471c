//! A network of engines in one thread and virtual time. One seed decides on every delay, loss and
//! crash, so that whatever fails fails again.

use super::ledger::{Cord, Ledger, Log, Schedule};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_consensus::{
    Bft, BftSettings, Effect, Engine, EngineError, EngineStatus, Event, Host, PeerFault, Said,
    Seal, Signer, Traitor, Treason, said,
};
use hanse_primitives::{
    BlockHash, Equivocation, Height, PeerId, Provenance, SigningDomain, ValidatorSettings,
    ValidatorSignature,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// A validator's key.
#[derive(Clone, Debug)]
pub(crate) struct Key(PrivateKeySigner);

impl Key {
    pub(crate) fn new(number: usize) -> Self {
        let seed = keccak256(format!("validator {number}"));
        Self(PrivateKeySigner::from_bytes(&seed).expect("a hash is a key"))
    }
}

impl Signer for Key {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign(&self, digest: B256) -> ValidatorSignature {
        self.0.sign_hash_sync(&digest).expect("a key signs").into()
    }
}

pub(crate) fn domain() -> SigningDomain {
    SigningDomain::new(1337, B256::repeat_byte(9))
}

pub(crate) fn peer(number: usize) -> PeerId {
    let mut id = [0; 32];
    id[0] = number.try_into().expect("few nodes");
    PeerId(id)
}

/// What happens at some time.
#[derive(Debug)]
enum Happening {
    Deliver { from: usize, to: usize, lives: [u32; 2], bytes: Bytes },
    Wake { node: usize, life: u32 },
    Restart { node: usize },
}

/// How bad the network is.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) loss_percent: u32,
    pub(crate) repeat_percent: u32,
    pub(crate) delay_ms: std::ops::RangeInclusive<u64>,
    /// Nodes of different groups do not hear each other.
    pub(crate) groups: Vec<usize>,
    /// The first hears nobody but the second.
    pub(crate) deaf: Option<(usize, usize)>,
}

impl Weather {
    pub(crate) fn fair() -> Self {
        Self { loss_percent: 0, repeat_percent: 0, delay_ms: 1..=5, groups: vec![], deaf: None }
    }
}

pub(crate) struct Node {
    engine: Option<Box<dyn Engine<Ledger>>>,
    pub(crate) ledger: Ledger,
    pub(crate) log: Log,
    cord: Cord,
    key: Option<Key>,
    treason: Option<Treason>,
    /// Counts restarts.
    life: u32,
    wake_ms: Option<u64>,
    /// Faults that it found in others.
    pub(crate) faults: Vec<(usize, PeerFault)>,
    pub(crate) accused: Vec<Equivocation>,
}

pub(crate) struct Network {
    pub(crate) now_ms: u64,
    settings: BftSettings,
    rng: StdRng,
    seed: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    counter: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) weather: Weather,
    /// A crash erases the log: a broken node.
    pub(crate) erase_logs: bool,
    /// What honest validators have said.
    said: BTreeMap<(Address, u64, u32, u8), Option<BlockHash>>,
    /// Honest validators that contradicted themselves.
    pub(crate) contradictions: Vec<Said>,
    decided: BTreeMap<u64, BlockHash>,
    pub(crate) messages: usize,
    pub(crate) rounds: BTreeMap<u64, u32>,
}

impl Network {
    /// Validators with these powers, and then some nodes that only follow.
    pub(crate) fn new(seed: u64, powers: &[u64], followers: usize) -> Self {
        Self::with(seed, powers, followers, |_| {}, Schedule::new())
    }

    pub(crate) fn with(
        seed: u64,
        powers: &[u64],
        followers: usize,
        change: impl FnOnce(&mut BftSettings),
        schedule: Schedule,
    ) -> Self {
        let mut settings = BftSettings {
            timing: ValidatorSettings::default(),
            fee_recipient: Address::repeat_byte(1),
            first: Height(1),
            signs_from: Height(1),
        };
        change(&mut settings);
        let set: BTreeMap<_, _> =
            powers.iter().enumerate().map(|(n, power)| (Key::new(n).address(), *power)).collect();
        let node = |number: usize| {
            let cord = Cord::default();
            let mut ledger = Ledger::new(START_MS / 1_000, set.clone(), schedule.clone());
            let mut log = Log::default();
            ledger.hang_on(cord.clone());
            log.hang_on(cord.clone());
            Node {
                engine: None,
                ledger,
                log,
                cord,
                key: (number < powers.len()).then(|| Key::new(number)),
                treason: None,
                life: 0,
                wake_ms: None,
                faults: vec![],
                accused: vec![],
            }
        };
        Self {
            now_ms: START_MS,
            settings,
            rng: StdRng::seed_from_u64(seed),
            seed,
            queue: BTreeMap::new(),
            counter: 0,
            nodes: (0..powers.len() + followers).map(node).collect(),
            weather: Weather::fair(),
            erase_logs: false,
            said: BTreeMap::new(),
            contradictions: vec![],
            decided: BTreeMap::new(),
            messages: 0,
            rounds: BTreeMap::new(),
        }
    }

    pub(crate) fn betray(&mut self, node: usize, treason: Treason) -> &mut Self {
        self.nodes[node].treason = Some(treason);
        self
    }

    pub(crate) fn address(&self, node: usize) -> Address {
        Key::new(node).address()
    }

    pub(crate) fn start_all(&mut self) -> &mut Self {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        self
    }

    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.nodes[node].engine.is_some()
    }

    /// Lets the state after a block say what the last height of the engine is.
    pub(crate) fn end_engines(&mut self, lasts: &[(u64, Option<u64>)]) {
        for node in &mut self.nodes {
            node.ledger.lasts =
                lasts.iter().map(|(known, last)| (*known, last.map(Height))).collect();
        }
    }

    pub(crate) fn start(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        assert!(node.engine.is_none(), "{number} runs already");
        let signer = |key: &Key| Box::new(key.clone()) as Box<dyn Signer>;
        let inner = Bft::new(self.settings.clone(), domain(), node.key.as_ref().map(signer));
        node.engine = Some(match (node.treason, &node.key) {
            (Some(treason), Some(key)) => {
                Box::new(Traitor::new(inner, domain(), signer(key), treason))
            }
            _ => Box::new(inner),
        });
        node.life += 1;
        node.wake_ms = None;
        self.call(number, None);
        for other in 0..self.nodes.len() {
            if other != number && self.is_up(other) && self.is_up(number) {
                self.call(number, Some(Event::Connected(peer(other))));
                self.call(other, Some(Event::Connected(peer(number))));
            }
        }
    }

    /// Switches a node off, at once.
    pub(crate) fn crash(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.engine = None;
        node.cord.pull_after(None);
        node.ledger.crash();
        if self.erase_logs {
            node.log.erase();
        }
        let rng = &mut self.rng;
        node.log.crash(|unsynced| rng.gen_range(0..=unsynced));
        for other in 0..self.nodes.len() {
            if other != number && self.is_up(other) {
                self.call(other, Some(Event::Disconnected(peer(number))));
            }
        }
    }

    /// Pulls a node's power cord some operations from now; it comes back later.
    pub(crate) fn crash_soon(&mut self, number: usize) {
        let operations = self.rng.gen_range(0..12);
        self.nodes[number].cord.pull_after(Some(operations));
    }

    pub(crate) fn restart_in(&mut self, number: usize, delay_ms: u64) {
        self.push(delay_ms, Happening::Restart { node: number });
    }

    /// A transaction reaches every pool.
    pub(crate) fn submit(&mut self, number: u64) {
        for node in 0..self.nodes.len() {
            self.submit_to(node, number);
        }
    }

    pub(crate) fn submit_to(&mut self, node: usize, number: u64) {
        let ledger = &mut self.nodes[node].ledger;
        if !ledger.done.contains(&number) && ledger.pool.insert(number) && self.is_up(node) {
            self.call(node, Some(Event::Pending));
        }
    }

    pub(crate) fn inject(&mut self, from: usize, to: usize, bytes: impl Into<Bytes>) {
        self.call(to, Some(Event::Message { from: peer(from), bytes: bytes.into() }));
    }

    pub(crate) fn status(&self, node: usize) -> EngineStatus {
        self.nodes[node].engine.as_ref().expect("it runs").status()
    }

    fn push(&mut self, delay_ms: u64, happening: Happening) {
        self.counter += 1;
        self.queue.insert((self.now_ms + delay_ms, self.counter), happening);
    }

    /// Runs until nothing is due before `until_ms` from the start.
    pub(crate) fn run_until(&mut self, until_ms: u64) -> &mut Self {
        let until_ms = START_MS + until_ms;
        while let Some(entry) = self.queue.first_entry() {
            let (at_ms, _) = *entry.key();
            if at_ms > until_ms {
                break;
            }
            let happening = entry.remove();
            self.now_ms = self.now_ms.max(at_ms);
            self.happen(happening);
        }
        self.now_ms = until_ms;
        self
    }

    pub(crate) fn run_for(&mut self, ms: u64) -> &mut Self {
        self.run_until(self.now_ms - START_MS + ms)
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Deliver { from, to, lives, bytes } => {
                let alive = [from, to].map(|node| self.nodes[node].life) == lives;
                if alive && self.is_up(to) && self.is_up(from) {
                    self.call(to, Some(Event::Message { from: peer(from), bytes }));
                }
            }
            Happening::Wake { node, life } => {
                if self.nodes[node].life == life && self.is_up(node) {
                    self.nodes[node].wake_ms = None;
                    self.call(node, Some(Event::Tick));
                }
            }
            Happening::Restart { node } => {
                if !self.is_up(node) {
                    self.start(node);
                }
            }
        }
    }

    /// Calls a node's engine: with an event, or to start it.
    fn call(&mut self, number: usize, event: Option<Event>) {
        let node = &mut self.nodes[number];
        let Some(mut engine) = node.engine.take() else { return };
        let pending = !node.ledger.pool.is_empty() || node.ledger.stuck;
        let mut host = Host::new(&mut node.ledger, &mut node.log, self.now_ms, pending);
        let done = match event {
            None => engine.start(&mut host),
            Some(event) => engine.handle(event, &mut host),
        };
        let effects = host.effects;
        match done {
            Ok(()) | Err(EngineError::Build(_)) => {}
            Err(EngineError::Chain(_) | EngineError::Wal(_)) if self.cord_is_out(number) => {
                assert!(effects.is_empty(), "who has lost power says nothing more");
                self.crash(number);
                let delay_ms = self.rng.gen_range(10..2_000);
                self.restart_in(number, delay_ms);
                return;
            }
            Err(error) => panic!("seed {}: node {number} stopped: {error}", self.seed),
        }
        self.nodes[number].engine = Some(engine);
        self.check_decisions(number);
        for effect in effects {
            self.carry_out(number, effect);
        }
        self.schedule_wake(number);
    }

    fn cord_is_out(&self, number: usize) -> bool {
        self.nodes[number].cord.is_out()
    }

    fn schedule_wake(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        let Some(engine) = &node.engine else { return };
        let Some(wake_ms) = engine.wake_at_ms() else { return };
        if node.wake_ms.is_none_or(|scheduled| wake_ms < scheduled) {
            node.wake_ms = Some(wake_ms);
            let life = node.life;
            self.push(wake_ms.saturating_sub(self.now_ms), Happening::Wake { node: number, life });
        }
    }

    fn carry_out(&mut self, from: usize, effect: Effect) {
        match effect {
            Effect::Broadcast(_, bytes) => {
                self.listen(from, &bytes);
                for to in 0..self.nodes.len() {
                    if to != from && self.is_up(to) {
                        self.send(from, to, &bytes);
                    }
                }
            }
            Effect::Send(to, _, bytes) => {
                self.listen(from, &bytes);
                let to = usize::from(to.0[0]);
                if self.is_up(to) {
                    self.send(from, to, &bytes);
                }
            }
            Effect::Penalize(guilty, fault) => {
                self.nodes[from].faults.push((guilty.0[0].into(), fault));
            }
            Effect::Accuse(proof) => self.nodes[from].accused.push(proof),
            Effect::Mine(_) | Effect::StopMining => panic!("validators do not mine"),
        }
    }

    fn send(&mut self, from: usize, to: usize, bytes: &Bytes) {
        let groups = &self.weather.groups;
        if !groups.is_empty() && groups[from] != groups[to] {
            return;
        }
        if self.weather.deaf.is_some_and(|(deaf, ear)| to == deaf && from != ear) {
            return;
        }
        self.messages += 1;
        let percent = self.rng.gen_range(0..100);
        let copies = if percent < self.weather.loss_percent {
            0
        } else if percent < self.weather.loss_percent + self.weather.repeat_percent {
            2
        } else {
            1
        };
        let lives = [from, to].map(|node| self.nodes[node].life);
        for _ in 0..copies {
            let delay_ms = self.rng.gen_range(self.weather.delay_ms.clone());
            let bytes = bytes.clone();
            self.push(delay_ms, Happening::Deliver { from, to, lives, bytes });
        }
    }

    /// Law: no honest validator says two different things.
    fn listen(&mut self, from: usize, bytes: &[u8]) {
        let Some(what) = said(bytes) else { return };
        let is_own = self.nodes[from].key.as_ref().is_some_and(|k| k.address() == what.validator);
        if !is_own || self.nodes[from].treason.is_some() {
            return;
        }
        let kind = what.vote.map_or(0, hanse_primitives::VoteKind::byte);
        let key = (what.validator, what.height.0, what.round, kind);
        let round = self.rounds.entry(what.height.0).or_default();
        *round = (*round).max(what.round);
        let before = *self.said.entry(key).or_insert(what.block);
        if before != what.block {
            self.contradictions.push(what);
        }
    }

    /// Law: no two blocks are final at one height.
    fn check_decisions(&mut self, number: usize) {
        let node = &self.nodes[number];
        let tip = node.ledger.tip();
        let decided = *self.decided.entry(tip.height().0).or_insert(tip.hash());
        let seed = self.seed;
        assert_eq!(decided, tip.hash(), "seed {seed}: two blocks at height {}", tip.height());
    }

    pub(crate) fn heights(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.ledger.height()).collect()
    }

    /// Laws that hold at any time: chains agree, honest validators are consistent and accused by
    /// nobody, and honest nodes penalize only traitors.
    pub(crate) fn check(&self) {
        let seed = self.seed;
        let traitors: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|n| self.nodes[*n].treason.is_some()).collect();
        let guilty: BTreeSet<Address> = traitors.iter().map(|n| self.address(*n)).collect();
        assert_eq!(self.contradictions, [], "seed {seed}: an honest validator contradicts itself");
        for node in &self.nodes {
            for proof in &node.accused {
                let accused = proof.verify(&domain()).expect("accusations are proven");
                assert!(guilty.contains(&accused), "seed {seed}: {accused} is honest");
            }
            for (peer, fault) in &node.faults {
                assert!(traitors.contains(peer), "seed {seed}: {peer} is honest: {fault}");
            }
        }
        for (node, other) in self.nodes.iter().zip(&self.nodes[1..]) {
            let (one, other) = (node.ledger.finals(), other.ledger.finals());
            for ((a, _), (b, _)) in one.iter().zip(other) {
                assert_eq!(a.hash(), b.hash(), "seed {seed}");
            }
        }
    }

    /// Blocks that were decided in a later round than the one they were made for.
    pub(crate) fn proposed_again(&self) -> usize {
        let again = |(block, seal): &&(hanse_primitives::SealedBlock, Seal)| {
            let made = Provenance::decode(&block.header().extra_data);
            matches!((made, seal), (Ok(made), Seal::Certificate(c)) if made.round < c.round)
        };
        self.nodes[0].ledger.finals().iter().filter(again).count()
    }

    /// Where everybody is, for who has to find out what went wrong.
    pub(crate) fn describe(&self) -> String {
        let up = (0..self.nodes.len()).filter(|node| self.is_up(*node));
        let states: Vec<_> = up.map(|node| format!("{node}: {:?}", self.status(node))).collect();
        format!("seed {}, {}", self.seed, states.join(", "))
    }

    pub(crate) fn random(&mut self, below: usize) -> usize {
        self.rng.gen_range(0..below)
    }
}
