use crate::world::*;
use hanse_txpool::{PoolError, PoolSettings};

#[test]
fn a_replacement_must_raise_both_fees_by_the_percentage() {
    let pool = pool(&world(1, RICH), 0);
    add(&pool, address(0), plain(0, 1_000, 101)).unwrap();
    for (max_fee, tip) in [(1_100, 111), (1_099, 112), (5_000, 101), (1_000, 101)] {
        let mut other = plain(0, max_fee, tip);
        other.gas_limit += 1;
        let error = add(&pool, address(0), other).unwrap_err();
        let expected = PoolError::ReplacementUnderpriced {
            max_fee: 1_100,
            priority_fee: 112, // 10 % of 101, rounded up
            blob_fee: 0,
        };
        assert_eq!(error, expected);
        assert!(error.to_string().starts_with("replacement transaction underpriced"), "{error}");
    }
    let new = add(&pool, address(0), plain(0, 1_100, 112)).unwrap();
    assert_eq!(pool.status().pending, 1);
    assert_eq!(pool.all().len(), 1);
    assert!(pool.is_pending(&new));
}

#[test]
fn a_free_transaction_is_not_replaced_for_nothing() {
    // With fees of 0, ten percent more is 0 too: without a least raise one sender could replace, and
    // have every node gossip, for ever and for free.
    let pool = pool(&world(1, RICH), 0);
    add(&pool, address(0), plain(0, 0, 0)).unwrap();
    let mut other = plain(0, 0, 0);
    other.gas_limit += 1;
    assert!(matches!(
        add(&pool, address(0), other),
        Err(PoolError::ReplacementUnderpriced { max_fee: 1, priority_fee: 1, .. })
    ));
    add(&pool, address(0), plain(0, 1, 1)).unwrap();
}

#[test]
fn a_replacement_counts_instead_of_the_old_one() {
    let settings = PoolSettings { sender_transactions_max: 2, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(1, RICH), 0);
    add(&pool, address(0), plain(0, 10, 10)).unwrap();
    add(&pool, address(0), plain(1, 10, 10)).unwrap();
    let bytes = pool.status().bytes;
    add(&pool, address(0), plain(0, 20, 20)).unwrap();
    add(&pool, address(0), plain(1, 20, 20)).unwrap();
    assert_eq!((pool.status().pending, pool.status().bytes), (2, bytes));
}

#[test]
fn a_replacement_that_costs_more_is_measured_with_those_around_it() {
    let pool = pool(&world(1, 30 * GAS), 0);
    for nonce in 0..3 {
        add(&pool, address(0), plain(nonce, 10, 10)).unwrap();
    }
    let error = add(&pool, address(0), plain(1, 11, 11)).unwrap_err();
    assert!(matches!(error, PoolError::InsufficientFunds(ref s) if s.overshot.to::<u64>() == GAS));
    assert_eq!(pool.status().pending, 3);
}
