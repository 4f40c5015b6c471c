//! Transactions as senders bring them: EIP-2718 bytes that the pool decodes and keeps.

use super::{
    Seeds, Target,
    world::{World, blob, create, emit, set_code, transfer},
};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::Bytes;
use hanse_primitives::{Transaction, recover};
use hanse_txpool::{Pool, PoolSettings, Rules, decode};

/// Decodes a transaction and offers it to a pool. True when the pool keeps it.
///
/// What decodes has one encoding, one sender, and a hash over its bytes; what the pool keeps is
/// told again byte for byte, since gossip and the journal depend on it.
#[must_use]
pub fn transactions() -> Target {
    let world = World::new();
    let head = world.head();
    let rules = Rules::next(&world.spec, &head, head.timestamp + 1);
    let accounts = world.accounts();
    Box::new(move |bytes| {
        let decoded = decode(bytes);
        if let Ok(plain) = Transaction::decode_2718_exact(bytes) {
            check_plain(plain, bytes, decoded.as_ref().ok());
        }
        let Ok(decoded) = decoded else { return false };
        assert!(decode(bytes).is_ok_and(|again| again.hash() == decoded.hash()));
        let pool = Pool::new(PoolSettings::default(), rules.clone(), accounts.clone());
        let outcome = pool.submit(&[Bytes::copy_from_slice(bytes)], 0);
        let Some(Ok(hash)) = outcome.first() else {
            assert_eq!(pool.status().bytes, 0, "what is refused takes no room");
            return false;
        };
        assert_eq!(hash, decoded.hash());
        let kept = pool.get(hash).expect("it was admitted");
        assert_eq!(kept.raw().as_ref(), bytes, "a transaction is passed on as it came");
        assert_eq!((kept.sender(), kept.size()), (decoded.sender(), bytes.len()));
        assert_eq!(pool.remove(&[*hash], 0), 1);
        assert_eq!(pool.status(), hanse_txpool::PoolStatus::default());
        true
    })
}

fn check_plain(plain: Transaction, bytes: &[u8], decoded: Option<&hanse_txpool::Decoded>) {
    assert_eq!(plain.encoded_2718(), bytes, "a transaction has one encoding");
    let recovered = recover(plain);
    if let Some(decoded) = decoded {
        let recovered = recovered.expect("the pool has found a sender");
        assert_eq!(recovered.signer(), decoded.sender());
        assert_eq!(recovered.tx_hash(), decoded.hash());
    }
}

/// One of each type.
pub(super) fn seeds() -> Seeds {
    let named =
        |name: &str, transaction: Transaction| (name.to_owned(), transaction.encoded_2718());
    vec![
        named("good-legacy", transfer(4)),
        named("good-access-list", emit(4)),
        named("good-dynamic-fee", create(4)),
        named("good-set-code", set_code(9)),
        named("without-sidecar", blob(4)),
        named("used-nonce", transfer(0)),
    ]
}
