//! Recomputes everything from genesis and compares it with what is stored. Of blocks that have been pruned
//! it recomputes the roots of transactions and receipts from what is left; the first state that is recomputed then
//! is that below the horizon, from the history.
//!
//! Three passes: the log (every checksum, hash, root and signature, and the state that its changes
//! lead to), the indexes and the history against the log, and the latest state against the trie.

mod block;
mod state;

use crate::{LedgerError, VerifyReport, shared::Shared, store::Space};
use hanse_primitives::{BlockRef, Height};
use state::Replica;

/// Problems named in a report; more than these are only counted.
const PROBLEMS_MAX: usize = 1000;

/// What is wrong, with the height where that is known.
#[derive(Debug, Default)]
struct Problems {
    named: Vec<String>,
    unnamed: u64,
}

impl Problems {
    fn add(&mut self, problem: String) {
        if self.named.len() < PROBLEMS_MAX {
            self.named.push(problem);
        } else {
            self.unnamed += 1;
        }
    }

    fn at(&mut self, height: Height, problem: &str) {
        self.add(format!("height {height}: {problem}"));
    }

    /// Notes damage as a problem; anything else that went wrong ends the verification.
    fn note<T>(
        &mut self,
        height: Height,
        outcome: Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(LedgerError::Corrupt(what)) => {
                self.at(height, &what);
                Ok(None)
            }
            // The store says by an error of its own that a block of a file has a wrong checksum.
            Err(LedgerError::Store(error)) => {
                self.at(height, &format!("the key-value store: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn into_list(mut self) -> Vec<String> {
        if self.unnamed > 0 {
            self.named.push(format!("and {} more problems", self.unnamed));
        }
        self.named
    }
}

/// Rows that the store should have, counted while the log is read.
#[derive(Debug, Default)]
struct Counts {
    blocks: u64,
    transactions: u64,
    account_versions: u64,
    /// Blocks of which something has been pruned.
    pruned: u64,
}

pub(crate) fn verify(
    shared: &Shared,
    progress: &mut dyn FnMut(Height),
) -> Result<VerifyReport, LedgerError> {
    let _commit = shared.hold(); // nothing is added to the log,
    shared.writer().write()?; // and the store has everything that the log has
    let mut problems = Problems::default();
    let last = shared.finalized();
    let mut replica = Replica::new();
    let counts = log_pass(shared, last, &mut replica, &mut problems, progress)?;
    index_pass(shared, last.height, &counts, &mut problems)?;
    let accounts = replica.compare(shared, last, &mut problems)?;
    Ok(VerifyReport {
        blocks: counts.blocks,
        pruned: counts.pruned,
        transactions: counts.transactions,
        accounts,
        problems: problems.into_list(),
    })
}

/// Reads the log from its first byte to its last.
fn log_pass(
    shared: &Shared,
    last: BlockRef,
    replica: &mut Replica,
    problems: &mut Problems,
    progress: &mut dyn FnMut(Height),
) -> Result<Counts, LedgerError> {
    let mut counts = Counts::default();
    let mut expected_end = None;
    let mut parent = None;
    let mut height = Height::GENESIS;
    let whole_from = shared.flat().store().horizon().highest();
    while height <= last.height {
        progress(height);
        if height == whole_from && height > Height::GENESIS {
            let before = height.previous().expect("it is above genesis");
            *replica = Replica::below_horizon(shared, before, problems)?;
        } else if height < whole_from {
            replica.lose(); // what blocks below the horizon changed may be gone
        }
        let Some(Some(found)) = problems.note(height, shared.flat().block(height))? else {
            problems.at(height, "the index does not say where the block is");
            (expected_end, parent) = (None, None);
            replica.lose();
            height = height.next();
            continue;
        };
        // Every byte of the log belongs to some record: a gap is damage even if nobody points at it.
        let gap = shared.log().check_follows(expected_end, found.position);
        problems.note(height, gap)?;
        let read = shared.log().read_fresh(found.position);
        match problems.note(height, read)? {
            Some(record) => {
                expected_end = Some(record.end);
                let record = record.record;
                if record.is_pruned {
                    let left = block::check_left(shared, found, &record, parent, problems)?;
                    counts.transactions += left.as_ref().map_or(0, |left| left.transactions);
                    parent = left.map(|left| left.header);
                    counts.blocks += 1;
                    counts.pruned += 1;
                    height = height.next();
                    continue;
                }
                let checked = block::check(shared, found, &record, parent, problems)?;
                parent = checked.as_ref().map(|checked| checked.block.header().clone());
                match &checked {
                    Some(checked) => {
                        counts.transactions += checked.transactions();
                        counts.account_versions += checked.changes.accounts().len() as u64;
                        replica.apply(checked, problems)?;
                        block::check_indexes(shared, found, checked, problems)?;
                        block::check_history(shared, height, &checked.changes, problems)?;
                    }
                    None => replica.lose(),
                }
            }
            None => {
                (expected_end, parent) = (None, None);
                replica.lose();
            }
        }
        counts.blocks += 1;
        height = height.next();
    }
    if let Some(end) = expected_end {
        problems.note(last.height, shared.log().check_end(end))?;
    }
    Ok(counts)
}

/// Every row that should be there was looked at from the log's side; this is the other side: there
/// are no more of them.
fn index_pass(
    shared: &Shared,
    last: Height,
    counts: &Counts,
    problems: &mut Problems,
) -> Result<(), LedgerError> {
    let expected = [
        (Space::Heights, counts.blocks, "blocks by height"),
        (Space::Hashes, counts.blocks, "blocks by hash"),
        (Space::Transactions, counts.transactions, "transactions"),
        (Space::AccountHistory, counts.account_versions, "versions of accounts"),
    ];
    for (space, expected, what) in expected {
        // Of blocks that have been pruned the log does not say which accounts they changed.
        let horizon = shared.flat().store().horizon().highest();
        if space == Space::AccountHistory && horizon > Height::GENESIS {
            problems.note(last, shared.flat().store().count(space))?;
            continue;
        }
        let Some(found) = problems.note(last, shared.flat().store().count(space))? else {
            continue;
        };
        if found != expected {
            problems.add(format!("the store has {found} {what}, and the log has {expected}"));
        }
    }
    for space in [Space::SlotHistory, Space::Code, Space::Nodes, Space::Meta] {
        problems.note(last, shared.flat().store().count(space))?; // reads every checksum
    }
    Ok(())
}
