use crate::{
    Account, Accounts, Admitted, PoolError, PoolSettings, Rules,
    check::{check_account, check_rules},
    decode::{Decoded, Parts},
    pressure::{self, Pressure},
    sender::{Entry, Place, Sender},
    slab::{Slab, SlotId},
};
use alloy_consensus::{Transaction as _, constants::KECCAK_EMPTY};
use alloy_primitives::{
    Address, TxHash,
    map::{AddressMap, B256Map},
};
use hanse_primitives::{AccountInfo, Executed, RecoveredTransaction};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// Expired transactions are looked for this many times in the span after which they expire.
const EXPIRY_CHECKS: u64 = 16;

/// What transactions are measured against: the rules after a block, and its state.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) rules: Rules,
    pub(crate) accounts: Arc<dyn Accounts>,
}

/// Everything behind the pool's lock.
///
/// The hash maps are only looked up in, never walked, so their order does not matter.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Arc<PoolSettings>,
    pub(crate) head: Arc<Head>,
    pub(crate) senders: Slab,
    pub(crate) by_hash: B256Map<Admitted>,
    by_address: AddressMap<SlotId>,
    pub(crate) pending: usize,
    pub(crate) bytes: usize,
    arrivals: u64,
    pressure: Option<Pressure>,
    expire_at: u64,
    /// Someone wants to know what becomes pending.
    pub(crate) followed: bool,
    pub(crate) promoted: Vec<Admitted>,
    /// What left the pool, to be freed after the lock is released.
    pub(crate) gone: Vec<Entry>,
}

impl Head {
    /// # Errors
    /// [`PoolError::State`].
    pub(crate) fn account(&self, address: &Address) -> Result<Account, PoolError> {
        self.accounts.account(address).map_err(PoolError::State)
    }
}

impl State {
    pub(crate) fn new(settings: Arc<PoolSettings>, head: Head) -> Self {
        Self {
            settings,
            head: Arc::new(head),
            senders: Slab::default(),
            by_hash: B256Map::default(),
            by_address: AddressMap::default(),
            pending: 0,
            bytes: 0,
            arrivals: 0,
            pressure: None,
            expire_at: 0,
            followed: false,
            promoted: Vec::new(),
            gone: Vec::new(),
        }
    }

    pub(crate) fn sender(&self, address: &Address) -> Option<&Sender> {
        self.senders.get(*self.by_address.get(address)?)
    }

    /// Takes in a transaction that keeps the rules of `self.head`. `account` is asked when its sender
    /// has no other in the pool.
    pub(crate) fn admit(
        &mut self,
        parts: Arc<Parts>,
        account: impl FnOnce(&Head) -> Result<Account, PoolError>,
        now: u64,
    ) -> Result<TxHash, PoolError> {
        let hash = *parts.hash();
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        let id = match self.by_address.get(&parts.sender()) {
            Some(id) => *id,
            None => {
                let account = account(&self.head)?;
                check_account(&parts, &account)?;
                self.open(Sender::new(parts.sender(), account))
            }
        };
        let sender = self.senders.get(id).expect("each address in the map has its slot");
        let place = sender.place(&parts, self.settings.replacement_percent_min)?;
        let full = sender.queue.len() >= self.settings.sender_transactions_max;
        if full && place == Place::Insert(sender.queue.len()) {
            return Err(PoolError::SenderLimit {
                sender: sender.address,
                limit: self.settings.sender_transactions_max,
            });
        }
        self.put(id, place, parts, now);
        if full && matches!(place, Place::Insert(_)) {
            // It came before others of its sender, which could not run without it: the last goes.
            self.drop_tail(id, now);
        }
        self.make_room(now);
        if self.by_hash.contains_key(&hash) { Ok(hash) } else { Err(PoolError::Full) }
    }

    fn open(&mut self, sender: Sender) -> SlotId {
        let address = sender.address;
        let id = self.senders.insert(sender);
        let before = self.by_address.insert(address, id);
        assert!(before.is_none(), "an account has one queue");
        id
    }

    fn put(&mut self, id: SlotId, place: Place, parts: Arc<Parts>, now: u64) {
        self.bytes += parts.bytes;
        self.arrivals += 1;
        let charge = pressure::charge(parts.bytes, &self.settings);
        let entry = Entry::new(parts, self.arrivals, now, charge);
        self.by_hash.insert(*entry.parts.hash(), entry.admitted());
        let replaces_pending = self
            .touch(id, |sender, _, gone| {
                let replaced = sender.put(place, entry);
                gone.extend(replaced);
                matches!(place, Place::Replace(at) if at < sender.pending)
            })
            .unwrap_or(false);
        if let (true, Place::Replace(at)) = (replaces_pending, place) {
            self.tell(id, at..at + 1);
        }
        self.hint(id);
    }

    /// Drops from the heaviest senders until the limits hold.
    fn make_room(&mut self, now: u64) {
        while self.by_hash.len() > self.settings.transactions_max
            || self.bytes > self.settings.bytes_max
        {
            let head = Arc::clone(&self.head);
            let pressure = self
                .pressure
                .get_or_insert_with(|| Pressure::new(&self.settings, &self.senders, &head.rules));
            let id = pressure
                .heaviest(&self.senders, &head.rules)
                .expect("a pool beyond its limits holds a transaction, and each sender is hinted");
            self.drop_tail(id, now);
        }
    }

    fn drop_tail(&mut self, id: SlotId, now: u64) {
        self.touch(id, |sender, _, gone| {
            let last = sender.queue.len().checked_sub(1);
            gone.extend(last.map(|last| sender.remove(last, now)));
        });
        self.hint(id);
    }

    fn hint(&mut self, id: SlotId) {
        if let (Some(pressure), Some(sender)) = (&mut self.pressure, self.senders.get(id)) {
            pressure.hint(id, sender, &self.head.rules);
        }
    }

    /// Changes a sender's queue and sees to all that follows: promotion, counts, the maps, and the
    /// end of the queue when nothing is left. `None` when there is no such sender.
    fn touch<T>(
        &mut self,
        id: SlotId,
        change: impl FnOnce(&mut Sender, &Rules, &mut Vec<Entry>) -> T,
    ) -> Option<T> {
        let sender = self.senders.get_mut(id)?;
        let (before, gone) = (sender.pending, self.gone.len());
        let result = change(sender, &self.head.rules, &mut self.gone);
        let promoted = sender.extend(&self.head.rules);
        self.pending = self.pending - before + sender.pending;
        let (empty, address) = (sender.queue.is_empty(), sender.address);
        for entry in &self.gone[gone..] {
            self.by_hash.remove(entry.parts.hash());
            self.bytes -= entry.parts.bytes;
        }
        self.tell(id, promoted);
        if empty {
            self.by_address.remove(&address);
            self.senders.remove(id);
        }
        Some(result)
    }

    fn tell(&mut self, id: SlotId, promoted: Range<usize>) {
        if self.followed
            && let Some(sender) = self.senders.get(id)
        {
            self.promoted.extend(sender.queue.range(promoted).map(Entry::admitted));
        }
    }

    /// Drops transactions by hash. Returns how many there were.
    pub(crate) fn remove(&mut self, hashes: &[TxHash], now: u64) -> usize {
        self.pressure = None; // what is behind them is queued and so weighs more
        let mut count = 0;
        for hash in hashes {
            let Some(parts) = self.by_hash.get(hash).map(|admitted| Arc::clone(&admitted.0)) else {
                continue;
            };
            let id = self.by_address.get(&parts.sender()).copied();
            let id = id.expect("each transaction is in its sender's queue");
            self.touch(id, |sender, _, gone| {
                let at = sender.find(parts.transaction.nonce());
                let at = at.expect("each transaction is in its sender's queue");
                gone.push(sender.remove(at, now));
            });
            count += 1;
        }
        count
    }

    /// Drops what has waited too long without being able to run.
    pub(crate) fn expire(&mut self, now: u64) {
        if now < self.expire_at {
            return;
        }
        let span = self.settings.queued_seconds_max;
        self.expire_at = now.saturating_add((span / EXPIRY_CHECKS).max(1));
        if self.by_hash.len() == self.pending {
            return;
        }
        self.pressure = None;
        let waits =
            |(id, sender): (SlotId, &Sender)| (sender.pending < sender.queue.len()).then_some(id);
        let ids: Vec<SlotId> = self.senders.iter().filter_map(waits).collect();
        for id in ids {
            self.touch(id, |sender, _, gone| {
                // From the back, so that indices before stay true.
                for at in (sender.pending..sender.queue.len()).rev() {
                    if now.saturating_sub(sender.queue[at].since) > span {
                        gone.push(sender.remove(at, now));
                    }
                }
            });
        }
    }

    /// See [`crate::Pool::on_block`].
    pub(crate) fn on_block(
        &mut self,
        adopted: &[Executed],
        reverted: &[Executed],
        head: Head,
        now: u64,
    ) -> Result<(), PoolError> {
        self.pressure = None;
        let before = std::mem::replace(&mut self.head, Arc::new(head));
        let accounts = if reverted.is_empty() {
            self.follow_changes(adopted, now)
        } else {
            self.reload_accounts(adopted.iter().chain(reverted), now)
        };
        self.follow_rules(&before.rules, now);
        self.take_back(reverted, now);
        self.expire(now);
        accounts
    }

    /// The chain only grew: the blocks say themselves what became of each account.
    fn follow_changes(&mut self, adopted: &[Executed], now: u64) -> Result<(), PoolError> {
        let mut result = Ok(());
        for executed in adopted {
            for (address, change) in executed.changes().accounts() {
                if let Some(id) = self.by_address.get(address).copied() {
                    let account = self.changed_account(address, change.info.as_ref());
                    result = result.and(self.set_account(id, account, now));
                }
            }
        }
        result
    }

    fn changed_account(
        &self,
        address: &Address,
        info: Option<&AccountInfo>,
    ) -> Result<Account, PoolError> {
        let info = info.copied().unwrap_or_default();
        // Whether code is a delegation (EIP-7702) only the state can tell.
        let has_code = info.code_hash != KECCAK_EMPTY && self.head.account(address)?.has_code;
        Ok(Account { nonce: info.nonce, balance: info.balance, has_code })
    }

    /// The chain changed branches: the state tells what became of each account.
    fn reload_accounts<'a>(
        &mut self,
        blocks: impl Iterator<Item = &'a Executed>,
        now: u64,
    ) -> Result<(), PoolError> {
        let changed = blocks.flat_map(|executed| executed.changes().accounts());
        let addresses: BTreeSet<Address> = changed.map(|(address, _)| *address).collect();
        let mut result = Ok(());
        for address in addresses {
            if let Some(id) = self.by_address.get(&address).copied() {
                let account = self.head.account(&address);
                result = result.and(self.set_account(id, account, now));
            }
        }
        result
    }

    /// A sender whose account cannot be read loses its transactions: none may stay unmeasured.
    fn set_account(
        &mut self,
        id: SlotId,
        account: Result<Account, PoolError>,
        now: u64,
    ) -> Result<(), PoolError> {
        let lost = account.as_ref().err().cloned();
        self.touch(id, |sender, _, gone| match account {
            Ok(account) => sender.set_account(account, now, gone),
            Err(_) => {
                for at in (0..sender.queue.len()).rev() {
                    gone.push(sender.remove(at, now));
                }
            }
        });
        lost.map_or(Ok(()), Err)
    }

    fn follow_rules(&mut self, before: &Rules, now: u64) {
        let head = Arc::clone(&self.head);
        let rules = &head.rules;
        if rules == before {
            return;
        }
        let blobs_max = |rules: &Rules| rules.blobs.map(|blobs| blobs.blobs_max);
        if rules.forks != before.forks || blobs_max(rules) != blobs_max(before) {
            self.drop_forbidden(rules, now);
        }
        let gas_limit_fell = rules.gas_limit < before.gas_limit;
        for id in self.senders.ids() {
            self.touch(id, |sender, rules, _| sender.set_rules(rules, gas_limit_fell, now));
        }
    }

    /// A fork may forbid what was admitted before it.
    fn drop_forbidden(&mut self, rules: &Rules, now: u64) {
        let mut forbidden = Vec::new();
        for (_, sender) in self.senders.iter() {
            let entries = sender.queue.iter();
            let breaks = |parts: &Parts| match check_rules(parts, rules, &self.settings) {
                // The gas limit may rise again; until then they are queued.
                Ok(()) | Err(PoolError::BlockGasLimit { .. }) => false,
                Err(_) => true,
            };
            forbidden.extend(entries.filter(|e| breaks(&e.parts)).map(|e| *e.parts.hash()));
        }
        self.remove(&forbidden, now);
    }

    /// Transactions of reverted blocks wait again, unless the new branch has them or made them
    /// impossible, which shows in their nonces.
    fn take_back(&mut self, reverted: &[Executed], now: u64) {
        for executed in reverted.iter().rev() {
            let transactions = executed.block().transactions().iter();
            for (transaction, sender) in transactions.zip(executed.senders()) {
                let transaction = RecoveredTransaction::new_unchecked(transaction.clone(), *sender);
                let taken = Decoded::new(transaction).and_then(|decoded| {
                    check_rules(&decoded.0, &self.head.rules, &self.settings)?;
                    self.head.accounts.permits(&decoded.0.transaction)?;
                    let address = decoded.sender();
                    self.admit(decoded.0, |head| head.account(&address), now)
                });
                if let Err(error) = taken {
                    tracing::debug!(%error, "a reverted transaction is not taken back");
                }
            }
        }
    }
}
