//! The message loop of proof of work: one file an event, one for each thing that is done afterwards.

mod adopt;
mod announce;
mod blocks;
mod consider;
mod get_blocks;
mod inherit;
mod mine;
mod mined;
mod new_block;
mod peers;
mod start;
mod status;
mod sync;

use super::{
    limits::{RETRY_MS, STATUS_MS},
    rules::{Final, Message, Schedule, Tree},
};
use crate::{Chain, Effect, Engine, EngineError, EngineStatus, Event, Host, PeerFault, Urgency};
use alloy_primitives::{Address, Bytes, U256};
use consider::Waiting;
use hanse_primitives::{BlockRef, Height, PeerId, WorkSettings};
use mine::Template;
use peers::Peer;
use std::collections::BTreeMap;
use sync::Request;

/// What a miner decides for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinerSettings {
    /// Who receives the priority fees.
    pub fee_recipient: Address,
    /// Mine also when no transaction waits. Otherwise blocks without transactions are mined only on
    /// top of some that carry transactions and are not final.
    pub empty_blocks: bool,
}

/// How an engine of proof of work runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowSettings {
    /// The rules of the chain.
    pub work: WorkSettings,
    /// The first height that is decided by work; the block below it is final.
    pub first: Height,
    /// The last height that is, when another engine comes after it.
    pub last: Option<Height>,
    /// Who to mine for; nobody on a node that only follows.
    pub miner: Option<MinerSettings>,
}

/// The engine of a chain that miners compete for.
#[derive(Debug)]
pub struct Pow {
    settings: PowSettings,
    schedule: Schedule,
    tree: Tree,
    head: BlockRef,
    head_work: U256,
    peers: BTreeMap<PeerId, Peer>,
    /// Blocks from the near future.
    waiting: Waiting,
    request: Option<Request>,
    /// Of the last request.
    request_id: u64,
    /// The last answers were full: there is a long way to go.
    behind: bool,
    template: Option<Template>,
    /// A transaction came after the template was made.
    news: bool,
    /// Records in the write-ahead log.
    logged: usize,
    /// Downloaded blocks are left for the next tick, so that the next request goes out before.
    downloaded: bool,
    status_at_ms: u64,
    /// When to try again to adopt a branch that our own machinery could not execute.
    adopt_at_ms: Option<u64>,
    /// When to try again to build a block.
    mine_at_ms: Option<u64>,
    wake_at_ms: Option<u64>,
}

impl Pow {
    /// An engine that has yet to be started.
    #[must_use]
    pub fn new(settings: PowSettings) -> Self {
        let nothing = BlockRef { height: Height::GENESIS, hash: Default::default() };
        let root =
            Final { reference: nothing, work: U256::ZERO, difficulty: U256::ZERO, times: vec![] };
        Self {
            schedule: Schedule::new(&settings.work, settings.first),
            settings,
            tree: Tree::new(root),
            head: nothing,
            head_work: U256::ZERO,
            peers: BTreeMap::new(),
            waiting: Waiting::default(),
            request: None,
            request_id: 0,
            behind: false,
            template: None,
            news: false,
            logged: 0,
            downloaded: false,
            status_at_ms: 0,
            adopt_at_ms: None,
            mine_at_ms: None,
            wake_at_ms: None,
        }
    }

    /// Total work of the branch that is the chain: the sum of its difficulties.
    #[must_use]
    pub const fn total_work(&self) -> U256 {
        self.head_work
    }

    fn message<C: Chain>(
        &mut self,
        from: PeerId,
        bytes: &Bytes,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        if !self.peers.contains_key(&from) {
            return Ok(());
        }
        match Message::decode(bytes) {
            Err(error) => penalize(host, from, PeerFault::Malformed(error.to_string())),
            Ok(Message::Status { head, work, finalized: _ }) => self.on_status(from, head, work),
            Ok(Message::NewBlock { work, block }) => self.on_new_block(from, work, block, host),
            Ok(Message::Announce { head, work }) => self.on_announce(from, head, work),
            Ok(Message::GetBlocks { id, locator }) => {
                self.on_get_blocks(from, id, &locator, host)?;
            }
            Ok(Message::Blocks { id, blocks }) => self.on_blocks(from, id, blocks, host),
        }
        Ok(())
    }

    /// Does what is due after any event.
    fn proceed<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.reconsider(host);
        if self.downloaded {
            self.ask(host);
        } else {
            self.adopt(host)?;
            self.ask(host);
        }
        if host.now_ms >= self.status_at_ms {
            self.status_at_ms = host.now_ms.saturating_add(STATUS_MS);
            let status = self.status_message();
            host.effects.push_back(Effect::Broadcast(Urgency::Vote, status));
        }
        // What could not be built is tried again; that is no reason to forget when to wake.
        let mined = self.mine(host);
        if mined.is_err() {
            self.mine_at_ms = Some(host.now_ms.saturating_add(RETRY_MS));
        }
        self.plan(host.now_ms);
        mined
    }

    /// Decides when to be woken.
    fn plan(&mut self, now_ms: u64) {
        let times = [
            Some(self.status_at_ms),
            self.downloaded.then_some(now_ms),
            self.request.as_ref().map(|request| request.deadline_ms),
            self.waiting.due_ms(),
            self.template.as_ref().map(|template| self.refresh_at_ms(template)),
            self.adopt_at_ms,
            self.mine_at_ms,
        ];
        self.wake_at_ms = times.into_iter().flatten().min();
    }

    fn status_message(&self) -> Bytes {
        let finalized = self.tree.root().reference;
        Message::Status { head: self.head, work: self.head_work, finalized }.encode()
    }

    /// True when the next block is for another engine.
    fn at_last(&self) -> bool {
        self.settings.last.is_some_and(|last| self.head.height >= last)
    }
}

impl<C: Chain> Engine<C> for Pow {
    fn start(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.recover(host)?;
        self.proceed(host)
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.adopt_at_ms.take_if(|at| *at <= host.now_ms);
        self.mine_at_ms.take_if(|at| *at <= host.now_ms);
        match event {
            Event::Tick => self.downloaded = false,
            Event::Pending => self.news = true,
            Event::Connected(peer) => self.on_connected(peer, host),
            Event::Disconnected(peer) => self.on_disconnected(peer),
            Event::Message { from, bytes } => self.message(from, &bytes, host)?,
            Event::Mined { seal_hash, nonce } => self.on_mined(seal_hash, nonce, host)?,
        }
        self.proceed(host)
    }

    fn wake_at_ms(&self) -> Option<u64> {
        self.wake_at_ms
    }

    fn status(&self) -> EngineStatus {
        let claimed = self.peers.values().map(|peer| peer.claim.height);
        let step = match () {
            () if self.at_last() => "handover",
            () if self.behind => "sync",
            () if self.template.is_some() => "mine",
            () => "follow",
        };
        EngineStatus {
            height: self.head.height.next(),
            round: 0,
            step,
            best_known: claimed.fold(self.head.height, Height::max),
        }
    }
}

fn penalize<C: Chain>(host: &mut Host<'_, C>, peer: PeerId, fault: PeerFault) {
    host.effects.push_back(Effect::Penalize(peer, fault));
}
