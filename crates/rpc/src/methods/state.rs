use super::{Answer, Call};
use crate::{
    RpcError,
    json::Hex,
    limits::SLOTS_MAX,
    wire::{BlockId, BlockTag, FromJson, Params, Reply, string},
};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};

/// `eth_getBalance`
pub(super) fn balance(call: &Call<'_>) -> Answer {
    let address = call.params.required(0)?;
    let account = call.state(1)?.account(&address)?;
    Reply::new(&account.unwrap_or_default().balance)
}

/// `eth_getCode`
pub(super) fn code(call: &Call<'_>) -> Answer {
    let address = call.params.required(0)?;
    let state = call.state(1)?;
    let account = state.account(&address)?.unwrap_or_default();
    Reply::new(&state.code(&account.code_hash)?)
}

/// `eth_getTransactionCount`; `pending` counts those in the pool, too.
pub(super) fn transaction_count(call: &Call<'_>) -> Answer {
    let address: Address = call.params.required(0)?;
    let pending = BlockId::Tag(BlockTag::Pending);
    if call.params.optional::<BlockId>(1)? == Some(pending)
        && let Some(nonce) = call.rpc.pool.pending_nonce(&address)
    {
        return Reply::new(&Hex(nonce));
    }
    let account = call.state(1)?.account(&address)?;
    Reply::new(&Hex(account.unwrap_or_default().nonce))
}

/// `eth_getStorageAt`
pub(super) fn storage_at(call: &Call<'_>) -> Answer {
    let address = call.params.required(0)?;
    let slot = Slot::of(call.params, 1)?;
    Reply::new(&B256::from(call.state(2)?.storage(&address, &slot.value)?))
}

/// `eth_getStorageValues`
pub(super) fn storage_values(call: &Call<'_>) -> Answer {
    let requests: Requests<'_> = call.params.required(0)?;
    let slots: usize = requests.0.values().map(Vec::len).sum();
    if slots == 0 {
        return Err(RpcError::InvalidParams(Cow::Borrowed("empty request")));
    }
    if slots > SLOTS_MAX {
        let why = format!("too many slots (max {SLOTS_MAX})");
        return Err(RpcError::InvalidParams(Cow::Owned(why)));
    }
    let state = call.state(1)?;
    let mut values = BTreeMap::new();
    for (address, slots) in requests.0 {
        let mut found = Vec::with_capacity(slots.len());
        for raw in slots {
            let slot = Slot::parse(raw).map_err(RpcError::InvalidParams)?;
            found.push(B256::from(state.storage(&address, &slot.value)?));
        }
        values.insert(address, found);
    }
    Reply::new(&values)
}

/// `eth_getProof`
pub(super) fn proof(call: &Call<'_>) -> Answer {
    let address: Address = call.params.required(0)?;
    let raw: Vec<&RawValue> = call.params.required(1)?;
    if raw.len() > SLOTS_MAX {
        return Err(RpcError::argument(1, format!("too many keys (max {SLOTS_MAX})")));
    }
    let slots: Result<Vec<Slot>, _> = raw.into_iter().map(Slot::parse).collect();
    let slots = slots.map_err(RpcError::InvalidParams)?;
    let values: Vec<U256> = slots.iter().map(|slot| slot.value).collect();
    let proof = call.state(2)?.proof(&address, &values)?;
    let info = proof.info.unwrap_or_default();
    let storage = proof.storage.into_iter().zip(&slots).map(|(proof, slot)| StorageProofJson {
        key: slot.echo(),
        value: proof.value,
        proof: proof.nodes,
    });
    Reply::new(&ProofJson {
        address,
        account_proof: proof.nodes,
        balance: info.balance,
        code_hash: info.code_hash,
        nonce: Hex(info.nonce),
        storage_hash: proof.storage_root,
        storage_proof: storage.collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofJson {
    address: Address,
    account_proof: Vec<Bytes>,
    balance: U256,
    code_hash: B256,
    nonce: Hex<u64>,
    storage_hash: B256,
    storage_proof: Vec<StorageProofJson>,
}

#[derive(Serialize)]
struct StorageProofJson {
    key: String,
    value: U256,
    proof: Vec<Bytes>,
}

/// The slots asked for, by account.
struct Requests<'a>(BTreeMap<Address, Vec<&'a RawValue>>);

impl<'a> FromJson<'a> for Requests<'a> {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        serde_json::from_str(raw.get())
            .map(Self)
            .map_err(|_| "expected an object of addresses and lists of slots".into())
    }
}

/// A storage slot as it was written: full 32 bytes, or a shorter number.
struct Slot {
    value: U256,
    full: bool,
}

impl Slot {
    fn of(params: Params<'_>, at: usize) -> Result<Self, RpcError> {
        let raw: &RawValue = params.required(at)?;
        Self::parse(raw).map_err(RpcError::InvalidParams)
    }

    /// # Errors
    /// A whole sentence; the specification does not number this one's argument.
    fn parse(raw: &RawValue) -> Result<Self, Cow<'static, str>> {
        let text = string(raw)?;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(&text);
        if digits.len() > 64 {
            return Err(format!("storage key too long (want at most 32 bytes): {text:?}").into());
        }
        let invalid = || Cow::Owned(format!("invalid hex in storage key: {text:?}"));
        let mut key = B256::ZERO;
        // Right-aligned, half a byte at a time: a number may have an odd count of digits.
        let padded = format!("{digits:0>64}");
        hex::decode_to_slice(padded, &mut key.0).map_err(|_| invalid())?;
        Ok(Self { value: key.into(), full: digits.len() == 64 })
    }

    /// The key as a proof repeats it: as long as it was asked.
    fn echo(&self) -> String {
        if self.full { B256::from(self.value).to_string() } else { format!("{:#x}", self.value) }
    }
}
