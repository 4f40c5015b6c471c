//! Who decides the blocks of a network that begins, and the contract that knows it.

use alloy_primitives::{Address, Bytes, U256, Uint, aliases::U112};
use alloy_sol_types::SolConstructor;
use contracts::{
    registry::ValidatorRegistry,
    staking::{IStaking, Staking},
};
use hanse_primitives::{Engine, ValidatorSettings, WorkSettings};

/// Generated from the checked-in artifacts, so that Rust cannot drift from the contracts.
mod contracts {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

    pub(super) mod registry {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            ValidatorRegistry,
            "../../contracts/artifacts/ValidatorRegistry.json"
        );
    }

    pub(super) mod staking {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Staking,
            "../../contracts/artifacts/Staking.json"
        );
    }
}

/// Wei in one ether.
const ETHER: u128 = 1_000_000_000_000_000_000;

/// Blocks in which a motion must find its majority.
const MOTION_BLOCKS: u64 = 100_000;

/// Blocks for which unbonded stake answers for equivocation.
const UNBONDING_BLOCKS: u64 = 100_000;

/// Blocks from the announcement of a commission to its effect.
const COMMISSION_BLOCKS: u64 = 10_000;

/// Ether that pays rewards until there is no more of it.
const RESERVE_ETHER: u128 = 1_000;

/// One who validates from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The account of the key that votes.
    pub(crate) account: Address,
    /// Name, for people.
    pub(crate) name: String,
    /// Whole ether of stake; counts under proof of stake.
    pub(crate) stake: u64,
}

/// When absence costs the seat; the contract's constructor has the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Absence {
    /// Certificates over which absence is counted.
    pub(crate) window: u8,
    /// Missing more of them is absence.
    pub(crate) missed_max: u8,
    /// It costs the seat when it has lasted so many seconds of block time.
    pub(crate) seconds: u32,
    /// Blocks before one who was removed for absence may come back.
    pub(crate) wait_blocks: u32,
}

impl Default for Absence {
    fn default() -> Self {
        Self { window: 100, missed_max: 50, seconds: 30, wait_blocks: 20 }
    }
}

impl Absence {
    /// In the contract's own width.
    ///
    /// # Errors
    /// With the reason when no contract takes these rules.
    pub(crate) fn check(self) -> Result<Self, String> {
        let Self { window, missed_max, seconds, .. } = self;
        if !(3..=128).contains(&window) {
            return Err(format!("a window of {window} certificates; it must be 3 to 128"));
        }
        if missed_max == 0 || missed_max >= window {
            return Err(format!(
                "{missed_max} certificates missed; it must be from 1 to fewer than the window's {window}"
            ));
        }
        if seconds >= 1 << 24 {
            return Err(format!("an absence of {seconds} seconds; the most is 16,777,215"));
        }
        Ok(self)
    }

    fn seconds(self) -> Uint<24, 1> {
        Uint::from(self.seconds)
    }
}

/// How the blocks of a network that begins come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Consensus {
    /// One node seals alone; milliseconds between blocks, or 0 for blocks on demand.
    Solo { block_time_ms: u64 },
    /// Equal validators vote.
    Bft { seats: Vec<Seat>, absence: Absence, block_time_ms: u64 },
    /// Validators vote by stake.
    Pos { seats: Vec<Seat>, absence: Absence, block_time_ms: u64 },
    /// Miners compete.
    Pow(WorkSettings),
}

/// A contract that genesis holds besides the market's.
pub(super) struct Creation {
    pub(super) code: Bytes,
    pub(super) value: U256,
}

impl Consensus {
    /// True when validators vote.
    pub(super) const fn has_validators(&self) -> bool {
        matches!(self, Self::Bft { .. } | Self::Pos { .. })
    }

    /// The contract that knows the validators, if there are any. `governor` decides who they are, in place of
    /// themselves.
    pub(super) fn creation(&self, governor: Option<Address>) -> Option<Creation> {
        match self {
            Self::Solo { .. } | Self::Pow(_) => None,
            Self::Bft { seats, absence, .. } => Some(registry(seats, *absence, governor)),
            Self::Pos { seats, absence, .. } => Some(staking(seats, *absence, governor)),
        }
    }

    /// What genesis says of it. `contract` is the one that was created.
    pub(super) fn engine(&self, contract: Option<Address>) -> Engine {
        let validators = |block_time_ms: &u64| ValidatorSettings {
            contract: contract.unwrap_or_default(),
            block_time_ms: *block_time_ms,
            ..ValidatorSettings::default()
        };
        match self {
            Self::Solo { block_time_ms } => Engine::Solo { block_time_ms: *block_time_ms },
            Self::Bft { block_time_ms, .. } => Engine::Bft(validators(block_time_ms)),
            Self::Pos { block_time_ms, .. } => Engine::Pos(validators(block_time_ms)),
            Self::Pow(settings) => Engine::Pow(settings.clone()),
        }
    }
}

fn registry(seats: &[Seat], absence: Absence, governor: Option<Address>) -> Creation {
    let arguments = ValidatorRegistry::constructorCall {
        accounts: seats.iter().map(|seat| seat.account).collect(),
        names: seats.iter().map(|seat| seat.name.clone()).collect(),
        window: absence.window,
        missedMax: absence.missed_max,
        absentSeconds: absence.seconds(),
        rejoinBlocks: absence.wait_blocks.into(),
        motionBlocks_: MOTION_BLOCKS,
        governor_: governor.unwrap_or_default(),
    };
    let code = [ValidatorRegistry::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    Creation { code: code.into(), value: U256::ZERO }
}

fn staking(seats: &[Seat], absence: Absence, governor: Option<Address>) -> Creation {
    let ether = |count: u128| U112::from(count.saturating_mul(ETHER));
    let founders = seats.iter().map(|seat| IStaking::Founder {
        account: seat.account,
        name: seat.name.clone(),
        bond: ether(seat.stake.into()),
        commissionBps: 500,
    });
    let arguments = Staking::constructorCall {
        founders: founders.collect(),
        given: IStaking::Rules {
            window: absence.window,
            missedMax: absence.missed_max,
            absentSeconds: absence.seconds(),
            jailBlocks: absence.wait_blocks.into(),
            unbondingBlocks: UNBONDING_BLOCKS,
            commissionBlocks: COMMISSION_BLOCKS,
            powerUnit: ether(1),
            selfBondMin: ether(1),
            rewardPerBlock: U112::from(ETHER / 1_000),
            proposerBps: 1_000,
            slashBps: 500,
        },
        governor_: governor.unwrap_or_default(),
    };
    let bonds: u128 = seats.iter().map(|seat| u128::from(seat.stake)).sum();
    let code = [Staking::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    let value = U256::from(bonds.saturating_add(RESERVE_ETHER)) * U256::from(ETHER);
    Creation { code: code.into(), value }
}
