//! A node that runs as a child of this process.

use crate::NodeError;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Longest time that a node may take to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);
/// Time between looks at whether it has.
const POLL: Duration = Duration::from_millis(10);
/// Lines of its log that are shown when it ended by itself.
const LOG_LINES: usize = 10;

/// A child with a process group of its own; it does not outlive this value.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    log: PathBuf,
}

/// This program as a child, without the operator's settings in the environment: they are for another
/// node.
pub(crate) fn this_program() -> Result<Command, NodeError> {
    let program = std::env::current_exe()
        .map_err(|e| NodeError::io("cannot find this program's own file", e))?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HANSE_") {
            command.env_remove(name);
        }
    }
    Ok(command)
}

impl Process {
    /// Starts `command`; what it prints goes to the file `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self, NodeError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = File::create(log).map_err(|e| NodeError::file("create", log, e))?;
        let errors = file.try_clone().map_err(|e| NodeError::file("create", log, e))?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0);
        let child =
            command.spawn().map_err(|e| NodeError::io(format!("cannot start {name}"), e))?;
        Ok(Self { name, child, ended: None, log: log.to_owned() })
    }

    /// Number of its process group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // An error says that nobody is left to hear it.
            let _ = kill_process_group(group, signal);
        }
    }

    fn look(&mut self) -> Result<Option<ExitStatus>, NodeError> {
        if self.ended.is_none() {
            let ended = self.child.try_wait();
            self.ended = ended.map_err(|e| NodeError::io("cannot wait for a child", e))?;
        }
        Ok(self.ended)
    }

    /// Fails, with the end of its log, when it has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), NodeError> {
        match self.look()? {
            None => Ok(()),
            Some(status) => Err(self.complain(&format!("ended by itself ({status})"))),
        }
    }

    fn complain(&self, what: &str) -> NodeError {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        NodeError::Failed(format!("{} {what}:\n  {last}", self.name))
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), NodeError> {
        self.check()?;
        self.signal(Signal::TERM);
        let begun = Instant::now();
        while self.look()?.is_none() {
            if begun.elapsed() > STOP_TIME_MAX {
                return Err(self.complain("did not stop within a minute"));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The child itself may be gone and its helpers not.
        self.signal(Signal::KILL);
        if self.ended.is_none() {
            let _ = self.child.wait();
        }
    }
}
