use crate::{
    CallError, InvalidCall,
    state::{BlockState, Source},
};
use alloy_consensus::{Signed, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy, TxType};
use alloy_primitives::{Address, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use hanse_primitives::Transaction;
use revm::{
    Database,
    context::{TxEnv, either::Either, result::InvalidTransaction},
};

/// What is known about the place where a request runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) chain_id: u64,
    /// `None` before London.
    pub(super) base_fee: Option<u64>,
    /// Fees and nonces must be those of a real transaction.
    pub(super) strict: bool,
}

/// The highest nonce of a transaction (EIP-2681). The EVM refuses a higher one even where it is told
/// not to look at nonces.
pub(super) const NONCE_MAX: u64 = u64::MAX - 1;

/// Any complaint that has no variant of its own.
pub(super) fn other(text: &str) -> CallError {
    InvalidCall::Other(text.to_owned()).into()
}

/// Turns a request into what the EVM runs. Fees that were not given are zero, the nonce is the
/// sender's; `gas` is what the caller has made of the gas limit.
pub(super) fn transaction_env<S: Source>(
    request: &TransactionRequest,
    gas_limit: u64,
    place: Place,
    state: &mut BlockState<S>,
) -> Result<TxEnv, CallError> {
    if request.gas_price.is_some()
        && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        return Err(other("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
    }
    if let Some(have) = request.chain_id.filter(|id| *id != place.chain_id) {
        let want = place.chain_id;
        return Err(other(&format!("chainId does not match node's (have={have}, want={want})")));
    }
    let data = request.input.unique_input().map_err(|_| {
        other("both \"data\" and \"input\" are set and not equal; use \"input\" for the call data")
    })?;
    let caller = request.from.unwrap_or_default();
    let failure = state.failure();
    let account = state.basic(caller).map_err(|error| CallError::unreadable(&failure, &error))?;
    let account = account.unwrap_or_default();
    let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or(0);
    let tip = request.gas_price.or(request.max_priority_fee_per_gas).unwrap_or(0);
    let kind = transaction_type(request, place.base_fee.is_some());
    let authorizations = request.authorization_list.clone().unwrap_or_default();
    let env = TxEnv {
        tx_type: kind as u8,
        caller,
        gas_limit,
        gas_price: price,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: data.cloned().unwrap_or_default(),
        nonce: request.nonce.unwrap_or(account.nonce),
        chain_id: Some(place.chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: dynamic(kind).then_some(tip),
        blob_hashes: request.blob_versioned_hashes.clone().unwrap_or_default(),
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or(0),
        authorization_list: authorizations.into_iter().map(Either::Left).collect(),
    };
    check(&env, place, account.nonce, account.balance)
        .map_err(|invalid| Place::refusal(invalid, gas_limit))?;
    Ok(env)
}

const fn dynamic(kind: TxType) -> bool {
    !matches!(kind, TxType::Legacy | TxType::Eip2930)
}

/// The oldest type that can say what the request says, as Ethereum tools expect it.
fn transaction_type(request: &TransactionRequest, london: bool) -> TxType {
    if request.authorization_list.is_some() {
        TxType::Eip7702
    } else if request.blob_versioned_hashes.is_some() {
        TxType::Eip4844
    } else if request.gas_price.is_none() && london {
        TxType::Eip1559
    } else if request.access_list.is_some() {
        TxType::Eip2930
    } else {
        TxType::Legacy
    }
}

/// Checks in the order that Ethereum clients do, since a request may be wrong in many ways and the
/// first is what is told. The EVM checks all this again, in an order of its own.
fn check(env: &TxEnv, place: Place, nonce: u64, balance: U256) -> Result<(), InvalidCall> {
    let address = env.caller;
    if place.strict {
        let (found, expected) = (env.nonce, nonce);
        if found > expected {
            return Err(InvalidCall::NonceTooHigh { address, found, expected });
        }
        if found < expected {
            return Err(InvalidCall::NonceTooLow { address, found, expected });
        }
        if nonce == u64::MAX {
            return Err(InvalidCall::NonceMax { address, nonce });
        }
    }
    let (fee, tip) = (env.gas_price, env.gas_priority_fee.unwrap_or(0));
    if tip > fee {
        return Err(InvalidCall::TipAboveFee { address, tip, fee });
    }
    let base_fee = place.base_fee.unwrap_or(0);
    if (place.strict || fee > 0) && fee < u128::from(base_fee) {
        return Err(InvalidCall::FeeTooLow { address, fee, base_fee });
    }
    let blobs = U256::from(env.blob_hashes.len()) * U256::from(BLOB_GAS);
    let want = U256::from(env.gas_limit)
        .saturating_mul(U256::from(fee))
        .saturating_add(blobs.saturating_mul(U256::from(env.max_fee_per_blob_gas)))
        .saturating_add(env.value);
    if balance < want {
        return Err(InvalidCall::InsufficientFunds { address, have: balance, want });
    }
    Ok(())
}

/// Gas of one blob (EIP-4844).
const BLOB_GAS: u64 = alloy_eips::eip4844::DATA_GAS_PER_BLOB;

impl Place {
    /// The error of a request that can be no transaction here.
    pub(super) fn refusal(invalid: InvalidCall, gas: u64) -> CallError {
        CallError::Refused { invalid: Box::new(invalid), gas }
    }
}

/// Puts what the EVM says against a transaction into the words that Ethereum tools know.
pub(super) fn explain(invalid: &InvalidTransaction, env: &TxEnv) -> InvalidCall {
    let address = env.caller;
    match invalid {
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            InvalidCall::IntrinsicGas { have: *gas_limit, want: *initial_gas }
        }
        InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            InvalidCall::FloorGas { have: *gas_limit, want: *gas_floor }
        }
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
            InvalidCall::InsufficientFunds { address, have: **balance, want: **fee }
        }
        InvalidTransaction::NonceTooHigh { tx, state } => {
            InvalidCall::NonceTooHigh { address, found: *tx, expected: *state }
        }
        InvalidTransaction::NonceTooLow { tx, state } => {
            InvalidCall::NonceTooLow { address, found: *tx, expected: *state }
        }
        InvalidTransaction::NonceOverflowInTransaction => {
            InvalidCall::NonceMax { address, nonce: env.nonce }
        }
        InvalidTransaction::RejectCallerWithCode => InvalidCall::SenderHasCode(address),
        InvalidTransaction::CreateInitCodeSizeLimit => InvalidCall::InitCodeSize(env.data.len()),
        other => InvalidCall::Other(other.to_string()),
    }
}

/// The transaction that a simulated block shows for a request. Nobody has signed it.
pub(super) fn unsigned(env: &TxEnv, chain_id: u64) -> Transaction {
    let nobody = Signature::new(U256::ZERO, U256::ZERO, false);
    let (nonce, gas_limit, value, to) = (env.nonce, env.gas_limit, env.value, env.kind);
    let (input, access_list) = (env.data.clone(), env.access_list.clone());
    let max_fee_per_gas = env.gas_price;
    let max_priority_fee_per_gas = env.gas_priority_fee.unwrap_or(0);
    let callee: Address = to.to().copied().unwrap_or_default();
    if env.tx_type == TxType::Eip7702 as u8 {
        let authorization_list = env
            .authorization_list
            .iter()
            .filter_map(|item| item.as_ref().left().cloned())
            .collect();
        let transaction = TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: callee,
            value,
            access_list,
            authorization_list,
            input,
        };
        Transaction::Eip7702(Signed::new_unhashed(transaction, nobody))
    } else if env.tx_type == TxType::Eip4844 as u8 {
        let transaction = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: callee,
            value,
            access_list,
            blob_versioned_hashes: env.blob_hashes.clone(),
            max_fee_per_blob_gas: env.max_fee_per_blob_gas,
            input,
        };
        Transaction::Eip4844(Signed::new_unhashed(transaction, nobody))
    } else if env.tx_type == TxType::Eip1559 as u8 {
        let transaction = TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        };
        Transaction::Eip1559(Signed::new_unhashed(transaction, nobody))
    } else if env.tx_type == TxType::Eip2930 as u8 {
        let gas_price = env.gas_price;
        let transaction =
            TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
        Transaction::Eip2930(Signed::new_unhashed(transaction, nobody))
    } else {
        let gas_price = env.gas_price;
        let transaction =
            TxLegacy { chain_id: None, nonce, gas_price, gas_limit, to, value, input };
        Transaction::Legacy(Signed::new_unhashed(transaction, nobody))
    }
}
