//! Brings what a contract before a change of engine has proven to the one that decides now: who signed two
//! things votes no more, whoever counts the votes. The proof is on the chain, and anybody may bring it.

use crate::{NodeError, own::OwnAccount};
use alloy_primitives::Address;
use hanse_execution::{ExecutionError, Standing, accusation};
use std::collections::BTreeSet;

/// What this node has brought already.
#[derive(Debug, Default)]
pub(crate) struct Docket {
    brought: BTreeSet<(Address, Address)>,
}

impl Docket {
    /// Brings the next proof that is missing where it counts, if there is one and nothing of ours waits.
    pub(crate) fn look(&mut self, own: &OwnAccount) -> Result<(), NodeError> {
        let failed = |error: ExecutionError| NodeError::Failed(error.to_string());
        let Some((_, now)) = own.engine().map_err(failed)? else { return Ok(()) };
        let head = own.ledger.head();
        let state = own.ledger.state(head.hash)?;
        let known = own.spec.registries(|contract, slot| state.storage(&contract, &slot))?;
        for before in known.into_iter().filter(|contract| *contract != now) {
            // One that does not stand there yet has proven nothing.
            let Ok(proofs) = own.executor.evidence(head.hash, before, 0, u64::MAX) else {
                continue;
            };
            for proof in proofs {
                let accused = proof.accused;
                let standing = own.executor.standing(head.hash, now, accused).map_err(failed)?;
                let is_missing = standing.is_some_and(|(now, _)| now != Standing::Equivocated);
                if !is_missing || self.brought.contains(&(now, accused)) {
                    continue;
                }
                if own.has_pending().map_err(NodeError::Failed)? {
                    return Ok(());
                }
                match own.call(now, accusation(&proof.equivocation)) {
                    Ok(hash) => {
                        tracing::warn!(%hash, %accused, "brought a proof to the contract that decides now");
                        self.brought.insert((now, accused));
                    }
                    Err(error) => {
                        tracing::warn!(%error, %accused, "a proof was not taken; trying again")
                    }
                }
                return Ok(());
            }
        }
        Ok(())
    }
}
