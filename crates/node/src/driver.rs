//! The thread that runs the engine: it owns the chain, reads the clock, sleeps between events, and
//! carries out what the engine wants done.

use crate::{chain::LocalChain, faults::FaultSwitch};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select, unbounded};
use hanse_consensus::{
    Chain, Effect, Engine, EngineError, EngineStatus, Event, HANDOVER, Host, Wal,
};
use hanse_primitives::{BlockRef, PeerId};
use hanse_rpc::Development;
use parking_lot::Mutex;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Longest wait for a block that `evm_mine` asked for.
const MINE_TIME_MAX: Duration = Duration::from_secs(30);

/// How often an engine that stands still looks whether it still has to.
const PAUSE_LOOK_TIME: Duration = Duration::from_millis(50);

enum Command {
    Look,
    Mine(Sender<Result<BlockRef, String>>),
    Stop,
}

/// Tells the engine that something may wait. Cheap to clone and to call.
#[derive(Clone)]
pub(crate) struct Waker {
    commands: Sender<Command>,
    /// A `Look` is on its way or not wanted, so that another is needless.
    looking: Arc<AtomicBool>,
}

impl Waker {
    pub(crate) fn wake(&self) {
        if !self.looking.swap(true, Ordering::AcqRel) {
            // A full mailbox is a busy engine, which looks at the pool anyway.
            let _ = self.commands.try_send(Command::Look);
        }
    }
}

impl Development for Waker {
    fn mine(&self) -> Result<BlockRef, String> {
        let (answer, answered) = bounded(1);
        let stopped = || "the engine has stopped".to_owned();
        self.commands.send_timeout(Command::Mine(answer), MINE_TIME_MAX).map_err(|_| stopped())?;
        answered.recv_timeout(MINE_TIME_MAX).map_err(|_| stopped())?
    }
}

/// The mailbox of an engine that has not been started yet.
pub(crate) struct Mailbox {
    commands: Receiver<Command>,
    events: Receiver<Incoming>,
    waker: Waker,
    /// Keeps the channel open on a node that has nobody to hear from.
    _outside: EventSender,
}

/// Something that comes from outside.
pub(crate) enum Incoming {
    /// An event.
    Event(Event),
    /// A peer's message, which counts against what the peer may send until it has been dealt with.
    Message(hanse_network::Message),
}

impl From<Event> for Incoming {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// Tells the engine what happens outside. Cheap to clone, and never waits: what peers may have on its
/// way is bounded by the network.
pub(crate) type EventSender = Sender<Incoming>;

/// A mailbox, and the means to fill it.
pub(crate) fn mailbox() -> (Waker, EventSender, Mailbox) {
    let (sender, commands) = bounded(64);
    let (outside, events) = unbounded();
    let waker = Waker { commands: sender, looking: Arc::default() };
    (waker.clone(), outside.clone(), Mailbox { commands, events, waker, _outside: outside })
}

/// An engine of this node's chain.
pub(crate) type LocalEngine = Box<dyn Engine<LocalChain> + Send>;

/// An engine with the log it recovers from.
pub(crate) struct Equipped {
    pub(crate) engine: LocalEngine,
    pub(crate) wal: Box<dyn Wal + Send>,
}

/// Makes the engine that decides the next block of a chain.
pub(crate) type Engines = Box<dyn Fn(&LocalChain) -> Result<Equipped, String> + Send>;

/// Carries out what an engine wants done outside of the chain.
pub(crate) trait Outside: Send {
    /// Carries out one effect; must not wait for anybody.
    fn carry(&mut self, effect: Effect);
}

/// What the engine is doing, for whoever asks.
pub(crate) type Status = Arc<Mutex<EngineStatus>>;

/// What a driver needs.
pub(crate) struct Parts {
    pub(crate) mailbox: Mailbox,
    pub(crate) engines: Engines,
    pub(crate) chain: LocalChain,
    pub(crate) outside: Box<dyn Outside>,
    pub(crate) status: Status,
    pub(crate) faults: FaultSwitch,
}

/// A running engine; stopped by [`Driver::stop`].
pub(crate) struct Driver {
    waker: Waker,
    thread: JoinHandle<()>,
}

impl Driver {
    /// Starts the engine of the chain's next block. `failed` is called if it has to stop by itself.
    pub(crate) fn start(
        parts: Parts,
        failed: impl FnOnce(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let waker = parts.mailbox.waker.clone();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            if let Err(error) = Run::new(parts).and_then(Run::run) {
                failed(error);
            }
        })?;
        Ok(Self { waker, thread })
    }

    /// Lets the block under way be finished, then ends the thread.
    pub(crate) fn stop(self) {
        // An error says that the thread has ended already.
        let _ = self.waker.commands.send(Command::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the engine ended in a panic");
        }
    }
}

/// The engine's thread. Errors are for people and mean that the node must stop.
struct Run {
    parts: Parts,
    equipped: Equipped,
    /// The engine awaits transactions, and has been told of those that waited when it began to.
    listening: bool,
    /// Who is there: an engine that takes over has to be told.
    peers: BTreeSet<PeerId>,
}

impl Run {
    fn new(parts: Parts) -> Result<Self, String> {
        let equipped = (parts.engines)(&parts.chain)?;
        let mut run = Self { parts, equipped, listening: false, peers: BTreeSet::new() };
        run.call(|engine, host| engine.start(host))?;
        Ok(run)
    }

    fn run(mut self) -> Result<(), String> {
        loop {
            if self.stands_still() {
                return Ok(());
            }
            if self.equipped.engine.status().step == HANDOVER {
                self.hand_over()?;
                continue;
            }
            if self.listen() {
                self.call(|engine, host| engine.handle(Event::Pending, host))?;
                continue;
            }
            match self.wait() {
                Wake::Stop => return Ok(()),
                Wake::Mine(answer) => self.mine(&answer)?,
                Wake::Event(event) => {
                    match &event {
                        Event::Connected(peer) => _ = self.peers.insert(*peer),
                        Event::Disconnected(peer) => _ = self.peers.remove(peer),
                        _ => {}
                    }
                    self.call(|engine, host| engine.handle(event, host))?;
                }
                Wake::Message(message) => {
                    let (from, bytes) = (message.from, message.bytes.clone().into());
                    let event = Event::Message { from, bytes };
                    self.call(|engine, host| engine.handle(event, host))?;
                    drop(message);
                }
            }
        }
    }

    /// Starts the engine of the next height in the place of the one that has come to its end.
    fn hand_over(&mut self) -> Result<(), String> {
        self.equipped = (self.parts.engines)(&self.parts.chain)?;
        self.listening = false;
        let tenure = self.parts.chain.tenure().map_err(|error| error.to_string())?;
        let engine = tenure.as_ref().map(|tenure| tenure.engine.name());
        tracing::info!(
            head = self.parts.chain.head().height.0,
            engine,
            "another engine takes over"
        );
        self.call(|engine, host| engine.start(host))?;
        for peer in self.peers.clone() {
            self.call(|engine, host| engine.handle(Event::Connected(peer), host))?;
        }
        Ok(())
    }

    /// Stands still while a fault asks for it; true when the node is to stop.
    fn stands_still(&self) -> bool {
        while let Some(left) = self.parts.faults.pause_left() {
            // Looks now and then, since the fault may be called off.
            let wait = left.min(PAUSE_LOOK_TIME);
            match self.parts.mailbox.commands.recv_timeout(wait) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(Command::Mine(_) | Command::Look) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
        false
    }

    /// Waits for the next thing to do. What is due comes before what has come in.
    fn wait(&self) -> Wake {
        let mailbox = &self.parts.mailbox;
        let due = match self.equipped.engine.wake_at_ms() {
            None => never(),
            Some(at_ms) => {
                let wait_ms = at_ms.saturating_sub(now_ms());
                if wait_ms == 0 {
                    // Even an engine that is always due must hear that it shall stop.
                    return match mailbox.commands.try_recv() {
                        Ok(command) => self.woken(command),
                        Err(_) => Wake::Event(Event::Tick),
                    };
                }
                crossbeam_channel::after(Duration::from_millis(wait_ms))
            }
        };
        select! {
            recv(mailbox.commands) -> command => match command {
                Ok(command) => self.woken(command),
                Err(_) => Wake::Stop,
            },
            recv(mailbox.events) -> incoming => match incoming {
                Ok(Incoming::Event(event)) => Wake::Event(event),
                Ok(Incoming::Message(message)) => Wake::Message(message),
                Err(_) => Wake::Stop,
            },
            recv(due) -> _ => Wake::Event(Event::Tick),
        }
    }

    fn woken(&self, command: Command) -> Wake {
        match command {
            Command::Stop => Wake::Stop,
            Command::Mine(answer) => Wake::Mine(answer),
            Command::Look => Wake::Event(Event::Pending),
        }
    }

    fn mine(&mut self, answer: &Sender<Result<BlockRef, String>>) -> Result<(), String> {
        let mut told = Err("no block was sealed".to_owned());
        let sealed = self.call(|engine, host| match engine.seal_now(host) {
            Ok(block) => {
                told = Ok(block);
                Ok(())
            }
            Err(error @ EngineError::CannotSeal) => {
                told = Err(error.to_string());
                Ok(())
            }
            Err(error) => {
                told = Err(error.to_string());
                Err(error)
            }
        });
        // Who asked may have given up.
        let _ = answer.send(told);
        sealed
    }

    /// Has the next transaction wake us, if the engine wants that; true when it has not wanted that
    /// before and one waits already.
    fn listen(&mut self) -> bool {
        let wants = self.equipped.engine.awaits_transactions();
        let begins = wants && !self.listening;
        self.listening = wants;
        // Set while nobody shall wake us. Cleared before looking at the pool: what comes in from
        // here on wakes us.
        self.parts.mailbox.waker.looking.store(!wants, Ordering::Release);
        begins && self.parts.chain.pool.status().pending > 0
    }

    /// Lets the engine do something, and carries out what it wants done.
    fn call(
        &mut self,
        work: impl FnOnce(
            &mut dyn Engine<LocalChain>,
            &mut Host<'_, LocalChain>,
        ) -> Result<(), EngineError>,
    ) -> Result<(), String> {
        let Self { parts, equipped, .. } = self;
        let pending = parts.chain.pool.status().pending > 0;
        let mut host = Host::new(&mut parts.chain, &mut *equipped.wal, now_ms(), pending);
        let done = work(&mut *equipped.engine, &mut host);
        for effect in std::mem::take(&mut host.effects) {
            parts.outside.carry(effect);
        }
        *parts.status.lock() = equipped.engine.status();
        match done {
            Ok(()) => Ok(()),
            Err(EngineError::Build(error)) => {
                tracing::error!(%error, "no block could be built; trying again");
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

enum Wake {
    Stop,
    Mine(Sender<Result<BlockRef, String>>),
    Event(Event),
    Message(hanse_network::Message),
}

/// The time of this machine's clock.
pub(crate) fn now() -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_millis(now_ms())
}

/// Milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the node is where time comes from")]
pub(crate) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.expect("the clock of a machine that runs this is past 1970");
    u64::try_from(since.as_millis()).expect("milliseconds fit in 64 bits for 584 million years")
}
