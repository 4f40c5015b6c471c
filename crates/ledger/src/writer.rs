//! The thread that writes checkpoints while blocks are committed.

use crate::{LedgerError, checkpoint, shared::Shared};
use parking_lot::{Condvar, Mutex};
use std::{sync::Arc, thread::JoinHandle};

/// What the thread is asked for and how far it is.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Checkpoints asked for so far.
    asked: u64,
    /// Checkpoints done so far.
    done: u64,
    stop: bool,
    /// Why the thread gave up.
    failed: Option<String>,
}

impl Writer {
    /// Asks for a checkpoint, unless one is being written.
    pub(crate) fn nudge(&self) {
        let mut state = self.state.lock();
        if state.asked == state.done {
            state.asked += 1;
            self.changed.notify_all();
        }
    }

    /// Asks for a checkpoint and waits until it has been written.
    pub(crate) fn write(&self) -> Result<(), LedgerError> {
        let mut state = self.state.lock();
        // One that is being written may have begun before the last commit.
        state.asked += 1;
        let wanted = state.asked;
        self.changed.notify_all();
        while state.done < wanted && state.failed.is_none() {
            self.changed.wait(&mut state);
        }
        failed(&state)
    }

    /// Waits until the checkpoint that is being written, if any, is done.
    pub(crate) fn wait(&self) -> Result<(), LedgerError> {
        let mut state = self.state.lock();
        while state.done < state.asked && state.failed.is_none() {
            self.changed.wait(&mut state);
        }
        failed(&state)
    }

    /// Whether the thread has given up.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        failed(&self.state.lock())
    }

    /// Refuses every further commit.
    pub(crate) fn give_up(&self, error: &LedgerError) {
        self.state.lock().failed = Some(error.to_string());
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_all();
    }

    /// Waits for work: how many checkpoints had been asked for, or `None` at the end, and when nothing is
    /// to be written any more.
    fn next(&self) -> Option<u64> {
        let mut state = self.state.lock();
        while state.asked == state.done && !state.stop && state.failed.is_none() {
            self.changed.wait(&mut state);
        }
        (state.asked != state.done && state.failed.is_none()).then_some(state.asked)
    }

    fn report(&self, wanted: u64, outcome: Result<(), LedgerError>) -> bool {
        let mut state = self.state.lock();
        match outcome {
            Ok(()) => state.done = wanted,
            Err(error) => {
                tracing::error!(%error, "cannot write a checkpoint; nothing is committed any more");
                state.failed = Some(error.to_string());
            }
        }
        self.changed.notify_all();
        state.failed.is_none()
    }
}

fn failed(state: &State) -> Result<(), LedgerError> {
    match &state.failed {
        Some(reason) => Err(LedgerError::Stopped(reason.clone())),
        None => Ok(()),
    }
}

/// The running thread. Dropping it writes a last checkpoint and waits for it.
#[derive(Debug)]
pub(crate) struct WriterThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    pub(crate) fn start(shared: Arc<Shared>) -> Result<Self, LedgerError> {
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || run(&own))
            .map_err(|source| LedgerError::Io { what: "start a thread".to_owned(), source })?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.shared.finish_jobs();
        if let Err(error) = self.shared.writer().write() {
            // Nothing is lost: the log has everything, and the next opening replays it.
            tracing::warn!(%error, "no checkpoint at shutdown");
        }
        self.shared.writer().stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared) {
    while let Some(wanted) = shared.writer().next() {
        let outcome = match shared.flat().freeze() {
            Some(generation) => {
                checkpoint::write(shared.flat(), shared.log(), &generation, shared.genesis())
            }
            None => Ok(()),
        };
        if !shared.writer().report(wanted, outcome) {
            return;
        }
    }
}
