use crate::world::*;
use hanse_txpool::{Admitted, PoolSettings};
use std::sync::{Arc, Mutex};

#[test]
fn the_best_tip_comes_first_and_nonces_keep_their_order() {
    let pool = pool(&world(4, RICH), 10);
    add(&pool, address(0), plain(0, 20, 3)).unwrap(); // tip 3
    add(&pool, address(1), plain(0, 12, 9)).unwrap(); // tip 2: the cap leaves no more
    add(&pool, address(2), plain(0, 99, 1)).unwrap(); // tip 1, and a dear one behind it
    add(&pool, address(2), plain(1, 99, 50)).unwrap();
    add(&pool, address(3), plain(0, 10, 10)).unwrap(); // tip 0
    assert_eq!(names(pool.best(10, 0)), [(0, 0), (1, 0), (2, 0), (2, 1), (3, 0)]);
    // At a higher base fee the tips change their order and some pay too little.
    assert_eq!(names(pool.best(13, 0)), [(0, 0), (2, 0), (2, 1)]);
}

#[test]
fn equals_take_turns_in_order_of_arrival() {
    let pool = pool(&world(3, RICH), 0);
    for nonce in 0..3 {
        add(&pool, address(2), plain(nonce, 0, 0)).unwrap();
    }
    for sender in [1, 0] {
        for nonce in 0..2 {
            add(&pool, address(sender), plain(nonce, 0, 0)).unwrap();
        }
    }
    let turns = [(2, 0), (1, 0), (0, 0), (2, 1), (1, 1), (0, 1), (2, 2)];
    assert_eq!(names(pool.best(0, 0)), turns);
}

#[test]
fn skipping_leaves_out_the_rest_of_a_sender_only() {
    let pool = pool(&world(2, RICH), 0);
    for nonce in 0..600 {
        add(&pool, address(0), plain(nonce, 0, 0)).unwrap();
        add(&pool, address(1), plain(nonce, 0, 0)).unwrap();
    }
    let mut best = pool.best(0, 0);
    let first: Vec<Admitted> = best.by_ref().take(301).collect();
    best.skip_sender(first[0].sender());
    let rest = names(best);
    assert_eq!(rest, (150..600).map(|nonce| (1, nonce)).collect::<Vec<_>>());
}

#[test]
fn the_pool_may_change_while_a_block_is_built() {
    let mut world = world(3, RICH);
    let pool = pool(&world, 0);
    for nonce in 0..400 {
        add(&pool, address(0), plain(nonce, 0, 0)).unwrap();
        add(&pool, address(1), plain(nonce, 0, 0)).unwrap();
    }
    let mut best = pool.best(0, 0);
    let taken: Vec<Admitted> = best.by_ref().take(256).collect();
    // Meanwhile: one sender's next is removed, the other's is replaced, and a third appears.
    let find =
        |n, nonce| *pool.content_from(&address(n)).pending[usize::try_from(nonce).unwrap()].hash();
    pool.remove(&[find(0, 200)], 0);
    let replaced = add(&pool, address(1), plain(300, 7, 7)).unwrap();
    add(&pool, address(2), plain(0, 9, 9)).unwrap();
    let rest: Vec<Admitted> = best.collect();
    assert_eq!(rest.iter().filter(|t| t.sender() == address(0)).count(), 200 - 128);
    assert_eq!(rest.iter().filter(|t| t.sender() == address(1)).count(), 400 - 128);
    assert!(rest.iter().any(|t| *t.hash() == replaced));
    let all: Vec<Admitted> = taken.into_iter().chain(rest).collect();
    include(&pool, &mut world, &all); // asserts the order of nonces
    assert_eq!((pool.status().pending, pool.status().queued), (1, 199));
}

#[test]
fn a_cursor_outlives_its_senders() {
    // A sender that leaves and comes back between two chunks must not be taken for the one that the
    // cursor knew: its transactions may be others.
    let mut world = world(2, RICH);
    let pool = pool(&world, 0);
    for nonce in 0..300 {
        add(&pool, address(0), plain(nonce, 0, 0)).unwrap();
    }
    let mut best = pool.best(0, 0);
    assert_eq!(best.by_ref().take(256).count(), 256);
    let all: Vec<Admitted> = pool.best(0, 0).collect();
    include(&pool, &mut world, &all);
    for nonce in 0..300 {
        add(&pool, address(1), plain(nonce, 0, 0)).unwrap();
    }
    assert_eq!(best.count(), 0);
}

#[test]
fn followers_hear_of_each_pending_transaction_once_and_in_order() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let settings = PoolSettings::default();
    let mut world = world(2, RICH);
    let pool = pool_with(settings, &world, 0);
    let (ears, of) = (Arc::clone(&heard), pool.clone());
    pool.follow(move |batch: &[Admitted]| {
        assert!(batch.iter().all(|t| of.is_pending(t.hash())), "the pool can be used meanwhile");
        ears.lock().unwrap().extend(names(batch.to_vec()));
    });
    add(&pool, address(0), plain(1, 5, 1)).unwrap();
    assert!(heard.lock().unwrap().is_empty(), "it waits for nonce 0");
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    add(&pool, address(0), plain(1, 50, 10)).unwrap();
    let first: Vec<Admitted> = pool.best(0, 0).take(1).collect();
    include(&pool, &mut world, &first);
    assert_eq!(*heard.lock().unwrap(), [(0, 0), (0, 1), (0, 1)], "the replacement is news");
}
