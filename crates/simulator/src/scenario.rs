//! What a seed decides before anything happens: who takes part, who lies, and what goes wrong when.

use crate::Rules;
use hanse_consensus::Treason;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

/// Everything that goes wrong in a run. A pure function of the seed and of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// How blocks come about.
    pub rules: Rules,
    /// Members with a key that votes, or with a miner.
    pub validators: usize,
    /// Members that only follow.
    pub followers: usize,
    /// Who lies, and how.
    pub traitors: BTreeMap<usize, Treason>,
    /// By how much each member's clock is wrong, in milliseconds.
    pub skews_ms: Vec<i64>,
    /// The network until the storm is over.
    pub weather: Weather,
    /// What goes wrong besides, by time in milliseconds.
    pub faults: Vec<(u64, Fault)>,
    /// When faults are over, in milliseconds.
    pub storm_ms: u64,
    /// Milliseconds between two transactions.
    pub trade_ms: u64,
}

/// How bad the network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Messages of 100 that are lost.
    pub loss_percent: u32,
    /// Messages of 100 that come twice.
    pub repeat_percent: u32,
    /// How long a message takes. Each takes its own time, and so they overtake each other.
    pub delay_ms: RangeInclusive<u64>,
}

/// Something that goes wrong at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Members lose their power.
    Crash(Crash),
    /// Members hear each other no more.
    Split(Split),
}

/// A power cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Who.
    pub members: BTreeSet<usize>,
    /// How long, in milliseconds.
    pub down_ms: u64,
    /// The cord is not pulled at once but so many operations on the engine's log later.
    pub operations: Option<u32>,
    /// The cord is pulled while the ledger makes the next block final.
    pub at_finality: bool,
    /// The ledger's store had been written just before.
    pub checkpoint: bool,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// One side.
    pub side: BTreeSet<usize>,
    /// Only this side is deaf; the others hear it.
    pub one_way: bool,
    /// Connections end; otherwise what is sent gets lost.
    pub disconnects: bool,
    /// How long, in milliseconds.
    pub for_ms: u64,
}

impl Weather {
    /// A network without faults.
    #[must_use]
    pub const fn fair() -> Self {
        Self { loss_percent: 0, repeat_percent: 0, delay_ms: 1..=5 }
    }
}

/// By how much a clock is wrong that nobody looks after, in milliseconds.
const FAR_OFF_MS: i64 = 60_000;

/// Ways to lie that validators draw from.
const TREASONS: [Treason; 5] = [
    Treason::EquivocateVotes,
    Treason::EquivocateProposals,
    Treason::InvalidBlocks,
    Treason::Silent,
    Treason::Flood,
];

impl Scenario {
    /// Draws a scenario. `validators` and `treason` are what was asked for, if anything was.
    pub(crate) fn draw(
        seed: u64,
        rules: Rules,
        validators: Option<usize>,
        treason: Option<Treason>,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let drawn = *[4, 4, 4, 5, 7].choose(&mut rng).expect("the list is not empty");
        let validators = validators.unwrap_or(drawn);
        let followers = usize::from(rng.gen_ratio(1, 4));
        let members = validators + followers;
        let calm = rng.gen_ratio(1, 8);
        let storm_ms = rules.storm_ms();
        let mut traitors = BTreeMap::new();
        if rules.votes() {
            let most = (validators - 1) / 3;
            let count = if treason.is_some() { most } else { rng.gen_range(0..=most) };
            // The member with the most stake may have more than a third of the votes with another.
            let candidates = rand::seq::index::sample(&mut rng, validators, count);
            for member in candidates {
                let drawn = *TREASONS.choose(&mut rng).expect("the list is not empty");
                traitors.insert(member, treason.unwrap_or(drawn));
            }
        }
        let weather = if calm { Weather::fair() } else { storm(&mut rng) };
        let skew_ms = *[0, 200, 1_500].choose(&mut rng).expect("the list is not empty");
        let mut skews_ms: Vec<i64> =
            (0..members).map(|_| rng.gen_range(-skew_ms..=skew_ms)).collect();
        let count = if calm { 0 } else { rng.gen_range(0..=6) };
        let mut faults: Vec<(u64, Fault)> = (0..count)
            .map(|_| {
                let at_ms = rng.gen_range(0..storm_ms);
                (at_ms, fault(&mut rng, rules, members, storm_ms - at_ms))
            })
            .collect();
        faults.sort_by_key(|(at_ms, _)| *at_ms);
        let trade_ms = *[300, 800, 2_000].choose(&mut rng).expect("the list is not empty");
        // Who is a minute behind does not vote, so it counts as one of those that may fail.
        let may_fail = rules.votes() && traitors.len() < (validators - 1) / 3;
        if may_fail && !rules.mines() && rng.gen_ratio(1, 4) {
            let member = rng.gen_range(0..validators);
            if !traitors.contains_key(&member) {
                skews_ms[member] = *[-FAR_OFF_MS, FAR_OFF_MS].choose(&mut rng).expect("two ways");
            }
        }
        Self {
            rules,
            validators,
            followers,
            traitors,
            skews_ms,
            weather,
            faults,
            storm_ms,
            trade_ms,
        }
    }

    /// All who take part.
    #[must_use]
    pub const fn members(&self) -> usize {
        self.validators + self.followers
    }
}

fn storm(rng: &mut StdRng) -> Weather {
    let slowest = *[5, 40, 80, 300].choose(rng).expect("the list is not empty");
    Weather {
        loss_percent: rng.gen_range(0..=15),
        repeat_percent: rng.gen_range(0..=8),
        delay_ms: 1..=slowest,
    }
}

fn fault(rng: &mut StdRng, rules: Rules, members: usize, left_ms: u64) -> Fault {
    let most_ms = rules.outage_ms_max().min(left_ms).max(2);
    if rng.gen_ratio(2, 5) {
        let size = rng.gen_range(1..members);
        return Fault::Split(Split {
            side: rand::seq::index::sample(rng, members, size).into_iter().collect(),
            one_way: rng.gen_ratio(1, 3),
            disconnects: rng.r#gen(),
            for_ms: rng.gen_range(1..most_ms),
        });
    }
    let everybody = rng.gen_ratio(1, 6);
    let count = if everybody { members } else { 1 };
    let at_finality = rng.gen_ratio(1, 4);
    Fault::Crash(Crash {
        members: rand::seq::index::sample(rng, members, count).into_iter().collect(),
        down_ms: rng.gen_range(1..most_ms.min(6_000)),
        operations: (!at_finality && rng.r#gen()).then(|| rng.gen_range(0..12)),
        at_finality,
        checkpoint: rng.gen_ratio(1, 8),
    })
}
