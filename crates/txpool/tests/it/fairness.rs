//! One sender must not crowd out the others, neither of a block nor of the pool.

use crate::world::*;
use hanse_txpool::{Admitted, PoolError, PoolSettings};

#[test]
fn a_flood_of_100_000_does_not_delay_a_single_transaction() {
    // Nobody pays anything, and the flood was here first.
    let settings = PoolSettings { sender_transactions_max: 200_000, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(2, 0), 0);
    let flood = (0..100_000).map(|nonce| claim(address(0), plain(nonce, 0, 0))).collect();
    assert!(pool.add(flood, 0).iter().all(Result::is_ok));
    add(&pool, address(1), plain(0, 0, 0)).unwrap();
    assert_eq!(names(pool.best(0, 0).take(2)), [(0, 0), (1, 0)]);
}

#[test]
fn a_full_pool_takes_from_the_greatest_sender() {
    let settings = PoolSettings { transactions_max: 1_000, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(70, 0), 0);
    for nonce in 0..1_000 {
        add(&pool, address(0), plain(nonce, 0, 0)).unwrap();
    }
    // Its own next finds no room; everybody else's does, at the flood's expense.
    assert_eq!(add(&pool, address(0), plain(1_000, 0, 0)), Err(PoolError::Full));
    for sender in 1..70 {
        for nonce in 0..14 {
            add(&pool, address(sender), plain(nonce, 0, 0)).unwrap();
        }
    }
    assert_eq!(pool.status().pending, 1_000);
    let left = pool.content_from(&address(0)).pending;
    assert_eq!(left.len(), 1_000 - 69 * 14, "the flood alone makes room");
    assert_eq!(names(left), (0..34).map(|nonce| (0, nonce)).collect::<Vec<_>>());
}

#[test]
fn equals_do_not_push_each_other_out() {
    // All are within the guaranteed share and none pays: who was here first stays.
    let settings = PoolSettings { transactions_max: 100, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(200, RICH), 0);
    for sender in 0..100 {
        add(&pool, address(sender), plain(0, 0, 0)).unwrap();
    }
    let before = pool.pending_hashes();
    for sender in 100..200 {
        assert_eq!(add(&pool, address(sender), plain(0, 0, 0)), Err(PoolError::Full));
    }
    assert_eq!(pool.pending_hashes(), before);
    // One that pays takes the place of the last to come.
    add(&pool, address(150), plain(0, 3, 3)).unwrap();
    assert_eq!(pool.get(&before[99]).map(|t| t.sender()), None);
    assert_eq!(pool.status().pending, 100);
    // The next one must take another's place, not that of the one that pays.
    add(&pool, address(151), plain(0, 2, 2)).unwrap();
    assert_eq!(names(pool.best(0, 0).take(2)), [(150, 0), (151, 0)]);
}

#[test]
fn within_the_guaranteed_share_fees_decide_not_numbers() {
    let settings = PoolSettings { transactions_max: 100, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(200, RICH), 0);
    for nonce in 0..16 {
        add(&pool, address(0), plain(nonce, 5, 5)).unwrap();
    }
    for sender in 1..85 {
        add(&pool, address(sender), plain(0, 1, 1)).unwrap();
    }
    // Many senders with one cheap transaction each do not push out one with a few dear ones.
    add(&pool, address(100), plain(0, 2, 2)).unwrap();
    assert_eq!(pool.content_from(&address(0)).pending.len(), 16);
    assert!(pool.content_from(&address(84)).pending.is_empty(), "the cheapest and latest goes");
    // Beyond its share it is the greatest, whatever it pays.
    assert_eq!(add(&pool, address(0), plain(16, 9, 9)), Err(PoolError::Full));
}

#[test]
fn what_cannot_run_goes_before_what_can() {
    let settings = PoolSettings { transactions_max: 10, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(20, RICH), 0);
    for sender in 0..10 {
        let (nonce, tip) = if sender == 4 { (1, 1_000) } else { (0, 1) };
        add(&pool, address(sender), plain(nonce, tip, tip)).unwrap();
    }
    add(&pool, address(11), plain(0, 1, 1)).unwrap();
    assert!(pool.content_from(&address(4)).queued.is_empty());
    assert_eq!((pool.status().pending, pool.status().queued), (10, 0));
}

#[test]
fn bytes_are_bounded_and_the_bulky_give_way() {
    let settings =
        PoolSettings { transactions_max: 10_000, bytes_max: 1_000_000, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(40, RICH), 0);
    let bulky = |nonce| {
        let mut transaction = plain(nonce, 9, 9);
        transaction.input = vec![0; 100_000].into();
        transaction.gas_limit = 2_000_000;
        transaction
    };
    for nonce in 0..12 {
        let admitted = add(&pool, address(0), bulky(nonce)).is_ok();
        assert_eq!(admitted, nonce < 9, "{nonce}");
    }
    // A hundred small ones of many senders cost it one bulky one, though they pay less.
    for sender in 1..40 {
        for nonce in 0..20 {
            add(&pool, address(sender), plain(nonce, 0, 0)).unwrap();
        }
    }
    assert!(pool.status().bytes <= 1_000_000);
    assert_eq!(pool.content_from(&address(0)).pending.len(), 9);
    let mut bulk: Vec<Admitted> = Vec::new();
    for nonce in 0..3 {
        assert!(
            add(&pool, address(1), {
                let mut transaction = bulky(20 + nonce);
                transaction.input = vec![0; 30_000].into();
                transaction
            })
            .is_ok()
        );
        bulk = pool.content_from(&address(0)).pending;
    }
    assert_eq!(bulk.len(), 8);
    assert!(pool.status().bytes <= 1_000_000);
}

#[test]
fn a_pool_of_no_size_admits_nothing() {
    let settings = PoolSettings { transactions_max: 0, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(1, RICH), 0);
    assert_eq!(add(&pool, address(0), plain(0, 5, 1)), Err(PoolError::Full));
    assert_eq!(pool.status(), Default::default());
}
