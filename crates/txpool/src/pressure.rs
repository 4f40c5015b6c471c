//! Who must give way when the pool is full: the tail of the sender that takes most of it.
//!
//! A sender's charge is the sum over its transactions of their bytes, but of each at least the
//! pool's bytes divided by the pool's transactions; so one number stands for both limits. Senders
//! within the guaranteed charge count as equals; among them the tail that pays least goes first (one
//! that cannot run pays nothing), and of equals the last to arrive.

use crate::{
    PoolSettings, Rules, limits,
    sender::Sender,
    slab::{Slab, SlotId},
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// How much a sender should give way; the greatest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    charge: usize,
    tip: Reverse<Option<u128>>,
    arrival: u64,
}

/// Senders by weight. Each sender has a hint at least as great as its weight: weights that fell are
/// noticed when their hint comes up, weights that may have risen are told to [`Pressure::hint`].
/// Built when the pool first overflows and thrown away with each block, so that it costs nothing
/// while there is room.
#[derive(Debug)]
pub(crate) struct Pressure {
    guaranteed: usize,
    heap: BinaryHeap<(Weight, SlotId)>,
}

/// What one transaction takes of the pool.
pub(crate) fn charge(bytes: usize, settings: &PoolSettings) -> usize {
    bytes.max(share(settings))
}

fn share(settings: &PoolSettings) -> usize {
    settings.bytes_max / settings.transactions_max.max(1)
}

impl Pressure {
    pub(crate) fn new(settings: &PoolSettings, senders: &Slab, rules: &Rules) -> Self {
        let guaranteed = share(settings).saturating_mul(limits::GUARANTEED_TRANSACTIONS);
        let hints =
            senders.iter().filter_map(|(id, sender)| Some((weigh(sender, guaranteed, rules)?, id)));
        Self { guaranteed, heap: hints.collect() }
    }

    /// Tells that a sender's weight may have risen.
    pub(crate) fn hint(&mut self, id: SlotId, sender: &Sender, rules: &Rules) {
        self.heap.extend(weigh(sender, self.guaranteed, rules).map(|weight| (weight, id)));
    }

    /// The sender whose last transaction must go; `None` when there is none at all.
    pub(crate) fn heaviest(&mut self, senders: &Slab, rules: &Rules) -> Option<SlotId> {
        while let Some((hinted, id)) = self.heap.pop() {
            let Some(weight) = senders.get(id).and_then(|s| weigh(s, self.guaranteed, rules))
            else {
                continue;
            };
            assert!(weight <= hinted, "each sender's weight is known or overestimated");
            if weight == hinted {
                return Some(id);
            }
            self.heap.push((weight, id));
        }
        None
    }
}

fn weigh(sender: &Sender, guaranteed: usize, rules: &Rules) -> Option<Weight> {
    let tail = sender.queue.back()?;
    let runs = sender.pending == sender.queue.len();
    let tip = if runs { tail.tip(rules.base_fee, rules.blob_fee()) } else { None };
    Some(Weight { charge: sender.charge.max(guaranteed), tip: Reverse(tip), arrival: tail.arrival })
}
