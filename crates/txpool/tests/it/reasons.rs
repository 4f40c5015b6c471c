//! One test for each reason to refuse a transaction, with the text that wallets see.

use crate::world::*;
use alloy_consensus::{TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{eip2930::AccessListItem, eip7702::Authorization};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use hanse_txpool::{Fault, Forks, Pool, PoolError, PoolSettings, Rules};
use std::sync::Arc;

fn fresh() -> Pool {
    pool(&world(2, RICH), 0)
}

fn refused(result: Result<impl Sized, PoolError>, text: &str) -> PoolError {
    let Err(error) = result else { panic!("not refused: {text}") };
    assert_eq!(error.to_string(), text);
    error
}

#[test]
fn already_known() {
    let pool = fresh();
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    refused(add(&pool, address(0), plain(0, 5, 1)), "already known");
    let twice = vec![claim(address(1), plain(0, 5, 1)); 2];
    let results = pool.add(twice, 0);
    assert!(results[0].is_ok());
    assert_eq!(results[1], Err(PoolError::AlreadyKnown));
}

#[test]
fn nonce_too_low() {
    let mut world = world(1, RICH);
    world.accounts.get_mut(&address(0)).unwrap().nonce = 5;
    let error = refused(
        add(&pool(&world, 0), address(0), plain(3, 5, 1)),
        "nonce too low: next nonce 5, tx nonce 3",
    );
    assert_eq!(error.fault(), Fault::Sender);
}

#[test]
fn nonce_has_max_value() {
    refused(
        add(&fresh(), address(0), plain(u64::MAX, 5, 1)),
        "nonce has max value: 18446744073709551615",
    );
    // The nonce before it can be used, by an account that is there.
    add(&fresh(), address(0), plain(u64::MAX - 1, 5, 1)).unwrap();
}

#[test]
fn another_chain() {
    let mut foreign = plain(0, 5, 1);
    foreign.chain_id = 1;
    refused(
        add(&fresh(), address(0), foreign),
        "invalid sender: invalid chain id for signer: have 1 want 1337",
    );
}

#[test]
fn no_chain() {
    let legacy = || TxLegacy {
        chain_id: None,
        gas_limit: GAS,
        to: TxKind::Call(Address::ZERO),
        ..TxLegacy::default()
    };
    refused(
        add(&fresh(), address(0), legacy()),
        "only replay-protected (EIP-155) transactions allowed over RPC",
    );
    let settings = PoolSettings { chain_id_required: false, ..PoolSettings::default() };
    add(&pool_with(settings, &world(1, RICH), 0), address(0), legacy()).unwrap();
}

#[test]
fn types_come_with_their_forks() {
    let old = Rules { forks: Forks::default(), ..rules(0) };
    let pool = Pool::new(PoolSettings::default(), old, Arc::new(world(1, RICH)));
    let to = TxKind::Call(Address::ZERO);
    let legacy = TxLegacy { chain_id: Some(CHAIN), gas_limit: GAS, to, ..TxLegacy::default() };
    add(&pool, address(0), legacy).unwrap();
    let list = TxEip2930 { chain_id: CHAIN, gas_limit: GAS, to, ..TxEip2930::default() };
    refused(add(&pool, address(0), list), "transaction type not supported: type 1 needs Berlin");
    refused(
        add(&pool, address(0), plain(0, 5, 1)),
        "transaction type not supported: type 2 needs London",
    );
    let set_code = TxEip7702 { chain_id: CHAIN, gas_limit: GAS, ..TxEip7702::default() };
    refused(
        add(&pool, address(0), set_code),
        "transaction type not supported: type 4 needs Prague",
    );
}

#[test]
fn insufficient_funds() {
    // 100,000 gas at 5 wei, and 7 of value, of 500,000.
    let pool = pool(&world(1, 500_000), 0);
    let dear = |nonce| {
        let mut transaction = plain(nonce, 5, 1);
        transaction.value = U256::from(7);
        transaction
    };
    refused(
        add(&pool, address(0), dear(0)),
        "insufficient funds for gas * price + value: balance 500000, tx cost 500007, overshot 7",
    );
    add(&pool, address(0), plain(0, 4, 1)).unwrap();
    refused(
        add(&pool, address(0), plain(1, 2, 1)),
        "insufficient funds for gas * price + value: balance 500000, queued cost 400000, tx cost 200000, overshot 100000",
    );
    // The replaced one is not counted.
    add(&pool, address(0), plain(0, 5, 2)).unwrap();
    assert_eq!(pool.status().pending, 1);
    // An account that does not exist has nothing, but may send what costs nothing.
    assert!(add(&pool, address(7), plain(0, 1, 0)).is_err());
    add(&pool, address(7), plain(0, 0, 0)).unwrap();
}

#[test]
fn a_cost_beyond_256_bits() {
    let mut transaction = plain(0, u128::MAX, 1);
    transaction.value = U256::MAX;
    let decoded = hanse_txpool::Decoded::new(claimed(address(0), transaction));
    refused(decoded, "insufficient funds for gas * price + value: the cost exceeds 256 bits");
}

#[test]
fn block_gas_limit_and_gas_cap() {
    let pool = fresh();
    let with_gas = |gas_limit| {
        let mut transaction = plain(0, 5, 1);
        transaction.gas_limit = gas_limit;
        transaction
    };
    refused(
        add(&pool, address(0), with_gas((1 << 24) + 1)),
        "transaction gas limit too high (cap: 16777216, tx: 16777217)",
    );
    let mut before_osaka = rules(0);
    before_osaka.forks.osaka = false;
    let pool = Pool::new(PoolSettings::default(), before_osaka, Arc::new(world(1, RICH)));
    refused(
        add(&pool, address(0), with_gas(30_000_001)),
        "exceeds block gas limit: gas 30000001, limit 30000000",
    );
    add(&pool, address(0), with_gas(30_000_000)).unwrap();
}

#[test]
fn intrinsic_gas() {
    let pool = fresh();
    // Sums from EIP-2028, EIP-2930, EIP-3860 and EIP-7702, worked out by hand.
    let mut call = plain(0, 5, 1);
    call.input = Bytes::from_static(&[0, 0, 1]);
    call.access_list.0.push(AccessListItem {
        address: Address::ZERO,
        storage_keys: vec![B256::ZERO, B256::ZERO],
    });
    let needed = 21_000 + 2 * 4 + 16 + 2_400 + 2 * 1_900;
    call.gas_limit = needed - 1;
    refused(
        add(&pool, address(0), call.clone()),
        "intrinsic gas too low: gas 27223, minimum needed 27224",
    );
    call.gas_limit = needed;
    add(&pool, address(0), call).unwrap();

    let mut create = plain(1, 5, 1);
    create.to = TxKind::Create;
    create.input = Bytes::from(vec![0; 33]);
    create.gas_limit = 21_000 + 32_000 + 33 * 4 + 2 * 2 - 1;
    refused(
        add(&pool, address(0), create),
        "intrinsic gas too low: gas 53135, minimum needed 53136",
    );

    let signature = Signature::test_signature();
    let delegate = Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0 };
    let set_code = TxEip7702 {
        chain_id: CHAIN,
        nonce: 1,
        gas_limit: 45_999,
        authorization_list: vec![delegate.into_signed(signature)],
        ..TxEip7702::default()
    };
    refused(
        add(&pool, address(0), set_code),
        "intrinsic gas too low: gas 45999, minimum needed 46000",
    );
}

#[test]
fn calldata_floor() {
    let mut data = plain(0, 5, 1);
    data.input = Bytes::from(vec![1; 1_000]);
    data.gas_limit = 21_000 + 40 * 1_000 - 1;
    refused(
        add(&fresh(), address(0), data.clone()),
        "insufficient gas for floor data gas cost: gas 60999, minimum needed 61000",
    );
    let mut before_prague = rules(0);
    before_prague.forks.prague = false;
    before_prague.forks.osaka = false;
    let pool = Pool::new(PoolSettings::default(), before_prague, Arc::new(world(1, RICH)));
    add(&pool, address(0), data).unwrap();
}

#[test]
fn init_code_size() {
    let mut create = plain(0, 5, 1);
    create.to = TxKind::Create;
    create.gas_limit = 10_000_000;
    create.input = Bytes::from(vec![0; 49_153]);
    refused(
        add(&fresh(), address(0), create.clone()),
        "max initcode size exceeded: code size 49153, limit 49152",
    );
    create.input = create.input.slice(1..);
    add(&fresh(), address(0), create).unwrap();
}

#[test]
fn oversized() {
    let mut large = plain(0, 5, 1);
    large.input = Bytes::from(vec![0; 128 * 1024]);
    let decoded = hanse_txpool::Decoded::new(claimed(address(0), large));
    let error = decoded.unwrap_err().to_string();
    assert!(error.starts_with("oversized data: transaction size 131"), "{error}");
    assert!(error.ends_with("limit 131072"), "{error}");
}

#[test]
fn tip_above_fee_cap_and_below_the_minimum() {
    refused(
        add(&fresh(), address(0), plain(0, 5, 6)),
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 6, maxFeePerGas: 5",
    );
    let settings = PoolSettings { priority_fee_min: 3, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(1, RICH), 0);
    let error = refused(
        add(&pool, address(0), plain(0, 5, 2)),
        "transaction underpriced: tip needed 3, tip permitted 2",
    );
    assert_eq!(error.fault(), Fault::Full);
    add(&pool, address(0), plain(0, 5, 3)).unwrap();
}

#[test]
fn a_fee_below_the_base_fee_waits() {
    let mut world = world(1, RICH);
    let pool = pool(&world, 10);
    add(&pool, address(0), plain(0, 9, 1)).unwrap();
    assert_eq!((pool.status().pending, pool.status().queued), (0, 1));
    assert_eq!(pool.best(10, 0).count(), 0);
    let executed = block(1, &[], &world);
    let told = pool.on_block(&[executed], &[], rules(9), Arc::new(world.clone()), 0);
    told.unwrap();
    assert_eq!((pool.status().pending, pool.status().queued), (1, 0));
    let best: Vec<_> = pool.best(9, 0).collect();
    include(&pool, &mut world, &best);
    assert_eq!(pool.status(), Default::default());
}

#[test]
fn a_sender_with_code() {
    let mut world = world(1, RICH);
    world.accounts.get_mut(&address(0)).unwrap().has_code = true;
    let error = add(&pool(&world, 0), address(0), plain(0, 5, 1)).unwrap_err();
    assert_eq!(error, PoolError::SenderHasCode(address(0)));
    assert!(error.to_string().starts_with("sender not an eoa"), "{error}");
}

#[test]
fn nothing_authorized() {
    let set_code = TxEip7702 { chain_id: CHAIN, gas_limit: GAS, ..TxEip7702::default() };
    refused(
        add(&fresh(), address(0), set_code),
        "set code tx must have at least one authorization tuple",
    );
}

#[test]
fn a_sender_at_its_limit_may_still_close_a_gap() {
    let settings = PoolSettings { sender_transactions_max: 3, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(1, RICH), 0);
    for nonce in [1, 2, 3] {
        add(&pool, address(0), plain(nonce, 5, 1)).unwrap();
    }
    let error = add(&pool, address(0), plain(4, 5, 1)).unwrap_err();
    assert_eq!(error, PoolError::SenderLimit { sender: address(0), limit: 3 });
    assert_eq!(error.fault(), Fault::Full);
    // Without this nonce none of the others could ever run: the last gives way.
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    assert_eq!((pool.status().pending, pool.status().queued), (3, 0));
    assert_eq!(names(pool.best(0, 0)), [(0, 0), (0, 1), (0, 2)]);
}

#[test]
fn each_sender_may_have_one_transaction_at_least() {
    let settings = PoolSettings { sender_transactions_max: 0, ..PoolSettings::default() };
    let pool = pool_with(settings, &world(1, RICH), 0);
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    assert!(add(&pool, address(0), plain(1, 5, 1)).is_err());
    assert_eq!((pool.status().pending, pool.status().senders), (1, 1));
}

#[test]
fn a_broken_store_is_our_fault() {
    let mut world = world(1, RICH);
    world.broken = true;
    let pool = pool(&world, 0);
    let error = add(&pool, address(0), plain(0, 5, 1)).unwrap_err();
    assert_eq!(error, PoolError::State("the disk failed".to_owned()));
    assert_eq!(error.fault(), Fault::Internal);
    assert_eq!(pool.status(), Default::default());
}

#[test]
fn results_come_in_the_order_of_the_batch() {
    let pool = fresh();
    let batch = vec![
        claim(address(0), plain(0, 5, 1)),
        claim(address(0), plain(0, 5, 6)),
        claim(address(0), plain(1, 5, 1)),
    ];
    let hashes: Vec<_> = batch.iter().map(|decoded| *decoded.hash()).collect();
    let results = pool.add(batch, 0);
    assert_eq!(results[0], Ok(hashes[0]));
    assert!(matches!(results[1], Err(PoolError::TipAboveFeeCap { .. })));
    assert_eq!(results[2], Ok(hashes[2]));
}
