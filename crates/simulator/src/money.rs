//! Counts the money in a block's state.

use crate::{
    error::{Broken, Checked, Law},
    shop::Shop,
};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use alloy_sol_types::SolCall;
use hanse_commerce::orders::ICurrency;
use hanse_execution::Overrides;
use hanse_ledger::StateView;
use hanse_node::simulation::LocalChain;
use hanse_primitives::{BlockHash, ChainSpec};
use std::collections::BTreeSet;

/// All accounts that may hold money, and what they hold together.
#[derive(Debug)]
pub(crate) struct Treasury {
    accounts: BTreeSet<Address>,
    total: U256,
}

impl Treasury {
    pub(crate) fn new(spec: &ChainSpec, others: impl IntoIterator<Item = Address>) -> Self {
        let alloc = &spec.genesis().alloc;
        let total = alloc.values().map(|account| account.balance).sum();
        Self { accounts: alloc.keys().copied().chain(others).collect(), total }
    }

    /// Law: money is conserved in the state after a block.
    pub(crate) fn check(&self, chain: &LocalChain, at: BlockHash, shop: &mut Shop) -> Checked {
        let state = chain.ledger().state(at).map_err(Broken::machine)?;
        let mut found = U256::ZERO;
        for account in &self.accounts {
            let info = state.account(account).map_err(Broken::machine)?;
            found += info.map_or(U256::ZERO, |info| info.balance);
        }
        if found != self.total {
            let what = format!("{found} wei in block {at}, and {} at first", self.total);
            return Err(Broken::law(Law::MoneyConserved, what));
        }
        let traders = shop.accounts();
        let nonces = nonces(&state, &traders)?;
        shop.note_done(&nonces);
        let ask = |call| ask(chain, at, shop.currency(), call);
        let supply = ask(ICurrency::totalSupplyCall {}.abi_encode())?;
        let mut held = U256::ZERO;
        for owner in &traders {
            held += ask(ICurrency::balanceOfCall { account: *owner }.abi_encode())?;
        }
        let issued = shop.issued(nonces[0]);
        if Some(supply) != issued || held != supply {
            let what = format!("{issued:?} were issued, {supply} exist, {held} are held, in {at}");
            return Err(Broken::law(Law::MoneyConserved, what));
        }
        Ok(())
    }
}

fn nonces(state: &StateView, accounts: &[Address]) -> Result<Vec<u64>, Broken> {
    let nonce = |account| {
        let info = state.account(account).map_err(Broken::machine)?;
        Ok(info.map_or(0, |info| info.nonce))
    };
    accounts.iter().map(nonce).collect()
}

fn ask(chain: &LocalChain, at: BlockHash, to: Address, call: Vec<u8>) -> Result<U256, Broken> {
    let output = answer(chain, at, to, call)?;
    Ok(U256::from_be_slice(&output))
}

/// Asks a contract in the state after a block.
pub(crate) fn answer(
    chain: &LocalChain,
    at: BlockHash,
    to: Address,
    call: Vec<u8>,
) -> Result<Bytes, Broken> {
    let request = TransactionRequest {
        to: Some(TxKind::Call(to)),
        input: TransactionInput::new(call.into()),
        ..TransactionRequest::default()
    };
    let outcome = chain.executor().call(at, &request, &Overrides::default());
    outcome.map(|outcome| outcome.output).map_err(Broken::machine)
}
