//! Threads that look for nonces.

use crate::driver::EventSender;
use hanse_consensus::{Event, Job, search};
use rand::Rng;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// Nonces that a thread tries between two looks at anything else.
const STRIDE: u64 = 1 << 16;

/// The search that is under way; dropping it ends it.
#[derive(Debug)]
struct Search {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a mining thread ended in a panic");
            }
        }
    }
}

/// Looks for one nonce at a time, on a given number of threads.
#[derive(Debug)]
pub(crate) struct Miner {
    threads: usize,
    events: EventSender,
    search: Option<Search>,
}

impl Miner {
    pub(crate) const fn new(threads: usize, events: EventSender) -> Self {
        Self { threads, events, search: None }
    }

    /// Looks for this job's nonce instead of whatever it looked for before.
    pub(crate) fn mine(&mut self, job: Job) {
        self.search = None;
        let stop = Arc::new(AtomicBool::new(false));
        let (part, first) = (u64::MAX / self.threads.max(1) as u64, rand::thread_rng().r#gen());
        let threads = (0..self.threads as u64).map(|index| {
            let (stop, events) = (Arc::clone(&stop), self.events.clone());
            let start: u64 = part.wrapping_mul(index).wrapping_add(first);
            std::thread::Builder::new()
                .name(format!("miner-{index}"))
                .spawn(move || look(&job, start, &stop, &events))
        });
        let threads = threads.filter_map(|thread| {
            thread.inspect_err(|error| tracing::error!(%error, "a mining thread cannot start")).ok()
        });
        let threads = threads.collect();
        self.search = Some(Search { stop, threads });
    }

    pub(crate) fn stop(&mut self) {
        self.search = None;
    }
}

fn look(job: &Job, mut start: u64, stop: &AtomicBool, events: &EventSender) {
    while !stop.load(Ordering::Relaxed) {
        if let Some(nonce) = search(job, start, STRIDE, stop).nonce {
            stop.store(true, Ordering::Relaxed);
            // An engine that has gone does not want it.
            let _ = events.send(Event::Mined { seal_hash: job.seal_hash, nonce }.into());
            return;
        }
        start = start.wrapping_add(STRIDE);
    }
}
