use super::Hex;
use alloy_consensus::Transaction as _;
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use hanse_primitives::{Header, SealedBlock, Transaction};
use serde::Serialize;

/// Where a transaction is in the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) block_hash: B256,
    pub(crate) header: &'a Header,
    pub(crate) index: u64,
}

/// A signed transaction. Nulls say that it is in no block yet.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionJson {
    block_hash: Option<B256>,
    block_number: Option<Hex<u64>>,
    block_timestamp: Option<Hex<u64>>,
    from: Address,
    gas: Hex<u64>,
    gas_price: Hex<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_gas: Option<Hex<u128>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_priority_fee_per_gas: Option<Hex<u128>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_blob_gas: Option<Hex<u128>>,
    hash: TxHash,
    input: Bytes,
    nonce: Hex<u64>,
    to: Option<Address>,
    transaction_index: Option<Hex<u64>>,
    value: U256,
    #[serde(rename = "type")]
    kind: Hex<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_list: Option<AccessList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<Hex<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_versioned_hashes: Option<Vec<B256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_list: Option<Vec<SignedAuthorization>>,
    v: Hex<u128>,
    r: U256,
    s: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    y_parity: Option<Hex<u8>>,
}

impl TransactionJson {
    pub(crate) fn new(transaction: &Transaction, from: Address, place: Option<Place<'_>>) -> Self {
        let base_fee = place.and_then(|place| place.header.base_fee_per_gas);
        let signature = transaction.signature();
        let parity = signature.v();
        let typed = !transaction.is_legacy();
        let dynamic = transaction.is_dynamic_fee();
        Self {
            block_hash: place.map(|place| place.block_hash),
            block_number: place.map(|place| Hex(place.header.number)),
            block_timestamp: place.map(|place| Hex(place.header.timestamp)),
            from,
            gas: Hex(transaction.gas_limit()),
            // Outside a block nobody knows the base fee; the cap is what it may cost.
            gas_price: Hex(base_fee.map_or_else(
                || transaction.max_fee_per_gas(),
                |fee| transaction.effective_gas_price(Some(fee)),
            )),
            max_fee_per_gas: dynamic.then(|| Hex(transaction.max_fee_per_gas())),
            max_priority_fee_per_gas: transaction.max_priority_fee_per_gas().map(Hex),
            max_fee_per_blob_gas: transaction.max_fee_per_blob_gas().map(Hex),
            hash: *transaction.tx_hash(),
            input: transaction.input().clone(),
            nonce: Hex(transaction.nonce()),
            to: transaction.to(),
            transaction_index: place.map(|place| Hex(place.index)),
            value: transaction.value(),
            kind: Hex(u8::from(transaction.tx_type())),
            access_list: transaction.access_list().cloned(),
            chain_id: transaction.chain_id().map(Hex),
            blob_versioned_hashes: transaction.blob_versioned_hashes().map(<[B256]>::to_vec),
            authorization_list: transaction
                .authorization_list()
                .map(<[SignedAuthorization]>::to_vec),
            v: Hex(v(transaction, parity)),
            r: signature.r(),
            s: signature.s(),
            y_parity: typed.then(|| Hex(u8::from(parity))),
        }
    }

    /// All transactions of a block.
    pub(crate) fn of_block(block: &SealedBlock, senders: &[Address]) -> Vec<Self> {
        let place = |index| Place { block_hash: block.hash(), header: block.header(), index };
        let each = block.transactions().iter().zip(senders);
        (0..).zip(each).map(|(at, (tx, from))| Self::new(tx, *from, Some(place(at)))).collect()
    }
}

/// The `v` of a signature: parity for typed transactions, with the chain id for legacy ones (EIP-155).
fn v(transaction: &Transaction, parity: bool) -> u128 {
    let parity = u128::from(parity);
    match (transaction.is_legacy(), transaction.chain_id()) {
        (false, _) => parity,
        (true, None) => 27 + parity,
        (true, Some(chain_id)) => 35 + parity + 2 * u128::from(chain_id),
    }
}
