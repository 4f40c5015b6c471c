use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// One voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validator {
    /// The account that its consensus key controls.
    pub address: Address,
    /// Its voting power: 1 each under BFT, whole units of stake under proof of stake.
    pub power: u64,
    /// False for one whose signature has been missing from the last certificates: it may vote, and is
    /// passed over as proposer until it is back.
    pub proposes: bool,
}

/// The voters at a height, ascending by address, without doubles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValidatorSet(Vec<Validator>);

impl ValidatorSet {
    /// The set of these validators. Of two with the same address the first counts; one without power
    /// is none.
    #[must_use]
    pub fn new(mut validators: Vec<Validator>) -> Self {
        validators.retain(|validator| validator.power > 0);
        validators.sort_by_key(|validator| validator.address);
        validators.dedup_by_key(|validator| validator.address);
        Self(validators)
    }

    /// The voters, ascending by address.
    #[must_use]
    pub fn as_slice(&self) -> &[Validator] {
        &self.0
    }

    /// The voter with this address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Validator> {
        let at = self.0.binary_search_by_key(address, |validator| validator.address).ok()?;
        self.0.get(at)
    }

    /// True when nobody votes, as on a chain with a single sealer or under proof of work.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of all voting power.
    #[must_use]
    pub fn total_power(&self) -> u128 {
        self.0.iter().map(|validator| u128::from(validator.power)).sum()
    }

    /// True when `power` is more than two thirds of all.
    #[must_use]
    pub fn is_quorum(&self, power: u128) -> bool {
        power * 3 > self.total_power() * 2
    }
}
