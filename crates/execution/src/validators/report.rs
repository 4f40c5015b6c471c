//! What the contract tells people about validators: who they are, what became of them, and the proofs.

use super::bindings::IValidators;
use crate::{ExecutionError, Executor};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_sol_types::SolEvent;
use hanse_primitives::{BlockHash, Equivocation, Height, Proposal, ValidatorSignature, VoteKind};

/// Accounts that one report names; a registry of a consortium has far fewer.
const RECORDS_MAX: usize = 1_000;

/// What became of an account that is, or was, a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Votes, or does so as soon as there is a place.
    Active,
    /// Missed too many certificates; may come back after a wait.
    Absent,
    /// Signed two messages that contradict each other; out for ever.
    Equivocated,
    /// Voted out by the others.
    VotedOut,
    /// Left by its own wish.
    Left,
    /// Its own bond is too low (stake).
    Unbonded,
    /// Enough others have more stake.
    Outbid,
}

impl Standing {
    /// Its name on the interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Absent => "absent",
            Self::Equivocated => "equivocated",
            Self::VotedOut => "votedOut",
            Self::Left => "left",
            Self::Unbonded => "unbonded",
            Self::Outbid => "outbid",
        }
    }

    /// True for one whose node has no business in the network any more.
    #[must_use]
    pub const fn is_expelled(self) -> bool {
        matches!(self, Self::Equivocated | Self::VotedOut)
    }

    /// As `IValidators.Standing` numbers them; 0 is an account that it has never heard of.
    const fn of_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Active,
            2 => Self::Absent,
            3 => Self::Equivocated,
            4 => Self::VotedOut,
            5 => Self::Left,
            6 => Self::Unbonded,
            7 => Self::Outbid,
            _ => return None,
        })
    }
}

/// What the contract has on record of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorRecord {
    /// The account of its consensus key.
    pub account: Address,
    /// Name, for people.
    pub name: String,
    /// What became of it.
    pub standing: Standing,
    /// The block in which that began.
    pub since: Height,
    /// Certificates within the window that lack its signature.
    pub missed: u64,
    /// Seconds of block time for which that has been too many, counted up to the rule.
    pub absent_seconds: u64,
    /// The first height that it votes, or voted, at.
    pub votes_from: Height,
}

/// When absence costs the seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsenceRules {
    /// Certificates over which absence is counted.
    pub window: u64,
    /// Missing more of them is absence.
    pub missed_max: u64,
    /// It costs the seat when it has lasted for so many seconds of block time.
    pub seconds_min: u64,
    /// Blocks before one who was absent may come back.
    pub wait_blocks: u64,
}

/// An equivocation that the contract has found proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEquivocation {
    /// Its place in the docket, from 0.
    pub index: u64,
    /// Who signed both messages.
    pub accused: Address,
    /// Who brought the proof.
    pub accuser: Address,
    /// The block that has the accusation.
    pub accepted_in: Height,
    /// The proof.
    pub equivocation: Equivocation,
}

impl ProvenEquivocation {
    /// True when `log` is the one by which `contract` told of this proof.
    #[must_use]
    pub fn is_told_by(&self, contract: Address, log: &Log) -> bool {
        let index = B256::from(U256::from(self.index));
        log.address == contract
            && log.topics().first() == Some(&IValidators::EquivocationProven::SIGNATURE_HASH)
            && log.topics().get(1) == Some(&index)
    }
}

/// True when `log` is the one by which `contract` tells that a validator is out.
#[must_use]
pub fn removes_validator(contract: Address, log: &Log) -> bool {
    log.address == contract
        && log.topics().first() == Some(&IValidators::ValidatorRemoved::SIGNATURE_HASH)
}

impl Executor {
    /// Everybody who is or was a validator, in the order in which they came.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn validator_records(
        &self,
        at: BlockHash,
        contract: Address,
    ) -> Result<Vec<ValidatorRecord>, ExecutionError> {
        let count = self.ask_contract(at, contract, &IValidators::accountCountCall {})?;
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(RECORDS_MAX);
        let mut records = Vec::with_capacity(count);
        for index in 0..count {
            let index = U256::from(index);
            let account = self.ask_contract(at, contract, &IValidators::accountAtCall { index })?;
            records.extend(self.validator_record(at, contract, account)?);
        }
        Ok(records)
    }

    /// What is on record of an account; `None` if it never was a validator.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn validator_record(
        &self,
        at: BlockHash,
        contract: Address,
        account: Address,
    ) -> Result<Option<ValidatorRecord>, ExecutionError> {
        let Some((standing, since)) = self.standing(at, contract, account)? else {
            return Ok(None);
        };
        let name = self.ask_contract(at, contract, &IValidators::nameCall { account })?;
        let attendance =
            self.ask_contract(at, contract, &IValidators::attendanceCall { account })?;
        Ok(Some(ValidatorRecord {
            account,
            name,
            standing,
            since,
            missed: attendance.missed.saturating_to(),
            absent_seconds: attendance.absentFor.saturating_to(),
            votes_from: Height(attendance.votesFrom),
        }))
    }

    /// What became of an account, and in which block; `None` if it never was a validator.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn standing(
        &self,
        at: BlockHash,
        contract: Address,
        account: Address,
    ) -> Result<Option<(Standing, Height)>, ExecutionError> {
        let answer = self.ask_contract(at, contract, &IValidators::standingCall { account })?;
        Ok(Standing::of_byte(answer._0).map(|standing| (standing, Height(answer.since))))
    }

    /// When absence costs the seat, as the contract has it.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn absence_rules(
        &self,
        at: BlockHash,
        contract: Address,
    ) -> Result<AbsenceRules, ExecutionError> {
        let rules = self.ask_contract(at, contract, &IValidators::absenceRulesCall {})?;
        Ok(AbsenceRules {
            window: rules.window.saturating_to(),
            missed_max: rules.missedMax.saturating_to(),
            seconds_min: rules.absentSeconds.saturating_to(),
            wait_blocks: rules.waitBlocks.saturating_to(),
        })
    }

    /// The docket of proven equivocations, oldest first: at most `count`, from place `first` on.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn evidence(
        &self,
        at: BlockHash,
        contract: Address,
        first: u64,
        count: u64,
    ) -> Result<Vec<ProvenEquivocation>, ExecutionError> {
        let all = self.ask_contract(at, contract, &IValidators::evidenceCountCall {})?;
        let end = first.saturating_add(count).min(all.saturating_to());
        let read = |index: u64| {
            let question = IValidators::evidenceCall { index: U256::from(index) };
            let filed = self.ask_contract(at, contract, &question)?;
            proven(index, &filed).ok_or_else(|| {
                ExecutionError::Internal(format!("{contract} has unreadable evidence {index}"))
            })
        };
        (first..end).map(read).collect()
    }
}

/// A page of the docket; `None` if the contract cannot have written it.
fn proven(index: u64, filed: &IValidators::Evidence) -> Option<ProvenEquivocation> {
    let signature = |bytes: &Bytes| Some(ValidatorSignature(bytes.as_ref().try_into().ok()?));
    let signatures = [signature(&filed.signatures[0])?, signature(&filed.signatures[1])?];
    let (height, round) = (Height(filed.height), filed.round);
    let equivocation = match VoteKind::of_byte(filed.kind) {
        Some(kind) => {
            let blocks = filed.blocks.map(|block| (!block.is_zero()).then_some(block));
            Equivocation::Votes { kind, height, round, blocks, signatures }
        }
        None => {
            let proposal = |at: usize| {
                let valid_round = u32::try_from(filed.validRounds[at]).ok();
                Proposal { height, round, block: filed.blocks[at], valid_round }
            };
            Equivocation::Proposals { proposals: [proposal(0), proposal(1)], signatures }
        }
    };
    Some(ProvenEquivocation {
        index,
        accused: filed.accused,
        accuser: filed.accuser,
        accepted_in: Height(filed.acceptedIn),
        equivocation,
    })
}
