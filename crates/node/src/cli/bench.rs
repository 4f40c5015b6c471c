//! `hanse bench`

use super::quiet_logs;
use crate::NodeError;

/// Measures a node on this machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> Result<(), NodeError> {
    quiet_logs()
}
