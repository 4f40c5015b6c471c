//! Miners compete up to a height, and validators vote from there on.
//!
//! The last blocks of work cannot become final by work: nobody may mine on top of them. So both engines run
//! side by side until the validators have decided their first block, and with it which branch counts. From
//! then on the first engine serves what it has decided to those who come later. The rules are in
//! `docs/protocol/work.md`.

use crate::{
    Bft, BuildError, Chain, Effect, Engine, EngineError, EngineStatus, Event, Host, PeerFault, Pow,
    Wal,
};
use alloy_primitives::Bytes;
use hanse_primitives::{BlockHash, Height, PeerId};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

/// First byte of a message of the miners' engine.
const WORK: u8 = 0x10;

/// First byte of a message of the validators' engine.
const VOTES: u8 = 0x11;

/// Milliseconds between two questions for a branch that is missing.
const ASK_MS: u64 = 500;

/// The validators' engine.
pub trait Heir<C: Chain>: Engine<C> {
    /// The engine itself.
    fn bft(&mut self) -> &mut Bft;
}

impl<C: Chain> Heir<C> for Bft {
    fn bft(&mut self) -> &mut Bft {
        self
    }
}

/// Work, then votes.
pub struct Succession<C: Chain> {
    pow: Pow,
    heir: Box<dyn Heir<C> + Send>,
    first: Height,
    /// The heir's write-ahead log; the host's is that of work.
    votes: Box<dyn Wal + Send>,
    peers: BTreeSet<PeerId>,
    /// The heir has been started.
    begun: bool,
    /// The heir has decided its first block.
    settled: bool,
    /// Blocks below the first height of the heir that are not known, and who has them.
    missing: BTreeMap<BlockHash, PeerId>,
    ask_at_ms: u64,
}

impl<C: Chain> Succession<C> {
    /// Lets `heir` take over at its first height, which must be the one above the last of `pow`. `votes` is
    /// the heir's write-ahead log.
    #[must_use]
    pub fn new(pow: Pow, mut heir: Box<dyn Heir<C> + Send>, votes: Box<dyn Wal + Send>) -> Self {
        let first = heir.bft().first();
        Self {
            pow,
            heir,
            first,
            votes,
            peers: BTreeSet::new(),
            begun: false,
            settled: false,
            missing: BTreeMap::new(),
            ask_at_ms: 0,
        }
    }

    /// Lets the miners' engine do something.
    fn work(
        &mut self,
        host: &mut Host<'_, C>,
        act: impl FnOnce(&mut Pow, &mut Host<'_, C>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut inner = Host::new(&mut *host.chain, &mut *host.wal, host.now_ms, host.pending);
        let done = act(&mut self.pow, &mut inner);
        let effects = inner.effects;
        host.effects.extend(tagged(WORK, effects));
        done
    }

    /// Lets the validators' engine do something.
    fn vote(
        &mut self,
        host: &mut Host<'_, C>,
        act: impl FnOnce(&mut dyn Heir<C>, &mut Host<'_, C>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut inner = Host::new(&mut *host.chain, &mut *self.votes, host.now_ms, host.pending);
        let done = act(&mut *self.heir, &mut inner);
        let effects = inner.effects;
        host.effects.extend(tagged(VOTES, effects));
        done
    }

    /// Hands an event to both.
    fn tell_both(
        &mut self,
        event: &Event,
        host: &mut Host<'_, C>,
    ) -> Result<Option<BuildError>, EngineError> {
        let trouble = bearable(self.work(host, |pow, host| pow.handle(event.clone(), host)))?;
        if !self.begun {
            return Ok(trouble);
        }
        let voted = self.vote(host, |heir, host| heir.handle(event.clone(), host));
        Ok(bearable(voted)?.or(trouble))
    }

    fn take(
        &mut self,
        event: Event,
        host: &mut Host<'_, C>,
    ) -> Result<Option<BuildError>, EngineError> {
        match &event {
            Event::Connected(peer) => _ = self.peers.insert(*peer),
            Event::Disconnected(peer) => _ = self.peers.remove(peer),
            _ => {}
        }
        let (from, bytes) = match event {
            Event::Message { from, bytes } => (from, bytes),
            event => return self.tell_both(&event, host),
        };
        let event = Event::Message { from, bytes: bytes.slice(bytes.len().min(1)..) };
        match bytes.first() {
            Some(&WORK) => bearable(self.work(host, |pow, host| pow.handle(event, host))),
            Some(&VOTES) if self.begun => {
                bearable(self.vote(host, |heir, host| heir.handle(event, host)))
            }
            // Others may have come further.
            Some(&VOTES) => Ok(None),
            _ => {
                let fault = PeerFault::Malformed("of neither engine".to_owned());
                host.effects.push_back(Effect::Penalize(from, fault));
                Ok(None)
            }
        }
    }

    /// Does what follows from where the two are.
    fn proceed(&mut self, host: &mut Host<'_, C>) -> Result<Option<BuildError>, EngineError> {
        let mut trouble = None;
        if !self.begun && (self.settled || self.pow.is_complete()) {
            self.begun = true;
            trouble = bearable(self.vote(host, |heir, host| heir.start(host)))?;
            for peer in self.peers.clone() {
                let event = Event::Connected(peer);
                let told = self.vote(host, |heir, host| heir.handle(event, host));
                trouble = bearable(told)?.or(trouble);
            }
        }
        if !self.begun || self.settled {
            return Ok(trouble);
        }
        if host.chain.finalized().height < self.first {
            self.vote(host, |heir, host| heir.bft().rebase(host))?;
            trouble = self.fetch(host)?.or(trouble);
        }
        // Before work is asked for anything again: the branches that it knows are gone.
        if host.chain.finalized().height >= self.first {
            trouble = self.settle(host)?.or(trouble);
        }
        Ok(trouble)
    }

    /// The heir has decided which branch counts. From now on work has nothing to do but to answer.
    fn settle(&mut self, host: &mut Host<'_, C>) -> Result<Option<BuildError>, EngineError> {
        self.settled = true;
        self.missing.clear();
        self.work(host, |pow, host| pow.settle(host))?;
        bearable(self.work(host, |pow, host| pow.handle(Event::Tick, host)))
    }

    /// Gets the blocks on which others want to go on.
    fn fetch(&mut self, host: &mut Host<'_, C>) -> Result<Option<BuildError>, EngineError> {
        self.missing.extend(self.heir.bft().take_orphaned());
        let mut found = false;
        for (block, peer) in self.missing.clone() {
            if host.chain.block(block)?.is_none() {
                let mut brought = false;
                self.work(host, |pow, host| {
                    brought = pow.bring(block, host)?;
                    Ok(())
                })?;
                if !brought {
                    self.ask(peer, host)?;
                    continue;
                }
            }
            found = true;
            self.missing.remove(&block);
        }
        if !found {
            return Ok(None);
        }
        let now_ms = host.now_ms;
        bearable(self.vote(host, |heir, host| {
            heir.bft().judge_again_at(now_ms);
            heir.handle(Event::Tick, host)
        }))
    }

    fn ask(&mut self, peer: PeerId, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        if host.now_ms < self.ask_at_ms {
            return Ok(());
        }
        self.ask_at_ms = host.now_ms.saturating_add(ASK_MS);
        // Whoever has decided on it has it as well.
        let another = self.peers.iter().next_back().filter(|_| !self.peers.contains(&peer));
        let peer = another.copied().unwrap_or(peer);
        self.work(host, |pow, host| {
            pow.ask_for_branch(peer, host);
            Ok(())
        })
    }

    fn conclude(
        &mut self,
        trouble: Option<BuildError>,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let trouble = self.proceed(host)?.or(trouble);
        trouble.map_or(Ok(()), |error| Err(error.into()))
    }
}

impl<C: Chain> Engine<C> for Succession<C> {
    fn start(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.settled = host.chain.finalized().height >= self.first;
        let trouble = bearable(self.work(host, |pow, host| pow.start(host)))?;
        self.conclude(trouble, host)
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let trouble = self.take(event, host)?;
        self.conclude(trouble, host)
    }

    fn wake_at_ms(&self) -> Option<u64> {
        let work = Engine::<C>::wake_at_ms(&self.pow);
        let votes = self.heir.wake_at_ms().filter(|_| self.begun);
        let ask = (!self.missing.is_empty()).then_some(self.ask_at_ms);
        [work, votes, ask].into_iter().flatten().min()
    }

    fn awaits_transactions(&self) -> bool {
        Engine::<C>::awaits_transactions(&self.pow) || self.heir.awaits_transactions()
    }

    fn status(&self) -> EngineStatus {
        if self.begun { self.heir.status() } else { Engine::<C>::status(&self.pow) }
    }
}

impl<C: Chain> fmt::Debug for Succession<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Succession")
            .field("first", &self.first)
            .field("status", &self.status())
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

/// Says of which engine messages are.
fn tagged(tag: u8, effects: VecDeque<Effect>) -> impl Iterator<Item = Effect> {
    let with_tag = move |bytes: Bytes| Bytes::from([&[tag], bytes.as_ref()].concat());
    effects.into_iter().map(move |effect| match effect {
        Effect::Broadcast(urgency, bytes) => Effect::Broadcast(urgency, with_tag(bytes)),
        Effect::Send(peer, urgency, bytes) => Effect::Send(peer, urgency, with_tag(bytes)),
        other => other,
    })
}

/// What keeps one engine from building a block must not keep the other from its work.
fn bearable(done: Result<(), EngineError>) -> Result<Option<BuildError>, EngineError> {
    match done {
        Ok(()) => Ok(None),
        Err(EngineError::Build(error)) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}
