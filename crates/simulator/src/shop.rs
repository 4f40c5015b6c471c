//! Customers: real transactions that move money, and come again until they are final.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use hanse_commerce::orders::ICurrency;
use hanse_node::DevelopmentWallet;
use hanse_primitives::{ChainSpec, Transaction};
use rand::{Rng, rngs::StdRng};
use std::sync::LazyLock;

/// Accounts that trade; the first is the bank.
pub(crate) const TRADERS: usize = 6;

/// Amounts that the bank issues at first, one to each trader.
const ISSUED: u64 = 1_000_000;

/// Transactions of a trader that may wait. A trader that sees none of them final sends the oldest again.
const WAITING_MAX: u64 = 8;

/// Deriving keys takes longer than some simulations.
static WALLET: LazyLock<DevelopmentWallet> = LazyLock::new(DevelopmentWallet::new);

/// A trader's transactions.
struct Trader {
    key: PrivateKeySigner,
    /// By nonce.
    sent: Vec<Bytes>,
    /// Its nonce in the newest final state.
    done: u64,
}

/// The customers.
pub(crate) struct Shop {
    chain_id: u64,
    currency: Address,
    traders: Vec<Trader>,
    /// What the bank has issued with its first transactions, summed up.
    issued: Vec<U256>,
}

impl Shop {
    pub(crate) fn new(spec: &ChainSpec) -> Self {
        let traders = WALLET.keys().iter().take(TRADERS).cloned();
        let traders = traders.map(|key| Trader { key, sent: Vec::new(), done: 0 }).collect();
        let currencies = spec.hanse().map(|hanse| &hanse.contracts.currencies);
        let currency = currencies.and_then(|all| all.values().next().copied());
        Self {
            chain_id: spec.chain_id(),
            currency: currency.unwrap_or_default(),
            traders,
            issued: vec![U256::ZERO],
        }
    }

    pub(crate) const fn currency(&self) -> Address {
        self.currency
    }

    pub(crate) fn accounts(&self) -> Vec<Address> {
        self.traders.iter().map(|trader| trader.key.address()).collect()
    }

    /// What the bank has issued with its first `count` transactions.
    pub(crate) fn issued(&self, count: u64) -> Option<U256> {
        self.issued.get(usize::try_from(count).ok()?).copied()
    }

    /// Notes how many transactions of each trader are final.
    pub(crate) fn note_done(&mut self, done: &[u64]) {
        for (trader, done) in self.traders.iter_mut().zip(done) {
            trader.done = trader.done.max(*done);
        }
    }

    /// The next transaction of somebody, or one that has not become final yet.
    pub(crate) fn next(&mut self, rng: &mut StdRng) -> Bytes {
        // The bank issues first.
        let at = match self.traders[0].sent.len() {
            sent if sent < TRADERS => 0,
            _ => rng.gen_range(0..self.traders.len()),
        };
        let waiting = self.traders[at].sent.len() as u64 - self.traders[at].done;
        let oldest = usize::try_from(self.traders[at].done).unwrap_or(usize::MAX);
        if waiting > 0 && (waiting >= WAITING_MAX || rng.gen_ratio(1, 3)) {
            return self.traders[at].sent[oldest].clone();
        }
        let transaction = self.draw(at, rng);
        let raw = sign(&self.traders[at].key, transaction);
        self.traders[at].sent.push(raw.clone());
        raw
    }

    fn draw(&mut self, at: usize, rng: &mut StdRng) -> TxEip1559 {
        let nonce = self.traders[at].sent.len() as u64;
        let to = self.traders[rng.gen_range(0..TRADERS)].key.address();
        let base = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: 120_000,
            to: TxKind::Call(self.currency),
            ..TxEip1559::default()
        };
        if at == 0 {
            let first = usize::try_from(nonce).ok().filter(|nonce| *nonce < TRADERS);
            let to = first.map_or(to, |nonce| self.traders[nonce].key.address());
            let amount = U256::from(if first.is_some() { ISSUED } else { rng.gen_range(1..1_000) });
            let before = self.issued.last().copied().unwrap_or_default();
            self.issued.push(before + amount);
            return TxEip1559 {
                input: ICurrency::issueCall { to, amount }.abi_encode().into(),
                ..base
            };
        }
        if rng.gen_ratio(1, 3) {
            let value = U256::from(rng.gen_range(0_u64..1_000_000_000));
            return TxEip1559 { to: TxKind::Call(to), value, ..base };
        }
        // Some ask for more than they have, and are reverted.
        let value = U256::from(rng.gen_range(0..=ISSUED));
        TxEip1559 { input: ICurrency::transferCall { to, value }.abi_encode().into(), ..base }
    }
}

fn sign(key: &PrivateKeySigner, transaction: TxEip1559) -> Bytes {
    let digest = transaction.signature_hash();
    let signature = key.sign_hash_sync(&digest).expect("a key in memory signs any digest");
    let signed: Transaction = transaction.into_signed(signature).into();
    signed.encoded_2718().into()
}
