//! Who votes, as the state of the validators' contract has it.

use crate::{
    LightError, Network, limits,
    state::{find_account, slot_in},
    trie::Nodes,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use hanse_primitives::{Height, Validator, ValidatorSet, VotedChanges};
use serde::{Deserialize, Serialize};

/// Where `Validators.sol` keeps `_seats`. The fixture of a real network is read by it.
const SEATS_SLOT: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Slots of a seat: who and how much power in the first, attendance in the second.
const SLOTS_A_SEAT: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Proves who decides a height: the seats in the state after the block before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetProof {
    /// Nodes of the state trie on the way to the contract, and to that of [`SetProof::engine_votes`].
    pub account: Vec<Bytes>,
    /// Nodes of the contract's storage trie on the way to the seats, each once.
    pub storage: Vec<Bytes>,
    /// Where members vote on the engine: nodes of that contract's storage trie on the way to the changes that
    /// matter, each once. They prove which contract it is that knows the validators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_votes: Option<Vec<Bytes>>,
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
        network: &Network,
        state_root: B256,
    ) -> Result<ValidatorSet, LightError> {
        let what = "the validators' contract";
        let failed = |fault| LightError::Proof { what, fault };
        let mut accounts = Nodes::new(&self.account).map_err(failed)?;
        let contract = self.contract(number, network, state_root, &mut accounts)?;
        let account = find_account(&mut accounts, state_root, contract, what)?;
        accounts.finish().map_err(failed)?;
        let root = account.ok_or(LightError::NoContract(contract))?.storage_root;
        let read = |read: &mut dyn FnMut(U256) -> Result<U256, LightError>| {
            Ok(validators_in_state(number, read)?.0)
        };
        in_storage(&self.storage, root, "the validators", read)
    }

    /// The contract that knows who decides the block, by genesis and by what members have voted for.
    fn contract(
        &self,
        number: u64,
        network: &Network,
        state_root: B256,
        accounts: &mut Nodes<'_>,
    ) -> Result<Address, LightError> {
        let by_genesis = network.contract_at(number);
        let Some(votes) = network.engine_votes else {
            // What nothing asks for is refused, like a node too many.
            return if self.engine_votes.is_some() {
                Err(LightError::Idle(number))
            } else {
                by_genesis
            };
        };
        let what = "the votes on the engine";
        let nodes = self.engine_votes.as_ref().ok_or(LightError::NoEngine(number))?;
        let account = find_account(accounts, state_root, votes, what)?;
        let root = account.ok_or(LightError::NoContract(votes))?.storage_root;
        let read = |read: &mut dyn FnMut(U256) -> Result<U256, LightError>| {
            VotedChanges::read(Height(number), read)
        };
        let voted = in_storage(nodes, root, what, read)?;
        voted.current.map_or(by_genesis, |change| Ok(change.contract))
    }
}

/// Reads slots out of the nodes of a storage trie, all of which are needed.
fn in_storage<T>(
    nodes: &[Bytes],
    root: B256,
    what: &'static str,
    work: impl FnOnce(&mut dyn FnMut(U256) -> Result<U256, LightError>) -> Result<T, LightError>,
) -> Result<T, LightError> {
    let failed = |fault| LightError::Proof { what, fault };
    let mut nodes = Nodes::new(nodes).map_err(failed)?;
    let found = work(&mut |slot| slot_in(&mut nodes, root, slot, what))?;
    nodes.finish().map_err(failed)?;
    Ok(found)
}
