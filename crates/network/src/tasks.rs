use parking_lot::{Condvar, Mutex};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Counts the tasks that run, so that the end can wait for theirs.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<(Mutex<usize>, Condvar)>);

/// A task that runs.
pub(crate) struct Running(Tasks);

impl Tasks {
    pub(crate) fn begin(&self) -> Running {
        *self.0.0.lock() += 1;
        Running(self.clone())
    }

    /// Blocks until none runs any more, or until it took too long; true when none runs.
    pub(crate) fn wait(&self, time_max: Duration) -> bool {
        let deadline = Instant::now() + time_max;
        let (running, ended) = &*self.0;
        let mut running = running.lock();
        while *running > 0 {
            if ended.wait_until(&mut running, deadline).timed_out() {
                return *running == 0;
            }
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (running, ended) = &*self.0.0;
        *running.lock() -= 1;
        ended.notify_all();
    }
}
