//! Keys, calls, and the transactions that come of them.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;

/// What all transactions of a row share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    pub(super) chain_id: u64,
    /// Wei per gas.
    pub(super) max_fee: u128,
    pub(super) tip: u128,
}

/// What one transaction does.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) to: TxKind,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) gas_limit: u64,
}

/// A transaction that waits for its signature.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Place of its sender among the keys.
    pub(super) sender: usize,
    pub(super) nonce: u64,
    pub(super) call: Call,
}

/// A transaction, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) hash: TxHash,
    pub(super) sender: usize,
    pub(super) raw: Bytes,
}

impl Call {
    /// A plain transfer.
    pub(super) const fn pay(to: Address, wei: U256) -> Self {
        Self { to: TxKind::Call(to), value: wei, input: Bytes::new(), gas_limit: 21_000 }
    }

    /// A call of a contract.
    pub(super) fn contract(to: Address, call: &impl SolCall, gas_limit: u64) -> Self {
        let input = call.abi_encode().into();
        Self { to: TxKind::Call(to), value: U256::ZERO, input, gas_limit }
    }

    /// Runs init code.
    pub(super) const fn create(input: Bytes, wei: U256, gas_limit: u64) -> Self {
        Self { to: TxKind::Create, value: wei, input, gas_limit }
    }
}

impl Draft {
    /// Makes the signature; about 0.05 ms.
    pub(super) fn sign(self, keys: &[PrivateKeySigner], fees: &Fees) -> Signed {
        let transaction = TxEip1559 {
            chain_id: fees.chain_id,
            nonce: self.nonce,
            gas_limit: self.call.gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.tip,
            to: self.call.to,
            value: self.call.value,
            input: self.call.input,
            ..Default::default()
        };
        let signature = keys[self.sender].sign_hash_sync(&transaction.signature_hash());
        let signature = signature.expect("a local key can sign any digest");
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        let raw = envelope.encoded_2718().into();
        Signed { hash: *envelope.tx_hash(), sender: self.sender, raw }
    }
}

/// `count` keys that nobody has used before, if `salt` is new.
pub(super) fn senders(salt: &B256, count: usize) -> Vec<PrivateKeySigner> {
    let key = |number: usize| {
        let seed = keccak256([salt.as_slice(), &number.to_be_bytes()].concat());
        PrivateKeySigner::from_bytes(&seed).expect("a hash is a valid key but for one in 2^128")
    };
    (0..count).map(key).collect()
}
