//! Other code for contracts, by vote. The contract of upgrades (`membership/Upgrades.sol`) says what is due and
//! keeps what became of it; here it is carried out, at the beginning of a block, in front of all transactions.
//!
//! An upgrade is done as a whole or not at all: the code is put, the migration runs as a call of the system
//! (EIP-4788's caller and gas), and the law must still answer what every node asks of it ([`answers`]), for a
//! network whose policies or validators cannot be read any more stands still for ever. Where one of these fails,
//! everything is as before, the contract notes the failure, and the block is valid all the same.

mod answers;

use crate::{
    ExecutionError, Executor,
    error::Fault,
    limits::{UPGRADE_REASON_BYTES_MAX, UPGRADES_PER_BLOCK_MAX},
    machine::BlockEvm,
    messages::halt_message,
    slots::namespaced,
    state::{BlockState, Failure, Source},
};
use alloy_eips::eip4788::SYSTEM_ADDRESS;
use alloy_evm::{Evm, eth::EthEvmContext};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{Revert, SolCall, SolError};
use bindings::IUpgrades;
use hanse_primitives::{BlockHash, ChainSpec, Header};
use revm::{
    Database, DatabaseCommit, Inspector,
    context::result::{ExecutionResult, HaltReason, ResultAndState},
};
use std::sync::LazyLock;

/// Generated from the checked-in artifact, so that Rust cannot drift from the contract.
mod bindings {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IUpgrades,
        "../../contracts/artifacts/IUpgrades.json"
    );
}

/// Where the contract has the height of the next upgrade, 0 for none (`NEXT_SLOT` there).
static NEXT_SLOT: LazyLock<B256> = LazyLock::new(|| namespaced("hanse.upgrades.next"));

/// Where it has its version (`VERSION_SLOT` there).
pub(crate) static VERSION_SLOT: LazyLock<B256> =
    LazyLock::new(|| namespaced("hanse.upgrades.version"));

/// As `IUpgrades.Failure` numbers them.
const NONE: u8 = 0;
const OLD_CODE: u8 = 1;
const NEW_CODE: u8 = 2;
const MIGRATION: u8 = 3;
const ANSWERS: u8 = 4;

/// Why an upgrade is not carried out.
#[derive(Debug)]
struct Refusal {
    failure: u8,
    reason: Bytes,
}

impl Refusal {
    fn new(failure: u8, reason: &[u8]) -> Self {
        let end = reason.len().min(UPGRADE_REASON_BYTES_MAX);
        Self { failure, reason: Bytes::copy_from_slice(&reason[..end]) }
    }

    /// With a text, in the way contracts give one.
    fn text(failure: u8, text: &str) -> Self {
        Self::new(failure, &Revert::from(text).abi_encode())
    }
}

/// The block in which upgrades are carried out, before its first transaction.
struct Site<'e, 'a, S: Source, I> {
    spec: &'e ChainSpec,
    evm: &'e mut BlockEvm<'a, S, I>,
    failure: &'e Failure,
    header: &'e Header,
    contract: Address,
}

/// Carries out what is due in the block that begins. Where nothing is, that is one read.
pub(crate) fn carry_out<'a, S, I>(
    spec: &ChainSpec,
    evm: &mut BlockEvm<'a, S, I>,
    failure: &Failure,
    header: &Header,
) -> Result<(), Fault>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let Some(contract) = spec.upgrades() else { return Ok(()) };
    let next = evm.db_mut().read(contract, (*NEXT_SLOT).into());
    let next = next.map_err(|error| failure.behind(error))?;
    if next.is_zero() || next > U256::from(header.number) {
        return Ok(());
    }
    Site { spec, evm, failure, header, contract }.carry_out()
}

impl<'a, S, I> Site<'_, 'a, S, I>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    fn carry_out(&mut self) -> Result<(), Fault> {
        // A contract that the network itself has put there may be broken; then nothing is due.
        let due = self.ask(self.contract, &IUpgrades::dueCall {})?.unwrap_or_default();
        for one in due.into_iter().take(UPGRADES_PER_BLOCK_MAX) {
            let before = self.evm.db_mut().checkpoint();
            if let Err(refusal) = self.attempt(&one)? {
                self.evm.db_mut().restore(before);
                // If it does not take this either, nothing is noted; it will be tried again.
                let _noted = self.settle(&one, &refusal)?;
            }
        }
        Ok(())
    }

    /// Does all of an upgrade. What is left of one that fails is for the caller to undo.
    fn attempt(&mut self, one: &IUpgrades::Due) -> Result<Result<(), Refusal>, Fault> {
        if self.code_hash(one.target)? != one.oldCodeHash {
            return Ok(Err(Refusal::new(OLD_CODE, &[])));
        }
        if self.code_hash(one.source)? != one.newCodeHash {
            return Ok(Err(Refusal::new(NEW_CODE, &[])));
        }
        self.put(one.target, one.newCodeHash)?;
        if !one.migration.is_empty() {
            let done = self.call(one.target, one.migration.clone())?;
            match done.result {
                ExecutionResult::Success { .. } => self.evm.db_mut().commit(done.state),
                ExecutionResult::Revert { output, .. } => {
                    return Ok(Err(Refusal::new(MIGRATION, &output)));
                }
                ExecutionResult::Halt { reason, .. } => {
                    return Ok(Err(Refusal::text(MIGRATION, &halt_message(&reason))));
                }
            }
        }
        let settled = self.settle(one, &Refusal::new(NONE, &[]))?;
        let broken = match settled {
            true => self.broken()?,
            false => Some("settle of the contract of upgrades"),
        };
        Ok(broken.map_or(Ok(()), |what| Err(Refusal::text(ANSWERS, what))))
    }

    /// Has the contract note what became of an upgrade; false when it does not.
    fn settle(&mut self, one: &IUpgrades::Due, outcome: &Refusal) -> Result<bool, Fault> {
        let call = IUpgrades::settleCall {
            id: one.id,
            place: place(self.header),
            failure: outcome.failure,
            reason: outcome.reason.clone(),
        };
        let done = self.call(self.contract, call.abi_encode().into())?;
        let is_done = done.result.is_success();
        if is_done {
            self.evm.db_mut().commit(done.state);
        }
        Ok(is_done)
    }

    fn code_hash(&mut self, account: Address) -> Result<B256, Fault> {
        let info = self.evm.db_mut().basic(account);
        let info = info.map_err(|error| self.failure.behind(error))?;
        Ok(info.map(|info| info.code_hash).unwrap_or_default())
    }

    fn put(&mut self, target: Address, hash: B256) -> Result<(), Fault> {
        let state = self.evm.db_mut();
        let put = state.code_by_hash(hash).and_then(|code| {
            state.alter(target, |account| {
                account.code_hash = hash;
                account.code = Some(code);
            })
        });
        Ok(put.map_err(|error| self.failure.behind(error))?)
    }

    /// A call of the system, whose changes are for the caller to keep.
    fn call(&mut self, to: Address, input: Bytes) -> Result<ResultAndState<HaltReason>, Fault> {
        let done = self.evm.transact_system_call(SYSTEM_ADDRESS, to, input);
        Ok(done.map_err(|error| self.failure.behind(error))?)
    }

    /// What a contract answers; `None` for anything but an answer.
    fn ask<C: SolCall>(&mut self, to: Address, question: &C) -> Result<Option<C::Return>, Fault> {
        let done = self.call(to, question.abi_encode().into())?;
        let output = done.result.output().filter(|_| done.result.is_success());
        Ok(output.and_then(|output| C::abi_decode_returns(output).ok()))
    }
}

/// What the state that upgrades lead to depends on besides the parent's: all that a contract can see of the block, or has
/// been told of it. Siblings of one parent differ in it unless they lead to the same.
fn place(header: &Header) -> B256 {
    let inputs = Header {
        parent_hash: header.parent_hash,
        beneficiary: header.beneficiary,
        difficulty: header.difficulty,
        number: header.number,
        gas_limit: header.gas_limit,
        timestamp: header.timestamp,
        extra_data: header.extra_data.clone(),
        mix_hash: header.mix_hash,
        base_fee_per_gas: header.base_fee_per_gas,
        excess_blob_gas: header.excess_blob_gas,
        parent_beacon_block_root: header.parent_beacon_block_root,
        ..Header::default()
    };
    inputs.hash_slow()
}

impl Executor {
    /// A word that changes with each upgrade that was carried out up to block `at`; `None` on a chain without them.
    ///
    /// # Errors
    /// [`ExecutionError::UnknownParent`] for a block that is not known, and a failed store.
    pub fn upgrades_version(&self, at: BlockHash) -> Result<Option<B256>, ExecutionError> {
        let Some(contract) = self.spec().upgrades() else { return Ok(None) };
        let (_, mut state) = self.open(at)?;
        let version = state.read(contract, (*VERSION_SLOT).into());
        let version = version.map_err(|error| state.failure().behind(error))?;
        Ok(Some(version.into()))
    }
}
