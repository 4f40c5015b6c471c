//! Accounts whose keys the node holds: only a development node has any.

use super::{
    Answer, Call,
    fees::{head, suggested_tip},
    submit::{reply, submit},
};
use crate::{
    RpcError, Wallet,
    json::TransactionJson,
    wire::{Object, Reply},
};
use alloy_consensus::{EthereumTypedTransaction, SignableTransaction, TxEip4844Variant};
use alloy_dyn_abi::TypedData;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, eip191_hash_message};
use alloy_rpc_types_eth::TransactionRequest;
use hanse_execution::Overrides;
use hanse_primitives::Transaction;
use serde::Serialize;

/// A transaction before it is signed.
type Unsigned = EthereumTypedTransaction<TxEip4844Variant>;

/// `eth_accounts`
pub(super) fn accounts(call: &Call<'_>) -> Answer {
    Reply::new(&call.rpc.wallet.as_ref().map(|wallet| wallet.accounts()).unwrap_or_default())
}

/// `eth_sign` (EIP-191)
pub(super) fn sign(call: &Call<'_>) -> Answer {
    let address = call.params.required(0)?;
    let message: Bytes = call.params.required(1)?;
    Reply::new(&bytes(signature(call, &address, &eip191_hash_message(message))?))
}

/// `eth_signTypedData_v4` (EIP-712); the document is an object, or one written as a string.
pub(super) fn sign_typed_data(call: &Call<'_>) -> Answer {
    let address = call.params.required(0)?;
    let Object(document) = call.params.required::<Object<TypedData>>(1)?;
    let digest = document.eip712_signing_hash().map_err(|error| RpcError::argument(1, error))?;
    Reply::new(&bytes(signature(call, &address, &digest)?))
}

/// `eth_signTransaction`
pub(super) fn sign_transaction(call: &Call<'_>) -> Answer {
    let (from, unsigned) = fill(call)?;
    let signed = signed(call, from, unsigned)?;
    Reply::new(&Signed {
        raw: signed.encoded_2718().into(),
        tx: TransactionJson::new(&signed, from, None),
    })
}

/// `eth_sendTransaction`
pub(super) fn send_transaction(call: &Call<'_>) -> Answer {
    let (from, unsigned) = fill(call)?;
    let raw = signed(call, from, unsigned)?.encoded_2718();
    reply(submit(call, raw.into()))
}

/// `eth_fillTransaction`: what `eth_sendTransaction` would sign.
pub(super) fn fill_transaction(call: &Call<'_>) -> Answer {
    let (from, unsigned) = fill(call)?;
    let unsigned = Transaction::from(without_sidecar(unsigned)?.into_signed(NO_SIGNATURE));
    Reply::new(&Signed {
        raw: unsigned.encoded_2718().into(),
        tx: TransactionJson::new(&unsigned, from, None),
    })
}

const NO_SIGNATURE: Signature =
    Signature::new(alloy_primitives::U256::ZERO, alloy_primitives::U256::ZERO, false);

#[derive(Serialize)]
struct Signed {
    raw: Bytes,
    tx: TransactionJson,
}

/// The request of the first parameter with everything it left open.
fn fill(call: &Call<'_>) -> Result<(Address, Unsigned), RpcError> {
    let Object(mut request) = call.params.required::<Object<TransactionRequest>>(0)?;
    let from = request.from.ok_or_else(|| RpcError::argument(0, "from is missing"))?;
    let head = head(call.rpc)?;
    let at = call.rpc.ledger.head().hash;
    let chain_id = call.rpc.spec.chain_id();
    if request.chain_id.is_some_and(|asked| asked != chain_id) {
        return Err(RpcError::argument(
            0,
            format!("chainId does not match node's (want {chain_id})"),
        ));
    }
    request.chain_id = Some(chain_id);
    request.to = Some(request.to.unwrap_or(TxKind::Create));
    if request.nonce.is_none() {
        let waiting = call.rpc.pool.pending_nonce(&from);
        let account = call.rpc.ledger.state(at)?.account(&from)?;
        request.nonce = Some(waiting.unwrap_or_else(|| account.unwrap_or_default().nonce));
    }
    if request.gas_price.is_none() {
        match call.rpc.spec.next_base_fee(&head) {
            Some(base_fee) => {
                let tip = match request.max_priority_fee_per_gas {
                    Some(tip) => tip,
                    None => suggested_tip(call.rpc)?,
                };
                let cap = u128::from(base_fee).saturating_mul(2).saturating_add(tip);
                let cap = *request.max_fee_per_gas.get_or_insert(cap);
                request.max_priority_fee_per_gas = Some(tip.min(cap));
            }
            None => request.gas_price = Some(suggested_tip(call.rpc)?),
        }
    }
    if request.gas.is_none() {
        let overrides = Overrides::default();
        request.gas = Some(call.executor().estimate_gas(at, &request, &overrides)?);
    }
    let unsigned = request
        .build_typed_tx()
        .map_err(|_| RpcError::argument(0, "these fields make no transaction of any type"))?;
    Ok((from, unsigned))
}

fn signed(call: &Call<'_>, from: Address, unsigned: Unsigned) -> Result<Transaction, RpcError> {
    let unsigned = without_sidecar(unsigned)?;
    let signature = signature(call, &from, &unsigned.signature_hash())?;
    Ok(unsigned.into_signed(signature).into())
}

/// Blobs are for those who run their own tools: they come in by `eth_sendRawTransaction`.
fn without_sidecar(
    unsigned: Unsigned,
) -> Result<EthereumTypedTransaction<alloy_consensus::TxEip4844>, RpcError> {
    Ok(match unsigned {
        EthereumTypedTransaction::Legacy(tx) => EthereumTypedTransaction::Legacy(tx),
        EthereumTypedTransaction::Eip2930(tx) => EthereumTypedTransaction::Eip2930(tx),
        EthereumTypedTransaction::Eip1559(tx) => EthereumTypedTransaction::Eip1559(tx),
        EthereumTypedTransaction::Eip7702(tx) => EthereumTypedTransaction::Eip7702(tx),
        EthereumTypedTransaction::Eip4844(_) => {
            return Err(RpcError::argument(0, "blob transactions cannot be signed here"));
        }
    })
}

fn signature(call: &Call<'_>, address: &Address, digest: &B256) -> Result<Signature, RpcError> {
    let wallet: Option<&dyn Wallet> = call.rpc.wallet.as_deref();
    wallet
        .and_then(|wallet| wallet.sign(address, digest))
        .ok_or_else(|| RpcError::Server("unknown account".to_owned()))
}

fn bytes(signature: Signature) -> Bytes {
    Bytes::copy_from_slice(&signature.as_bytes())
}
