//! Threads that serve connections: one a core, each with a runtime of its own.

use crate::NodeError;
use hanse_rpc::Workers;
use std::thread::JoinHandle;
use tokio::{runtime, sync::watch};

/// The threads; dropping this ends them, and what is still served there with them.
#[derive(Debug)]
pub(crate) struct ServerThreads {
    workers: Workers,
    stop: Option<watch::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl ServerThreads {
    /// Starts one thread a core.
    pub(crate) fn start() -> Result<Self, NodeError> {
        let failed = |error| NodeError::io("cannot start a server thread", error);
        let (stop, stopped) = watch::channel(());
        let count = std::thread::available_parallelism().map_or(1, Into::into);
        let (mut handles, mut threads) = (Vec::new(), Vec::new());
        for index in 0..count {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .thread_name(format!("worker-{index}"))
                .build()
                .map_err(failed)?;
            handles.push(runtime.handle().clone());
            let mut stopped = stopped.clone();
            let thread =
                std::thread::Builder::new().name(format!("server-{index}")).spawn(move || {
                    // Ends with an error, when the sender is gone.
                    let _ = runtime.block_on(stopped.changed());
                    runtime.shutdown_background();
                });
            threads.push(thread.map_err(failed)?);
        }
        Ok(Self { workers: Workers::new(handles), stop: Some(stop), threads })
    }

    /// Where connections are to be served.
    pub(crate) fn workers(&self) -> Workers {
        self.workers.clone()
    }
}

impl Drop for ServerThreads {
    fn drop(&mut self) {
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a server thread ended in a panic");
            }
        }
    }
}
