use super::request::other;
use crate::{
    CallError, InvalidCall,
    precompiles::PrecompileSet,
    state::{BlockState, Source, Unreadable},
};
use alloy_primitives::{Address, B256, U256, keccak256, map::B256Map};
use alloy_rpc_types_eth::{
    BlockOverrides,
    state::{AccountOverride, StateOverride},
};
use hanse_primitives::Header;
use revm::bytecode::Bytecode;

/// Puts a block's overrides into its header, from which the environment of the EVM follows: a new
/// number or time may well be that of another fork.
pub(super) fn apply_to_header(
    header: &mut Header,
    overrides: &BlockOverrides,
) -> Result<(), CallError> {
    if let Some(number) = overrides.number {
        header.number =
            u64::try_from(number).map_err(|_| other("the block number is out of range"))?;
    }
    if let Some(fee) = overrides.base_fee {
        let fee = u64::try_from(fee).map_err(|_| other("the base fee is out of range"))?;
        header.base_fee_per_gas = Some(fee);
    }
    header.difficulty = overrides.difficulty.unwrap_or(header.difficulty);
    header.timestamp = overrides.time.unwrap_or(header.timestamp);
    header.gas_limit = overrides.gas_limit.unwrap_or(header.gas_limit);
    header.beneficiary = overrides.coinbase.unwrap_or(header.beneficiary);
    header.mix_hash = overrides.random.unwrap_or(header.mix_hash);
    if overrides.beacon_root.is_some() {
        header.parent_beacon_block_root = overrides.beacon_root;
    }
    Ok(())
}

/// The blob base fee that a block pretends to have.
pub(super) fn blob_fee(overrides: &BlockOverrides) -> Result<Option<u128>, CallError> {
    let fee = overrides.blob_base_fee.map(u128::try_from).transpose();
    fee.map_err(|_| other("the blob base fee is out of range"))
}

/// Puts account overrides into a state, and moves precompiles. Accounts are taken in order of their
/// addresses, so that every node answers alike.
pub(super) fn apply_to_state<S: Source>(
    state: &mut BlockState<S>,
    precompiles: &mut PrecompileSet,
    overrides: &StateOverride,
) -> Result<(), CallError> {
    state.pretend();
    let mut accounts: Vec<(&Address, &AccountOverride)> = overrides.iter().collect();
    accounts.sort_unstable_by_key(|(address, _)| **address);
    let mut moved = Vec::new();
    for (address, account) in accounts {
        if moved.contains(address) {
            return Err(InvalidCall::MovedTwice(*address).into());
        }
        let is_precompile = precompiles.is_precompile(address);
        if let Some(target) = account.move_precompile_to {
            if !is_precompile {
                return Err(InvalidCall::NotAPrecompile(*address).into());
            }
            if overrides.contains_key(&target) {
                return Err(InvalidCall::MovedTwice(target).into());
            }
            precompiles.relocate(*address, target);
            moved.push(target);
        } else if is_precompile {
            precompiles.remove(*address);
        }
        if account.state.is_some() && account.state_diff.is_some() {
            return Err(other(&format!("account {address} has both 'state' and 'stateDiff'")));
        }
        let failure = state.failure();
        alter(state, *address, account).map_err(|error| CallError::unreadable(&failure, &error))?;
    }
    Ok(())
}

fn alter<S: Source>(
    state: &mut BlockState<S>,
    address: Address,
    account: &AccountOverride,
) -> Result<(), Unreadable> {
    let slots = account.state.as_ref().or(account.state_diff.as_ref());
    let named = account.nonce.is_some() || account.balance.is_some() || account.code.is_some();
    if !named && slots.is_none_or(B256Map::is_empty) && account.state.is_none() {
        return Ok(());
    }
    state.alter(address, |info| {
        info.nonce = account.nonce.unwrap_or(info.nonce);
        info.balance = account.balance.unwrap_or(info.balance);
        if let Some(code) = &account.code {
            let bytecode = Bytecode::new_raw_checked(code.clone());
            info.code_hash = keccak256(code);
            info.code = Some(bytecode.unwrap_or_else(|_| Bytecode::new_legacy(code.clone())));
        }
    })?;
    if account.state.is_some() {
        state.clear_storage(address)?;
    }
    let mut slots: Vec<(&B256, &B256)> = slots.into_iter().flatten().collect();
    slots.sort_unstable();
    for (slot, value) in slots {
        let (slot, value) = (U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0));
        state.set_slot(address, slot, value)?;
    }
    Ok(())
}
