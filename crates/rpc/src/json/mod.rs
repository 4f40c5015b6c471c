//! Shapes: how blocks, transactions, receipts and logs look in JSON. They are our own and not a
//! library's, since the recorded answers of the specification are the measure, field by field.

mod block;
mod hex;
mod log;
mod receipt;
mod transaction;

pub(crate) use block::{BlockJson, HeaderJson, SimulatedBlockJson};
pub(crate) use hex::{Hex, hex};
pub(crate) use log::{Emitter, LogJson};
pub(crate) use receipt::{ReceiptContext, ReceiptJson, block_receipts};
pub(crate) use transaction::{Place, TransactionJson};
