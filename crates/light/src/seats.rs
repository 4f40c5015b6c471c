//! Who votes, as the state of the validators' contract has it.

use crate::{LightError, limits, state::account_in, trie::Nodes};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use hanse_primitives::{Validator, ValidatorSet};
use serde::{Deserialize, Serialize};

/// Where `Validators.sol` keeps `_seats`. The fixture of a real network is read by it.
const SEATS_SLOT: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Slots of a seat: who and how much power in the first, attendance in the second.
const SLOTS_A_SEAT: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Proves who decides a height: the seats in the state after the block before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetProof {
    /// Nodes of the state trie on the way to the contract.
    pub account: Vec<Bytes>,
    /// Nodes of the contract's storage trie on the way to the seats, each once.
    pub storage: Vec<Bytes>,
}

/// The validators that decide block `number`, as `read` has the slots of their contract in the state
/// after the block before; and the slots that were read.
///
/// # Errors
/// What `read` fails with; [`LightError::Seats`] when no contract of ours can hold such a set.
pub fn validators_in_state<E: From<LightError>>(
    number: u64,
    mut read: impl FnMut(U256) -> Result<U256, E>,
) -> Result<(ValidatorSet, Vec<U256>), E> {
    let refuse = |why| Err(LightError::Seats { number, why }.into());
    let count = read(SEATS_SLOT)?;
    if count.is_zero() {
        return refuse("it is empty");
    }
    if count > U256::from(limits::SIGNATURES_MAX) {
        return refuse("it is larger than any");
    }
    let mut slots = vec![SEATS_SLOT];
    let mut voters: Vec<Validator> = Vec::new();
    let mut slot: U256 = keccak256(B256::from(SEATS_SLOT)).into();
    for _ in 0..count.saturating_to::<usize>() {
        let word = B256::from(read(slot)?);
        // From the right: 20 bytes of account, 8 of power, the rest is for the contract.
        let address = Address::from_word(word);
        let mut power = [0; 8];
        power.copy_from_slice(&word[4..12]);
        let power = u64::from_be_bytes(power);
        if power == 0 {
            return refuse("a seat has no power");
        }
        if voters.last().is_some_and(|last| last.address >= address) {
            return refuse("the seats are not in order");
        }
        voters.push(Validator { address, power, proposes: true });
        slots.push(slot);
        slot = slot.wrapping_add(SLOTS_A_SEAT);
    }
    Ok((ValidatorSet::new(voters), slots))
}

impl SetProof {
    /// The set that this proves against the state root of the block before `number`.
    pub(crate) fn verify(
        &self,
        number: u64,
        contract: Address,
        state_root: B256,
    ) -> Result<ValidatorSet, LightError> {
        let what = "the validators' contract";
        let account = account_in(&self.account, state_root, contract, what)?;
        let root = account.ok_or(LightError::NoContract(contract))?.storage_root;
        let what = "the validators";
        let failed = |fault| LightError::Proof { what, fault };
        let mut nodes = Nodes::new(&self.storage).map_err(failed)?;
        let read = |slot: U256| crate::state::slot_in(&mut nodes, root, slot, what);
        let (set, _) = validators_in_state(number, read)?;
        nodes.finish().map_err(failed)?;
        Ok(set)
    }
}
