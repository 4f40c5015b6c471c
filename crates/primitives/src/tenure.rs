//! Which engine decides a height: what genesis says, and what members have voted for since then
//! (`contracts/src/consensus/Engines.sol`).
//!
//! **The state after block `h - 1` says which engine decides block `h`**, and nothing else does: no node
//! remembers a change. So a node that is started again, follows from genesis, or has taken blocks off its
//! chain finds by itself what all others find.

use crate::{ChainSpec, Engine, EngineChange, Height, ValidatorSettings, limits};
use alloy_primitives::{Address, B256, U256, keccak256};
use std::collections::BTreeSet;

/// Where the contract keeps the number of its changes.
const COUNT_SLOT: U256 = U256::ZERO;

/// Slots of a change: what and from when in the first, its times in the second.
const SLOTS_A_CHANGE: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Changes, from the last one on, whose contracts are open to everybody: one waits, one holds, and faults
/// under the one before may still be brought.
const OPEN_CHANGES: u64 = 3;

/// An engine with the heights that it decides, as far as one state knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// The first of them.
    pub first: Height,
    /// The engine.
    pub engine: Engine,
    /// What comes after it, if that is known.
    pub next: Option<EngineChange>,
}

/// A change that members have voted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VotedChange {
    /// The first height that it decides.
    pub from: Height,
    /// The contract that knows who votes.
    pub contract: Address,
    /// By stake, not equally.
    pub by_stake: bool,
    /// Where its times are.
    times: U256,
}

/// The changes that matter to a height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VotedChanges {
    /// The last one up to the height.
    pub current: Option<VotedChange>,
    /// The one that waits.
    pub next: Option<VotedChange>,
}

impl VotedChanges {
    /// Reads them; `read` answers with slots of the contract in the state after the block before `height`.
    ///
    /// # Errors
    /// What `read` fails with.
    pub fn read<E>(
        height: Height,
        mut read: impl FnMut(U256) -> Result<U256, E>,
    ) -> Result<Self, E> {
        let count = read(COUNT_SLOT)?;
        let Some(last) = VotedChange::before(count, &mut read)? else { return Ok(Self::default()) };
        if last.from <= height {
            return Ok(Self { current: Some(last), next: None });
        }
        // Only one waits, so the one before holds already.
        let current = VotedChange::before(count.saturating_sub(U256::ONE), &mut read)?;
        Ok(Self { current, next: Some(last) })
    }
}

impl VotedChange {
    /// The last of the first `count` changes.
    fn before<E>(
        count: U256,
        read: &mut impl FnMut(U256) -> Result<U256, E>,
    ) -> Result<Option<Self>, E> {
        let Some(index) = count.checked_sub(U256::ONE) else { return Ok(None) };
        let list: U256 = keccak256(B256::from(COUNT_SLOT)).into();
        let slot = list.wrapping_add(index.wrapping_mul(SLOTS_A_CHANGE));
        let word = B256::from(read(slot)?);
        // From the right: 20 bytes of contract, 8 of height, 1 of kind.
        let mut from = [0; 8];
        from.copy_from_slice(&word[4..12]);
        Ok(Some(Self {
            from: Height(u64::from_be_bytes(from)),
            contract: Address::from_word(word),
            by_stake: word[3] == 2,
            times: slot.wrapping_add(U256::ONE),
        }))
    }

    /// The engine with its times. The contract sees to their bounds; were one out of them all the same, each
    /// node would take the nearest that is not.
    fn engine<E>(&self, read: impl FnOnce(U256) -> Result<U256, E>) -> Result<Engine, E> {
        let word = B256::from(read(self.times)?);
        let time = |place: usize, least: u64, most: u64| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&word[28 - 4 * place..32 - 4 * place]);
            u64::from(u32::from_be_bytes(bytes)).clamp(least, most)
        };
        let settings = ValidatorSettings {
            contract: self.contract,
            block_time_ms: time(0, 0, limits::BLOCK_TIME_MS_MAX),
            empty_block_time_ms: time(1, 0, limits::BLOCK_TIME_MS_MAX),
            propose_timeout_ms: time(2, 1, limits::ROUND_MS_MAX),
            vote_timeout_ms: time(3, 1, limits::ROUND_MS_MAX),
            timeout_step_ms: time(4, 0, limits::ROUND_MS_MAX),
        };
        Ok(if self.by_stake { Engine::Pos(settings) } else { Engine::Bft(settings) })
    }
}

impl ChainSpec {
    /// Who decides a height; `None` on a foreign chain. `read` answers with slots of contracts in the state
    /// after the block before it.
    ///
    /// # Errors
    /// What `read` fails with.
    pub fn tenure<E>(
        &self,
        height: Height,
        mut read: impl FnMut(Address, U256) -> Result<U256, E>,
    ) -> Result<Option<Tenure>, E> {
        let Some(hanse) = self.hanse() else { return Ok(None) };
        let begins = |change: &&EngineChange| change.height <= height;
        let current = hanse.consensus_changes.iter().rev().find(begins);
        let mut tenure = Tenure {
            first: current.map_or(Height(1), |change| change.height),
            engine: current.map_or(&hanse.consensus, |change| &change.consensus).clone(),
            next: hanse.consensus_changes.iter().find(|change| !begins(change)).cloned(),
        };
        if let Some(contract) = hanse.contracts.engines {
            let voted = VotedChanges::read(height, |slot| read(contract, slot))?;
            if let Some(change) = voted.current {
                tenure.first = change.from;
                tenure.engine = change.engine(|slot| read(contract, slot))?;
            }
            if let Some(change) = voted.next {
                let consensus = change.engine(|slot| read(contract, slot))?;
                tenure.next = Some(EngineChange { height: change.from, consensus });
            }
        }
        Ok(Some(tenure))
    }

    /// True when members can vote for another engine, so that the state has to be asked.
    #[must_use]
    pub fn may_vote_on_engines(&self) -> bool {
        self.hanse().is_some_and(|hanse| hanse.contracts.engines.is_some())
    }

    /// Contracts that everybody may send transactions to, by a state: evidence must get to the one that
    /// knows, or knew, the validator, whoever brings it; and so must a validator that comes back.
    ///
    /// # Errors
    /// What `read` fails with.
    pub fn registries<E>(
        &self,
        mut read: impl FnMut(Address, U256) -> Result<U256, E>,
    ) -> Result<BTreeSet<Address>, E> {
        let Some(hanse) = self.hanse() else { return Ok(BTreeSet::new()) };
        let changes = hanse.consensus_changes.iter().map(|change| &change.consensus);
        let engines = std::iter::once(&hanse.consensus).chain(changes);
        let mut found: BTreeSet<Address> =
            engines.filter_map(Engine::validators).map(|settings| settings.contract).collect();
        let Some(contract) = hanse.contracts.engines else { return Ok(found) };
        let mut read = |slot| read(contract, slot);
        let mut count = read(COUNT_SLOT)?;
        for _ in 0..OPEN_CHANGES {
            let Some(change) = VotedChange::before(count, &mut read)? else { break };
            found.insert(change.contract);
            count = count.saturating_sub(U256::ONE);
        }
        Ok(found)
    }

    /// True when miners decide a height. Votes bring none, so genesis alone says it.
    #[must_use]
    pub fn is_mined(&self, height: Height) -> bool {
        let Some(hanse) = self.hanse() else { return false };
        let change = hanse.consensus_changes.iter().rev().find(|change| change.height <= height);
        matches!(change.map_or(&hanse.consensus, |change| &change.consensus), Engine::Pow(_))
    }
}

#[cfg(test)]
mod tests;
