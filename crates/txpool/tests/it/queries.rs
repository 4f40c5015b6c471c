use crate::world::*;
use alloy_primitives::{B256, TxHash};
use hanse_txpool::decode;

#[test]
fn what_rpc_asks_for() {
    let pool = pool(&world(3, RICH), 0);
    let first = add(&pool, address(0), plain(0, 5, 1)).unwrap();
    let gapped = add(&pool, address(0), plain(2, 5, 1)).unwrap();
    let other = add(&pool, address(1), plain(0, 5, 1)).unwrap();

    assert_eq!(pool.get(&first).map(|t| (t.sender(), t.nonce())), Some((address(0), 0)));
    assert!(pool.get(&B256::ZERO).is_none());
    assert!(pool.is_pending(&first) && !pool.is_pending(&gapped) && !pool.is_pending(&B256::ZERO));
    assert_eq!(pool.sender_of(&gapped), Some(address(0)));
    assert_eq!(pool.sender_of(&other), Some(address(1)));
    assert_eq!(pool.sender_of(&B256::ZERO), None);
    assert_eq!(pool.pending_nonce(&address(0)), Some(1));
    assert_eq!(pool.pending_nonce(&address(2)), None);
    assert_eq!(pool.pending_hashes(), [first, other]);
    assert_eq!(pool.all().iter().map(|t| *t.hash()).collect::<Vec<_>>(), [first, gapped, other]);

    let content = pool.content();
    assert_eq!(content.keys().copied().collect::<Vec<_>>(), [address(0), address(1)]);
    assert_eq!(names(content[&address(0)].queued.clone()), [(0, 2)]);
    assert_eq!(names(pool.content_from(&address(0)).pending), [(0, 0)]);
    assert!(pool.content_from(&address(2)).pending.is_empty());

    let status = pool.status();
    assert_eq!((status.pending, status.queued, status.senders), (2, 1, 2));
    let sizes: usize = pool.all().iter().map(hanse_txpool::Admitted::size).sum();
    assert_eq!(status.bytes, sizes);
    assert!(pool.all().iter().all(|t| t.raw().len() == t.size()));
}

#[test]
fn removing_queues_what_is_behind() {
    let pool = pool(&world(1, RICH), 0);
    let hashes: Vec<TxHash> =
        (0..3).map(|nonce| add(&pool, address(0), plain(nonce, 5, 1)).unwrap()).collect();
    assert_eq!(pool.remove(&[hashes[1], B256::ZERO, hashes[1]], 0), 1);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
    assert_eq!(pool.remove(&[hashes[0], hashes[2]], 0), 2);
    assert_eq!(pool.status(), Default::default());
    assert!(pool.best(0, 0).next().is_none());
}

#[test]
fn a_debugged_pool_shows_counts_not_contents() {
    let pool = pool(&world(1, RICH), 0);
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    let text = format!("{pool:?}");
    assert!(text.contains("pending: 1") && text.len() < 200, "{text}");
    assert!(decode(&[]).is_err());
}
