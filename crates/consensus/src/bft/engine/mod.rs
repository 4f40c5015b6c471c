//! The message loop: takes events, feeds the library, works on chain and log, leaves effects.

mod assemble;
mod build;
mod decide;
mod deciding;
mod handlers;
mod inherit;
mod judge;
mod library;
mod log;
mod peers;
mod publish;
mod recover;
mod start;
mod sync;
mod timers;
mod view;

#[cfg(feature = "test-utils")]
pub(super) use handlers::certificates;
pub use log::logged_height;
pub use view::{Ballot, RoundView};

use self::{decide::Finished, deciding::Deciding, log::Log, peers::Peers, sync::Sync};
use super::{
    limits::{STATUS_GAP_MS, STATUS_MS, SYNC_APPLY_MAX},
    rules::{provenance::Parent, stamp::Stamp},
};
use crate::{Chain, Effect, Engine, EngineError, EngineStatus, Event, Host, PeerFault, Signer};
use alloy_primitives::{Address, B256};
use hanse_primitives::{BlockHash, BlockRef, Height, PeerId, SigningDomain, ValidatorSettings};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// How an engine of validators works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BftSettings {
    /// The times.
    pub timing: ValidatorSettings,
    /// Who receives the priority fees of the blocks that we build.
    pub fee_recipient: Address,
    /// The first height that this engine decides. The last one the chain says.
    pub first: Height,
    /// Below this height nothing is signed: a later engine has worked here already, so this one may have
    /// signed what its chain has lost.
    pub signs_from: Height,
}

/// The engine in which validators vote.
pub struct Bft {
    settings: BftSettings,
    domain: SigningDomain,
    signer: Option<Box<dyn Signer>>,
    /// The final block.
    parent: Parent,
    /// The last height that this engine decides, as far as the chain knows; `None` when no other follows.
    last: Option<Height>,
    /// When it was decided, as we saw it.
    decided_ms: u64,
    /// What time our blocks bear.
    stamp: Stamp,
    /// True when the last height was started because a transaction waited, and its block is empty.
    futile: bool,
    /// The height that is being decided; `None` before the start and after the last.
    deciding: Option<Deciding>,
    /// A decision that has been carried out and not been followed up yet.
    finished: Option<Finished>,
    peers: Peers,
    sync: Sync,
    log: Log,
    accused: BTreeSet<(Height, Address)>,
    /// Parents of proposed blocks that are not known, and who has them.
    orphaned: BTreeMap<BlockHash, PeerId>,
    /// What went wrong inside an effect of the library, which can bear no errors.
    fault: Option<EngineError>,
    /// Whose message is being handled.
    sender: Option<PeerId>,
    announced_ms: u64,
    announce: bool,
    wake_at_ms: Option<u64>,
}

impl Bft {
    /// An engine that is to be started. Without a signer it follows and does not vote.
    #[must_use]
    pub fn new(
        settings: BftSettings,
        domain: SigningDomain,
        signer: Option<Box<dyn Signer>>,
    ) -> Self {
        let nowhere = BlockRef { height: Height::GENESIS, hash: B256::ZERO };
        Self {
            settings,
            domain,
            signer,
            parent: Parent { reference: nowhere, timestamp: 0, decided: None },
            last: None,
            decided_ms: 0,
            stamp: Stamp::default(),
            futile: false,
            deciding: None,
            finished: None,
            peers: Peers::default(),
            sync: Sync::default(),
            log: Log::default(),
            accused: BTreeSet::new(),
            orphaned: BTreeMap::new(),
            fault: None,
            sender: None,
            announced_ms: 0,
            announce: false,
            wake_at_ms: None,
        }
    }

    /// Our account, if we may sign.
    fn account(&self) -> Option<Address> {
        self.signer.as_ref().map(|signer| signer.address())
    }

    /// True when all heights that this engine decides are decided.
    fn is_over(&self) -> bool {
        self.last.is_some_and(|last| self.parent.reference.height >= last)
    }

    fn take<C: Chain>(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        match event {
            // Whatever is due is done in `settle`.
            Event::Tick | Event::Pending | Event::Mined { .. } => Ok(()),
            Event::Connected(peer) => {
                self.on_connected(peer, host);
                Ok(())
            }
            Event::Disconnected(peer) => {
                self.on_disconnected(peer);
                Ok(())
            }
            Event::Message { from, bytes } => self.on_message(from, &bytes, host),
        }
    }

    /// Does whatever is due, and finds out what will be.
    fn settle<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let done = self.work(host);
        self.ask_if_behind(host);
        self.announce_if_due(host);
        self.plan(host);
        done
    }

    /// Does whatever is due. At most a few blocks in one call, so that no event waits long.
    fn work<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.wake_at_ms = None;
        self.decided_ms = self.decided_ms.min(host.now_ms); // the clock may have been set back
        let mut blocks = 0;
        loop {
            if self.finished.is_some() {
                self.advance(host)?;
                blocks += 1;
            }
            // Another block may have been decided, so what `host` says of the pool is old news.
            if blocks > 0 && (self.sync.is_idle() || blocks >= SYNC_APPLY_MAX) {
                self.wake_at_ms = Some(host.now_ms);
                return Ok(());
            }
            let did = self.apply_synced(host)?
                || self.start_if_due(host)?
                || self.build_if_due(host)?
                || self.fire_if_due(host)?
                || self.judge_again_if_due(host)?;
            if !did && self.finished.is_none() {
                return Ok(());
            }
        }
    }

    /// Tells peers where we are: after each block, and now and then.
    fn announce_if_due<C: Chain>(&mut self, host: &mut Host<'_, C>) {
        let now_ms = host.now_ms;
        self.announced_ms = self.announced_ms.min(now_ms);
        if now_ms >= self.announce_due_ms() {
            self.announced_ms = now_ms;
            self.announce = false;
            self.broadcast(&self.status_message(), host);
        }
    }

    fn announce_due_ms(&self) -> u64 {
        self.announced_ms.saturating_add(if self.announce { STATUS_GAP_MS } else { STATUS_MS })
    }

    /// Finds out when something will be due.
    fn plan<C: Chain>(&mut self, host: &Host<'_, C>) {
        let due = [
            self.wake_at_ms,
            Some(self.announce_due_ms()),
            self.sync_due_ms(host.now_ms),
            self.start_due_ms(host.pending).filter(|_| !self.is_catching_up(host.now_ms)),
            self.build_due_ms(host.pending),
            self.deciding.as_ref().and_then(|deciding| deciding.timers.due_ms()),
            self.deciding.as_ref().and_then(Deciding::doubts_due_ms),
        ];
        self.wake_at_ms = due.into_iter().flatten().min();
    }

    /// What every call ends with.
    fn conclude<C: Chain>(
        &mut self,
        done: Result<(), EngineError>,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let done = self.fault.take().map_or(done, Err);
        let done = match done {
            // What was signed must be in the log before it leaves.
            Ok(()) | Err(EngineError::Build(_)) => {
                self.log.sync_if_owed(host).map_err(EngineError::from).and(done)
            }
            Err(fatal) => Err(fatal),
        };
        if !matches!(done, Ok(()) | Err(EngineError::Build(_))) {
            // A node that must stop says nothing more: it may not have been written down.
            host.effects.clear();
        }
        done
    }

    fn penalize<C: Chain>(&self, peer: PeerId, fault: PeerFault, host: &mut Host<'_, C>) {
        host.effects.push_back(Effect::Penalize(peer, fault));
    }
}

impl<C: Chain> Engine<C> for Bft {
    fn start(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let done = self.recover(host).and_then(|()| self.settle(host));
        self.conclude(done, host)
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let taken = self.take(event, host);
        let done = taken.and_then(|()| self.settle(host));
        self.conclude(done, host)
    }

    fn wake_at_ms(&self) -> Option<u64> {
        self.wake_at_ms
    }

    fn status(&self) -> EngineStatus {
        self.describe()
    }
}

impl fmt::Debug for Bft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bft")
            .field("account", &self.account())
            .field("parent", &self.parent.reference)
            .field("status", &self.describe())
            .finish_non_exhaustive()
    }
}
