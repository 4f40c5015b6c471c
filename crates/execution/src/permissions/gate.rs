use super::{
    Stopped, Subject, endorsed, enter,
    rights::{Epoch, Forbidden},
};
use crate::{
    ExecutionError, Executor,
    limits::EPOCHS_KEPT_MAX,
    machine::{environment, evm},
    slots::namespaced,
    state::BlockState,
    upgrades,
};
use alloy_primitives::{Address, B256, U256, keccak256};
use hanse_ledger::StateView;
use hanse_primitives::{ChainSpec, Header, Membership, RecoveredTransaction};
use quick_cache::sync::Cache;
use revm::inspector::NoOpInspector;
use std::{
    fmt,
    sync::{Arc, LazyLock, OnceLock},
};

/// Where the contracts have what nodes read by themselves (`RECORDS_SLOT` and `VERSION_SLOT` there; ERC-7201).
static RECORDS_SLOT: LazyLock<B256> = LazyLock::new(|| namespaced("hanse.members.records"));
pub(crate) static MEMBERS_VERSION_SLOT: LazyLock<B256> =
    LazyLock::new(|| namespaced("hanse.members.version"));
pub(crate) static POLICIES_VERSION_SLOT: LazyLock<B256> =
    LazyLock::new(|| namespaced("hanse.policies.version"));

/// The contracts that permissions are read from, and what they have said. Clones share it.
#[derive(Clone)]
pub(crate) struct Gate {
    spec: Arc<ChainSpec>,
    membership: Membership,
    /// Who replaces the code of the others.
    upgrades: Option<Address>,
    epochs: Arc<Cache<Versions, Arc<Epoch>>>,
}

/// Versions of both contracts, and of upgrades. They are chained over their content, so that equal versions mean equal law
/// on any branch of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Versions {
    pub(crate) members: U256,
    pub(crate) policies: U256,
    pub(crate) upgrades: U256,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({:?})", self.membership)
    }
}

impl Gate {
    /// The gate of a chain; none where everybody may do everything.
    pub(crate) fn new(spec: &Arc<ChainSpec>) -> Option<Self> {
        let membership = spec.membership()?;
        let upgrades = spec.upgrades();
        let epochs = Arc::new(Cache::new(EPOCHS_KEPT_MAX));
        Some(Self { spec: Arc::clone(spec), membership, upgrades, epochs })
    }

    /// The same gate with nothing learned: for a state that somebody has made up, whose answers must not
    /// be taken for those of the chain.
    pub(crate) fn forgetful(&self) -> Self {
        Self { epochs: Arc::new(Cache::new(EPOCHS_KEPT_MAX)), ..self.clone() }
    }

    /// True for a contract that everybody may send transactions to, since it knows validators.
    pub(super) fn is_registry<E>(
        &self,
        contract: &Address,
        read: impl FnMut(Address, U256) -> Result<U256, E>,
    ) -> Result<bool, E> {
        Ok(self.spec.registries(read)?.contains(contract))
    }

    pub(super) const fn members(&self) -> Address {
        self.membership.members
    }

    pub(super) const fn policies(&self) -> Address {
        self.membership.policies
    }

    /// The slot of an account's record in the contract of members: a mapping's, as Solidity lays it out.
    pub(crate) fn record_slot(&self, account: Address) -> U256 {
        let key = [account.into_word().0, RECORDS_SLOT.0].concat();
        keccak256(key).into()
    }

    pub(crate) fn versions<E>(
        &self,
        mut read: impl FnMut(Address, U256) -> Result<U256, E>,
    ) -> Result<Versions, E> {
        let upgrades = match self.upgrades {
            Some(contract) => read(contract, (*upgrades::VERSION_SLOT).into())?,
            None => U256::ZERO,
        };
        Ok(Versions {
            members: read(self.members(), (*MEMBERS_VERSION_SLOT).into())?,
            policies: read(self.policies(), (*POLICIES_VERSION_SLOT).into())?,
            upgrades,
        })
    }

    pub(super) fn known(&self, versions: &Versions) -> Option<Arc<Epoch>> {
        self.epochs.get(versions)
    }

    pub(super) fn learn(&self, versions: Versions, epoch: Epoch) -> Arc<Epoch> {
        let epoch = Arc::new(epoch);
        self.epochs.insert(versions, Arc::clone(&epoch));
        epoch
    }
}

/// Says of transactions whether they may come in, by the state after one block. A pool keeps one for its
/// head. Nothing is asked on a chain without a contract of members.
#[derive(Debug)]
pub struct Doorkeeper {
    spec: Arc<ChainSpec>,
    gate: Option<Gate>,
    header: Header,
    view: StateView,
    /// Those of its state, which stays the same, once they have been read.
    versions: OnceLock<Versions>,
}

impl Executor {
    /// The doorkeeper by the state after the block with this header.
    #[must_use]
    pub fn doorkeeper(&self, header: Header, view: StateView) -> Doorkeeper {
        let (spec, gate) = (Arc::clone(self.spec()), self.gate().cloned());
        Doorkeeper { spec, gate, header, view, versions: OnceLock::new() }
    }
}

impl Doorkeeper {
    /// Whether the sender may send a transaction, whatever it will come upon when it runs. What
    /// endorsements it needs is known only then; that they are there for the account that it calls is
    /// seen to here already.
    ///
    /// # Errors
    /// A failed store.
    pub fn permits(
        &self,
        transaction: &RecoveredTransaction,
    ) -> Result<Result<(), Box<Forbidden>>, ExecutionError> {
        let Some(gate) = &self.gate else { return Ok(Ok(())) };
        let subject = Subject::new(transaction.inner(), transaction.signer());
        let stopped = match self.remembered(gate, &subject)? {
            Some(known) => known.map_err(Stopped::from),
            None => self.ask(gate, &subject),
        };
        match stopped {
            Ok(()) => Ok(Ok(())),
            Err(Stopped::Forbidden(forbidden)) => Ok(Err(forbidden)),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    /// The answer by what the contracts have said before, if that is enough.
    fn remembered(
        &self,
        gate: &Gate,
        subject: &Subject<'_>,
    ) -> Result<Option<Result<(), Box<Forbidden>>>, ExecutionError> {
        let versions = match self.versions.get() {
            Some(versions) => *versions,
            None => {
                let read = gate.versions(|contract, slot| self.view.storage(&contract, &slot))?;
                *self.versions.get_or_init(|| read)
            }
        };
        let Some(epoch) = gate.known(&versions) else { return Ok(None) };
        if subject.to.to().is_some_and(|to| epoch.guards().iter().any(|guard| guard.is_of(*to))) {
            return Ok(None);
        }
        let read = |contract, slot| self.view.storage(&contract, &slot);
        let record = read(gate.members(), gate.record_slot(subject.sender))?;
        let rights = epoch.kept(record, self.header.timestamp);
        Ok(rights.map(|rights| subject.check(gate, &rights, read)).transpose()?)
    }

    fn ask(&self, gate: &Gate, subject: &Subject<'_>) -> Result<(), Stopped> {
        let mut state = BlockState::new(self.view.clone()).with_gate(Some(gate.clone()));
        let failure = state.failure();
        let environment = environment(&self.spec, &self.header);
        let mut evm = evm(&mut state, environment, None, NoOpInspector, false);
        let admitted = enter(&mut evm, &failure, *subject)?;
        let target = subject.to.to().copied();
        endorsed(&mut evm, &failure, &admitted, |guard| target.is_some_and(|to| guard.is_of(to)))
    }
}
