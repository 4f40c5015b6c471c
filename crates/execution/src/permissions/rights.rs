use super::bindings::IPolicies;
use crate::{ExecutionError, limits::RIGHTS_KEPT_MAX};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256};
use hanse_identity::Policy;
use quick_cache::sync::Cache;
use revm::state::{Account, EvmState};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};
use thiserror::Error;

/// Why the law of the network refuses a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Forbidden {
    /// The sender may send none.
    #[error("{sender} may not send transactions: that needs {needed}")]
    Send {
        /// The sender.
        sender: Address,
        /// Who may.
        needed: Needed,
    },
    /// The sender may not bring code into the state.
    #[error("{sender} may not deploy contracts: that needs {needed}")]
    Deploy {
        /// The sender.
        sender: Address,
        /// Who may.
        needed: Needed,
    },
    /// The sender may not call the contract, or not this method.
    #[error("{sender} may not call {}: that needs {needed}", Method(target, selector))]
    Call {
        /// The sender.
        sender: Address,
        /// The contract.
        target: Address,
        /// The method; `None` when the input names none.
        selector: Option<FixedBytes<4>>,
        /// Who may.
        needed: Needed,
    },
    /// The transaction changes what only endorsed transactions may change.
    #[error(
        "it changes {}, which needs the endorsement of {needed}; have transaction {transaction} endorsed first",
        Place(target, slot)
    )]
    Unendorsed {
        /// The sender.
        sender: Address,
        /// The guarded account.
        target: Address,
        /// The guarded slot; `None` when all of the account is.
        slot: Option<B256>,
        /// What endorsers sign.
        transaction: B256,
        /// Whose endorsement.
        needed: Needed,
    },
}

/// The policy that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The policy, in the form that the contract keeps.
    pub form: Bytes,
    /// The sender would have met another one before its enrollment ran out.
    pub is_expired: bool,
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Policy::from_form(&self.form) {
            Ok(policy) => write!(f, "{policy}")?,
            Err(_) => write!(f, "policy {}", self.form)?,
        }
        let expired = if self.is_expired { " (the enrollment has expired; renew it)" } else { "" };
        f.write_str(expired)
    }
}

/// A contract with its method, for people.
struct Method<'a>(&'a Address, &'a Option<FixedBytes<4>>);

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(selector) => write!(f, "method {selector} of {}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// An account, or a slot of it, for people.
struct Place<'a>(&'a Address, &'a Option<B256>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(slot) => write!(f, "slot {slot} of {}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The method that an input names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selector(Option<FixedBytes<4>>);

impl Selector {
    pub(super) fn of(input: &[u8]) -> Self {
        Self(input.first_chunk::<4>().map(|bytes| FixedBytes(*bytes)))
    }

    /// As the contract writes it: nothing is zeros.
    pub(super) fn word(self) -> FixedBytes<4> {
        self.0.unwrap_or_default()
    }
}

/// What senders with one record may do.
#[derive(Debug)]
pub(super) struct Rights {
    is_expired: bool,
    /// The policy of what they may not.
    send: Option<Bytes>,
    deploy: Option<Bytes>,
    /// Methods with a rule of their own that fails.
    methods: BTreeMap<(Address, FixedBytes<4>), Bytes>,
    /// Contracts whose rule for all the rest fails, and methods of them that are allowed.
    contracts: BTreeMap<Address, (Bytes, BTreeSet<FixedBytes<4>>)>,
}

impl Rights {
    /// `policies` is never closed to those who may send: else the law could not be changed any more.
    pub(super) fn new(told: IPolicies::Rights, policies: Address) -> Self {
        let mut rights = Self {
            is_expired: told.isExpired,
            send: (!told.maySend).then_some(told.send),
            deploy: (!told.mayDeploy).then_some(told.deploy),
            methods: BTreeMap::new(),
            contracts: BTreeMap::new(),
        };
        for denial in told.denials.into_iter().filter(|denial| denial.target != policies) {
            if denial.isWhole {
                rights.contracts.insert(denial.target, (denial.form, BTreeSet::new()));
            } else {
                rights.methods.insert((denial.target, denial.selector), denial.form);
            }
        }
        for exception in told.exceptions {
            if let Some((_, methods)) = rights.contracts.get_mut(&exception.target) {
                methods.insert(exception.selector);
            }
        }
        rights
    }

    /// True when nothing that the sender calls need be looked at.
    pub(super) fn is_free(&self) -> bool {
        self.methods.is_empty() && self.contracts.is_empty()
    }

    pub(super) const fn may_deploy(&self) -> bool {
        self.deploy.is_none()
    }

    /// Whether a method may be called, and if not, the policy that forbids it.
    pub(super) fn denial(&self, target: Address, selector: Selector) -> Option<&Bytes> {
        if let Some(method) = selector.0
            && let Some(form) = self.methods.get(&(target, method))
        {
            return Some(form);
        }
        let (form, excepted) = self.contracts.get(&target)?;
        let is_excepted = selector.0.is_some_and(|method| excepted.contains(&method));
        (!is_excepted).then_some(form)
    }

    pub(super) fn send(&self, sender: Address) -> Result<(), Box<Forbidden>> {
        let refuse = |form| Forbidden::Send { sender, needed: self.needed(form) };
        self.send.as_ref().map_or(Ok(()), |form| Err(Box::new(refuse(form))))
    }

    pub(super) fn deploy(&self, sender: Address) -> Result<(), Box<Forbidden>> {
        let refuse = |form| Forbidden::Deploy { sender, needed: self.needed(form) };
        self.deploy.as_ref().map_or(Ok(()), |form| Err(Box::new(refuse(form))))
    }

    pub(super) fn call(
        &self,
        sender: Address,
        target: Address,
        selector: Selector,
    ) -> Result<(), Box<Forbidden>> {
        if self.is_free() {
            return Ok(());
        }
        let refuse = |form| {
            let needed = self.needed(form);
            Forbidden::Call { sender, target, selector: selector.0, needed }
        };
        self.denial(target, selector).map_or(Ok(()), |form| Err(Box::new(refuse(form))))
    }

    fn needed(&self, form: &Bytes) -> Needed {
        Needed { form: form.clone(), is_expired: self.is_expired }
    }
}

/// What cannot be changed without an endorsement.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    target: Address,
    slot: Option<U256>,
    pub(super) form: Bytes,
}

impl Guard {
    /// Whether a transaction with these changes touches it.
    pub(crate) fn is_hit(&self, changed: &EvmState) -> bool {
        let Some(account) = changed.get(&self.target) else { return false };
        match self.slot {
            Some(slot) => account.storage.get(&slot).is_some_and(|slot| slot.is_changed()),
            None => is_changed(account),
        }
    }

    pub(super) fn refusal(&self, sender: Address, transaction: B256) -> Box<Forbidden> {
        let needed = Needed { form: self.form.clone(), is_expired: false };
        let slot = self.slot.map(B256::from);
        let target = self.target;
        Box::new(Forbidden::Unendorsed { sender, target, slot, transaction, needed })
    }

    /// True for all of an account.
    pub(super) fn is_of(&self, target: Address) -> bool {
        self.slot.is_none() && self.target == target
    }
}

fn is_changed(account: &Account) -> bool {
    let (now, before) = (&account.info, account.original_info());
    let is_other = now.balance != before.balance
        || now.nonce != before.nonce
        || now.code_hash != before.code_hash;
    account.is_touched()
        && (is_other
            || account.is_selfdestructed()
            || account.storage.values().any(|slot| slot.is_changed()))
}

/// A transaction as its endorsers see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endorsable {
    pub(super) sender: Address,
    pub(super) nonce: u64,
    pub(super) to: Address,
    pub(super) value: U256,
    /// Hash of the input.
    pub(super) data: B256,
}

impl Endorsable {
    /// The question what endorsers sign.
    pub(super) const fn hash_call(&self) -> IPolicies::endorsementHashCall {
        let Self { sender, nonce, to, value, data } = *self;
        IPolicies::endorsementHashCall { sender, nonce, to, value, data }
    }
}

/// The law at one version of both contracts.
#[derive(Debug)]
pub(super) struct Epoch {
    guards: Vec<Guard>,
    /// By record, and whether its time is over.
    rights: Cache<(U256, bool), Arc<Rights>>,
}

/// Where a record has the last second in which it is valid (`IMembers.record`).
const VALID_UNTIL_SHIFT: usize = 96;

impl Epoch {
    pub(super) fn new(told: Vec<IPolicies::Guard>) -> Self {
        let guard = |told: IPolicies::Guard| Guard {
            target: told.target,
            slot: (!told.isWhole).then(|| told.slot.into()),
            form: told.form,
        };
        let guards = told.into_iter().map(guard).collect();
        Self { guards, rights: Cache::new(RIGHTS_KEPT_MAX) }
    }

    pub(super) fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// The rights of a record at a time (seconds); `learn` asks the contract.
    pub(super) fn rights(
        &self,
        record: U256,
        time: u64,
        learn: impl FnOnce() -> Result<Rights, ExecutionError>,
    ) -> Result<Arc<Rights>, ExecutionError> {
        if let Some(rights) = self.kept(record, time) {
            return Ok(rights);
        }
        let rights = Arc::new(learn()?);
        self.rights.insert((record, is_over(record, time)), Arc::clone(&rights));
        Ok(rights)
    }

    /// The same, if the contract has said it before.
    pub(super) fn kept(&self, record: U256, time: u64) -> Option<Arc<Rights>> {
        self.rights.get(&(record, is_over(record, time)))
    }
}

/// Whether the enrollment behind a record has run out.
fn is_over(record: U256, time: u64) -> bool {
    let until: u64 = (record >> VALID_UNTIL_SHIFT & U256::from(u64::MAX)).saturating_to();
    until != 0 && time > until
}
