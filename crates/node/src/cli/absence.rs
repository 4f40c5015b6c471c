//! What several commands take: when absence costs a seat.

use crate::{NodeError, development::Absence};

/// The rules that a new contract of validators is made with.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Absence of validators, for good in genesis")]
pub(super) struct AbsenceArgs {
    /// Blocks' certificates over which it is counted, 3 to 128.
    #[arg(long = "absence.window", value_name = "N", default_value_t = Absence::default().window)]
    window: u8,
    /// Missing more of them is absence.
    #[arg(long = "absence.missed", value_name = "N", default_value_t = Absence::default().missed_max)]
    missed: u8,
    /// It costs the seat when it has lasted so many seconds by the time of the blocks; 0: at once.
    #[arg(long = "absence.seconds", value_name = "SECONDS", default_value_t = Absence::default().seconds)]
    seconds: u32,
    /// Blocks before one who lost its seat for absence may come back.
    #[arg(long = "absence.wait", value_name = "N", default_value_t = Absence::default().wait_blocks)]
    wait: u32,
}

impl AbsenceArgs {
    /// The rules, if a contract can have them.
    pub(super) fn settle(self) -> Result<Absence, NodeError> {
        let Self { window, missed, seconds, wait } = self;
        let absence = Absence { window, missed_max: missed, seconds, wait_blocks: wait };
        absence.check().map_err(|why| NodeError::Config(format!("--absence: {why}")))
    }
}
