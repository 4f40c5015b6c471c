use crate::decoding::{sign, signer};
use crate::world::*;
use alloy_consensus::{EthereumTxEnvelope, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{
    eip2718::Encodable2718,
    eip4844::{Bytes48, builder::SidecarBuilder},
    eip7594::Encodable7594,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use hanse_primitives::Transaction;
use hanse_txpool::{
    Account, Admitted, BlobRules, Decoded, Pool, PoolError, PoolSettings, Rules, Sidecar, decode,
};
use std::sync::{Arc, OnceLock};

type Pooled = EthereumTxEnvelope<TxEip4844WithSidecar<Sidecar>>;

/// Proofs take long to make: one sidecar of each version for all tests.
fn sidecars() -> &'static (Sidecar, Sidecar) {
    static SIDECARS: OnceLock<(Sidecar, Sidecar)> = OnceLock::new();
    SIDECARS.get_or_init(|| {
        let builder: SidecarBuilder = SidecarBuilder::from_slice(b"a bill of lading");
        let old = builder.clone().build_4844().expect("the builder makes valid blobs");
        let new = builder.build_7594().expect("the builder makes valid blobs");
        (Sidecar::Eip4844(old), Sidecar::Eip7594(new))
    })
}

fn blob(nonce: u64, fee: u128, hashes: Vec<B256>) -> TxEip4844 {
    TxEip4844 {
        chain_id: CHAIN,
        nonce,
        gas_limit: GAS,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        to: Address::repeat_byte(9),
        value: U256::ZERO,
        access_list: Default::default(),
        blob_versioned_hashes: hashes,
        max_fee_per_blob_gas: fee,
        input: Bytes::new(),
    }
}

fn raw_with(transaction: TxEip4844, sidecar: Sidecar) -> Bytes {
    let whole = TxEip4844WithSidecar::from_tx_and_sidecar(transaction, sidecar);
    Pooled::Eip4844(sign(&signer(0), whole)).encoded_2718().into()
}

fn raw(nonce: u64, fee: u128, sidecar: &Sidecar) -> Bytes {
    raw_with(blob(nonce, fee, sidecar.versioned_hashes().collect()), sidecar.clone())
}

fn blob_pool(osaka: bool) -> Pool {
    let mut rules = rules(0);
    rules.forks.osaka = osaka;
    pool_under(rules)
}

fn pool_under(rules: Rules) -> Pool {
    let mut world = world(0, 0);
    let account = Account { balance: U256::from(u128::MAX), ..Account::default() };
    world.accounts.insert(signer(0).address(), account);
    Pool::new(PoolSettings::default(), rules, Arc::new(world))
}

fn add_raw(pool: &Pool, raw: &Bytes) -> Result<Admitted, PoolError> {
    let hash = pool.submit(std::slice::from_ref(raw), 0).remove(0)?;
    Ok(pool.get(&hash).expect("it was admitted"))
}

fn refused(pool: &Pool, raw: &Bytes, text: &str) {
    let error = add_raw(pool, raw).expect_err(text);
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(pool.status(), Default::default());
}

#[test]
fn each_fork_takes_its_own_proofs() {
    let (old, new) = sidecars();
    for (osaka, right, wrong) in [(false, old, new), (true, new, old)] {
        let pool = blob_pool(osaka);
        refused(&pool, &raw(0, 5, wrong), "unexpected sidecar version");
        let bytes = raw(0, 5, right);
        let admitted = add_raw(&pool, &bytes).unwrap();
        assert_eq!(admitted.sidecar().map(|s| &**s), Some(right));
        assert_eq!(admitted.sender(), signer(0).address());
        assert_eq!(admitted.raw(), bytes, "gossip and journal carry the sidecar");
        assert_eq!((pool.status().bytes, admitted.size()), (bytes.len(), bytes.len()));
        // The block's form has no sidecar, and the hash is of that form.
        assert_eq!(
            admitted.hash(),
            &alloy_primitives::keccak256(admitted.transaction().encoded_2718())
        );
        assert_eq!(add_raw(&pool, &bytes).unwrap_err(), PoolError::AlreadyKnown);
    }
}

#[test]
fn a_wrong_proof_blob_commitment_or_hash_is_refused() {
    let (_, new) = sidecars();
    let pool = blob_pool(true);
    let Sidecar::Eip7594(good) = new else { unreachable!("it was built as such") };
    let hashes: Vec<B256> = new.versioned_hashes().collect();

    let mut bad = good.clone();
    bad.cell_proofs.swap(0, 1);
    refused(&pool, &raw(0, 5, &Sidecar::Eip7594(bad)), "invalid blob transaction");
    let mut bad = good.clone();
    bad.blobs[0][100] ^= 1;
    refused(&pool, &raw(0, 5, &Sidecar::Eip7594(bad)), "invalid blob transaction");
    let mut bad = good.clone();
    bad.commitments[0] = Bytes48::repeat_byte(0xc0);
    refused(&pool, &raw_with(blob(0, 5, hashes.clone()), Sidecar::Eip7594(bad)), "invalid blob");
    let mut bad = good.clone();
    bad.cell_proofs.pop();
    refused(&pool, &raw_with(blob(0, 5, hashes.clone()), Sidecar::Eip7594(bad)), "invalid");
    let other = vec![B256::repeat_byte(1)];
    refused(&pool, &raw_with(blob(0, 5, other), new.clone()), "invalid blob transaction");
    let two = [hashes.clone(), hashes].concat();
    refused(&pool, &raw_with(blob(0, 5, two), new.clone()), "1 blobs and 1 commitments for 2");
}

#[test]
fn blob_rules() {
    let (_, new) = sidecars();
    let pool = blob_pool(true);
    refused(&pool, &raw_with(blob(0, 5, vec![]), new.clone()), "blobless blob transaction");
    let many = vec![B256::ZERO; 7];
    refused(
        &pool,
        &raw_with(blob(0, 5, many), new.clone()),
        "too many blobs in transaction: have 7, permitted 6",
    );
    refused(&pool, &raw(0, 0, new), "blob fee cap underpriced");
    let mut early = rules(0);
    (early.forks.cancun, early.blobs) = (false, None);
    let error = add_raw(&pool_under(early), &raw(0, 5, new)).unwrap_err();
    assert_eq!(error, PoolError::Type { kind: 3, fork: "Cancun" });
}

#[test]
fn a_blob_transaction_needs_its_sidecar() {
    let (_, new) = sidecars();
    let bare: Transaction = sign(&signer(0), blob(0, 5, new.versioned_hashes().collect())).into();
    let error = decode(&bare.encoded_2718()).unwrap_err();
    assert_eq!(error.to_string(), "invalid blob transaction: missing sidecar");
    let recovered = hanse_primitives::recover(bare).unwrap();
    assert!(matches!(Decoded::new(recovered), Err(PoolError::Blob(_))));
}

#[test]
fn a_blob_fee_below_the_blocks_waits() {
    let (_, new) = sidecars();
    let fee = |fee| Rules { blobs: Some(BlobRules { fee, blobs_max: 6 }), ..rules(0) };
    let pool = pool_under(fee(6));
    add_raw(&pool, &raw(0, 5, new)).unwrap();
    assert_eq!((pool.status().pending, pool.status().queued), (0, 1));
    let mut world = world(0, 0);
    let account = Account { balance: U256::from(u128::MAX), ..Account::default() };
    world.accounts.insert(signer(0).address(), account);
    let follow = |rules: Rules| {
        pool.on_block(&[block(1, &[], &world)], &[], rules, Arc::new(world.clone()), 0).unwrap();
    };
    follow(fee(5));
    assert_eq!((pool.status().pending, pool.status().queued), (1, 0));
    assert_eq!((pool.best(0, 5).count(), pool.best(0, 6).count()), (1, 0));
    follow(fee(6));
    assert_eq!((pool.status().pending, pool.status().queued), (0, 1));
}

#[test]
fn a_blob_transaction_is_replaced_at_twice_the_fees_by_its_like_only() {
    let (_, new) = sidecars();
    let pool = blob_pool(true);
    add_raw(&pool, &raw(0, 10, new)).unwrap();
    let plain: Transaction = sign(&signer(0), plain(0, 900, 900)).into();
    let error = pool.submit(&[plain.encoded_2718().into()], 0).remove(0).unwrap_err();
    assert_eq!(error, PoolError::ReplacementType);
    let error = add_raw(&pool, &raw(0, 19, new)).unwrap_err();
    let expected =
        PoolError::ReplacementUnderpriced { max_fee: 20, priority_fee: 20, blob_fee: 20 };
    assert_eq!(error, expected);
    add_raw(&pool, &raw(0, 20, new)).unwrap();
    assert_eq!(pool.all().len(), 1);
}

#[test]
fn a_poor_sender_does_not_make_us_check_proofs() {
    // Proofs are dear to check, so all else comes first: the answer names the funds, not the proof.
    let (_, new) = sidecars();
    let Sidecar::Eip7594(mut bad) = new.clone() else { unreachable!("it was built as such") };
    bad.cell_proofs.swap(0, 1);
    let pool = pool(&world(0, 0), 0);
    let error = add_raw(&pool, &raw(0, 5, &Sidecar::Eip7594(bad))).unwrap_err();
    assert!(matches!(error, PoolError::InsufficientFunds(_)), "{error}");
    assert!(new.encode_7594_len() > 131_072);
}
