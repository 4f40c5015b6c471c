use crate::{
    ExecutionError, Interrupt,
    interrupt::Watch,
    permissions::{Entered, Gate},
};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{AddressMap, B256Map, U256Map},
};
use hanse_ledger::{LedgerError, StateView};
use hanse_primitives::{AccountChange, AccountInfo, Height, StateChanges};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    context::DBErrorMarker,
    state::{Account, AccountId, AccountInfo as EvmAccount},
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    sync::{Arc, Mutex, PoisonError},
};
use thiserror::Error;

/// Where a block's state begins: the state after its parent. The product has one, the ledger's
/// [`StateView`]; unit tests have a map.
pub(crate) trait Source {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, LedgerError>;
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError>;
    fn code(&self, hash: &B256) -> Result<Bytes, LedgerError>;
    fn block_hash(&self, height: Height) -> Result<Option<B256>, LedgerError>;
}

impl Source for StateView {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, LedgerError> {
        Self::account(self, address)
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        Self::storage(self, address, slot)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, LedgerError> {
        Self::code(self, hash)
    }

    fn block_hash(&self, height: Height) -> Result<Option<B256>, LedgerError> {
        Self::block_hash(self, height)
    }
}

/// What the EVM is told when the store fails or it is to stop; the reason waits in the state's
/// [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the state could not be read")]
pub(crate) struct Unreadable;

impl DBErrorMarker for Unreadable {}

/// Where the first error of the store, or the word to stop, waits while the EVM unwinds. The EVM library may report any failed
/// read as the block's own fault, so whoever judges an error must look here first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<ExecutionError>>>);

impl Failure {
    pub(crate) fn take(&self) -> Option<ExecutionError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What is behind an error that came out of the EVM or of a read: what waits here, or else a failure of the EVM's own.
    pub(crate) fn behind(&self, error: impl Display) -> ExecutionError {
        self.take().unwrap_or_else(|| ExecutionError::Internal(error.to_string()))
    }

    pub(crate) fn set(&self, error: ExecutionError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// The state while a block runs: every account and slot that was read, and what became of it.
///
/// Accounts live in a vector and carry their position into the EVM as `account_id`, so that a
/// storage read need not hash the address again.
pub(crate) struct BlockState<S> {
    source: S,
    index: AddressMap<u32>,
    entries: Vec<Entry>,
    code: B256Map<Bytecode>,
    hashes: BTreeMap<u64, B256>,
    failure: Failure,
    watch: Option<Watch>,
    gate: Option<Gate>,
    entered: Option<Entered>,
}

/// The state at some moment, to come back to.
pub(crate) struct Checkpoint {
    index: AddressMap<u32>,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    address: Address,
    /// As the source has it.
    before: Option<AccountInfo>,
    /// As it is now. Its code may be left out until the EVM asks for it.
    now: Option<EvmAccount>,
    /// The source's storage of this account is gone.
    cleared: bool,
    slots: U256Map<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    before: U256,
    now: U256,
}

impl<S> fmt::Debug for BlockState<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockState({} accounts)", self.entries.len())
    }
}

impl<S: Source> BlockState<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source,
            index: AddressMap::default(),
            entries: Vec::new(),
            code: B256Map::default(),
            hashes: BTreeMap::new(),
            failure: Failure::default(),
            watch: None,
            gate: None,
            entered: None,
        }
    }

    /// Puts permissions in force, where the chain has them.
    pub(crate) fn with_gate(mut self, gate: Option<Gate>) -> Self {
        self.gate = gate;
        self
    }

    /// The permissions that are in force.
    pub(crate) const fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    /// Somebody has made up a part of this state: what contracts say on it is not what the chain says.
    pub(crate) fn pretend(&mut self) {
        self.gate = self.gate.as_ref().map(Gate::forgetful);
    }

    /// Whose rights bound what runs.
    pub(crate) const fn entered(&self) -> Option<&Entered> {
        self.entered.as_ref()
    }

    /// Sets whose rights bound what runs; returns whose did.
    pub(crate) const fn set_entered(&mut self, entered: Option<Entered>) -> Option<Entered> {
        std::mem::replace(&mut self.entered, entered)
    }

    /// A slot as it is now.
    pub(crate) fn read(&mut self, address: Address, slot: U256) -> Result<U256, Unreadable> {
        let at = self.entry(address)?;
        self.slot(at, slot)
    }

    /// Lets whatever runs on this state be called off.
    pub(crate) fn with_interrupt(mut self, interrupt: Option<Interrupt>) -> Self {
        self.watch = interrupt.map(|interrupt| Watch::new(interrupt, self.failure.clone()));
        self
    }

    /// By what it can be called off, if at all.
    pub(crate) const fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// # Errors
    /// [`Unreadable`] when it has been called off.
    pub(crate) fn check_interrupt(&self) -> Result<(), Unreadable> {
        self.watch.as_ref().map_or(Ok(()), Watch::check)
    }

    /// Where the error behind [`Unreadable`] waits.
    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// Makes `BLOCKHASH` answer with this hash for a height.
    pub(crate) fn set_block_hash(&mut self, height: u64, hash: B256) {
        self.hashes.insert(height, hash);
    }

    /// What has changed against the source, in final values. Reads that changed nothing, accounts
    /// that came and went, and slots that have their old value again do not appear.
    pub(crate) fn changes(&self) -> StateChanges {
        let mut accounts = Vec::new();
        let mut code = Vec::new();
        for entry in &self.entries {
            let Some(change) = entry.change() else { continue };
            if let Some(bytes) = self.new_code(entry) {
                code.push(bytes);
            }
            accounts.push((entry.address, change));
        }
        StateChanges::new(accounts, code)
    }

    fn new_code(&self, entry: &Entry) -> Option<(B256, Bytes)> {
        let hash = entry.now.as_ref()?.code_hash;
        if hash == KECCAK_EMPTY || entry.before.is_some_and(|before| before.code_hash == hash) {
            return None;
        }
        self.code.get(&hash).map(|code| (hash, code.original_bytes()))
    }

    /// Position of an account, which is read from the source the first time.
    fn entry(&mut self, address: Address) -> Result<usize, Unreadable> {
        if let Some(at) = self.index.get(&address) {
            return Ok(*at as usize);
        }
        let before = self.noted(self.source.account(&address))?;
        let id = u32::try_from(self.entries.len()).map_err(|_| Unreadable)?;
        let now = before.map(|info| EvmAccount {
            balance: info.balance,
            nonce: info.nonce,
            code_hash: info.code_hash,
            account_id: AccountId::new(id as usize),
            code: (info.code_hash == KECCAK_EMPTY).then(Bytecode::default),
        });
        let slots = U256Map::default();
        self.entries.push(Entry { address, before, now, cleared: false, slots });
        self.index.insert(address, id);
        Ok(id as usize)
    }

    fn slot(&mut self, at: usize, slot: U256) -> Result<U256, Unreadable> {
        let entry = &self.entries[at];
        if let Some(known) = entry.slots.get(&slot) {
            return Ok(known.now);
        }
        if entry.cleared || entry.before.is_none() {
            return Ok(U256::ZERO);
        }
        self.check_interrupt()?;
        let value = self.noted(self.source.storage(&entry.address, &slot))?;
        self.entries[at].slots.insert(slot, Slot { before: value, now: value });
        Ok(value)
    }

    fn noted<T>(&self, result: Result<T, LedgerError>) -> Result<T, Unreadable> {
        result.map_err(|error| {
            self.failure.set(error.into());
            Unreadable
        })
    }

    fn read_code(&self, hash: &B256) -> Result<Bytecode, Unreadable> {
        if let Some(code) = self.code.get(hash) {
            return Ok(code.clone());
        }
        let bytes = self.noted(self.source.code(hash))?;
        // Code from before EIP-3541 may begin like a delegation without being one.
        Ok(Bytecode::new_raw_checked(bytes.clone()).unwrap_or_else(|_| Bytecode::new_legacy(bytes)))
    }

    /// Changes an account by hand, outside any transaction (overrides, the DAO fork). An account
    /// that did not exist begins empty, and exists from now on whatever `change` makes of it.
    pub(crate) fn alter<T>(
        &mut self,
        address: Address,
        change: impl FnOnce(&mut EvmAccount) -> T,
    ) -> Result<T, Unreadable> {
        let at = self.entry(address)?;
        let account = self.entries[at].now.get_or_insert_with(EvmAccount::default);
        account.account_id = AccountId::new(at);
        let outcome = change(account);
        if let Some(code) = account.code.clone().filter(|code| !code.is_empty()) {
            self.code.insert(account.code_hash, code);
        }
        Ok(outcome)
    }

    /// Remembers how everything is.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { index: self.index.clone(), entries: self.entries.clone() }
    }

    /// Makes everything as it was. Code that came since stays known, by its hash, which no account has.
    pub(crate) fn restore(&mut self, checkpoint: Checkpoint) {
        let Checkpoint { index, entries } = checkpoint;
        (self.index, self.entries) = (index, entries);
    }

    /// Forgets all storage of an account.
    pub(crate) fn clear_storage(&mut self, address: Address) -> Result<(), Unreadable> {
        let at = self.entry(address)?;
        self.entries[at].cleared = true;
        self.entries[at].slots.clear();
        Ok(())
    }

    /// Sets a slot by hand.
    pub(crate) fn set_slot(
        &mut self,
        address: Address,
        slot: U256,
        value: U256,
    ) -> Result<(), Unreadable> {
        let at = self.entry(address)?;
        let before = self.slot(at, slot)?;
        self.entries[at].slots.entry(slot).or_insert(Slot { before, now: value }).now = value;
        Ok(())
    }

    fn commit_account(&mut self, address: Address, account: Account) {
        if !account.is_touched() {
            return;
        }
        let at = self.position(address, &account);
        let entry = &mut self.entries[at];
        if account.is_selfdestructed() {
            entry.remove();
            return;
        }
        let created = account.is_created();
        // EIP-161. Before that fork the EVM itself sees to it that an empty account is either not
        // touched or created.
        if !created && account.info.is_empty() {
            entry.remove();
            return;
        }
        if created {
            entry.cleared = true;
            entry.slots.clear();
        }
        for (slot, value) in account.storage {
            if value.is_changed() {
                let known = Slot { before: value.original_value, now: value.present_value };
                entry.slots.entry(slot).or_insert(known).now = value.present_value;
            }
        }
        let mut info = account.info;
        info.account_id = AccountId::new(at);
        let new_code = entry.now.as_ref().is_none_or(|now| now.code_hash != info.code_hash);
        if let Some(code) = info.code.as_ref().filter(|code| new_code && !code.is_empty()) {
            self.code.insert(info.code_hash, code.clone());
        }
        entry.now = Some(info);
    }

    /// The EVM read every account that it commits, so each has an entry.
    fn position(&self, address: Address, account: &Account) -> usize {
        if let Some(id) = account.info.account_id.map(AccountId::get)
            && self.entries.get(id).is_some_and(|entry| entry.address == address)
        {
            return id;
        }
        *self.index.get(&address).expect("an account is read before it is committed") as usize
    }
}

impl Entry {
    fn remove(&mut self) {
        self.now = None;
        self.cleared = true;
        self.slots.clear();
    }

    fn change(&self) -> Option<AccountChange> {
        let Some(now) = &self.now else {
            self.before?;
            return Some(AccountChange { info: None, storage_cleared: true, storage: Vec::new() });
        };
        let info = AccountInfo { nonce: now.nonce, balance: now.balance, code_hash: now.code_hash };
        let storage_cleared = self.cleared && self.before.is_some();
        let fresh = self.cleared || self.before.is_none();
        let storage: Vec<(U256, U256)> = self
            .slots
            .iter()
            .filter(|(_, slot)| if fresh { !slot.now.is_zero() } else { slot.now != slot.before })
            .map(|(key, slot)| (*key, slot.now))
            .collect();
        let same = self.before == Some(info) && storage.is_empty() && !storage_cleared;
        (!same).then_some(AccountChange { info: Some(info), storage_cleared, storage })
    }
}

impl<S: Source> Database for BlockState<S> {
    type Error = Unreadable;

    fn basic(&mut self, address: Address) -> Result<Option<EvmAccount>, Unreadable> {
        self.check_interrupt()?;
        let at = self.entry(address)?;
        Ok(self.entries[at].now.clone())
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Unreadable> {
        let code = self.read_code(&hash)?;
        self.code.entry(hash).or_insert_with(|| code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Unreadable> {
        let at = self.entry(address)?;
        self.slot(at, slot)
    }

    fn storage_by_account_id(
        &mut self,
        address: Address,
        id: AccountId,
        slot: U256,
    ) -> Result<U256, Unreadable> {
        match self.entries.get(id.get()) {
            Some(entry) if entry.address == address => self.slot(id.get(), slot),
            _ => self.storage(address, slot),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Unreadable> {
        self.block_hash_ref(number)
    }
}

/// Reads without remembering, for tracers that look at the state before a transaction.
impl<S: Source> DatabaseRef for BlockState<S> {
    type Error = Unreadable;

    fn basic_ref(&self, address: Address) -> Result<Option<EvmAccount>, Unreadable> {
        if let Some(at) = self.index.get(&address) {
            return Ok(self.entries[*at as usize].now.clone());
        }
        let info = self.noted(self.source.account(&address))?;
        Ok(info.map(|info| EvmAccount {
            balance: info.balance,
            nonce: info.nonce,
            code_hash: info.code_hash,
            account_id: None,
            code: (info.code_hash == KECCAK_EMPTY).then(Bytecode::default),
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Unreadable> {
        self.read_code(&hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Unreadable> {
        if let Some(entry) = self.index.get(&address).map(|at| &self.entries[*at as usize]) {
            if let Some(known) = entry.slots.get(&slot) {
                return Ok(known.now);
            }
            if entry.cleared || entry.before.is_none() {
                return Ok(U256::ZERO);
            }
        }
        self.noted(self.source.storage(&address, &slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Unreadable> {
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        Ok(self.noted(self.source.block_hash(Height(number)))?.unwrap_or_default())
    }
}

impl<S: Source> DatabaseCommit for BlockState<S> {
    fn commit(&mut self, changes: AddressMap<Account>) {
        for (address, account) in changes {
            self.commit_account(address, account);
        }
    }

    fn commit_iter(&mut self, changes: &mut dyn Iterator<Item = (Address, Account)>) {
        for (address, account) in changes {
            self.commit_account(address, account);
        }
    }
}
