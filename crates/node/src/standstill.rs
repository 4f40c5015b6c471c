//! Says in the log when this node stands still behind the others, and what may be done.

use crate::driver::Status;
use hanse_ledger::Ledger;
use hanse_network::Network;
use hanse_primitives::Height;
use std::{sync::Arc, time::Duration};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(30);

/// Blocks that a node may be behind without being said to stand still.
const BEHIND_MAX: u64 = 16;

/// Looks whether the node gets on.
pub(crate) struct Standstill {
    pub(crate) status: Status,
    pub(crate) ledger: Ledger,
    pub(crate) network: Arc<Network>,
}

impl Standstill {
    /// Runs for as long as the runtime.
    pub(crate) fn watch(self) {
        tokio::spawn(async move {
            let mut before = None;
            loop {
                tokio::time::sleep(EVERY).await;
                let head = self.ledger.head().height;
                let best = self.status.lock().best_known;
                if stands_still(before, head, best) {
                    let peers = self.network.peers().len();
                    tracing::warn!(
                        head = head.0,
                        best_known = best.0,
                        peers,
                        "no peer gives the next block: they may have let it go (they say so in \
                         eth_capabilities); connect to a node that keeps all history (--history archive), \
                         or start from a snapshot (hanse db snapshot, hanse db restore)"
                    );
                }
                before = Some(head);
            }
        });
    }
}

/// True when the head is where it was, and far behind what others have.
fn stands_still(before: Option<Height>, head: Height, best: Height) -> bool {
    before == Some(head) && best.0 > head.0.saturating_add(BEHIND_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_behind_and_does_not_move_stands_still() {
        let (near, far) = (Height(26), Height(27));
        assert!(stands_still(Some(Height(10)), Height(10), far));
        assert!(!stands_still(Some(Height(10)), Height(10), near));
        assert!(!stands_still(Some(Height(9)), Height(10), far));
        assert!(!stands_still(None, Height(10), far));
    }
}
