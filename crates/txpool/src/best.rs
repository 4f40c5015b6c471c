use crate::{
    Admitted, Pool, limits,
    sender::{Entry, Sender},
    slab::SlotId,
    state::State,
};
use alloy_primitives::{Address, map::AddressSet};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// The pending transactions in the order in which a builder should try them: best tip first, then
/// senders take turns, then in order of arrival; of one sender always by nonce.
///
/// It takes a chunk at a time from the pool and holds no lock between, so the EVM may take its time
/// and the pool may change. Of senders that had nothing pending at the start nothing is seen.
#[derive(Debug)]
pub struct Best {
    pool: Pool,
    base_fee: u64,
    blob_fee: u128,
    turns: BinaryHeap<Turn>,
    chunk: VecDeque<Admitted>,
    skipped: AddressSet,
}

/// A sender's next transaction. The greatest comes next; arrivals are unique, so ties end there.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    tip: u128,
    /// How many of the sender's transactions came before.
    round: Reverse<usize>,
    arrival: Reverse<u64>,
    id: SlotId,
    nonce: u64,
}

impl Best {
    pub(crate) fn new(pool: Pool, state: &State, base_fee: u64, blob_fee: u128) -> Self {
        let turn = |(id, sender): (SlotId, &Sender)| {
            let entry = sender.queue.front().filter(|_| sender.pending > 0)?;
            Turn::new(id, entry, 0, base_fee, blob_fee)
        };
        let turns: Vec<Turn> = state.senders.iter().filter_map(turn).collect();
        Self {
            pool,
            base_fee,
            blob_fee,
            turns: BinaryHeap::from(turns),
            chunk: VecDeque::new(),
            skipped: AddressSet::default(),
        }
    }

    /// Leaves out the rest of a sender's transactions: one was refused or does not fit, and the
    /// others cannot run before it.
    pub fn skip_sender(&mut self, sender: Address) {
        self.skipped.insert(sender);
    }

    fn refill(&mut self) {
        let pool = self.pool.clone();
        let state = pool.lock();
        while self.chunk.len() < limits::BEST_CHUNK {
            let Some(turn) = self.turns.pop() else { return };
            // The pool may have changed since the turn was set: the sender may be gone, its nonce
            // used, the transaction replaced by one that pays more.
            let Some(sender) = state.senders.get(turn.id) else { continue };
            let Ok(at) = sender.find(turn.nonce) else { continue };
            if at >= sender.pending || self.skipped.contains(&sender.address) {
                continue;
            }
            self.chunk.push_back(sender.queue[at].admitted());
            let next = sender.queue.get(at + 1).filter(|_| at + 1 < sender.pending);
            let round = turn.round.0 + 1;
            self.turns.extend(
                next.and_then(|entry| {
                    Turn::new(turn.id, entry, round, self.base_fee, self.blob_fee)
                }),
            );
        }
    }
}

impl Turn {
    fn new(id: SlotId, entry: &Entry, round: usize, base_fee: u64, blob_fee: u128) -> Option<Self> {
        Some(Self {
            tip: entry.tip(base_fee, blob_fee)?,
            round: Reverse(round),
            arrival: Reverse(entry.arrival),
            id,
            nonce: entry.nonce,
        })
    }
}

impl Iterator for Best {
    type Item = Admitted;

    fn next(&mut self) -> Option<Admitted> {
        loop {
            if self.chunk.is_empty() {
                self.refill();
            }
            let admitted = self.chunk.pop_front()?;
            if self.skipped.is_empty() || !self.skipped.contains(&admitted.sender()) {
                return Some(admitted);
            }
        }
    }
}
