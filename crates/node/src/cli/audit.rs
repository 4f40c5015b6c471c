//! `hanse audit`

use super::{quiet_logs, say};
use crate::{NodeError, audit};
use std::{fs::File, path::PathBuf};

/// Checks the record of administrative calls of a node, entry by entry, and prints it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the ledger, which has the record.
    #[arg(long, value_name = "DIR", env = "HANSE_DATADIR")]
    datadir: PathBuf,
    /// Print the entries as they are in the file, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Say only whether it is whole, and where it ends.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let path = args.datadir.join(audit::FILE);
    let file = File::open(&path).map_err(|error| NodeError::file("open", &path, error))?;
    let (head, _) = audit::check(&path, &file, |line| {
        if args.json {
            say(&serde_json::to_string(line).unwrap_or_default());
        } else if !args.quiet {
            let remote = line.remote.as_deref().unwrap_or("here");
            say(&format!(
                "{} {} {} ({}) from {remote}: {} {} -> {}",
                line.entry,
                line.time,
                line.identity,
                line.role,
                line.action,
                line.details,
                line.outcome
            ));
        }
    })?;
    if !args.json {
        say(&format!("{} entries, whole; the last has the hash {}", head.entries, head.hash));
    }
    Ok(())
}
