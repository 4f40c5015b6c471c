//! An order as the escrow's storage has it, for whoever has a proof of the storage and no EVM.
//!
//! `Escrow.sol` says where things are and how the state follows from the times. `tests/tools/light.mjs`
//! reads an order of a real network by it, paid and shipped.

use super::OrderState;
use alloy_primitives::{Address, B256, U256, keccak256};
use serde::Serialize;

/// Where the contract keeps `_orders`.
const ORDERS_SLOT: U256 = U256::ZERO;

/// Where it keeps `_currencies`.
const CURRENCIES_SLOT: U256 = U256::from_limbs([3, 0, 0, 0]);

/// What the storage says of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord {
    /// Where it stands.
    pub state: OrderState,
    /// Who paid.
    pub shopper: Address,
    /// Who sells.
    pub merchant: Address,
    /// Who delivers.
    pub carrier: Address,
    /// All the shopper pays, in minor units.
    #[serde(serialize_with = "text")]
    pub amount: u128,
    /// The carrier's part of it.
    #[serde(serialize_with = "text")]
    pub shipping_fee: u128,
    /// Returned to the shopper so far.
    #[serde(serialize_with = "text")]
    pub refunded: u128,
    /// The number under which the escrow knows the currency, from 1.
    pub currency_number: u32,
    /// Salted hash of the invoice.
    pub document: B256,
    /// When it was paid, in seconds since the Unix epoch.
    pub authorized_at: u64,
}

fn text<S: serde::Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

impl OrderRecord {
    /// The slots of an order.
    #[must_use]
    pub fn slots(order: B256) -> [U256; 5] {
        let base: U256 = keccak256([order, ORDERS_SLOT.into()].concat()).into();
        [0_u64, 1, 2, 3, 4].map(|at| base.wrapping_add(U256::from(at)))
    }

    /// The slot that holds the address of the currency with this number.
    #[must_use]
    pub fn currency_slot(number: u32) -> U256 {
        let base: U256 = keccak256(B256::from(CURRENCIES_SLOT)).into();
        base.wrapping_add(U256::from(number)).wrapping_sub(U256::from(1))
    }

    /// Reads the values of [`OrderRecord::slots`]; `None` when there is no such order.
    #[must_use]
    pub fn read(values: [U256; 5]) -> Option<Self> {
        let [sale, transport, payment, life, document] = values;
        let address = |word: U256| Address::from_word(word.into());
        let amount = |word: U256| u128::try_from(word >> 160).expect("96 bits are left");
        let seconds = |word: U256, shift: usize| -> u32 {
            u32::try_from((word >> shift) & U256::from(u32::MAX)).expect("32 bits are left")
        };
        let authorized_at = seconds(life, 0);
        if authorized_at == 0 {
            return None;
        }
        let (shipped_at, delivered_at) = (seconds(life, 32), seconds(life, 64));
        let (closed_at, deliver_by) = (seconds(life, 96), seconds(life, 128));
        let ship_by = seconds(transport, 224);
        let (paid, refunded) = (amount(payment), amount(life));
        let deadline = if shipped_at == 0 { ship_by } else { deliver_by };
        let state = match (delivered_at != 0, closed_at != 0) {
            (true, _) if refunded == paid => OrderState::Refunded,
            (true, true) => OrderState::Captured,
            (true, false) => OrderState::Delivered,
            (false, true) if closed_at > deadline => OrderState::Expired,
            (false, true) => OrderState::Cancelled,
            (false, false) if shipped_at == 0 => OrderState::Authorized,
            (false, false) => OrderState::Shipped,
        };
        Some(Self {
            state,
            shopper: address(payment),
            merchant: address(sale),
            carrier: address(transport),
            amount: paid,
            shipping_fee: amount(sale),
            refunded,
            currency_number: seconds(transport, 160),
            document: document.into(),
            authorized_at: authorized_at.into(),
        })
    }
}
