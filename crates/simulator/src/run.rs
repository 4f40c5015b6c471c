//! The loop: takes the next event, calls an engine, carries out its effects, asks the laws.

use crate::{
    Crash, Failure, Fault, Sabotage, Scenario, Weather,
    council::Council,
    error::{Broken, Checked, Law},
    genesis,
    laws::Laws,
    limits::{EVENTS_MAX, PROGRESS_BLOCKS, PROGRESS_MS_MAX, SETTLE_MS},
    member::Member,
    network::{Happening, Network, START_MS, member, peer},
    report::Report,
    shop::Shop,
};
use alloy_primitives::{Bytes, U256, keccak256};
use hanse_consensus::{Effect, EngineError, Event, HANDOVER, Host, Job, PeerFault, search};
use hanse_primitives::{ChainSpec, Height, PeerId};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

pub(crate) struct Run {
    seed: u64,
    scenario: Scenario,
    rng: StdRng,
    network: Network,
    members: Vec<Member>,
    laws: Laws,
    shop: Shop,
    council: Option<Council>,
    stormy: bool,
    report: Report,
}

impl Run {
    pub(crate) fn new(
        seed: u64,
        scenario: Scenario,
        sabotage: Option<Sabotage>,
        folder: &Path,
    ) -> Result<Self, Broken> {
        let spec = genesis::spec(scenario.rules, scenario.validators).map_err(Broken::machine)?;
        let place = |number: usize| folder.join(number.to_string());
        let members = (0..scenario.members())
            .map(|number| Member::new(number, &scenario, &spec, place(number), sabotage))
            .collect();
        let mut run = Self::with(seed, scenario, members, &spec);
        run.plan();
        Ok(run)
    }

    fn with(seed: u64, scenario: Scenario, members: Vec<Member>, spec: &Arc<ChainSpec>) -> Self {
        Self {
            seed,
            // Another stream than the scenario's, so that the one may change without the other.
            rng: StdRng::seed_from_u64(seed ^ 0x5eed),
            network: Network::new(scenario.weather.clone()),
            laws: Laws::new(&scenario, spec),
            shop: Shop::new(spec),
            council: Council::of(spec),
            stormy: true,
            report: Report::default(),
            scenario,
            members,
        }
    }

    fn plan(&mut self) {
        for number in 0..self.members.len() {
            self.network.after(number as u64, Happening::Restart { member: number });
        }
        for (number, (at_ms, fault)) in self.scenario.faults.iter().enumerate() {
            self.network.after(*at_ms, Happening::Fault { number });
            if let Fault::Split(split) = fault {
                self.network.after(at_ms + split.for_ms, Happening::Mended { number });
            }
        }
        self.network.after(self.scenario.trade_ms, Happening::Trade);
    }

    /// Runs to the end.
    pub(crate) fn run(mut self) -> Result<Report, Failure> {
        let done = self.go();
        let at_ms = self.network.now_ms - START_MS;
        match done {
            Ok(()) => {
                self.report.height = self.laws.highest();
                self.report.virtual_ms = at_ms;
                self.report.messages = self.network.messages;
                self.report.accusations = self.laws.accusations;
                self.report.removed = self.laws.removed();
                Ok(self.report)
            }
            Err(Broken { law, what }) => {
                Err(Failure { seed: self.seed, rules: self.scenario.rules, at_ms, law, what })
            }
        }
    }

    fn go(&mut self) -> Checked {
        self.run_until(START_MS + self.scenario.storm_ms, |_| false)?;
        self.calm()?;
        let goal = self.goal();
        let until_ms = self.network.now_ms + PROGRESS_MS_MAX;
        self.run_until(until_ms, |run| run.all_have(goal))?;
        if !self.all_have(goal) {
            let what = format!("not everybody has block {goal}: {}", self.describe());
            return Err(Broken::law(Law::Progress, what));
        }
        if self.scenario.rules.votes() { Ok(()) } else { self.settle() }
    }

    /// Ends all faults.
    fn calm(&mut self) -> Checked {
        self.stormy = false;
        self.network.weather = Weather::fair();
        self.network.splits.clear();
        self.link()?;
        for number in 0..self.members.len() {
            if !self.members[number].is_up() {
                self.start(number)?;
            } else if let Some(running) = &self.members[number].running {
                self.members[number].cord.plug(running.chain.ledger());
            }
        }
        Ok(())
    }

    /// The height that everybody must reach now that nothing goes wrong any more.
    fn goal(&self) -> Height {
        let heads = self.running().map(|running| running.chain.ledger().head().height);
        let highest = heads.max().unwrap_or_default().max(self.laws.highest());
        let goal = Height(highest.0 + PROGRESS_BLOCKS);
        match self.scenario.rules {
            rules if rules.mines() && rules.votes() => goal.max(Height(Self::AFTER_CHANGE)),
            _ => goal,
        }
    }

    /// Where engines change, a run goes on to here.
    const AFTER_CHANGE: u64 = crate::Rules::CHANGE.0 + PROGRESS_BLOCKS;

    fn all_have(&self, goal: Height) -> bool {
        let honest = self.members.iter().filter(|member| member.treason.is_none());
        honest.into_iter().all(|member| {
            let chain = member.running.as_ref().map(|running| running.chain.ledger());
            chain.is_some_and(|ledger| {
                let mined = !self.scenario.rules.votes_at(goal);
                goal <= if mined { ledger.head().height } else { ledger.finalized().height }
            })
        })
    }

    /// Law: when nobody mines any more, all come to the heaviest chain that anybody has.
    fn settle(&mut self) -> Checked {
        for number in 0..self.members.len() {
            self.members[number].power = 0;
            if let Some(running) = &mut self.members[number].running {
                running.job += 1;
            }
        }
        self.run_until(self.network.now_ms + SETTLE_MS, |_| false)?;
        let mut works = Vec::new();
        for member in &self.members {
            works.push(work(member)?);
        }
        match works.iter().max() {
            Some(most) if works.iter().any(|work| work != most) => {
                let what = format!("total work of the members: {works:?}: {}", self.describe());
                Err(Broken::law(Law::HeaviestWins, what))
            }
            _ => Ok(()),
        }
    }

    fn running(&self) -> impl Iterator<Item = &crate::member::Running> {
        self.members.iter().filter_map(|member| member.running.as_ref())
    }

    fn run_until(&mut self, until_ms: u64, done: impl Fn(&Self) -> bool) -> Checked {
        while !done(self) {
            let Some(happening) = self.network.next(until_ms) else {
                self.network.now_ms = self.network.now_ms.max(until_ms);
                return Ok(());
            };
            self.report.events += 1;
            if self.report.events > EVENTS_MAX {
                let what = format!("more than {EVENTS_MAX} events: {}", self.describe());
                return Err(Broken::law(Law::Progress, what));
            }
            self.happen(happening)?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::Deliver { from, to, lives, bytes } => {
                let alive = [from, to].map(|number| self.members[number].life) == lives;
                if alive && self.network.is_connected(from, to) {
                    self.handle(to, Event::Message { from: peer(from), bytes })?;
                }
                Ok(())
            }
            Happening::Gossip { from, to, raw } => self.gossip(from, to, raw),
            Happening::Wake { member, life } => self.wake(member, life),
            Happening::Nonce { member, life, job, seal_hash, nonce } => {
                let wanted = self.members[member].life == life;
                let running = self.members[member].running.as_ref();
                if wanted && running.is_some_and(|running| running.job == job) {
                    self.handle(member, Event::Mined { seal_hash, nonce })?;
                }
                Ok(())
            }
            Happening::Restart { member } => {
                if self.members[member].is_up() {
                    Ok(())
                } else {
                    self.start(member)
                }
            }
            Happening::Fault { number } => self.fault(number),
            Happening::Mended { number } => {
                self.network.splits.remove(&number);
                self.link()
            }
            Happening::Trade => self.trade(),
        }
    }

    fn wake(&mut self, number: usize, life: u32) -> Checked {
        let member = &mut self.members[number];
        let local_ms = member.local_ms(self.network.now_ms);
        let Some(running) = member.running.as_mut().filter(|_| member.life == life) else {
            return Ok(());
        };
        if running.wake_ms != Some(local_ms) {
            return Ok(()); // an earlier one came in between
        }
        running.wake_ms = None;
        self.handle(number, Event::Tick)
    }

    fn fault(&mut self, number: usize) -> Checked {
        match self.scenario.faults[number].1.clone() {
            Fault::Split(split) => {
                if self.stormy {
                    self.network.splits.insert(number, split);
                }
                self.link()
            }
            Fault::Crash(crash) => {
                for number in &crash.members {
                    self.prepare_crash(*number, &crash)?;
                }
                Ok(())
            }
        }
    }

    fn prepare_crash(&mut self, number: usize, crash: &Crash) -> Checked {
        self.network.after(crash.down_ms, Happening::Restart { member: number });
        let member = &mut self.members[number];
        let Some(running) = &member.running else { return Ok(()) };
        if crash.checkpoint {
            running.chain.ledger().checkpoint().map_err(Broken::machine)?;
        }
        if let Some(operations) = crash.operations {
            member.cord.pull_after(operations);
        } else if crash.at_finality {
            member.cord.pull_at_finality();
        } else {
            self.crash(number)?;
        }
        Ok(())
    }

    fn crash(&mut self, number: usize) -> Checked {
        self.report.crashes += 1;
        self.members[number].power_off(&mut self.rng)?;
        self.link()
    }

    fn start(&mut self, number: usize) -> Checked {
        let now_ms = self.network.now_ms;
        self.members[number].power_on(now_ms)?;
        self.call(number, None)?;
        self.link()
    }

    /// Connects who can be connected, and ends the connections of all others.
    fn link(&mut self) -> Checked {
        for one in 0..self.members.len() {
            for other in one + 1..self.members.len() {
                let up = self.members[one].is_up() && self.members[other].is_up();
                let wanted = up && !self.network.is_severed(one, other);
                if wanted == self.network.is_connected(one, other) {
                    continue;
                }
                let pair = (one, other);
                let changed = match wanted {
                    true => self.network.connected.insert(pair),
                    false => self.network.connected.remove(&pair),
                };
                assert!(changed, "it was looked at before");
                let event = if wanted { Event::Connected } else { Event::Disconnected };
                self.handle(one, event(peer(other)))?;
                // The first of them may have lost its power over it.
                if self.network.is_connected(one, other) == wanted {
                    self.handle(other, event(peer(one)))?;
                }
                if wanted && self.network.is_connected(one, other) {
                    self.welcome(one, other);
                    self.welcome(other, one);
                }
            }
        }
        Ok(())
    }

    /// Tells a new peer what waits in the pool.
    fn welcome(&mut self, from: usize, to: usize) {
        let Some(running) = &self.members[from].running else { return };
        let waiting: Vec<Bytes> =
            running.chain.pool().all().iter().map(|admitted| admitted.raw()).collect();
        for raw in waiting {
            self.pass_on(from, to, &raw);
        }
    }

    fn trade(&mut self) -> Checked {
        self.network.after(self.scenario.trade_ms, Happening::Trade);
        let raw = self.shop.next(&mut self.rng);
        let decided = self.council.as_mut().and_then(|council| council.next(&mut self.rng));
        for raw in decided.into_iter().chain([raw]) {
            let to = self.rng.gen_range(0..self.members.len());
            self.gossip(None, to, raw)?;
        }
        Ok(())
    }

    fn pass_on(&mut self, from: usize, to: usize, raw: &Bytes) {
        for delay_ms in self.network.arrivals(from, to, &mut self.rng) {
            let raw = raw.clone();
            self.network.after(delay_ms, Happening::Gossip { from: Some(from), to, raw });
        }
    }

    /// A transaction reaches a member, which passes on what a client has sent.
    fn gossip(&mut self, from: Option<usize>, to: usize, raw: Bytes) -> Checked {
        let member = &mut self.members[to];
        let seconds = member.set_clock(self.network.now_ms) / 1_000;
        let Some(running) = &mut member.running else { return Ok(()) };
        let outcome = running.chain.pool().submit(std::slice::from_ref(&raw), seconds).pop();
        let taken = outcome.is_some_and(|outcome| outcome.is_ok());
        if from.is_none() {
            for other in 0..self.members.len() {
                if other != to && self.network.is_connected(to, other) {
                    self.pass_on(to, other, &raw);
                }
            }
        }
        let listens = self.members[to].running.as_ref();
        let listens = listens.is_some_and(|running| running.engine.awaits_transactions());
        if taken && listens { self.handle(to, Event::Pending) } else { Ok(()) }
    }

    fn handle(&mut self, number: usize, event: Event) -> Checked {
        if self.members[number].is_up() { self.call(number, Some(event)) } else { Ok(()) }
    }

    /// Calls a member's engine: with an event, or to start it.
    fn call(&mut self, number: usize, event: Option<Event>) -> Checked {
        let now_ms = self.network.now_ms;
        let member = &mut self.members[number];
        let local_ms = member.set_clock(now_ms);
        member.note_log()?;
        let Some(running) = &mut member.running else { return Ok(()) };
        let pending = running.chain.pool().status().pending > 0;
        let head = running.chain.ledger().head();
        let mut host = Host::new(&mut running.chain, &mut running.wal, local_ms, pending);
        let done = match event {
            None => running.engine.start(&mut host),
            Some(event) => running.engine.handle(event, &mut host),
        };
        let effects = host.effects;
        if member.cord.is_out() {
            // Nothing of what it wanted to say has left.
            let down_ms = self.rng.gen_range(10..2_000);
            self.network.after(down_ms, Happening::Restart { member: number });
            return self.crash(number);
        }
        match done {
            Ok(()) | Err(EngineError::Build(_)) => {}
            Err(error) => {
                let what = format!("member {number} stopped: {error}");
                return Err(Broken::law(Law::NobodyStops, what));
            }
        }
        let running = member.running.as_ref().expect("it was there, and nobody took it");
        let ledger = running.chain.ledger();
        if head != ledger.head() && !ledger.is_canonical(head).map_err(Broken::machine)? {
            self.report.reverted += 1;
        }
        if member.treason.is_none() {
            self.laws.look(number, &running.chain, &mut self.shop)?;
            if let Some(council) = &mut self.council {
                council.look(&running.chain)?;
            }
        }
        let is_over = running.engine.status().step == HANDOVER;
        self.note(number);
        for effect in effects {
            self.carry_out(number, effect)?;
        }
        if is_over {
            return self.hand_over(number);
        }
        self.listen(number)?;
        self.schedule(number);
        Ok(())
    }

    /// As the node's driver: the engine of the next height takes the place of the one that has come to its end.
    fn hand_over(&mut self, number: usize) -> Checked {
        self.report.handovers += 1;
        self.members[number].hand_over()?;
        self.call(number, None)?;
        for other in 0..self.members.len() {
            if other != number && self.network.is_connected(number, other) {
                self.handle(number, Event::Connected(peer(other)))?;
            }
        }
        Ok(())
    }

    /// Adds what is seen of a member to the trace.
    fn note(&mut self, number: usize) {
        let told = self.laws.told(number);
        let mut bytes = self.report.trace.to_vec();
        bytes.extend(self.network.now_ms.to_be_bytes());
        bytes.extend((number as u64).to_be_bytes());
        bytes.extend(told.hash);
        self.report.trace = keccak256(bytes);
    }

    /// As the node's driver: an engine that begins to await transactions hears of those that wait.
    fn listen(&mut self, number: usize) -> Checked {
        let Some(running) = &mut self.members[number].running else { return Ok(()) };
        let wants = running.engine.awaits_transactions();
        let begins = wants && !running.listening;
        running.listening = wants;
        if begins && running.chain.pool().status().pending > 0 {
            return self.handle(number, Event::Pending);
        }
        Ok(())
    }

    fn schedule(&mut self, number: usize) {
        let now_ms = self.network.now_ms;
        let member = &mut self.members[number];
        let local_ms = member.local_ms(now_ms);
        let Some(running) = &mut member.running else { return };
        let Some(wake_ms) = running.engine.wake_at_ms() else { return };
        let wake_ms = wake_ms.max(local_ms);
        if running.wake_ms.is_none_or(|scheduled| wake_ms < scheduled) {
            running.wake_ms = Some(wake_ms);
            let wake = Happening::Wake { member: number, life: member.life };
            self.network.after(wake_ms - local_ms, wake);
        }
    }

    fn carry_out(&mut self, from: usize, effect: Effect) -> Checked {
        match effect {
            Effect::Broadcast(_, bytes) => {
                self.laws.listen(self.members[from].key.address(), &bytes)?;
                for to in 0..self.members.len() {
                    if to != from {
                        self.send(from, to, &bytes);
                    }
                }
            }
            Effect::Send(to, _, bytes) => {
                self.laws.listen(self.members[from].key.address(), &bytes)?;
                self.send(from, member(to), &bytes);
            }
            Effect::Penalize(peer, fault) => self.penalize(from, peer, &fault)?,
            Effect::Accuse(proof) if self.members[from].treason.is_none() => {
                self.laws.accuse(&proof)?;
                let member = &self.members[from];
                let Some(running) = &member.running else { return Ok(()) };
                for raw in running.chain.accuse(&member.key, &proof) {
                    self.gossip(None, from, raw)?;
                }
            }
            Effect::Accuse(_) => {}
            Effect::Mine(job) => self.mine(from, &job),
            Effect::StopMining => {
                if let Some(running) = &mut self.members[from].running {
                    running.job += 1;
                }
            }
        }
        Ok(())
    }

    /// Law: honest members find no fault with each other.
    fn penalize(&self, from: usize, guilty: PeerId, fault: &PeerFault) -> Checked {
        let accused = &self.members[member(guilty)];
        let is_traitor = self.laws.is_guilty(&accused.key.address());
        if is_traitor || self.members[from].treason.is_some() {
            return Ok(());
        }
        let what = format!("member {from} penalizes member {}: {fault}", member(guilty));
        Err(Broken::law(Law::HonestPeers, what))
    }

    fn send(&mut self, from: usize, to: usize, bytes: &Bytes) {
        if !self.network.is_connected(from, to) {
            return;
        }
        let lives = [from, to].map(|number| self.members[number].life);
        for delay_ms in self.network.arrivals(from, to, &mut self.rng) {
            let bytes = bytes.clone();
            self.network.after(delay_ms, Happening::Deliver { from, to, lives, bytes });
        }
    }

    /// Looks for a nonce at once, and lets the time pass that a miner of this power would have needed.
    fn mine(&mut self, number: usize, job: &Job) {
        let start = self.rng.r#gen();
        let member = &mut self.members[number];
        let Some(running) = &mut member.running else { return };
        running.job += 1;
        if member.power == 0 {
            return;
        }
        let found = search(job, start, u64::MAX, &AtomicBool::new(false));
        let nonce = found.nonce.expect("without a limit, one is found");
        let delay_ms = found.attempts.saturating_mul(1_000) / member.power;
        let (life, job, seal_hash) = (member.life, running.job, job.seal_hash);
        let nonce = Happening::Nonce { member: number, life, job, seal_hash, nonce };
        self.network.after(delay_ms, nonce);
    }

    /// Where everybody is, for who has to find out what went wrong.
    fn describe(&self) -> String {
        let one = |(number, member): (usize, &Member)| match &member.running {
            None => format!("{number}: down"),
            Some(running) => {
                let (head, status) = (running.chain.ledger().head(), running.engine.status());
                format!(
                    "{number}{}: head {} {}, height {}, round {}, {}",
                    if member.treason.is_some() { " (traitor)" } else { "" },
                    head.height,
                    head.hash,
                    status.height,
                    status.round,
                    status.step
                )
            }
        };
        self.members.iter().enumerate().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// Total work of a member's chain.
fn work(member: &Member) -> Result<U256, Broken> {
    let Some(running) = &member.running else { return Ok(U256::ZERO) };
    let ledger = running.chain.ledger();
    let mut work = U256::ZERO;
    for height in 1..=ledger.head().height.0 {
        let header = ledger.header(Height(height)).map_err(Broken::machine)?;
        work += header.map_or(U256::ZERO, |header| header.difficulty);
    }
    Ok(work)
}
