//! Bytes that others rely on: members' disks, peers and Ethereum's tools. They are Ethereum's own
//! formats and so never change; when one of these tests fails, a library has gone wrong, or we have.

use crate::*;
use alloy_consensus::{
    Eip658Value, Receipt as InnerReceipt, ReceiptWithBloom, SignableTransaction, TxEip1559,
    TxEip2930, TxEip4844, TxEip7702, TxLegacy, TxType, transaction::RlpEcdsaEncodableTx,
};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip2930::{AccessList, AccessListItem},
    eip4895::Withdrawal,
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, LogData, Signature, TxKind, U256, hex};
use alloy_rlp::{Decodable, Encodable};

/// `r` and `s` of the example in EIP-155, whose message is of no account here.
fn signature() -> Signature {
    Signature::new(
        U256::from_be_bytes(hex!(
            "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        )),
        U256::from_be_bytes(hex!(
            "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
        )),
        false,
    )
}

fn signed<T>(transaction: T) -> Transaction
where
    T: SignableTransaction<Signature> + RlpEcdsaEncodableTx,
    Transaction: From<alloy_consensus::Signed<T>>,
{
    transaction.into_signed(signature()).into()
}

/// One transaction of each type, with a value in every field.
fn transactions() -> Vec<Transaction> {
    let (chain_id, nonce, gas_limit) = (1337, 9, 21_000);
    let (to, value) = (Address::repeat_byte(0x35), U256::from(10).pow(U256::from(18)));
    let input = Bytes::from_static(&[1, 2, 3]);
    let (max_fee_per_gas, max_priority_fee_per_gas) = (20_000_000_000, 1_000_000_000);
    let access_list = AccessList(vec![AccessListItem {
        address: Address::repeat_byte(0xac),
        storage_keys: vec![B256::with_last_byte(1), B256::repeat_byte(2)],
    }]);
    let authorization = Authorization { chain_id: U256::from(chain_id), address: to, nonce: 1 };
    let authorization =
        SignedAuthorization::new_unchecked(authorization, 1, U256::from(5), U256::from(6));
    vec![
        signed(TxLegacy {
            chain_id: Some(chain_id),
            nonce,
            gas_price: max_fee_per_gas,
            gas_limit,
            to: TxKind::Call(to),
            value,
            input: input.clone(),
        }),
        signed(TxEip2930 {
            chain_id,
            nonce,
            gas_price: max_fee_per_gas,
            gas_limit,
            to: TxKind::Call(to),
            value,
            access_list: access_list.clone(),
            input: input.clone(),
        }),
        signed(TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: TxKind::Create,
            value,
            access_list: access_list.clone(),
            input: input.clone(),
        }),
        signed(TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list: access_list.clone(),
            blob_versioned_hashes: vec![B256::repeat_byte(1)],
            max_fee_per_blob_gas: 7,
            input: input.clone(),
        }),
        signed(TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            authorization_list: vec![authorization],
            input,
        }),
    ]
}

/// A block with every field that a header has at Osaka, the transactions above and a withdrawal.
fn block() -> Block {
    let header = Header {
        parent_hash: B256::repeat_byte(1),
        ommers_hash: B256::repeat_byte(2),
        beneficiary: Address::repeat_byte(3),
        state_root: B256::repeat_byte(4),
        transactions_root: B256::repeat_byte(5),
        receipts_root: B256::repeat_byte(6),
        logs_bloom: Bloom::repeat_byte(7),
        difficulty: U256::ZERO,
        number: 8,
        gas_limit: 30_000_000,
        gas_used: 21_000,
        timestamp: 1_700_000_000,
        extra_data: Bytes::from_static(b"hanse"),
        mix_hash: B256::repeat_byte(9),
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(B256::repeat_byte(10)),
        blob_gas_used: Some(131_072),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::repeat_byte(11)),
        requests_hash: Some(B256::repeat_byte(12)),
        ..Header::default()
    };
    let mut block = Block::uncle(header);
    block.body.transactions = transactions();
    block.body.withdrawals = Some(
        vec![Withdrawal {
            index: 1,
            validator_index: 2,
            address: Address::repeat_byte(13),
            amount: 3,
        }]
        .into(),
    );
    block
}

fn receipt(kind: TxType) -> Receipt {
    let status = match kind {
        // A root after each transaction, as before Byzantium.
        TxType::Legacy => Eip658Value::PostState(B256::repeat_byte(1)),
        TxType::Eip2930 => Eip658Value::Eip658(false),
        _ => Eip658Value::Eip658(true),
    };
    let data = LogData::new_unchecked(vec![B256::with_last_byte(9)], Bytes::from_static(b"abc"));
    let logs = vec![Log { address: Address::repeat_byte(3), data }];
    let inner = InnerReceipt { status, cumulative_gas_used: 21_000, logs };
    Receipt::from_typed(kind, ReceiptWithBloom::from(inner))
}

/// Compares each line `name hex` of a fixture with the bytes of that name.
fn compare(fixture: &str, bytes: &[(String, Vec<u8>)]) {
    let lines = bytes.iter().map(|(name, bytes)| format!("{name} {}\n", hex::encode(bytes)));
    assert_eq!(lines.collect::<String>(), fixture);
}

#[test]
fn the_bytes_of_transactions_do_not_change() {
    let transactions = transactions();
    let bytes: Vec<_> = transactions
        .iter()
        .map(|one| (format!("{:?} {}", one.tx_type(), one.tx_hash()), one.encoded_2718()))
        .collect();
    compare(include_str!("fixtures/transactions.txt"), &bytes);
    for ((_, raw), transaction) in bytes.iter().zip(&transactions) {
        assert_eq!(Transaction::decode_2718_exact(raw).expect("it decodes"), *transaction);
    }
}

#[test]
fn the_bytes_of_receipts_do_not_change() {
    let kinds =
        [TxType::Legacy, TxType::Eip2930, TxType::Eip1559, TxType::Eip4844, TxType::Eip7702];
    let receipts = kinds.map(receipt);
    let bytes: Vec<_> =
        receipts.iter().map(|one| (format!("{:?}", one.tx_type()), one.encoded_2718())).collect();
    compare(include_str!("fixtures/receipts.txt"), &bytes);
    for ((_, raw), receipt) in bytes.iter().zip(&receipts) {
        assert_eq!(Receipt::decode_2718(&mut &raw[..]).expect("it decodes"), *receipt);
    }
}

#[test]
fn the_bytes_of_a_block_do_not_change() {
    let block = block();
    let mut bytes = Vec::new();
    block.encode(&mut bytes);
    let mut header = Vec::new();
    block.header.encode(&mut header);
    let hash = SealedBlock::new(block.clone()).hash();
    let lines = [(format!("header {hash}"), header.clone()), ("block".to_owned(), bytes.clone())];
    compare(include_str!("fixtures/block.txt"), &lines);
    assert_eq!(decode_block(&bytes).expect("it is a block"), block);
    assert_eq!(Header::decode(&mut &header[..]).expect("it is a header"), block.header);
}
