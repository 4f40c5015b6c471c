//! Receipts without what can be computed from the rest (the bloom filter).

use crate::codec::{Malformed, Reader, put_bytes, put_length, put_number};
use alloy_consensus::{Eip658Value, Receipt as Inner, ReceiptWithBloom, TxType};
use alloy_primitives::{Address, B256, Bytes, Log, LogData};
use hanse_primitives::Receipt;

const FAILED: u8 = 0;
const SUCCEEDED: u8 = 1;
const POST_STATE: u8 = 2;

/// Topics of one log (yellow paper, `LOG0` to `LOG4`).
const TOPICS_MAX: usize = 4;

pub(super) fn put_receipts(out: &mut Vec<u8>, receipts: &[Receipt]) {
    put_length(out, receipts.len());
    for receipt in receipts {
        let inner = inner(receipt);
        out.push(receipt.tx_type().into());
        match &inner.status {
            Eip658Value::Eip658(false) => out.push(FAILED),
            Eip658Value::Eip658(true) => out.push(SUCCEEDED),
            Eip658Value::PostState(root) => {
                out.push(POST_STATE);
                out.extend_from_slice(root.as_slice());
            }
        }
        put_number(out, inner.cumulative_gas_used);
        put_length(out, inner.logs.len());
        for log in &inner.logs {
            put_log(out, log);
        }
    }
}

fn put_log(out: &mut Vec<u8>, log: &Log) {
    out.extend_from_slice(log.address.as_slice());
    put_length(out, log.topics().len());
    for topic in log.topics() {
        out.extend_from_slice(topic.as_slice());
    }
    put_bytes(out, &log.data.data);
}

fn inner(receipt: &Receipt) -> &Inner {
    receipt.as_receipt().expect("every envelope holds a receipt")
}

pub(super) fn read_receipts(bytes: &[u8]) -> Result<Vec<Receipt>, Malformed> {
    let mut reader = Reader::new(bytes);
    let count = reader.length()?;
    let mut receipts = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = TxType::try_from(reader.byte()?)
            .map_err(|_| Malformed("a receipt of an unknown transaction type"))?;
        let status = match reader.byte()? {
            FAILED => Eip658Value::Eip658(false),
            SUCCEEDED => Eip658Value::Eip658(true),
            POST_STATE => Eip658Value::PostState(B256::from(reader.array()?)),
            _ => return Err(Malformed("a receipt with an unknown status")),
        };
        let cumulative_gas_used = reader.number()?;
        let count = reader.length()?;
        let mut logs = Vec::with_capacity(count);
        for _ in 0..count {
            logs.push(read_log(&mut reader)?);
        }
        let receipt = ReceiptWithBloom::from(Inner { status, cumulative_gas_used, logs });
        receipts.push(Receipt::from_typed(kind, receipt));
    }
    reader.end()?;
    Ok(receipts)
}

fn read_log(reader: &mut Reader<'_>) -> Result<Log, Malformed> {
    let address = Address::from(reader.array()?);
    let count = reader.length()?;
    if count > TOPICS_MAX {
        return Err(Malformed("a log with more than four topics"));
    }
    let mut topics = Vec::with_capacity(count);
    for _ in 0..count {
        topics.push(B256::from(reader.array()?));
    }
    let data = Bytes::copy_from_slice(reader.bytes()?);
    Ok(Log { address, data: LogData::new_unchecked(topics, data) })
}
