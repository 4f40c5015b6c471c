//! Accounts, transactions and blocks to test with. Senders are named, not signed for, except where
//! signatures are the subject.

use alloy_consensus::{Signed, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, Signature, TxHash, TxKind, U256};
use hanse_primitives::{
    AccountChange, AccountInfo, Block, Executed, Header, Receipt, RecoveredTransaction,
    SealedBlock, StateChanges, Transaction,
};
use hanse_txpool::{
    Account, Accounts, Admitted, BlobRules, Decoded, Forks, Pool, PoolError, PoolSettings, Rules,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const CHAIN: u64 = 1337;
pub(crate) const GAS: u64 = 100_000;
pub(crate) const RICH: u64 = u64::MAX;

/// The state of one block.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) accounts: BTreeMap<Address, Account>,
    pub(crate) broken: bool,
}

impl Accounts for World {
    fn account(&self, address: &Address) -> Result<Account, String> {
        if self.broken {
            return Err("the disk failed".to_owned());
        }
        Ok(self.accounts.get(address).copied().unwrap_or_default())
    }
}

pub(crate) fn address(n: u64) -> Address {
    Address::left_padding_from(&(n + 1).to_be_bytes())
}

/// Accounts 0 to `count`, each with nonce 0 and this balance in wei.
pub(crate) fn world(count: u64, balance: u64) -> World {
    let account = Account { balance: U256::from(balance), ..Account::default() };
    World { accounts: (0..count).map(|n| (address(n), account)).collect(), broken: false }
}

pub(crate) fn rules(base_fee: u64) -> Rules {
    Rules {
        chain_id: CHAIN,
        gas_limit: 30_000_000,
        base_fee,
        blobs: Some(BlobRules { fee: 1, blobs_max: 6 }),
        forks: Forks {
            berlin: true,
            london: true,
            shanghai: true,
            cancun: true,
            prague: true,
            osaka: true,
        },
    }
}

pub(crate) fn pool(world: &World, base_fee: u64) -> Pool {
    pool_with(PoolSettings::default(), world, base_fee)
}

pub(crate) fn pool_with(settings: PoolSettings, world: &World, base_fee: u64) -> Pool {
    Pool::new(settings, rules(base_fee), Arc::new(world.clone()))
}

/// A plain transfer, to be changed before it is signed.
pub(crate) fn plain(nonce: u64, max_fee: u128, tip: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: GAS,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::repeat_byte(9)),
        value: U256::ZERO,
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

/// Claims that `sender` signed it. The signature is made from the sender, so that the hashes of
/// equal transactions of two senders differ.
pub(crate) fn claim(sender: Address, transaction: impl Into<Claimed>) -> Decoded {
    Decoded::new(claimed(sender, transaction)).expect("the transaction has proper shape")
}

pub(crate) fn claimed(sender: Address, transaction: impl Into<Claimed>) -> RecoveredTransaction {
    let signature = Signature::new(U256::from_be_slice(sender.as_slice()), U256::ONE, false);
    RecoveredTransaction::new_unchecked((transaction.into().0)(signature), sender)
}

pub(crate) struct Claimed(Box<dyn FnOnce(Signature) -> Transaction>);

impl<T: 'static> From<T> for Claimed
where
    Signed<T>: Into<Transaction>,
    T: alloy_consensus::transaction::RlpEcdsaEncodableTx,
{
    fn from(transaction: T) -> Self {
        Self(Box::new(move |signature| Signed::new_unhashed(transaction, signature).into()))
    }
}

/// Adds one transaction at time 0.
pub(crate) fn add(
    pool: &Pool,
    sender: Address,
    transaction: impl Into<Claimed>,
) -> Result<TxHash, PoolError> {
    let mut results = pool.add(vec![claim(sender, transaction)], 0);
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// A block with these transactions, after which `after` is the state, told in full.
pub(crate) fn block(number: u64, transactions: &[Admitted], after: &World) -> Executed {
    let header = Header { number, extra_data: Bytes::from_static(b"test"), ..Header::default() };
    let mut block = Block::uncle(header);
    block.body.transactions = transactions.iter().map(|t| t.transaction().clone()).collect();
    let senders = transactions.iter().map(Admitted::sender).collect();
    let receipts = vec![Receipt::Legacy(Default::default()); transactions.len()];
    let change = |account: &Account| AccountChange {
        info: Some(AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: if account.has_code {
                B256::repeat_byte(1)
            } else {
                AccountInfo::default().code_hash
            },
        }),
        ..AccountChange::default()
    };
    let changes = after.accounts.iter().map(|(address, account)| (*address, change(account)));
    let changes = StateChanges::new(changes.collect(), vec![]);
    Executed::vouch(SealedBlock::new(block), senders, receipts, changes)
}

/// Includes transactions in a block and tells the pool.
pub(crate) fn include(pool: &Pool, world: &mut World, transactions: &[Admitted]) -> Executed {
    for transaction in transactions {
        let account = world.accounts.entry(transaction.sender()).or_default();
        assert_eq!(account.nonce, transaction.nonce(), "blocks keep the order of nonces");
        account.nonce += 1;
    }
    let executed = block(1, transactions, world);
    let told = pool.on_block(
        std::slice::from_ref(&executed),
        &[],
        pool.rules(),
        Arc::new(world.clone()),
        0,
    );
    told.expect("the world can be read");
    executed
}

/// Sender's number and nonce of each, for short assertions.
pub(crate) fn names(transactions: impl IntoIterator<Item = Admitted>) -> Vec<(u64, u64)> {
    let name = |t: Admitted| {
        let bytes = t.sender().into_array();
        let tail: [u8; 8] = bytes[12..].try_into().expect("eight of twenty bytes");
        (u64::from_be_bytes(tail) - 1, t.nonce())
    };
    transactions.into_iter().map(name).collect()
}
