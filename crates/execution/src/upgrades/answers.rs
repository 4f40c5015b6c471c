//! What every node asks of the law, asked on trial: if there is no answer after an upgrade, the upgrade is not carried out.
//!
//! Not what the answers are worth (those who vote judge that), but whether a node could go on at all: read the
//! permissions, read who votes, tell of a block, and whether the network could still decide something else.

use super::{Site, bindings::IUpgrades};
use crate::{
    error::Fault,
    permissions::{IMembers, IPolicies, MEMBERS_VERSION_SLOT, POLICIES_VERSION_SLOT},
    state::{BlockState, Source},
    validators::{self, IValidators},
};
use alloy_evm::{Evm, eth::EthEvmContext};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use hanse_primitives::limits::VALIDATORS_MAX;
use revm::Inspector;

impl<'a, S, I> Site<'_, 'a, S, I>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    /// What does not answer; `None` when all do. Nothing of it is kept.
    pub(super) fn broken(&mut self) -> Result<Option<&'static str>, Fault> {
        if self.ask(self.contract, &IUpgrades::dueCall {})?.is_none() {
            return Ok(Some("due of the contract of upgrades"));
        }
        if let Some(what) = self.broken_law()? {
            return Ok(Some(what));
        }
        self.broken_validators()
    }

    fn broken_law(&mut self) -> Result<Option<&'static str>, Fault> {
        let Some(law) = self.spec.membership() else { return Ok(None) };
        let organizations = self.ask(law.members, &IMembers::organizationsCall {})?;
        if organizations.unwrap_or_default().is_empty() {
            return Ok(Some("organizations of the contract of members"));
        }
        let said = self.ask(law.members, &IMembers::versionCall {})?;
        if said != Some(self.word(law.members, *MEMBERS_VERSION_SLOT)?) {
            return Ok(Some("the version of the contract of members"));
        }
        let said = self.ask(law.policies, &IPolicies::versionCall {})?;
        if said != Some(self.word(law.policies, *POLICIES_VERSION_SLOT)?) {
            return Ok(Some("the version of the contract of policies"));
        }
        if self.ask(law.policies, &IPolicies::guardsCall {})?.is_none() {
            return Ok(Some("guards of the contract of policies"));
        }
        // Nobody's record is 0.
        if self.ask(law.policies, &IPolicies::rightsOfCall { record: U256::ZERO })?.is_none() {
            return Ok(Some("rightsOf of the contract of policies"));
        }
        if self.ask(law.policies, &IPolicies::deadlockCall {})? != Some(B256::ZERO) {
            return Ok(Some("the network could not decide anything any more"));
        }
        Ok(None)
    }

    fn broken_validators(&mut self) -> Result<Option<&'static str>, Fault> {
        let state = self.evm.db_mut();
        let contracts = self.spec.registries(|at, slot| state.read(at, slot));
        for contract in contracts.map_err(|error| self.failure.behind(error))? {
            let seats = self.ask(contract, &IValidators::validatorsCall {})?.unwrap_or_default();
            let is_set = seats.len() <= VALIDATORS_MAX
                && seats.iter().any(|seat| seat.proposes && seat.power > 0);
            if !is_set {
                return Ok(Some("validators of the contract of validators"));
            }
        }
        let state = self.evm.db_mut();
        let telling = validators::telling(self.spec, self.header, |at, slot| state.read(at, slot));
        let telling = telling.map_err(|error| self.failure.behind(error))?;
        let Some((contract, call)) = telling else { return Ok(None) };
        let told = self.call(contract, call.abi_encode().into())?;
        Ok((!told.result.is_success()).then_some("onBlock of the contract of validators"))
    }

    /// A slot, as nodes read it.
    fn word(&mut self, contract: Address, slot: B256) -> Result<B256, Fault> {
        let word = self.evm.db_mut().read(contract, slot.into());
        Ok(word.map_err(|error| self.failure.behind(error))?.into())
    }
}
