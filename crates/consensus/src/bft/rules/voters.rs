//! The validator set as the library wants to see it.

use super::context::{BftAddress, Tendermint};
use crate::{EngineError, bft::limits::POWER_MAX};
use alloy_primitives::Address;
use arc_malachitebft_core_types as library;
use hanse_primitives::{Height, ValidatorSet};
use std::sync::Arc;

/// One voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Voter {
    account: BftAddress,
    power: u64,
}

/// The voters at a height, in the set's order. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Voters(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    set: ValidatorSet,
    voters: Vec<Voter>,
    total: u64,
}

impl Voters {
    /// The voters of `set`, which decides the block at `height`.
    ///
    /// # Errors
    /// When nobody votes, or their power together overflows: the contract that keeps the set has gone
    /// wrong, and the chain must stop.
    pub(crate) fn new(set: ValidatorSet, height: Height) -> Result<Self, EngineError> {
        let broken = |why: &str| Err(EngineError::Broken(format!("at height {height}, {why}")));
        if set.is_empty() {
            return broken("nobody may vote");
        }
        let total = match u64::try_from(set.total_power()) {
            Ok(total) if u128::from(total) <= POWER_MAX => total,
            _ => return broken("the validators have more voting power than can be counted"),
        };
        let voter = |one: &hanse_primitives::Validator| Voter {
            account: BftAddress(one.address),
            power: one.power,
        };
        let voters = set.as_slice().iter().map(voter).collect();
        Ok(Self(Arc::new(Inner { set, voters, total })))
    }

    /// The set.
    pub(crate) fn set(&self) -> &ValidatorSet {
        &self.0.set
    }

    /// The voter with this account.
    pub(crate) fn voter(&self, account: &Address) -> Option<&Voter> {
        let at = self.0.voters.binary_search_by_key(account, |voter| voter.account.0).ok()?;
        self.0.voters.get(at)
    }
}

impl library::Validator<Tendermint> for Voter {
    fn address(&self) -> &BftAddress {
        &self.account
    }

    fn public_key(&self) -> &Address {
        &self.account.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

impl library::ValidatorSet<Tendermint> for Voters {
    fn count(&self) -> usize {
        self.0.voters.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.0.total
    }

    fn get_by_address(&self, address: &BftAddress) -> Option<&Voter> {
        self.voter(&address.0)
    }

    fn get_by_index(&self, index: usize) -> Option<&Voter> {
        self.0.voters.get(index)
    }
}
