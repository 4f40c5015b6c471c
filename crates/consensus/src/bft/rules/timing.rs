//! How long a round waits for what.

use super::context::round_number;
use arc_malachitebft_core_types::{Timeout, TimeoutKind};
use hanse_primitives::{ValidatorSettings, limits::ROUND_MS_MAX};

/// Milliseconds until `timeout` runs out: longer by a step for each round, so that a network that is
/// slower than thought is found in time; never longer than [`ROUND_MS_MAX`].
pub(crate) fn duration_ms(settings: &ValidatorSettings, timeout: Timeout) -> u64 {
    let round = u64::from(round_number(timeout.round));
    let (first, steps) = match timeout.kind {
        TimeoutKind::Propose => (settings.propose_timeout_ms, 1),
        TimeoutKind::Prevote | TimeoutKind::Precommit => (settings.vote_timeout_ms, 1),
        // Votes are sent again when a whole round could have passed.
        TimeoutKind::Rebroadcast => (
            settings.vote_timeout_ms.saturating_mul(2).saturating_add(settings.propose_timeout_ms),
            3,
        ),
        // No height has a target time, so the library never asks.
        TimeoutKind::FinalizeHeight(_) => (0, 0),
    };
    let grown = settings.timeout_step_ms.saturating_mul(steps).saturating_mul(round);
    first.saturating_add(grown).min(ROUND_MS_MAX)
}
