//! The contract that knows who votes: each block tells it who proposed it and who made its parent
//! final, and the state after a block says who votes on the next.

mod report;

pub use report::{AbsenceRules, ProvenEquivocation, Standing, ValidatorRecord, removes_validator};

use crate::{
    ExecutionError, Executor, Violation,
    error::Fault,
    machine::BlockEvm,
    state::{Failure, Source},
};
use alloy_eips::eip4788::SYSTEM_ADDRESS;
use alloy_evm::Evm;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
pub(crate) use bindings::IValidators;
use hanse_ledger::LedgerError;
use hanse_primitives::{
    BlockHash, BlockRef, ChainSpec, Engine, Equivocation, Header, Height, Provenance, Tenure,
    Validator, ValidatorSet, ValidatorSignature, limits::VALIDATORS_MAX,
};
use revm::{DatabaseCommit, Inspector};

/// Generated from the checked-in artifact, so that Rust cannot drift from the contract.
mod bindings {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IValidators,
        "../../contracts/artifacts/IValidators.json"
    );
}

/// The changes of the engine that members vote for.
mod engines {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IEngines,
        "../../contracts/artifacts/IEngines.json"
    );
}

/// What equal validators can do beyond that.
mod registry {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IValidatorRegistry,
        "../../contracts/artifacts/IValidatorRegistry.json"
    );
}

/// What validators with stake can do beyond that.
mod staking {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IStaking,
        "../../contracts/artifacts/IStaking.json"
    );
}

/// What a block says of its making, where validators vote (`engine` decides it).
///
/// # Errors
/// [`Violation`] when it says nothing that can be read.
pub(crate) fn provenance(
    engine: Option<&Engine>,
    header: &Header,
) -> Result<Option<Provenance>, Violation> {
    if engine.is_none_or(|engine| engine.validators().is_none()) {
        return Ok(None);
    }
    let read = Provenance::decode(&header.extra_data);
    read.map(Some).map_err(|error| Violation::OutOfBounds(format!("extra data: {error}")))
}

/// What a block tells the contract, and which; `read` answers with slots of the state before it.
///
/// # Errors
/// What `read` fails with.
pub(crate) fn telling<E>(
    spec: &ChainSpec,
    header: &Header,
    read: impl FnMut(Address, U256) -> Result<U256, E>,
) -> Result<Option<(Address, IValidators::onBlockCall)>, E> {
    let tenure = spec.tenure(Height(header.number), read)?;
    let engine = tenure.as_ref().map(|tenure| &tenure.engine);
    let Some(settings) = engine.and_then(Engine::validators) else { return Ok(None) };
    let Ok(Some(provenance)) = provenance(engine, header) else { return Ok(None) };
    let call = IValidators::onBlockCall {
        domain: spec.signing_domain().separator(),
        proposer: provenance.proposer,
        round: provenance.round,
        signers: provenance.parent_signatures.iter().map(|one| one.validator).collect(),
    };
    Ok(Some((settings.contract, call)))
}

/// Tells the contract of the block that begins: a system call, as EIP-4788's. A block without a
/// readable provenance (a pending or simulated one) tells nothing.
pub(crate) fn tell<'a, S, I>(
    spec: &ChainSpec,
    evm: &mut BlockEvm<'a, S, I>,
    failure: &Failure,
    header: &Header,
) -> Result<(), Fault>
where
    S: Source,
    I: Inspector<alloy_evm::eth::EthEvmContext<&'a mut crate::state::BlockState<S>>>,
{
    let telling = telling(spec, header, |at, slot| evm.db_mut().read(at, slot));
    let telling = telling.map_err(|error| failure.behind(error))?;
    let Some((contract, call)) = telling else { return Ok(()) };
    let done = evm.transact_system_call(SYSTEM_ADDRESS, contract, call.abi_encode().into());
    let done = done.map_err(|error| failure.behind(error))?;
    if !done.result.is_success() {
        let why = format!("the validators' contract does not take the block: {:?}", done.result);
        return Err(Violation::System(why).into());
    }
    evm.db_mut().commit(done.state);
    Ok(())
}

/// The call by which anybody proves an equivocation to the contract.
#[must_use]
pub fn accusation(equivocation: &Equivocation) -> Bytes {
    let bytes = |signatures: &[ValidatorSignature; 2]| signatures.map(|one| one.0.into());
    match equivocation {
        Equivocation::Votes { kind, height, round, blocks, signatures } => {
            let call = IValidators::accuseVotesCall {
                kind: kind.byte(),
                height: height.0,
                round: *round,
                blocks: blocks.map(Option::unwrap_or_default),
                signatures: bytes(signatures),
            };
            call.abi_encode().into()
        }
        Equivocation::Proposals { proposals, signatures } => {
            let [first, second] = proposals;
            let call = IValidators::accuseProposalsCall {
                height: first.height.0,
                round: first.round,
                blocks: [first.block, second.block],
                validRounds: [first, second]
                    .map(|proposal| proposal.valid_round.map_or(-1, i64::from)),
                signatures: bytes(signatures),
            };
            call.abi_encode().into()
        }
    }
}

/// The call by which one who was removed for absence comes back; `None` where nobody votes.
#[must_use]
pub fn comeback(engine: &Engine) -> Option<Bytes> {
    match engine {
        Engine::Bft(_) => Some(registry::IValidatorRegistry::rejoinCall {}.abi_encode().into()),
        Engine::Pos(_) => Some(staking::IStaking::unjailCall {}.abi_encode().into()),
        Engine::Solo { .. } | Engine::Pow(_) => None,
    }
}

/// The contract of votes on the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineVotes {
    /// Where it is.
    pub contract: Address,
    /// In how many blocks a change takes effect at the earliest.
    pub notice: u64,
    /// How many changes there were, with one that waits.
    pub count: u64,
}

impl Executor {
    /// The contract by which members change the engine, if they can.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn engine_votes(&self, at: BlockHash) -> Result<Option<EngineVotes>, ExecutionError> {
        let hanse = self.spec().hanse();
        let Some(contract) = hanse.and_then(|hanse| hanse.contracts.engines) else {
            return Ok(None);
        };
        let notice = self.ask_contract(at, contract, &engines::IEngines::noticeCall {})?;
        let count = self.ask_contract(at, contract, &engines::IEngines::changeCountCall {})?;
        Ok(Some(EngineVotes { contract, notice, count: count.saturating_to() }))
    }

    /// Which engine decides the block after `at`, and what is known of the next; `None` on a foreign chain.
    ///
    /// # Errors
    /// [`ExecutionError::UnknownParent`] for a block that is not known, and a failed store.
    pub fn tenure(&self, at: BlockRef) -> Result<Option<Tenure>, ExecutionError> {
        if !self.spec().may_vote_on_engines() {
            // Genesis says it all; the state may be too old to be asked.
            return self.spec().tenure(at.height.next(), |_, _| Ok(U256::ZERO));
        }
        let state = self.ledger().state(at.hash).map_err(|error| match error {
            LedgerError::UnknownBlock(hash) => ExecutionError::UnknownParent(hash),
            other => other.into(),
        })?;
        Ok(self
            .spec()
            .tenure(at.height.next(), |contract, slot| state.storage(&contract, &slot))?)
    }

    /// Who votes on the block after `at`, as `contract` has it in the state after `at`.
    ///
    /// # Errors
    /// [`ExecutionError::UnknownParent`] for a block that is not known; [`ExecutionError::Internal`]
    /// when there is no such contract there, which the genesis should have seen to.
    pub fn validators(
        &self,
        at: BlockHash,
        contract: Address,
    ) -> Result<ValidatorSet, ExecutionError> {
        let list = self.ask_contract(at, contract, &IValidators::validatorsCall {})?;
        if list.len() > VALIDATORS_MAX {
            let (count, most) = (list.len(), VALIDATORS_MAX);
            let why = format!("{contract} names {count} validators; at most {most} can be");
            return Err(ExecutionError::Internal(why));
        }
        let validator = |one: IValidators::Validator| Validator {
            address: one.account,
            power: one.power,
            proposes: one.proposes,
        };
        Ok(ValidatorSet::new(list.into_iter().map(validator).collect()))
    }
}
