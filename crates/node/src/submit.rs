//! The way of a transaction from a client to the pool: admitted, journalled, then answered for.

use crate::{chain::Clock, driver::Waker, gossip::Gossip};
use alloy_primitives::{Bytes, TxHash};
use hanse_ledger::{Journal, LedgerError};
use hanse_rpc::{Submit, SubmitError};
use hanse_txpool::{Fault, Pool};
use std::{path::Path, sync::Arc};

/// Bytes of the journal beyond which it is written anew with what still waits.
const JOURNAL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Admits transactions and keeps them over a restart.
pub(crate) struct Submitter {
    pool: Pool,
    journal: Option<Journal>,
    waker: Waker,
    clock: Clock,
    /// The way to the peers; none on a node without any.
    gossip: Option<Gossip>,
}

impl Submitter {
    /// Opens the journal (none: pending transactions do not survive a restart) and takes back what
    /// was waiting when the node stopped.
    pub(crate) fn open(
        pool: Pool,
        journal: Option<&Path>,
        waker: Waker,
        clock: Clock,
        gossip: Option<Gossip>,
    ) -> Result<Arc<Self>, LedgerError> {
        let Some(path) = journal else {
            return Ok(Arc::new(Self { pool, journal: None, waker, clock, gossip }));
        };
        let journal = Journal::open(path)?;
        let waiting: Vec<Bytes> = journal.replay()?.into_iter().map(Bytes::from).collect();
        let outcomes = pool.submit(&waiting, clock());
        let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        if !waiting.is_empty() {
            // The others have been included meanwhile, or have become impossible.
            tracing::info!(taken, journalled = waiting.len(), "took back pending transactions");
        }
        rewrite(&journal, &pool)?;
        Ok(Arc::new(Self { pool, journal: Some(journal), waker, clock, gossip }))
    }

    /// Writes `accepted` to the journal, so that a crash does not lose what was acknowledged.
    fn keep(&self, accepted: &[&[u8]]) -> Result<(), LedgerError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.append(accepted)?;
        if journal.bytes() > JOURNAL_BYTES_MAX {
            rewrite(journal, &self.pool)?;
        }
        Ok(())
    }
}

fn rewrite(journal: &Journal, pool: &Pool) -> Result<(), LedgerError> {
    let waiting: Vec<Bytes> = pool.all().iter().map(|admitted| admitted.raw()).collect();
    journal.rewrite(waiting.iter().map(AsRef::as_ref))
}

impl Submit for Submitter {
    fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<TxHash, SubmitError>> {
        let outcomes = self.pool.submit(&raw, (self.clock)());
        let accepted: Vec<&[u8]> = raw
            .iter()
            .zip(&outcomes)
            .filter_map(|(raw, outcome)| outcome.is_ok().then_some(raw.as_ref()))
            .collect();
        if !accepted.is_empty() {
            let kept = self.keep(&accepted);
            self.waker.wake();
            if let Some(gossip) = &self.gossip {
                let accepted = raw.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
                gossip.spread(accepted.map(|(raw, _)| raw.clone()).collect());
            }
            if let Err(error) = kept {
                tracing::error!(%error, "pending transactions cannot be journalled");
            }
        }
        outcomes
            .into_iter()
            .map(|outcome| {
                outcome.map_err(|error| match error.fault() {
                    Fault::Internal => SubmitError::Unavailable(error.to_string()),
                    Fault::Sender | Fault::Full => SubmitError::from(error),
                })
            })
            .collect()
    }
}
