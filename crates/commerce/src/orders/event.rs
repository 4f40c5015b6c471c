use super::{IEscrow, IEscrow::IEscrowEvents, state::decimal};
use alloy_primitives::{Address, B256, LogData, TxHash, U256};
use alloy_sol_types::SolEventInterface;
use serde::Serialize;

/// Where on the ledger something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The transaction that did it.
    pub transaction_hash: TxHash,
    /// Height of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Position of the log within the block.
    pub log_index: u64,
    /// Unix seconds of the block.
    pub timestamp: u64,
}

/// One event of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderEvent {
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
}

/// What can happen to an order; the contract's events without their order id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "name", content = "data")]
#[allow(missing_docs, reason = "the fields are the contract's, documented in IEscrow.sol")]
pub enum Happened {
    /// The shopper paid into escrow.
    #[serde(rename_all = "camelCase")]
    Authorized {
        shopper: Address,
        merchant: Address,
        #[serde(serialize_with = "decimal")]
        amount: U256,
        #[serde(serialize_with = "decimal")]
        shipping_fee: U256,
    },
    /// The merchant handed over to the carrier.
    Shipped { carrier: Address, tracking: B256 },
    /// The carrier handed over to the shopper.
    Delivered { carrier: Address, proof: B256 },
    /// The escrow paid out.
    #[serde(rename_all = "camelCase")]
    Captured {
        #[serde(serialize_with = "decimal")]
        to_merchant: U256,
        #[serde(serialize_with = "decimal")]
        to_carrier: U256,
    },
    /// The order was voided.
    Cancelled { by: Address, reason: B256 },
    /// The order ran out of time.
    Expired {},
    /// The merchant paid back.
    Refunded {
        #[serde(serialize_with = "decimal")]
        amount: U256,
        reason: B256,
    },
}

/// The terms and parties of a new order, or `None` for every other event.
pub(super) type Opened = Option<IEscrow::Authorized>;

/// Reads one log of the escrow: the order id, what happened, and the terms when it is a new order.
/// `None` for a log that is not one of the interface's events.
pub(super) fn decode(log: &LogData) -> Option<(B256, Happened, Opened)> {
    use IEscrowEvents as E;
    let event = E::decode_raw_log(log.topics(), &log.data).ok()?;
    let (id, happened) = match event {
        E::Authorized(e) => {
            let happened = Happened::Authorized {
                shopper: e.shopper,
                merchant: e.merchant,
                amount: U256::from(e.terms.amount),
                shipping_fee: U256::from(e.terms.shippingFee),
            };
            return Some((e.orderId, happened, Some(e)));
        }
        E::Shipped(e) => {
            (e.orderId, Happened::Shipped { carrier: e.carrier, tracking: e.tracking })
        }
        E::Delivered(e) => (e.orderId, Happened::Delivered { carrier: e.carrier, proof: e.proof }),
        E::Captured(e) => {
            (e.orderId, Happened::Captured { to_merchant: e.toMerchant, to_carrier: e.toCarrier })
        }
        E::Cancelled(e) => (e.orderId, Happened::Cancelled { by: e.by, reason: e.reason }),
        E::Expired(e) => (e.orderId, Happened::Expired {}),
        // About an account's money, not about an order.
        E::Withheld(_) | E::Withdrawn(_) => return None,
        E::Refunded(e) => (e.orderId, Happened::Refunded { amount: e.amount, reason: e.reason }),
    };
    Some((id, happened, None))
}
