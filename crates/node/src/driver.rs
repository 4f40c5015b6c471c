//! The thread that steps the engine: it owns the chain, reads the clock, and sleeps between steps.

use crate::chain::LocalChain;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use hanse_consensus::{Solo, SoloError};
use hanse_primitives::BlockRef;
use hanse_rpc::Development;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Time to wait after a block could not be built.
const RETRY: Duration = Duration::from_secs(1);

/// Longest wait for a block that `evm_mine` asked for.
const MINE_TIME_MAX: Duration = Duration::from_secs(30);

enum Command {
    Look,
    Mine(Sender<Result<BlockRef, String>>),
    Stop,
}

/// Tells the engine that something may wait. Cheap to clone and to call.
#[derive(Clone)]
pub(crate) struct Waker {
    commands: Sender<Command>,
    /// A `Look` is on its way, so that another is needless.
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
    waker: Waker,
}

/// A mailbox, and the means to fill it.
pub(crate) fn mailbox() -> (Waker, Mailbox) {
    let (sender, commands) = bounded(64);
    let waker = Waker { commands: sender, looking: Arc::default() };
    (waker.clone(), Mailbox { commands, waker })
}

/// A running engine; stopped by [`Driver::stop`].
pub(crate) struct Driver {
    waker: Waker,
    thread: JoinHandle<()>,
}

impl Driver {
    /// Starts the solo engine. `failed` is called if it has to stop by itself.
    pub(crate) fn start(
        mailbox: Mailbox,
        mut engine: Solo,
        mut chain: LocalChain,
        failed: impl FnOnce(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let waker = mailbox.waker.clone();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            if let Err(error) = run(&mailbox, &mut engine, &mut chain) {
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

/// Steps until told to stop; the error is for people and means that the node must stop.
fn run(mailbox: &Mailbox, engine: &mut Solo, chain: &mut LocalChain) -> Result<(), String> {
    let mut wake_at: Option<Instant> = Some(Instant::now());
    loop {
        let command = match wake_at {
            None => mailbox.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => mailbox.commands.recv_deadline(at),
        };
        let stepped = match command {
            Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Command::Mine(answer)) => {
                let sealed = engine.seal_now(now_ms(), chain);
                let told = sealed.as_ref().map(|block| *block).map_err(ToString::to_string);
                // Who asked may have given up.
                let _ = answer.send(told);
                sealed.map(|_| Some(Instant::now()))
            }
            Ok(Command::Look) | Err(RecvTimeoutError::Timeout) => {
                // Cleared before looking: what comes in from here on wakes us again.
                mailbox.waker.looking.store(false, Ordering::Release);
                step(engine, chain)
            }
        };
        wake_at = match stepped {
            Ok(at) => at,
            Err(SoloError::Build(error)) => {
                tracing::error!(%error, "no block could be built; trying again");
                Some(Instant::now() + RETRY)
            }
            Err(SoloError::Chain(error)) => return Err(error.to_string()),
        };
    }
}

/// One step; when to take the next.
fn step(engine: &mut Solo, chain: &mut LocalChain) -> Result<Option<Instant>, SoloError> {
    let now = now_ms();
    let pending = chain.pool.status().pending > 0;
    let step = engine.step(now, pending, chain)?;
    if step.sealed.is_some() {
        return Ok(Some(Instant::now()));
    }
    Ok(step.wake_at_ms.map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now))))
}

/// Milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the node is where time comes from")]
pub(crate) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.expect("the clock of a machine that runs this is past 1970");
    u64::try_from(since.as_millis()).expect("milliseconds fit in 64 bits for 584 million years")
}
