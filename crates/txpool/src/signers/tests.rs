use super::*;
use crate::{Account, Accounts, Forks, Pool, PoolError, PoolSettings, Rules};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::sync::Arc;

/// Everybody is rich and has sent nothing.
#[derive(Debug)]
struct Rich;

impl Accounts for Rich {
    fn account(&self, _: &Address) -> Result<Account, String> {
        Ok(Account { balance: U256::from(u64::MAX), ..Account::default() })
    }
}

fn unsigned() -> TxEip1559 {
    TxEip1559 {
        chain_id: 7,
        gas_limit: 21_000,
        max_fee_per_gas: 1,
        to: TxKind::Call(Address::ZERO),
        ..TxEip1559::default()
    }
}

fn signed() -> (Address, Transaction) {
    let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
    let signature = key.sign_hash_sync(&unsigned().signature_hash()).unwrap();
    (key.address(), unsigned().into_signed(signature).into())
}

fn pool() -> Pool {
    let rules = Rules {
        chain_id: 7,
        gas_limit: 30_000_000,
        base_fee: 0,
        blobs: None,
        forks: Forks { berlin: true, london: true, ..Forks::default() },
    };
    Pool::new(PoolSettings::default(), rules, Arc::new(Rich))
}

/// Recoveries took three quarters of a validator's time, and a sixth of them were of transactions that
/// had been recovered before: some that a block brought were in line for the pool, and were looked at
/// again there, only to be refused for their nonce. Now whoever comes first remembers for the other.
#[test]
fn what_a_block_brings_is_not_recovered_again_for_the_pool() {
    let (signer, transaction) = signed();
    let signers = Signers::default();
    assert_eq!(signers.of(&transaction), Some(signer));
    assert_eq!(signers.get(transaction.tx_hash()), Some(signer));

    // A name that no recovery would give shows where the answer comes from.
    let marked = Address::repeat_byte(0xee);
    let pool = pool();
    pool.signers().shard(transaction.tx_hash()).lock().put(*transaction.tx_hash(), marked);
    assert_eq!(pool.signer(&transaction), Some(marked));
    let raw: Bytes = transaction.encoded_2718().into();
    let outcome = pool.submit(&[raw], 0).pop().unwrap();
    assert_eq!(outcome, Ok(*transaction.tx_hash()));
    assert_eq!(pool.sender_of(transaction.tx_hash()), Some(marked));
}

#[test]
fn what_the_pool_has_looked_at_is_known_to_the_block_even_if_the_pool_refused_it() {
    let (signer, transaction) = signed();
    let pool = pool();
    let raw: Bytes = transaction.encoded_2718().into();
    pool.submit(&[raw], 0).pop().unwrap().unwrap();
    pool.remove(&[*transaction.tx_hash()], 0);
    assert_eq!(pool.sender_of(transaction.tx_hash()), None);
    assert_eq!(pool.signers().get(transaction.tx_hash()), Some(signer));
}

#[test]
fn nobody_signed_a_forgery_and_nothing_is_remembered_of_it() {
    let no_signature = Signature::new(U256::ZERO, U256::ZERO, false);
    let forged: Transaction = unsigned().into_signed(no_signature).into();
    let pool = pool();
    assert_eq!(pool.signer(&forged), None);
    assert_eq!(pool.signers().get(forged.tx_hash()), None);
    let outcome = pool.submit(&[forged.encoded_2718().into()], 0).pop().unwrap();
    assert!(matches!(outcome, Err(PoolError::Signature)), "{outcome:?}");
}

#[test]
fn the_oldest_are_forgotten_first_and_no_more_are_kept_than_allowed() {
    let mut shard = Shard::default();
    let hash = |n: usize| B256::from(U256::from(n));
    let half = SIGNERS_REMEMBERED / SIGNER_SHARDS / 2;
    for n in 0..half * 5 {
        shard.put(hash(n), Address::ZERO);
        assert!(shard.young.len() + shard.old.len() <= 2 * half);
        let kept =
            |n: usize| shard.young.contains_key(&hash(n)) || shard.old.contains_key(&hash(n));
        assert!(kept(n) && kept(n.saturating_sub(half - 1)), "the last half of them is kept");
    }
}
