//! Who decides the blocks of a network that begins, and the contract that knows it.

use alloy_primitives::{Address, Bytes, U256, aliases::U112};
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

/// Certificates over which absence is counted.
const WINDOW: u8 = 100;

/// Missing more of them is absence.
const MISSED_MAX: u8 = 50;

/// Blocks before one who was removed for absence may come back.
const WAIT_BLOCKS: u64 = 20;

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

/// How the blocks of a network that begins come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Consensus {
    /// One node seals alone; milliseconds between blocks, or 0 for blocks on demand.
    Solo { block_time_ms: u64 },
    /// Equal validators vote.
    Bft { seats: Vec<Seat>, block_time_ms: u64 },
    /// Validators vote by stake.
    Pos { seats: Vec<Seat>, block_time_ms: u64 },
    /// Miners compete.
    Pow(WorkSettings),
}

/// A contract that genesis holds besides the market's.
pub(super) struct Creation {
    pub(super) code: Bytes,
    pub(super) value: U256,
}

impl Consensus {
    /// The contract that knows the validators, if there are any.
    pub(super) fn creation(&self) -> Option<Creation> {
        match self {
            Self::Solo { .. } | Self::Pow(_) => None,
            Self::Bft { seats, .. } => Some(registry(seats)),
            Self::Pos { seats, .. } => Some(staking(seats)),
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

fn registry(seats: &[Seat]) -> Creation {
    let arguments = ValidatorRegistry::constructorCall {
        accounts: seats.iter().map(|seat| seat.account).collect(),
        names: seats.iter().map(|seat| seat.name.clone()).collect(),
        window: WINDOW,
        missedMax: MISSED_MAX,
        rejoinBlocks: WAIT_BLOCKS,
        motionBlocks_: MOTION_BLOCKS,
        governor_: Address::ZERO,
    };
    let code = [ValidatorRegistry::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    Creation { code: code.into(), value: U256::ZERO }
}

fn staking(seats: &[Seat]) -> Creation {
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
            window: WINDOW,
            missedMax: MISSED_MAX,
            jailBlocks: WAIT_BLOCKS,
            unbondingBlocks: UNBONDING_BLOCKS,
            commissionBlocks: COMMISSION_BLOCKS,
            powerUnit: ether(1),
            selfBondMin: ether(1),
            rewardPerBlock: U112::from(ETHER / 1_000),
            proposerBps: 1_000,
            slashBps: 500,
        },
        governor_: Address::ZERO,
    };
    let bonds: u128 = seats.iter().map(|seat| u128::from(seat.stake)).sum();
    let code = [Staking::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    let value = U256::from(bonds.saturating_add(RESERVE_ETHER)) * U256::from(ETHER);
    Creation { code: code.into(), value }
}
