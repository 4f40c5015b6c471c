use crate::{
    Account, Accounts, Admitted, Best, Decoded, PoolError, PoolSettings, Rules,
    check::{check_account, check_proofs, check_rules},
    decode::{Parts, decode_with, each},
    sender::{Entry, Sender},
    signers::Signers,
    state::{Head, State},
};
use alloy_primitives::{Address, Bytes, TxHash, keccak256, map::AddressMap};
use hanse_primitives::{Executed, Transaction};
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Transactions that wait for a block. Cheap to clone; every method may be called from any thread.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    settings: Arc<PoolSettings>,
    state: Mutex<State>,
    signers: Signers,
    followers: RwLock<Vec<Follower>>,
}

type Follower = Arc<dyn Fn(&[Admitted]) + Send + Sync>;

/// How full the pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that can run in the next block.
    pub pending: usize,
    /// Transactions that wait for a nonce, balance or fee.
    pub queued: usize,
    /// Encoded bytes of all, sidecars included.
    pub bytes: usize,
    /// Accounts with a transaction in the pool.
    pub senders: usize,
}

/// The transactions of one sender, each part ascending by nonce.
#[derive(Clone, Debug, Default)]
pub struct SenderContent {
    /// Can run in the next block, one after the other.
    pub pending: Vec<Admitted>,
    /// Wait for a nonce, balance or fee.
    pub queued: Vec<Admitted>,
}

/// What a first look under the lock tells of a transaction that someone wants to add.
struct Glance {
    known: bool,
    /// Its sender, when that has transactions in the pool.
    account: Option<Account>,
}

impl Pool {
    /// An empty pool for the block that follows a head: its rules, and the head's state.
    #[must_use]
    pub fn new(settings: PoolSettings, rules: Rules, accounts: Arc<dyn Accounts>) -> Self {
        let sender_transactions_max = settings.sender_transactions_max.max(1);
        let settings = Arc::new(PoolSettings { sender_transactions_max, ..settings });
        let state = Mutex::new(State::new(Arc::clone(&settings), Head { rules, accounts }));
        Self(Arc::new(Shared {
            settings,
            state,
            signers: Signers::default(),
            followers: RwLock::default(),
        }))
    }

    /// Decodes and adds a batch of raw transactions; what is in the pool already is recognized by
    /// its hash before a signature is checked, and no signature is checked twice in a row. Results are in the order given. `now` is in seconds
    /// since the Unix epoch.
    pub fn submit(&self, raw: &[Bytes], now: u64) -> Vec<Result<TxHash, PoolError>> {
        let decoded = each(raw, |raw| {
            // The hash of a blob transaction leaves out its sidecar: those are recognized later.
            if self.0.state.lock().by_hash.contains_key(&keccak256(raw)) {
                return Err(PoolError::AlreadyKnown);
            }
            decode_with(raw, |transaction| self.0.signers.of(transaction))
        });
        let batch = decoded.iter().flatten().cloned().collect();
        let mut added = self.add(batch, now).into_iter();
        let each = decoded.into_iter().map(|decoded| {
            decoded.and_then(|_| added.next().expect("add answers for each transaction"))
        });
        each.collect()
    }

    /// Adds a batch in order, under one lock. `now` is in seconds since the Unix epoch.
    ///
    /// Accounts are read and proofs checked before the lock is taken. A transaction that pays less
    /// than the next block's base fee is admitted and waits.
    pub fn add(&self, batch: Vec<Decoded>, now: u64) -> Vec<Result<TxHash, PoolError>> {
        let (head, glances) = self.glance(&batch);
        let checked = check_batch(&self.0.settings, &head, &batch, &glances);
        self.with(|state| {
            state.expire(now);
            // Only when a block came in between; then the rules and accounts are looked at again.
            let moved = !Arc::ptr_eq(&head, &state.head);
            let add = |(decoded, checked): (Decoded, Result<Account, PoolError>)| {
                let account = checked?;
                if moved {
                    check_rules(&decoded.0, &state.head.rules, &state.settings)?;
                }
                let sender = decoded.sender();
                let account = |head: &Head| if moved { head.account(&sender) } else { Ok(account) };
                state.admit(decoded.0, account, now)
            };
            batch.into_iter().zip(checked).map(add).collect()
        })
    }

    /// Follows the chain to a new head: drops what was included or became impossible, takes back what
    /// was reverted (newest first) and not adopted (oldest first), and looks again at every sender
    /// whose account changed. `rules` are those of the next block, `accounts` is the new head's state.
    ///
    /// Reverted blob transactions are not taken back: blocks do not carry their sidecars.
    ///
    /// # Errors
    /// [`PoolError::State`] when accounts could not be read. The pool is consistent all the same: the
    /// transactions of those senders are gone.
    pub fn on_block(
        &self,
        adopted: &[Executed],
        reverted: &[Executed],
        rules: Rules,
        accounts: Arc<dyn Accounts>,
        now: u64,
    ) -> Result<(), PoolError> {
        self.with(|state| state.on_block(adopted, reverted, Head { rules, accounts }, now))
    }

    /// The pending transactions in the order for a block with these fees (wei per gas, wei per blob
    /// gas); those that do not pay them are left out.
    #[must_use]
    pub fn best(&self, base_fee: u64, blob_fee: u128) -> Best {
        Best::new(self.clone(), &self.lock(), base_fee, blob_fee)
    }

    /// Drops transactions (found to be impossible, or at an operator's wish); those of the same sender
    /// behind them are queued. Returns how many there were. `now` is in seconds since the Unix epoch.
    pub fn remove(&self, hashes: &[TxHash], now: u64) -> usize {
        self.with(|state| state.remove(hashes, now))
    }

    /// Calls `follower` with each batch of transactions that became pending, in an order that can
    /// run. It is called on the thread that added them or brought the block, after the lock is
    /// released, so it may use the pool but should not take long. One transaction may be told of
    /// again, after a reorganization or when fees moved.
    pub fn follow(&self, follower: impl Fn(&[Admitted]) + Send + Sync + 'static) {
        self.0.followers.write().push(Arc::new(follower));
        self.lock().followed = true;
    }

    /// A transaction by its hash.
    #[must_use]
    pub fn get(&self, hash: &TxHash) -> Option<Admitted> {
        self.lock().by_hash.get(hash).cloned()
    }

    /// True when the transaction can run in the next block.
    #[must_use]
    pub fn is_pending(&self, hash: &TxHash) -> bool {
        let state = self.lock();
        let found = state.by_hash.get(hash).and_then(|admitted| {
            let sender = state.sender(&admitted.sender())?;
            Some(admitted.nonce() < sender.next_nonce())
        });
        found.unwrap_or(false)
    }

    /// Who signed a transaction that comes in a block: known from the pool or from what has been looked
    /// at lately, or else found out now and remembered for when it comes to the pool. `None` when nobody
    /// can have signed it with the lower `s`.
    #[must_use]
    pub fn signer(&self, transaction: &Transaction) -> Option<Address> {
        let hash = transaction.tx_hash();
        let known = self.0.signers.get(hash).or_else(|| self.sender_of(hash));
        known.or_else(|| self.0.signers.of(transaction))
    }

    /// Who signed a transaction of the pool.
    #[must_use]
    pub fn sender_of(&self, hash: &TxHash) -> Option<Address> {
        self.lock().by_hash.get(hash).map(Admitted::sender)
    }

    /// The nonce after an account's pending transactions; `None` when it has none in the pool, so
    /// that the state tells.
    #[must_use]
    pub fn pending_nonce(&self, sender: &Address) -> Option<u64> {
        self.lock().sender(sender).map(Sender::next_nonce)
    }

    /// All transactions by sender. Takes the lock for long when the pool is full.
    #[must_use]
    pub fn content(&self) -> BTreeMap<Address, SenderContent> {
        let state = self.lock();
        state.senders.iter().map(|(_, sender)| (sender.address, content(sender))).collect()
    }

    /// The transactions of one sender.
    #[must_use]
    pub fn content_from(&self, sender: &Address) -> SenderContent {
        self.lock().sender(sender).map(content).unwrap_or_default()
    }

    /// Hashes of the pending transactions, in order of arrival.
    #[must_use]
    pub fn pending_hashes(&self) -> Vec<TxHash> {
        let pending = self.by_arrival(|sender| sender.pending);
        pending.iter().map(|admitted| *admitted.hash()).collect()
    }

    /// All transactions in order of arrival: added in this order to an empty pool, each is admitted
    /// again. For the journal of a restart.
    #[must_use]
    pub fn all(&self) -> Vec<Admitted> {
        self.by_arrival(|sender| sender.queue.len())
    }

    /// How full the pool is.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let state = self.lock();
        PoolStatus {
            pending: state.pending,
            queued: state.by_hash.len() - state.pending,
            bytes: state.bytes,
            senders: state.senders.len(),
        }
    }

    /// What the operator tuned.
    #[must_use]
    pub fn settings(&self) -> &PoolSettings {
        &self.0.settings
    }

    /// The rules that transactions are measured against now.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.lock().head.rules.clone()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    #[cfg(test)]
    pub(crate) fn signers(&self) -> &Signers {
        &self.0.signers
    }

    fn glance(&self, batch: &[Decoded]) -> (Arc<Head>, Vec<Glance>) {
        let state = self.lock();
        let glance = |decoded: &Decoded| Glance {
            known: state.by_hash.contains_key(decoded.hash()),
            account: state.sender(&decoded.sender()).map(|sender| sender.account),
        };
        (Arc::clone(&state.head), batch.iter().map(glance).collect())
    }

    fn by_arrival(&self, count: impl Fn(&Sender) -> usize) -> Vec<Admitted> {
        let mut all: Vec<(u64, Admitted)> = Vec::new();
        for (_, sender) in self.lock().senders.iter() {
            let entries = sender.queue.range(..count(sender));
            all.extend(entries.map(|entry| (entry.arrival, entry.admitted())));
        }
        all.sort_unstable_by_key(|(arrival, _)| *arrival);
        all.into_iter().map(|(_, admitted)| admitted).collect()
    }

    /// Changes the pool; what left it is freed, and followers are told, after the lock is released.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, gone, promoted) = {
            let mut state = self.lock();
            let result = change(&mut state);
            (result, std::mem::take(&mut state.gone), std::mem::take(&mut state.promoted))
        };
        drop(gone);
        if !promoted.is_empty() {
            let followers = self.0.followers.read().clone();
            followers.iter().for_each(|follower| follower(&promoted));
        }
        result
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.status()).finish()
    }
}

/// All that can be said of a batch without the lock. Gives each sender's account.
fn check_batch(
    settings: &PoolSettings,
    head: &Head,
    batch: &[Decoded],
    glances: &[Glance],
) -> Vec<Result<Account, PoolError>> {
    let mut accounts: AddressMap<Result<Account, PoolError>> = AddressMap::default();
    let mut check = |parts: &Parts, glance: &Glance| {
        if glance.known {
            return Err(PoolError::AlreadyKnown);
        }
        check_rules(parts, &head.rules, settings)?;
        let account = match glance.account {
            Some(account) => account,
            None => accounts
                .entry(parts.sender())
                .or_insert_with_key(|sender| head.account(sender))
                .clone()?,
        };
        check_account(parts, &account)?;
        head.accounts.permits(&parts.transaction)?;
        check_proofs(parts)?;
        Ok(account)
    };
    batch.iter().zip(glances).map(|(decoded, glance)| check(&decoded.0, glance)).collect()
}

fn content(sender: &Sender) -> SenderContent {
    let part = |entries| -> Vec<Admitted> { Iterator::map(entries, Entry::admitted).collect() };
    SenderContent {
        pending: part(sender.queue.range(..sender.pending)),
        queued: part(sender.queue.range(sender.pending..)),
    }
}
