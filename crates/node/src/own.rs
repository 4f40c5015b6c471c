//! Transactions that this node sends in the name of the validator it acts for.

use crate::validator::ValidatorKey;
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxHash, TxKind};
use alloy_signer::SignerSync;
use hanse_execution::{ExecutionError, Executor};
use hanse_ledger::Ledger;
use hanse_primitives::{BlockRef, ChainSpec, Engine, Height, Transaction};
use hanse_rpc::Submit;
use hanse_txpool::Pool;
use std::sync::Arc;

/// Gas that such a transaction may use.
const GAS: u64 = 2_000_000;

/// The account of the key that votes, as a sender of transactions.
#[derive(Clone)]
pub(crate) struct OwnAccount {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) pool: Pool,
    pub(crate) submit: Arc<dyn Submit>,
    pub(crate) key: ValidatorKey,
}

impl OwnAccount {
    /// Its address.
    pub(crate) fn address(&self) -> Address {
        self.key.account()
    }

    /// The engine of the next block and the contract that knows who votes on it, if anybody does.
    pub(crate) fn engine(&self) -> Result<Option<(Engine, Address)>, ExecutionError> {
        self.engine_after(self.ledger.head())
    }

    /// The same of an earlier block; of the next one when that height has not come yet.
    pub(crate) fn engine_at(
        &self,
        height: Height,
    ) -> Result<Option<(Engine, Address)>, ExecutionError> {
        let parent = height.previous().unwrap_or_default();
        match self.ledger.hash(parent)? {
            Some(hash) => self.engine_after(BlockRef { height: parent, hash }),
            None => self.engine(),
        }
    }

    fn engine_after(&self, block: BlockRef) -> Result<Option<(Engine, Address)>, ExecutionError> {
        let tenure = self.executor.tenure(block)?;
        Ok(tenure.and_then(|tenure| {
            let contract = tenure.engine.validators()?.contract;
            Some((tenure.engine, contract))
        }))
    }

    /// True while a transaction of this account waits in the pool.
    pub(crate) fn has_pending(&self) -> Result<bool, String> {
        let nonce = self.nonce()?;
        Ok(self.pool.pending_nonce(&self.address()).is_some_and(|next| next > nonce))
    }

    /// Calls a contract: signs, submits, and hands to the peers.
    pub(crate) fn call(&self, contract: Address, input: Bytes) -> Result<TxHash, String> {
        let raw = self.transaction(contract, input)?;
        match self.submit.submit(vec![raw]).pop() {
            Some(Ok(hash)) => Ok(hash),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the pool did not answer".to_owned()),
        }
    }

    fn nonce(&self) -> Result<u64, String> {
        let state = self.ledger.state(self.ledger.head().hash).map_err(|e| e.to_string())?;
        let info = state.account(&self.address()).map_err(|e| e.to_string())?;
        Ok(info.map_or(0, |info| info.nonce))
    }

    fn transaction(&self, contract: Address, input: Bytes) -> Result<Bytes, String> {
        let nonce = self.nonce()?;
        let transaction = TxEip1559 {
            chain_id: self.spec.chain_id(),
            nonce: self.pool.pending_nonce(&self.address()).unwrap_or(nonce),
            gas_limit: GAS,
            // Enough for some blocks in which the base fee rises.
            max_fee_per_gas: u128::from(self.pool.rules().base_fee).saturating_mul(2),
            to: TxKind::Call(contract),
            input,
            ..TxEip1559::default()
        };
        let digest = transaction.signature_hash();
        let signature = self.key.wallet().sign_hash_sync(&digest).map_err(|e| e.to_string())?;
        let signed: Transaction = transaction.into_signed(signature).into();
        Ok(signed.encoded_2718().into())
    }
}
