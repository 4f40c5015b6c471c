use crate::world::*;
use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{eip2718::Encodable2718, eip7702::Authorization};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_primitives::Transaction;
use hanse_txpool::{Admitted, Fault, PoolError, decode, decode_all};
use proptest::prelude::*;

pub(crate) fn signer(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[n + 1; 32]).expect("the number is a key")
}

pub(crate) fn sign<T: SignableTransaction<Signature>>(
    signer: &PrivateKeySigner,
    tx: T,
) -> Signed<T> {
    let signature = signer.sign_hash_sync(&tx.signature_hash()).expect("a key in memory signs");
    tx.into_signed(signature)
}

fn signed(signer: &PrivateKeySigner, nonce: u64) -> Transaction {
    sign(signer, plain(nonce, 0, 0)).into()
}

fn raw(transaction: &Transaction) -> Bytes {
    transaction.encoded_2718().into()
}

fn one_of_each_type(signer: &PrivateKeySigner) -> Vec<Transaction> {
    let to = TxKind::Call(Address::repeat_byte(1));
    let legacy = TxLegacy { chain_id: Some(CHAIN), to, gas_limit: GAS, ..TxLegacy::default() };
    let list = TxEip2930 { chain_id: CHAIN, to, gas_limit: GAS, ..TxEip2930::default() };
    let delegate = Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0 };
    let set_code = TxEip7702 {
        chain_id: CHAIN,
        gas_limit: GAS,
        authorization_list: vec![delegate.into_signed(Signature::test_signature())],
        ..TxEip7702::default()
    };
    vec![
        sign(signer, legacy.clone()).into(),
        sign(signer, TxLegacy { chain_id: None, ..legacy }).into(),
        sign(signer, list).into(),
        sign(signer, plain(0, 5, 1)).into(),
        sign(signer, set_code).into(),
    ]
}

#[test]
fn each_type_is_read_with_its_sender_and_hash() {
    let signer = signer(0);
    for transaction in one_of_each_type(&signer) {
        let decoded = decode(&raw(&transaction)).unwrap();
        assert_eq!(decoded.sender(), signer.address());
        assert_eq!(*decoded.hash(), keccak256(raw(&transaction)));
        assert_eq!(decoded.hash(), transaction.tx_hash());
    }
}

#[test]
fn a_batch_is_read_in_order_wherever_each_is_read() {
    for count in [0_u8, 1, 7, 8, 100] {
        let signers: Vec<_> = (0..count).map(signer).collect();
        let mut batch: Vec<Bytes> = signers.iter().map(|s| raw(&signed(s, 3))).collect();
        if count > 5 {
            batch[5] = Bytes::from_static(b"\x02nonsense");
        }
        let decoded = decode_all(&batch);
        assert_eq!(decoded.len(), batch.len());
        for (n, (signer, decoded)) in signers.iter().zip(decoded).enumerate() {
            match decoded {
                Ok(decoded) => assert_eq!(decoded.sender(), signer.address()),
                Err(error) => assert!(n == 5 && matches!(error, PoolError::Decode(_)), "{error}"),
            }
        }
    }
}

#[test]
fn raw_transactions_are_submitted_and_come_back_as_they_were() {
    let signers: Vec<_> = (0..10).map(signer).collect();
    let batch: Vec<Bytes> = signers.iter().map(|s| raw(&signed(s, 0))).collect();
    let pool = pool(&world(0, 0), 0);
    let hashes: Vec<_> = pool.submit(&batch, 0).into_iter().map(Result::unwrap).collect();
    assert_eq!(pool.status().pending, 10);
    assert!(pool.submit(&batch, 0).iter().all(|r| *r == Err(PoolError::AlreadyKnown)));
    // Twice in one batch, with nonsense between: each answer is for the transaction in its place.
    let more = vec![raw(&signed(&signers[0], 1)), Bytes::new(), raw(&signed(&signers[0], 1))];
    let results = pool.submit(&more, 0);
    assert!(results[0].is_ok());
    assert!(matches!(results[1], Err(PoolError::Decode(_))));
    assert_eq!(results[2], Err(PoolError::AlreadyKnown));

    // What a journal would hold makes the same pool after a restart.
    let journal: Vec<Bytes> = pool.all().iter().map(Admitted::raw).collect();
    assert_eq!(journal[..10], batch[..]);
    let restarted = crate::world::pool(&world(0, 0), 0);
    assert!(restarted.submit(&journal, 0).iter().all(Result::is_ok));
    assert_eq!(restarted.pending_hashes(), pool.pending_hashes());
    assert_eq!(restarted.status(), pool.status());
    assert_eq!(restarted.pending_hashes()[..10], hashes[..]);
}

#[test]
fn a_high_s_signature_is_refused() {
    // EIP-2: of the two signatures that anyone can make of one, only the one with the lower s counts,
    // or a transaction could be changed on its way into another with another hash.
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    );
    let transaction: Signed<TxEip1559> = sign(&signer(0), plain(0, 5, 1));
    let (tx, signature, _) = transaction.into_parts();
    let mirrored = Signature::new(signature.r(), order.unwrap() - signature.s(), !signature.v());
    let transaction: Transaction = tx.into_signed(mirrored).into();
    let error = decode(&raw(&transaction)).unwrap_err();
    assert_eq!(error, PoolError::Signature);
    assert_eq!(error.fault(), Fault::Sender);
}

#[test]
fn size_is_checked_before_anything_else() {
    let huge = vec![2; 128 * 1024 + 1];
    assert_eq!(decode(&huge).unwrap_err(), PoolError::Oversized { size: 131_073, limit: 131_072 });
    let huge = vec![3; 2 * 1024 * 1024];
    assert!(matches!(decode(&huge).unwrap_err(), PoolError::Oversized { .. }));
}

#[test]
fn nothing_may_follow_a_transaction_and_nothing_be_missing() {
    for transaction in one_of_each_type(&signer(1)) {
        let mut bytes = transaction.encoded_2718();
        bytes.push(0);
        assert!(matches!(decode(&bytes), Err(PoolError::Decode(_))));
        for end in 0..bytes.len() - 1 {
            assert!(decode(&bytes[..end]).is_err(), "{end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn hostile_bytes_are_refused_not_feared(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0_u8..6) {
        let _ = decode(&bytes);
        let mut typed = vec![kind];
        typed.extend(&bytes);
        let _ = decode(&typed);
    }

    #[test]
    fn a_changed_byte_never_keeps_both_hash_and_sender(kind in 0_usize..5, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let signer = signer(2);
        let transaction = &one_of_each_type(&signer)[kind];
        let mut bytes = transaction.encoded_2718();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(decoded) = decode(&bytes) {
            prop_assert_ne!(decoded.hash(), transaction.tx_hash());
            prop_assert_ne!(decoded.sender(), signer.address());
            // It goes through admission without harm as well.
            let _ = pool(&world(0, 0), 0).add(vec![decoded], 0);
        }
    }
}
