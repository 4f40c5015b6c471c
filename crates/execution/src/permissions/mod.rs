//! Who may do what, as the contracts of the network say: asked before a transaction runs, in front of
//! each call and creation inside of it, and of what it changed.
//!
//! The law is in `membership/Members.sol` and `membership/Policies.sol`; nothing of it is repeated
//! here. What a sender may do (`rightsOf`) follows from four words of the state: the versions of both
//! contracts and of upgrades, which are chained over their content, and the sender's record. So the answer is
//! kept by these four, and asked of the contract only the first time ([`Gate`]).
//!
//! A transaction that its sender may not send, or whose changes lack an endorsement, has no place in
//! a block: builders leave it out, and a block with it is invalid. A call inside of a transaction that
//! the sender may not make reverts.

mod gate;
mod guarded;
mod report;
mod rights;

pub(crate) use bindings::{IMembers, IPolicies};
pub use gate::Doorkeeper;
pub(crate) use gate::{Gate, MEMBERS_VERSION_SLOT, POLICIES_VERSION_SLOT};
pub(crate) use guarded::install;
pub use report::{CertificateRecord, OrganizationRecord, changes_members};
pub use rights::{Forbidden, Needed};

use crate::{
    ExecutionError,
    machine::BlockEvm,
    state::{BlockState, Failure, Source},
};
use alloy_consensus::{Transaction as _, Typed2718};
use alloy_eips::{eip4788::SYSTEM_ADDRESS, eip7702::constants::EIP7702_TX_TYPE_ID};
use alloy_evm::{Evm, eth::EthEvmContext};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use hanse_primitives::Transaction;
use revm::Inspector;
pub(crate) use rights::Guard;
use rights::{Endorsable, Epoch, Rights, Selector};
use std::sync::Arc;

/// Generated from the checked-in artifact, so that Rust cannot drift from the contract.
mod bindings {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IPolicies,
        "../../contracts/artifacts/IPolicies.json"
    );
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IMembers,
        "../../contracts/artifacts/IMembers.json"
    );
}

/// Whoever is behind the transaction that runs, and what it may do.
#[derive(Clone, Debug)]
pub(crate) struct Entered {
    sender: Address,
    rights: Arc<Rights>,
    /// The contract of policies; what it calls was decided by many.
    policies: Address,
}

/// Why a transaction does not come in, or does not get through.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The law forbids it.
    Forbidden(Box<Forbidden>),
    /// Our own failure.
    Failed(ExecutionError),
}

impl From<Box<Forbidden>> for Stopped {
    fn from(forbidden: Box<Forbidden>) -> Self {
        Self::Forbidden(forbidden)
    }
}

impl From<ExecutionError> for Stopped {
    fn from(error: ExecutionError) -> Self {
        Self::Failed(error)
    }
}

/// What of a transaction permissions depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) sender: Address,
    pub(crate) nonce: u64,
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) input: &'a Bytes,
    /// It gives accounts code (EIP-7702).
    pub(crate) sets_code: bool,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(transaction: &'a Transaction, sender: Address) -> Self {
        Self {
            sender,
            nonce: transaction.nonce(),
            to: transaction.kind(),
            value: transaction.value(),
            input: transaction.input(),
            sets_code: transaction.ty() == EIP7702_TX_TYPE_ID,
        }
    }

    /// Whether a sender with these rights may send it at all; `read` answers with slots of contracts.
    fn check<E>(
        &self,
        gate: &Gate,
        rights: &Rights,
        read: impl FnMut(Address, U256) -> Result<U256, E>,
    ) -> Result<Result<(), Box<Forbidden>>, E> {
        if let Err(forbidden) = rights.send(self.sender) {
            let to = self.to.to();
            if !to.map_or(Ok(false), |to| gate.is_registry(to, read))? {
                return Ok(Err(forbidden));
            }
        }
        if (self.to.is_create() || self.sets_code)
            && let Err(forbidden) = rights.deploy(self.sender)
        {
            return Ok(Err(forbidden));
        }
        Ok(match self.to {
            TxKind::Create => Ok(()),
            TxKind::Call(to) => rights.call(self.sender, to, Selector::of(self.input)),
        })
    }

    fn endorsable(&self) -> Endorsable {
        Endorsable {
            sender: self.sender,
            nonce: self.nonce,
            to: self.to.to().copied().unwrap_or_default(),
            value: self.value,
            data: keccak256(self.input),
        }
    }
}

/// A transaction that has come in, with the law that it came in by.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    subject: Subject<'a>,
    /// `None` where everybody may do everything.
    law: Option<(Gate, Arc<Epoch>)>,
}

impl Admitted<'_> {
    /// Whether anything needs endorsements.
    pub(crate) fn is_guarded(&self) -> bool {
        self.law.as_ref().is_some_and(|(_, epoch)| !epoch.guards().is_empty())
    }
}

/// Lets a transaction in, or not. From then on what it calls is measured by the rights of its sender,
/// until [`leave`].
///
/// # Errors
/// [`Stopped`].
pub(crate) fn enter<'a, 't, S, I>(
    evm: &mut BlockEvm<'a, S, I>,
    failure: &Failure,
    subject: Subject<'t>,
) -> Result<Admitted<'t>, Stopped>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let Some(gate) = evm.db().gate().cloned() else {
        return Ok(Admitted { subject, law: None });
    };
    let time = evm.block().timestamp.saturating_to();
    let epoch = epoch(evm, failure, &gate)?;
    let record = gate.record_slot(subject.sender);
    let record = evm.db_mut().read(gate.members(), record);
    let record = record.map_err(|error| failure.behind(error))?;
    let rights = epoch.rights(record, time, || {
        let call = IPolicies::rightsOfCall { record };
        Ok(Rights::new(ask(evm, failure, &gate, &call)?, gate.policies()))
    })?;
    let checked = subject.check(&gate, &rights, |contract, slot| evm.db_mut().read(contract, slot));
    checked.map_err(|error| failure.behind(error))??;
    let policies = gate.policies();
    evm.db_mut().set_entered(Some(Entered { sender: subject.sender, rights, policies }));
    Ok(Admitted { subject, law: Some((gate, epoch)) })
}

/// Ends what [`enter`] began.
pub(crate) fn leave<S>(state: &mut BlockState<S>)
where
    S: Source,
{
    state.set_entered(None);
}

/// Whether a transaction has the endorsements that the guards it runs into ask for. What it changed is
/// not committed.
///
/// # Errors
/// [`Stopped`].
pub(crate) fn endorsed<'a, S, I>(
    evm: &mut BlockEvm<'a, S, I>,
    failure: &Failure,
    admitted: &Admitted<'_>,
    is_hit: impl Fn(&Guard) -> bool,
) -> Result<(), Stopped>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let Admitted { subject, law: Some((gate, epoch)) } = admitted else { return Ok(()) };
    for guard in epoch.guards().iter().filter(|guard| is_hit(guard)) {
        let endorsable = subject.endorsable();
        let transaction: B256 = ask(evm, failure, gate, &endorsable.hash_call())?;
        let form = guard.form.clone();
        if !ask(evm, failure, gate, &IPolicies::isEndorsedCall { transaction, form })? {
            return Err(guard.refusal(subject.sender, transaction).into());
        }
    }
    Ok(())
}

/// The law as it is now.
fn epoch<'a, S, I>(
    evm: &mut BlockEvm<'a, S, I>,
    failure: &Failure,
    gate: &Gate,
) -> Result<Arc<Epoch>, Stopped>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let versions = gate.versions(|contract, slot| evm.db_mut().read(contract, slot));
    let versions = versions.map_err(|error| failure.behind(error))?;
    if let Some(epoch) = gate.known(&versions) {
        return Ok(epoch);
    }
    let guards = ask(evm, failure, gate, &IPolicies::guardsCall {})?;
    Ok(gate.learn(versions, Epoch::new(guards)))
}

/// Asks the contract of policies; leaves no trace in the state.
fn ask<'a, S, I, C>(
    evm: &mut BlockEvm<'a, S, I>,
    failure: &Failure,
    gate: &Gate,
    call: &C,
) -> Result<C::Return, ExecutionError>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
    C: SolCall,
{
    let contract = gate.policies();
    // Whoever asks is not the sender whose rights may be in force.
    let entered = evm.db_mut().set_entered(None);
    let done = evm.transact_system_call(SYSTEM_ADDRESS, contract, call.abi_encode().into());
    evm.db_mut().set_entered(entered);
    let done = done.map_err(|error| failure.behind(error))?;
    let broken = |why: String| {
        ExecutionError::Internal(format!("{contract} is no contract of policies: {why}"))
    };
    if !done.result.is_success() {
        return Err(broken(format!("{:?}", done.result)));
    }
    let output = done.result.output().cloned().unwrap_or_default();
    C::abi_decode_returns(&output).map_err(|error| broken(error.to_string()))
}
