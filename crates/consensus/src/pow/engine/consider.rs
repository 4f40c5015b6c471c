use super::{Pow, penalize};
use crate::pow::{
    limits::{FUTURE_SECONDS_MAX, WAITING_BYTES_MAX, WAITING_MAX, WAITING_SECONDS_MAX},
    rules::{Fault, Judgement, check_work, judge},
};
use crate::{Chain, Host, PeerFault};
use alloy_rlp::Encodable;
use hanse_primitives::{BlockHash, PeerId, SealedBlock};
use std::collections::BTreeMap;

/// What became of a block from a peer, before any of it is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the tree now.
    Taken,
    /// It was there before, or is final.
    Known,
    /// What it is built on is not known.
    Orphan,
    /// It is from the future, or there is no room for it.
    Early,
    /// It breaks a rule; the peer has been penalized.
    Refused,
}

/// Blocks that will be looked at again when their time has come. Each has done its work.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<(u64, BlockHash), (SealedBlock, PeerId, usize)>,
    bytes: usize,
}

impl Waiting {
    fn insert(&mut self, due_seconds: u64, block: SealedBlock, from: PeerId) {
        let (hash, bytes) = (block.hash(), block.block().length());
        if self.blocks.insert((due_seconds, hash), (block, from, bytes)).is_none() {
            self.bytes += bytes;
        }
        // Those that are due last go first.
        while self.blocks.len() > WAITING_MAX || self.bytes > WAITING_BYTES_MAX {
            let Some((_, (_, _, bytes))) = self.blocks.pop_last() else { break };
            self.bytes -= bytes;
        }
    }

    fn take_due(&mut self, now_ms: u64) -> Option<(SealedBlock, PeerId)> {
        self.due_ms().filter(|due_ms| *due_ms <= now_ms)?;
        let (_, (block, from, bytes)) = self.blocks.pop_first()?;
        self.bytes -= bytes;
        Some((block, from))
    }

    pub(super) fn due_ms(&self) -> Option<u64> {
        self.blocks.keys().next().map(|(due, _)| due.saturating_mul(1_000))
    }
}

impl Pow {
    /// Judges the header of a block from a peer, and takes the block into the tree if it is good.
    /// Nothing is executed: that has to wait until the block is on the heaviest branch.
    pub(super) fn consider<C: Chain>(
        &mut self,
        block: SealedBlock,
        from: PeerId,
        host: &mut Host<'_, C>,
    ) -> Outcome {
        let hash = block.hash();
        if self.tree.contains(&hash) || block.height() <= self.tree.root().reference.height {
            return Outcome::Known;
        }
        let parent = block.header().parent_hash;
        if self.tree.is_condemned(&hash) || self.tree.is_condemned(&parent) {
            let why = format!("{hash} is invalid, or built on what is");
            penalize(host, from, PeerFault::InvalidBlock(why));
            return Outcome::Refused;
        }
        let Some(context) = self.tree.context(&parent) else {
            return self.consider_orphan(&block, from, host);
        };
        if self.settings.last.is_some_and(|last| block.height() > last) {
            // Not by this engine, whatever it is.
            let why = format!("height {} is not decided by work", block.height());
            penalize(host, from, PeerFault::InvalidBlock(why));
            return Outcome::Refused;
        }
        let now_seconds = host.now_ms / 1_000;
        match judge(&self.schedule, &context, &block, now_seconds) {
            Judgement::Good if self.tree.insert(block.clone(), Some(from)) => Outcome::Taken,
            Judgement::Good => Outcome::Early,
            Judgement::Early(due_seconds) => {
                if due_seconds <= now_seconds + WAITING_SECONDS_MAX - FUTURE_SECONDS_MAX {
                    self.waiting.insert(due_seconds, block, from);
                }
                Outcome::Early
            }
            Judgement::Bad(fault) => {
                // Not remembered: to judge it again is cheaper than to have the memory filled.
                let fault = match fault {
                    Fault::Work(why) => PeerFault::Forged(why),
                    Fault::Body => PeerFault::Forged(format!("not the body of {hash}")),
                    Fault::Rule(why) => PeerFault::InvalidBlock(why),
                };
                penalize(host, from, fault);
                Outcome::Refused
            }
        }
    }

    /// Of a block whose parent is unknown only its own work can be checked.
    fn consider_orphan<C: Chain>(
        &self,
        block: &SealedBlock,
        from: PeerId,
        host: &mut Host<'_, C>,
    ) -> Outcome {
        let header = block.header();
        let worked = check_work(header).and_then(|()| {
            let light = header.difficulty < self.schedule.least();
            if light { Err("less work than any block has".to_owned()) } else { Ok(()) }
        });
        match worked {
            Ok(()) => Outcome::Orphan,
            Err(why) => {
                penalize(host, from, PeerFault::Forged(why));
                Outcome::Refused
            }
        }
    }

    /// Looks again at blocks whose time has come.
    pub(super) fn reconsider<C: Chain>(&mut self, host: &mut Host<'_, C>) {
        while let Some((block, from)) = self.waiting.take_due(host.now_ms) {
            // An orphan by now has no future: what it is built on contradicts what is final.
            self.consider(block, from, host);
        }
    }
}
