//! What a transaction must keep before its place in the pool is looked for.

use crate::{Account, PoolError, PoolSettings, Rules, Shortfall, Sidecar, decode::Parts, limits};
use alloy_consensus::{Transaction as _, Typed2718};
use alloy_eips::{
    eip4844::env_settings::EnvKzgSettings,
    eip7623::{tokens_in_calldata, transaction_floor_cost},
};
use alloy_primitives::{B256, U256};
use hanse_primitives::Transaction;

/// The rules of the next block, whatever the state: fork by fork, cheapest first.
pub(crate) fn check_rules(
    parts: &Parts,
    rules: &Rules,
    settings: &PoolSettings,
) -> Result<(), PoolError> {
    let transaction = parts.transaction.inner();
    check_type(transaction, rules)?;
    check_chain(transaction, rules, settings)?;
    if transaction.nonce() == u64::MAX {
        return Err(PoolError::NonceMax(u64::MAX));
    }
    check_gas(transaction, rules)?;
    check_fees(transaction, settings)?;
    if transaction.authorization_list().is_some_and(<[_]>::is_empty) {
        return Err(PoolError::NoAuthorization);
    }
    check_blobs(parts, rules)
}

/// The state of the sender, apart from what else of it is in the pool.
pub(crate) fn check_account(parts: &Parts, account: &Account) -> Result<(), PoolError> {
    let nonce = parts.transaction.nonce();
    if nonce < account.nonce {
        return Err(PoolError::NonceTooLow { next: account.nonce, nonce });
    }
    if account.has_code {
        return Err(PoolError::SenderHasCode(parts.sender()));
    }
    check_funds(account.balance, U256::ZERO, parts.cost)
}

/// `queued` is what the sender's transactions before this one may cost.
pub(crate) fn check_funds(balance: U256, queued: U256, cost: U256) -> Result<(), PoolError> {
    let left = balance.saturating_sub(queued);
    if cost <= left {
        return Ok(());
    }
    // `queued` never exceeds the balance: a sender's pending part is what its balance covers.
    let overshot = cost.saturating_sub(left);
    Err(PoolError::InsufficientFunds(Box::new(Shortfall { balance, queued, cost, overshot })))
}

/// Checks the proofs of a sidecar: about a millisecond a blob, so it comes last.
pub(crate) fn check_proofs(parts: &Parts) -> Result<(), PoolError> {
    let Some(sidecar) = &parts.sidecar else { return Ok(()) };
    let hashes = parts.transaction.blob_versioned_hashes().unwrap_or_default();
    sidecar
        .validate(hashes, EnvKzgSettings::Default.get())
        .map_err(|error| PoolError::Blob(error.to_string()))
}

fn check_type(transaction: &Transaction, rules: &Rules) -> Result<(), PoolError> {
    let forks = &rules.forks;
    let (active, fork) = match transaction {
        Transaction::Legacy(_) => (true, "Frontier"),
        Transaction::Eip2930(_) => (forks.berlin, "Berlin"),
        Transaction::Eip1559(_) => (forks.london, "London"),
        Transaction::Eip4844(_) => (forks.cancun, "Cancun"),
        Transaction::Eip7702(_) => (forks.prague, "Prague"),
    };
    if active { Ok(()) } else { Err(PoolError::Type { kind: transaction.ty(), fork }) }
}

fn check_chain(
    transaction: &Transaction,
    rules: &Rules,
    settings: &PoolSettings,
) -> Result<(), PoolError> {
    match transaction.chain_id() {
        Some(have) if have != rules.chain_id => {
            Err(PoolError::ChainId { have, want: rules.chain_id })
        }
        None if settings.chain_id_required => Err(PoolError::Unprotected),
        _ => Ok(()),
    }
}

fn check_gas(transaction: &Transaction, rules: &Rules) -> Result<(), PoolError> {
    let (gas, forks) = (transaction.gas_limit(), &rules.forks);
    let size = transaction.input().len();
    if forks.shanghai && transaction.is_create() && size > limits::INIT_CODE_BYTES_MAX {
        return Err(PoolError::InitCode { size, limit: limits::INIT_CODE_BYTES_MAX });
    }
    if forks.osaka && gas > limits::TRANSACTION_GAS_MAX {
        return Err(PoolError::GasCap { gas, limit: limits::TRANSACTION_GAS_MAX });
    }
    if gas > rules.gas_limit {
        return Err(PoolError::BlockGasLimit { gas, limit: rules.gas_limit });
    }
    let tokens = tokens_in_calldata(transaction.input());
    let needed = intrinsic_gas(transaction, tokens, rules);
    if gas < needed {
        return Err(PoolError::IntrinsicGas { gas, needed });
    }
    let floor = transaction_floor_cost(tokens);
    if forks.prague && gas < floor {
        return Err(PoolError::FloorGas { gas, needed: floor });
    }
    Ok(())
}

/// Gas that is due before the first instruction runs. Sizes are bounded by the bytes of a
/// transaction, so the sums stay far below 64 bits.
fn intrinsic_gas(transaction: &Transaction, tokens: u64, rules: &Rules) -> u64 {
    const BASE: u64 = 21_000;
    const CREATE: u64 = 32_000;
    const TOKEN: u64 = 4;
    const INIT_CODE_WORD: u64 = 2;
    const ACCESS_ADDRESS: u64 = 2_400;
    const ACCESS_SLOT: u64 = 1_900;
    const AUTHORIZATION: u64 = 25_000;
    let count = |n: usize| u64::try_from(n).expect("a length in memory fits 64 bits");

    let mut gas = BASE + tokens * TOKEN;
    if transaction.is_create() {
        gas += CREATE;
        if rules.forks.shanghai {
            gas += INIT_CODE_WORD * count(transaction.input().len().div_ceil(32));
        }
    }
    for item in transaction.access_list().map_or(&[][..], |list| &list.0) {
        gas += ACCESS_ADDRESS + ACCESS_SLOT * count(item.storage_keys.len());
    }
    gas + AUTHORIZATION * count(transaction.authorization_list().map_or(0, <[_]>::len))
}

fn check_fees(transaction: &Transaction, settings: &PoolSettings) -> Result<(), PoolError> {
    let (max_fee, priority_fee) =
        (transaction.max_fee_per_gas(), transaction.priority_fee_or_price());
    if priority_fee > max_fee {
        return Err(PoolError::TipAboveFeeCap { priority_fee, max_fee });
    }
    if priority_fee < settings.priority_fee_min {
        return Err(PoolError::Underpriced {
            needed: settings.priority_fee_min,
            offered: priority_fee,
        });
    }
    Ok(())
}

fn check_blobs(parts: &Parts, rules: &Rules) -> Result<(), PoolError> {
    let Some(hashes) = parts.transaction.blob_versioned_hashes() else { return Ok(()) };
    let refuse = |why: String| Err(PoolError::Blob(why));
    let permitted = rules.blobs.map_or(0, |blobs| blobs.blobs_max);
    if hashes.is_empty() {
        return refuse("blobless blob transaction".to_owned());
    }
    if u64::try_from(hashes.len()).is_ok_and(|have| have > permitted) {
        return refuse(format!(
            "too many blobs in transaction: have {}, permitted {permitted}",
            hashes.len()
        ));
    }
    let least = 1;
    let offered = parts.transaction.max_fee_per_blob_gas().unwrap_or(0);
    if offered < least {
        return refuse(format!("blob fee cap underpriced: needed {least}, permitted {offered}"));
    }
    let Some(sidecar) = &parts.sidecar else { return refuse("missing sidecar".to_owned()) };
    check_sidecar(sidecar, hashes, rules)
}

fn check_sidecar(sidecar: &Sidecar, hashes: &[B256], rules: &Rules) -> Result<(), PoolError> {
    let (version, blobs) = match sidecar {
        Sidecar::Eip4844(sidecar) => (0, sidecar.blobs.len()),
        Sidecar::Eip7594(sidecar) => (1, sidecar.blobs.len()),
    };
    let wanted = u8::from(rules.forks.osaka);
    if version != wanted {
        return Err(PoolError::Blob(format!(
            "unexpected sidecar version, want: {wanted}, got: {version}"
        )));
    }
    let commitments = sidecar.commitments().len();
    if blobs != hashes.len() || commitments != hashes.len() {
        return Err(PoolError::Blob(format!(
            "{blobs} blobs and {commitments} commitments for {} blob hashes",
            hashes.len()
        )));
    }
    Ok(())
}
