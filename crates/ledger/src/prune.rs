//! Takes away what is not to be kept any longer.
//!
//! First the store notes the new horizon, and from then on nobody is answered from below it. Then the
//! segments of the log are written anew, each in one step, and the past values are deleted. Last the store
//! notes that all of it is done. After a crash in between the next pruning does what is left; doing a part
//! twice changes nothing.

use crate::{
    Horizon, LedgerError, PruneReport,
    codec::Malformed,
    limits::PRUNE_KEEP_BLOCKS,
    log::{Gone, Left, RawRecord, put_left},
    shared::Shared,
    store::Space,
    stored::StoredBlock,
};
use alloy_consensus::Transaction as _;
use alloy_eips::Encodable2718;
use alloy_primitives::Address;
use alloy_rlp::Encodable;
use hanse_primitives::{
    Block, Height, OrderedList, Receipt, SealedBlock, StateChanges, Transaction,
};

impl Shared {
    /// Raises the horizon to `wanted` where that is higher, and takes away what is below it.
    pub(crate) fn prune(&self, wanted: &Horizon) -> Result<PruneReport, LedgerError> {
        let _one = self.pruning.lock();
        let store = self.flat().store();
        let done = store.pruned()?;
        let noted = store.horizon();
        let most = self.finalized().height.0.saturating_sub(PRUNE_KEEP_BLOCKS);
        let target = noted.raised(&wanted.clone().bounded(Height(most)));
        if target == done {
            return Ok(PruneReport::default());
        }
        // What the store lacks is replayed from the log, of which nothing may be missing then.
        self.writer().write()?;
        store.set_horizon(&target)?;
        self.forget_below(target.highest());
        let range = done.range(&target);
        let mut report = PruneReport::default();
        self.rewrite(range, &target, &mut report)?;
        if target.all > done.all {
            for space in [Space::AccountHistory, Space::SlotHistory] {
                report.versions += store.prune_history(space, &[], target.all)?;
            }
        }
        for (contract, below) in &target.contracts {
            if *below > done.of(contract) && *below > target.all {
                let prefix = contract.as_slice();
                report.versions += store.prune_history(Space::SlotHistory, prefix, *below)?;
            }
        }
        store.set_pruned(&target)?;
        self.forget_below(target.highest()); // somebody may have read an old file meanwhile
        Ok(report)
    }

    fn forget_below(&self, height: Height) {
        self.blocks.retain(|_, block| block.block().height() >= height);
        self.old_tries.clear();
    }

    fn rewrite(
        &self,
        heights: std::ops::Range<Height>,
        to: &Horizon,
        report: &mut PruneReport,
    ) -> Result<(), LedgerError> {
        let Some(last) = heights.end.previous().filter(|last| *last >= heights.start) else {
            return Ok(());
        };
        let log = self.log();
        let first = self.records().expect(heights.start)?.position.segment;
        let last = self.records().expect(last)?.position.segment;
        if last == log.end().0 {
            log.begin_segment()?;
        }
        for segment in first..=last {
            report.log_bytes += log.rewrite(segment, |found| {
                let height = found.record.height;
                if !heights.contains(&height) || height == Height::GENESIS {
                    return Ok(None);
                }
                let left = left(&found.record, to);
                let left = left.map_err(|error| log.corrupt(found.position, error.0))?;
                let Some((left, gone)) = left else { return Ok(None) };
                report.blocks += 1;
                report.transactions += gone;
                Ok(Some(left))
            })?;
        }
        Ok(())
    }
}

/// The payload that is to be left of a record, with the number of transactions that go; `None` when it
/// stays as it is.
fn left(record: &RawRecord, to: &Horizon) -> Result<Option<(Vec<u8>, u64)>, Malformed> {
    let goes = Goes { height: record.height, to };
    let payload = record.split()?;
    let before = match payload.gone {
        Some(_) => payload.left()?,
        None => {
            let stored = StoredBlock::read(&payload)?;
            if !goes.has_changed(&payload.changes()?) && !goes.has_any(&stored) {
                return Ok(None);
            }
            whole(&stored)
        }
    };
    let (left, count) = goes.without(before);
    if count == 0 && record.is_pruned {
        return Ok(None);
    }
    let bytes = put_left(&left, payload.seal);
    // A block without transactions has nothing to give, and what is said of that is longer.
    Ok((bytes.len() <= record.payload.len()).then_some((bytes, count)))
}

fn whole(stored: &StoredBlock) -> Left {
    let block = stored.block();
    Left {
        senders: stored.senders().to_vec(),
        receipts: stored.receipts().to_vec(),
        gone: vec![None; block.transactions().len()],
        block_bytes: u64::try_from(block.block().length()).unwrap_or(u64::MAX),
        block: block.clone(),
    }
}

/// What goes of one block.
struct Goes<'a> {
    height: Height,
    to: &'a Horizon,
}

impl Goes<'_> {
    fn contract(&self, contract: &Address) -> bool {
        self.height < self.to.of(contract)
    }

    fn transaction(&self, transaction: &Transaction, sender: Address, receipt: &Receipt) -> bool {
        if self.height < self.to.all {
            return true;
        }
        let called = transaction.to().unwrap_or_else(|| sender.create(transaction.nonce()));
        self.contract(&called) || receipt.logs().iter().any(|log| self.contract(&log.address))
    }

    fn has_any(&self, stored: &StoredBlock) -> bool {
        let block = stored.block();
        let each = block.transactions().iter().zip(stored.senders()).zip(stored.receipts());
        self.height < self.to.all
            || each.into_iter().any(|((transaction, sender), receipt)| {
                self.transaction(transaction, *sender, receipt)
            })
    }

    fn has_changed(&self, changes: &StateChanges) -> bool {
        let mut changed = changes.accounts().iter();
        changed.any(|(address, change)| !change.storage.is_empty() && self.contract(address))
    }

    /// A block without what goes, and how many transactions that is.
    fn without(&self, before: Left) -> (Left, u64) {
        let list = OrderedList::new(before.gone.len());
        let block = before.block.block();
        let mut kept = block.body.transactions.iter().zip(&before.senders).zip(&before.receipts);
        let (mut transactions, mut senders, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
        let mut gone = Vec::with_capacity(before.gone.len());
        let mut count = 0;
        for (position, known) in before.gone.iter().enumerate() {
            if known.is_some() {
                gone.push(*known);
                continue;
            }
            let ((transaction, sender), receipt) =
                kept.next().expect("one was read for each that is not gone");
            let goes = self.transaction(transaction, *sender, receipt);
            let leaves = goes.then(|| gone_of(&list, position, transaction, receipt)).flatten();
            match leaves {
                Some(leaves) => {
                    count += 1;
                    gone.push(Some(leaves));
                }
                None => {
                    transactions.push(transaction.clone());
                    senders.push(*sender);
                    receipts.push(receipt.clone());
                    gone.push(None);
                }
            }
        }
        let mut body = block.body.clone();
        body.transactions = transactions;
        let block = Block { header: block.header.clone(), body };
        let block = SealedBlock::new(block);
        (Left { block, senders, receipts, gone, block_bytes: before.block_bytes }, count)
    }
}

/// What is left of a transaction. `None` for one that is too short to have a leaf of its own, without which
/// the others could not be proven any more: it stays.
fn gone_of(
    list: &OrderedList,
    position: usize,
    transaction: &Transaction,
    receipt: &Receipt,
) -> Option<Gone> {
    Some(Gone {
        hash: *transaction.tx_hash(),
        transaction_leaf: list.leaf(position, &transaction.encoded_2718())?,
        receipt_leaf: list.leaf(position, &receipt.encoded_2718())?,
        cumulative_gas_used: receipt.cumulative_gas_used(),
        logs: u64::try_from(receipt.logs().len()).unwrap_or(u64::MAX),
    })
}
