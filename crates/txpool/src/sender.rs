use crate::{
    Account, Admitted, PoolError, Rules,
    check::{check_account, check_funds},
    decode::Parts,
};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U256};
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// Percent by which a blob transaction must raise each fee to be replaced: moving blobs is dear.
const BLOB_REPLACEMENT_PERCENT: u64 = 100;

/// A transaction in a sender's queue, with what is looked at often.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) parts: Arc<Parts>,
    pub(crate) nonce: u64,
    /// Counts up over the whole pool.
    pub(crate) arrival: u64,
    /// When it came, or was last pending; seconds since the Unix epoch.
    pub(crate) since: u64,
    /// What it takes of the pool: see [`crate::pressure`].
    pub(crate) charge: usize,
    gas: u64,
    max_fee: u128,
    priority_fee: u128,
    /// Wei per blob gas; without blobs it pays for any.
    blob_fee: u128,
}

/// The transactions of one account, ascending by nonce.
///
/// The first `pending` of them are the longest run from the account's nonce that the next block's
/// fees and gas limit admit and that the balance covers, all taken together.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) address: Address,
    pub(crate) account: Account,
    pub(crate) queue: VecDeque<Entry>,
    pub(crate) pending: usize,
    /// Sum of the entries' charges.
    pub(crate) charge: usize,
    /// Most that the pending part can cost, in wei; at most the balance.
    pending_cost: U256,
    /// No pending entry pays less than this; spares a look at each when fees move.
    max_fee_floor: u128,
    blob_fee_floor: u128,
}

/// Where a transaction goes in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the entry at this index.
    Insert(usize),
    /// Instead of the entry at this index.
    Replace(usize),
}

impl Entry {
    pub(crate) fn new(parts: Arc<Parts>, arrival: u64, now: u64, charge: usize) -> Self {
        let transaction = parts.transaction.inner();
        Self {
            nonce: transaction.nonce(),
            arrival,
            since: now,
            charge,
            gas: transaction.gas_limit(),
            max_fee: transaction.max_fee_per_gas(),
            priority_fee: transaction.priority_fee_or_price(),
            blob_fee: transaction.max_fee_per_blob_gas().unwrap_or(u128::MAX),
            parts,
        }
    }

    pub(crate) fn admitted(&self) -> Admitted {
        Admitted(Arc::clone(&self.parts))
    }

    /// Wei per gas for the proposer at these fees; `None` when it does not pay them.
    pub(crate) fn tip(&self, base_fee: u64, blob_fee: u128) -> Option<u128> {
        let left = self.max_fee.checked_sub(u128::from(base_fee))?;
        (self.blob_fee >= blob_fee).then_some(left.min(self.priority_fee))
    }

    fn runs(&self, rules: &Rules) -> bool {
        self.gas <= rules.gas_limit && self.tip(rules.base_fee, rules.blob_fee()).is_some()
    }

    /// True when `new` raises every fee enough to take this one's place.
    fn yields_to(&self, new: &Parts, percent: u64) -> Result<(), PoolError> {
        let blobs = new.transaction.blob_versioned_hashes().is_some();
        let old_blobs = self.parts.transaction.blob_versioned_hashes().is_some();
        if blobs != old_blobs {
            return Err(PoolError::ReplacementType);
        }
        let percent = if blobs { BLOB_REPLACEMENT_PERCENT } else { percent };
        let max_fee = raised(self.max_fee, percent);
        let priority_fee = raised(self.priority_fee, percent);
        let blob_fee = if blobs { raised(self.blob_fee, percent) } else { 0 };
        let transaction = new.transaction.inner();
        let enough = transaction.max_fee_per_gas() >= max_fee
            && transaction.priority_fee_or_price() >= priority_fee
            && transaction.max_fee_per_blob_gas().unwrap_or(0) >= blob_fee;
        if enough {
            return Ok(());
        }
        Err(PoolError::ReplacementUnderpriced { max_fee, priority_fee, blob_fee })
    }
}

/// `fee` plus `percent`, rounded up, and at least one more: a free replacement could go on for ever.
fn raised(fee: u128, percent: u64) -> u128 {
    let raise = fee.saturating_mul(u128::from(percent)).div_ceil(100);
    fee.saturating_add(raise.max(1))
}

impl Sender {
    pub(crate) fn new(address: Address, account: Account) -> Self {
        Self {
            address,
            account,
            queue: VecDeque::new(),
            pending: 0,
            charge: 0,
            pending_cost: U256::ZERO,
            max_fee_floor: u128::MAX,
            blob_fee_floor: u128::MAX,
        }
    }

    /// The nonce after the pending part.
    pub(crate) fn next_nonce(&self) -> u64 {
        let pending = u64::try_from(self.pending).expect("a length in memory fits 64 bits");
        self.account.nonce.saturating_add(pending)
    }

    /// Index of a nonce, or where it would go.
    pub(crate) fn find(&self, nonce: u64) -> Result<usize, usize> {
        match self.queue.back() {
            None => Err(0),
            Some(last) if last.nonce < nonce => Err(self.queue.len()),
            Some(_) => self.queue.binary_search_by_key(&nonce, |entry| entry.nonce),
        }
    }

    /// Where a transaction goes, if the account can have it besides the others.
    pub(crate) fn place(&self, parts: &Parts, percent: u64) -> Result<Place, PoolError> {
        check_account(parts, &self.account)?;
        let nonce = parts.transaction.nonce();
        let place = match self.find(nonce) {
            Ok(at) => {
                self.queue[at].yields_to(parts, percent)?;
                Place::Replace(at)
            }
            Err(at) => Place::Insert(at),
        };
        let queued = match place {
            Place::Replace(at) if at < self.pending => self.minus(at),
            _ if nonce == self.next_nonce() => self.pending_cost,
            // Behind a gap: whether the balance will do shows when the gap closes.
            _ => U256::ZERO,
        };
        check_funds(self.account.balance, queued, parts.cost)?;
        Ok(place)
    }

    /// Puts an entry where [`Sender::place`] said. Returns the one it replaced.
    pub(crate) fn put(&mut self, place: Place, entry: Entry) -> Option<Entry> {
        self.charge += entry.charge;
        match place {
            Place::Insert(at) => {
                assert!(at >= self.pending, "no nonce is missing in the pending part");
                self.queue.insert(at, entry);
                None
            }
            Place::Replace(at) => {
                if at < self.pending {
                    // It pays more than the old one and so can still run; its cost was checked.
                    self.pending_cost = self
                        .minus(at)
                        .checked_add(entry.parts.cost)
                        .expect("place() checked that the balance covers the sum");
                }
                let old = std::mem::replace(&mut self.queue[at], entry);
                self.charge -= old.charge;
                Some(old)
            }
        }
    }

    /// Makes pending what can follow. Returns the indices that now are.
    pub(crate) fn extend(&mut self, rules: &Rules) -> Range<usize> {
        let start = self.pending;
        if self.account.has_code {
            return start..start;
        }
        while let Some(entry) = self.queue.get(self.pending) {
            let cost = self.pending_cost.checked_add(entry.parts.cost);
            let cost = cost.filter(|cost| *cost <= self.account.balance);
            let Some(cost) = cost else { break };
            if entry.nonce != self.next_nonce() || !entry.runs(rules) {
                break;
            }
            self.max_fee_floor = self.max_fee_floor.min(entry.max_fee);
            self.blob_fee_floor = self.blob_fee_floor.min(entry.blob_fee);
            self.pending_cost = cost;
            self.pending += 1;
        }
        start..self.pending
    }

    /// Queues what is pending from an index on.
    pub(crate) fn shrink(&mut self, to: usize, now: u64) {
        while self.pending > to {
            self.pending_cost = self.minus(self.pending - 1);
            self.pending -= 1;
            self.queue[self.pending].since = now;
        }
    }

    /// The account changed: drops what can never run into `dropped`, queues what cannot run now.
    pub(crate) fn set_account(&mut self, account: Account, now: u64, dropped: &mut Vec<Entry>) {
        while self.queue.front().is_some_and(|entry| entry.nonce < account.nonce) {
            if self.pending > 0 {
                self.pending_cost = self.minus(0);
                self.pending -= 1;
            }
            let entry = self.queue.pop_front().expect("the front was just looked at");
            self.charge -= entry.charge;
            dropped.push(entry);
        }
        self.account = account;
        let starts = self.queue.front().is_some_and(|entry| entry.nonce == account.nonce);
        if !starts || account.has_code {
            self.shrink(0, now);
        }
        while self.pending_cost > account.balance {
            self.shrink(self.pending - 1, now);
        }
    }

    /// Fees or the gas limit changed: queues what cannot run now.
    pub(crate) fn set_rules(&mut self, rules: &Rules, gas_limit_fell: bool, now: u64) {
        let pays = self.max_fee_floor >= u128::from(rules.base_fee)
            && self.blob_fee_floor >= rules.blob_fee();
        if pays && !gas_limit_fell {
            return;
        }
        (self.max_fee_floor, self.blob_fee_floor) = (u128::MAX, u128::MAX);
        for at in 0..self.pending {
            let entry = &self.queue[at];
            if !entry.runs(rules) {
                return self.shrink(at, now);
            }
            self.max_fee_floor = self.max_fee_floor.min(entry.max_fee);
            self.blob_fee_floor = self.blob_fee_floor.min(entry.blob_fee);
        }
    }

    /// Takes out one entry; the pending ones behind it are queued.
    pub(crate) fn remove(&mut self, at: usize, now: u64) -> Entry {
        self.shrink(at, now);
        let entry = self.queue.remove(at).expect("the index was found in this queue");
        self.charge -= entry.charge;
        entry
    }

    /// The pending cost without one of its entries.
    fn minus(&self, at: usize) -> U256 {
        assert!(at < self.pending, "only pending entries are part of the sum");
        let cost = self.queue[at].parts.cost;
        self.pending_cost.checked_sub(cost).expect("the sum holds the cost of each pending entry")
    }
}
