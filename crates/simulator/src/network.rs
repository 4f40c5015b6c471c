//! What is going to happen when, and who hears whom.

use crate::{Split, Weather};
use alloy_primitives::{B256, Bytes};
use hanse_primitives::PeerId;
use rand::{Rng, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};

/// When simulations begin, in milliseconds since the Unix epoch.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// Something that happens at a moment.
#[derive(Debug)]
pub(crate) enum Happening {
    Deliver { from: usize, to: usize, lives: [u32; 2], bytes: Bytes },
    Gossip { from: Option<usize>, to: usize, raw: Bytes },
    Wake { member: usize, life: u32 },
    Nonce { member: usize, life: u32, job: u64, seal_hash: B256, nonce: u64 },
    Restart { member: usize },
    Fault { number: usize },
    Mended { number: usize },
    Trade,
}

/// Messages under way, and the network's state.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) now_ms: u64,
    pub(crate) weather: Weather,
    queue: BTreeMap<(u64, u64), Happening>,
    counter: u64,
    /// Partitions, by the number of the fault.
    pub(crate) splits: BTreeMap<usize, Split>,
    /// Pairs with a connection, the lower number first.
    pub(crate) connected: BTreeSet<(usize, usize)>,
    pub(crate) messages: u64,
}

pub(crate) fn peer(member: usize) -> PeerId {
    let mut id = [0; 32];
    id[0] = u8::try_from(member).expect("a simulation has few members");
    PeerId(id)
}

pub(crate) fn member(peer: PeerId) -> usize {
    usize::from(peer.0[0])
}

impl Network {
    pub(crate) fn new(weather: Weather) -> Self {
        Self {
            now_ms: START_MS,
            weather,
            queue: BTreeMap::new(),
            counter: 0,
            splits: BTreeMap::new(),
            connected: BTreeSet::new(),
            messages: 0,
        }
    }

    pub(crate) fn after(&mut self, delay_ms: u64, happening: Happening) {
        self.counter += 1;
        self.queue.insert((self.now_ms.saturating_add(delay_ms), self.counter), happening);
    }

    /// The next thing that happens, if it does before `until_ms`.
    pub(crate) fn next(&mut self, until_ms: u64) -> Option<Happening> {
        let entry = self.queue.first_entry()?;
        let (at_ms, _) = *entry.key();
        if at_ms > until_ms {
            return None;
        }
        self.now_ms = self.now_ms.max(at_ms);
        Some(entry.remove())
    }

    pub(crate) fn is_connected(&self, one: usize, other: usize) -> bool {
        self.connected.contains(&(one.min(other), one.max(other)))
    }

    /// True when a partition keeps two members from having a connection.
    pub(crate) fn is_severed(&self, one: usize, other: usize) -> bool {
        let severs = |split: &Split| split.disconnects && split.stands_between(one, other);
        self.splits.values().any(severs)
    }

    fn is_deaf(&self, from: usize, to: usize) -> bool {
        let stops = |split: &Split| {
            let deaf = split.side.contains(&to);
            split.stands_between(from, to) && (deaf || !split.one_way)
        };
        self.splits.values().any(stops)
    }

    /// When a message from one member reaches another: never, once or twice.
    pub(crate) fn arrivals(&mut self, from: usize, to: usize, rng: &mut StdRng) -> Vec<u64> {
        self.messages += 1;
        if self.is_deaf(from, to) {
            return Vec::new();
        }
        let percent = rng.gen_range(0..100);
        let copies = if percent < self.weather.loss_percent {
            0
        } else if percent < self.weather.loss_percent + self.weather.repeat_percent {
            2
        } else {
            1
        };
        (0..copies).map(|_| rng.gen_range(self.weather.delay_ms.clone())).collect()
    }
}

impl Split {
    fn stands_between(&self, one: usize, other: usize) -> bool {
        self.side.contains(&one) != self.side.contains(&other)
    }
}
