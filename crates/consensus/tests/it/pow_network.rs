//! Miners and their network in virtual time, from a seed, and the laws that hold whatever happens.

use crate::pow_chain::{WorkChain, genesis};
use alloy_primitives::{Address, Bytes, U256};
use hanse_consensus::{
    Chain, Effect, Engine, Event, Host, Job, MinerSettings, PeerFault, Pow, PowSettings, Wal,
    WalError, search,
};
use hanse_primitives::{BlockHash, Height, PeerId, SealedBlock, WorkSettings};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::AtomicBool,
};

pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// A log that tears.
#[derive(Debug, Default)]
pub(crate) struct MemoryWal {
    records: Vec<Bytes>,
    synced: usize,
    pub(crate) replaced: usize,
}

impl MemoryWal {
    /// What has not been synced is lost from some point on.
    fn crash(&mut self, rng: &mut StdRng) {
        let kept = rng.gen_range(self.synced..=self.records.len());
        self.records.truncate(kept);
        self.synced = kept;
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

impl Wal for MemoryWal {
    fn records(&mut self) -> Result<Vec<Bytes>, WalError> {
        Ok(self.records.clone())
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WalError> {
        self.records.push(Bytes::copy_from_slice(record));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), WalError> {
        self.synced = self.records.len();
        Ok(())
    }

    fn replace(&mut self, records: &[Bytes]) -> Result<(), WalError> {
        self.records = records.to_vec();
        self.synced = records.len();
        self.replaced += 1;
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) engine: Pow,
    pub(crate) chain: WorkChain,
    pub(crate) wal: MemoryWal,
    pub(crate) settings: PowSettings,
    /// Hashes a millisecond.
    pub(crate) power: f64,
    /// Milliseconds by which its clock is ahead.
    pub(crate) skew_ms: i64,
    pub(crate) up: bool,
    pub(crate) job: Option<Job>,
    /// Of the job; a nonce for an older one is not found any more.
    generation: u64,
    /// Of the node; messages to an earlier life are lost.
    life: u64,
    pub(crate) penalties: Vec<(PeerId, PeerFault)>,
    work: U256,
    finalized: u64,
}

#[derive(Debug)]
enum Due {
    Deliver { from: PeerId, to: usize, life: u64, bytes: Bytes },
    Nonce { node: usize, generation: u64, job: Job },
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) nodes: Vec<Node>,
    pub(crate) now_ms: u64,
    rng: StdRng,
    queue: BTreeMap<(u64, u64), Due>,
    sequence: u64,
    /// Which nodes hear each other: those with the same number.
    pub(crate) groups: Vec<u8>,
    pub(crate) loss_percent: u32,
    pub(crate) duplicate_percent: u32,
    pub(crate) delay_ms: u64,
    /// The law that what is final is the same everywhere; off for partitions that outlast finality.
    pub(crate) one_final_chain: bool,
    finals: BTreeMap<u64, BlockHash>,
    /// Every block that was ever the head of a node.
    pub(crate) shown: BTreeSet<BlockHash>,
    pub(crate) delivered: u64,
}

pub(crate) fn peer(node: usize) -> PeerId {
    PeerId([u8::try_from(node).expect("a few nodes"); 32])
}

pub(crate) fn work_settings() -> WorkSettings {
    WorkSettings {
        block_time_ms: 5_000,
        half_life_seconds: 120,
        finality_depth: 12,
        initial_difficulty: 2_000,
    }
}

impl Network {
    /// One node for each power, all with the same genesis; those without power only follow.
    pub(crate) fn new(seed: u64, work: &WorkSettings, powers: &[f64]) -> Self {
        let mut network = Self {
            nodes: Vec::new(),
            now_ms: START_MS,
            rng: StdRng::seed_from_u64(seed),
            queue: BTreeMap::new(),
            sequence: 0,
            groups: Vec::new(),
            loss_percent: 0,
            duplicate_percent: 0,
            delay_ms: 100,
            one_final_chain: true,
            finals: BTreeMap::new(),
            shown: BTreeSet::new(),
            delivered: 0,
        };
        for power in powers {
            network.add(work, *power, vec![genesis(START_MS / 1_000)], Height(1), None);
        }
        network
    }

    /// Adds a node and connects it.
    pub(crate) fn add(
        &mut self,
        work: &WorkSettings,
        power: f64,
        finals: Vec<SealedBlock>,
        first: Height,
        last: Option<Height>,
    ) -> usize {
        let at = self.nodes.len();
        let fee_recipient = Address::repeat_byte(u8::try_from(at).expect("a few nodes"));
        let miner = (power > 0.0).then_some(MinerSettings { fee_recipient, empty_blocks: true });
        let settings = PowSettings { work: work.clone(), first, last, miner };
        self.nodes.push(Node {
            engine: Pow::new(settings.clone()),
            finalized: finals.len() as u64 - 1,
            chain: WorkChain::new(finals),
            wal: MemoryWal::default(),
            settings,
            power,
            skew_ms: 0,
            up: false,
            job: None,
            generation: 0,
            life: 0,
            penalties: Vec::new(),
            work: U256::ZERO,
        });
        self.groups.push(0);
        self.start(at);
        at
    }

    fn local_ms(&self, node: usize) -> u64 {
        self.now_ms.saturating_add_signed(self.nodes[node].skew_ms)
    }

    fn start(&mut self, at: usize) {
        self.nodes[at].up = true;
        self.call(at, |engine, host| engine.start(host).expect("the engine starts"));
        self.connect(at);
    }

    /// Connects a node with everybody in its group.
    fn connect(&mut self, at: usize) {
        for other in 0..self.nodes.len() {
            if other != at && self.linked(at, other) {
                self.handle(at, Event::Connected(peer(other)));
                self.handle(other, Event::Connected(peer(at)));
            }
        }
    }

    fn linked(&self, one: usize, other: usize) -> bool {
        let up = self.nodes[one].up && self.nodes[other].up;
        up && self.groups[one] == self.groups[other]
    }

    /// Kills nodes at once, as a power cut does: memory is gone, and logs tear where they were not synced.
    pub(crate) fn kill(&mut self, nodes: &[usize]) {
        for at in nodes {
            let node = &mut self.nodes[*at];
            node.up = false;
            node.chain.crash();
            node.wal.crash(&mut self.rng);
            (node.job, node.generation, node.life) = (None, node.generation + 1, node.life + 1);
        }
        for at in nodes {
            for other in 0..self.nodes.len() {
                if self.nodes[other].up {
                    self.handle(other, Event::Disconnected(peer(*at)));
                }
            }
        }
    }

    pub(crate) fn revive(&mut self, nodes: &[usize]) {
        for at in nodes {
            self.nodes[*at].engine = Pow::new(self.nodes[*at].settings.clone());
            self.start(*at);
        }
    }

    /// Erases a log, which no honest disk does: to see that the laws notice.
    pub(crate) fn erase_log(&mut self, at: usize) {
        self.nodes[at].wal = MemoryWal::default();
    }

    /// Splits the network; those with the same number stay together.
    pub(crate) fn partition(&mut self, groups: &[u8]) {
        let old = std::mem::replace(&mut self.groups, groups.to_vec());
        for one in 0..self.nodes.len() {
            for other in 0..self.nodes.len() {
                if one != other && old[one] == old[other] && groups[one] != groups[other] {
                    self.handle(one, Event::Disconnected(peer(other)));
                }
            }
        }
        for one in 0..self.nodes.len() {
            for other in 0..self.nodes.len() {
                if one != other && old[one] != old[other] && groups[one] == groups[other] {
                    self.handle(one, Event::Connected(peer(other)));
                }
            }
        }
    }

    /// A transaction reaches some nodes' pools.
    pub(crate) fn submit(&mut self, id: u64, nodes: &[usize]) {
        for at in nodes {
            self.nodes[*at].chain.pool.insert(id);
            self.handle(*at, Event::Pending);
        }
    }

    pub(crate) fn set_power(&mut self, at: usize, power: f64) {
        self.nodes[at].power = power;
        if let Some(job) = self.nodes[at].job {
            self.dig(at, job);
        }
    }

    /// Everybody stops to mine, and what is on its way arrives.
    pub(crate) fn settle(&mut self, ms: u64) {
        for at in 0..self.nodes.len() {
            self.nodes[at].power = 0.0;
            self.nodes[at].generation += 1;
        }
        self.run_ms(ms);
    }

    pub(crate) fn run_ms(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while self.step(until) {}
        self.now_ms = until;
    }

    /// Runs until the node's chain has a height.
    pub(crate) fn run_to(&mut self, at: usize, height: u64) {
        let until = self.now_ms + 1_000_000_000;
        while self.nodes[at].chain.head().height.0 < height {
            assert!(self.step(until), "the chain does not grow");
        }
    }

    fn step(&mut self, until: u64) -> bool {
        let ticks = (0..self.nodes.len()).filter(|at| self.nodes[*at].up).filter_map(|at| {
            let wake = Engine::<WorkChain>::wake_at_ms(&self.nodes[at].engine)?;
            Some((wake.saturating_add_signed(-self.nodes[at].skew_ms).max(self.now_ms), at))
        });
        let tick = ticks.min();
        let due = self.queue.keys().next().map(|(at, _)| *at);
        match (due, tick) {
            (Some(due), Some((wake, _))) if due <= wake && due <= until => self.deliver(),
            (Some(due), None) if due <= until => self.deliver(),
            (_, Some((wake, at))) if wake <= until => {
                self.now_ms = self.now_ms.max(wake);
                self.handle(at, Event::Tick);
            }
            _ => return false,
        }
        true
    }

    fn deliver(&mut self) {
        let ((at_ms, _), due) = self.queue.pop_first().expect("something is due");
        self.now_ms = self.now_ms.max(at_ms);
        match due {
            Due::Deliver { from, to, life, bytes } => {
                if self.nodes[to].up && self.nodes[to].life == life {
                    self.delivered += 1;
                    self.handle(to, Event::Message { from, bytes });
                }
            }
            Due::Nonce { node, generation, job } => {
                if self.nodes[node].generation == generation {
                    let start = self.rng.r#gen();
                    let found = search(&job, start, u64::MAX, &AtomicBool::new(false));
                    let nonce = found.nonce.expect("without a limit, it is found");
                    let seal_hash = job.seal_hash;
                    self.nodes[node].job = None;
                    self.handle(node, Event::Mined { seal_hash, nonce });
                }
            }
        }
    }

    /// Hands bytes from a peer that is no node of ours to a node.
    pub(crate) fn inject(&mut self, from: PeerId, to: usize, bytes: Bytes) {
        self.handle(to, Event::Message { from, bytes });
    }

    pub(crate) fn handle(&mut self, at: usize, event: Event) {
        if self.nodes[at].up {
            self.call(at, |engine, host| engine.handle(event, host).expect("the engine goes on"));
        }
    }

    fn call(&mut self, at: usize, run: impl FnOnce(&mut Pow, &mut Host<'_, WorkChain>)) {
        let now_ms = self.local_ms(at);
        let node = &mut self.nodes[at];
        let pending = !node.chain.pool.is_empty();
        let mut host = Host::new(&mut node.chain, &mut node.wal, now_ms, pending);
        run(&mut node.engine, &mut host);
        let effects = std::mem::take(&mut host.effects);
        self.check_laws(at);
        for effect in effects {
            self.carry_out(at, effect);
        }
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Broadcast(_, bytes) => {
                for to in 0..self.nodes.len() {
                    self.post(at, to, &bytes);
                }
            }
            Effect::Send(to, _, bytes) => self.post(at, usize::from(to.0[0]), &bytes),
            Effect::Penalize(peer, fault) => self.nodes[at].penalties.push((peer, fault)),
            Effect::Accuse(_) => panic!("miners do not vote"),
            Effect::Mine(job) => self.dig(at, job),
            Effect::StopMining => {
                self.nodes[at].generation += 1;
                self.nodes[at].job = None;
            }
        }
    }

    fn dig(&mut self, at: usize, job: Job) {
        let node = &mut self.nodes[at];
        node.generation += 1;
        node.job = Some(job);
        if node.power <= 0.0 {
            return;
        }
        let difficulty: f64 = (U256::MAX / job.target).to_string().parse().expect("a number");
        let luck: f64 = self.rng.r#gen::<f64>().max(f64::MIN_POSITIVE);
        let ms = (-luck.ln() * difficulty / node.power).ceil().min(1e15);
        let due = Due::Nonce { node: at, generation: node.generation, job };
        self.put(self.now_ms + format!("{ms:.0}").parse::<u64>().expect("a number"), due);
    }

    fn post(&mut self, from: usize, to: usize, bytes: &Bytes) {
        if from == to || to >= self.nodes.len() || !self.linked(from, to) {
            return;
        }
        let copies = if self.rng.gen_range(0..100) < self.duplicate_percent { 2 } else { 1 };
        for _ in 0..copies {
            if self.rng.gen_range(0..100) < self.loss_percent {
                continue;
            }
            let delay = self.rng.gen_range(1..=self.delay_ms);
            let life = self.nodes[to].life;
            let due = Due::Deliver { from: peer(from), to, life, bytes: bytes.clone() };
            self.put(self.now_ms + delay, due);
        }
    }

    fn put(&mut self, at_ms: u64, due: Due) {
        self.sequence += 1;
        self.queue.insert((at_ms, self.sequence), due);
    }

    fn check_laws(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        assert!(
            node.engine.total_work() >= node.work,
            "node {at} has shown a chain of work {} and now shows one of {}",
            node.work,
            node.engine.total_work()
        );
        node.work = node.engine.total_work();
        let finals = &node.chain.finals;
        assert!(finals.len() as u64 > node.finalized, "what is final stays");
        if self.one_final_chain {
            for block in &finals[usize::try_from(node.finalized).expect("a few blocks")..] {
                let before = self.finals.insert(block.height().0, block.hash());
                assert!(before.is_none_or(|hash| hash == block.hash()), "one final chain");
            }
        }
        node.finalized = finals.len() as u64 - 1;
        self.shown.insert(node.chain.head().hash);
    }

    /// All nodes agree, on the heaviest chain that any of them ever had, and each knows its work.
    pub(crate) fn assert_one_chain(&self) {
        let most = self.nodes.iter().map(|node| node.engine.total_work()).max().expect("nodes");
        for (at, node) in self.nodes.iter().enumerate() {
            let head = node.chain.head();
            assert_eq!(head, self.nodes[0].chain.head(), "node {at} is elsewhere");
            assert_eq!(node.engine.total_work(), most);
            let first = node.settings.first.0;
            let chain = node.chain.canonical();
            let mined = chain.iter().filter(|block| block.height().0 >= first);
            let work = mined.fold(U256::ZERO, |sum, block| sum + block.header().difficulty);
            assert_eq!(work, most, "work is the sum of the difficulties");
        }
    }

    pub(crate) fn assert_nobody_blamed(&self) {
        for node in &self.nodes {
            assert_eq!(node.penalties, [], "honest nodes do not blame each other");
        }
    }
}
