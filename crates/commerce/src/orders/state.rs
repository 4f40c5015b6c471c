use super::{OrderEvent, event::Happened};
use crate::{CommerceError, limits};
use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use std::str::FromStr;

/// Where an order stands; the names are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum OrderState {
    /// Paid into escrow.
    Authorized,
    /// With the carrier.
    Shipped,
    /// With the shopper, inspection running.
    Delivered,
    /// Paid out.
    Captured,
    /// Voided; money back.
    Cancelled,
    /// Out of time; money back.
    Expired,
    /// Paid back in full after delivery.
    Refunded,
}

impl OrderState {
    /// Every state, in the order in which they come about.
    pub const ALL: [Self; 7] = [
        Self::Authorized,
        Self::Shipped,
        Self::Delivered,
        Self::Captured,
        Self::Cancelled,
        Self::Expired,
        Self::Refunded,
    ];

    /// The name, as the contract spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorized => "Authorized",
            Self::Shipped => "Shipped",
            Self::Delivered => "Delivered",
            Self::Captured => "Captured",
            Self::Cancelled => "Cancelled",
            Self::Expired => "Expired",
            Self::Refunded => "Refunded",
        }
    }
}

impl FromStr for OrderState {
    type Err = CommerceError;

    fn from_str(text: &str) -> Result<Self, CommerceError> {
        let known = Self::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| CommerceError::State(text.chars().take(40).collect()))
    }
}

/// An order as its events tell it. Amounts in minor units of `currency`, as decimal strings in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The escrow's id of the order.
    pub id: B256,
    /// Who pays.
    pub shopper: Address,
    /// Who sells.
    pub merchant: Address,
    /// Who delivers.
    pub carrier: Address,
    /// Token contract of the currency.
    pub currency: Address,
    /// All the shopper pays, shipping included.
    #[serde(serialize_with = "decimal")]
    pub amount: U256,
    /// The carrier's part of it.
    #[serde(serialize_with = "decimal")]
    pub shipping_fee: U256,
    /// Where it stands.
    pub state: OrderState,
    /// Returned to the shopper so far.
    #[serde(serialize_with = "decimal")]
    pub refunded: U256,
    /// Unix seconds of the payment.
    pub authorized_at: u64,
    /// Unix seconds of the last event.
    pub updated_at: u64,
    /// Salted hash of the invoice.
    pub document: B256,
    /// What happened, oldest first.
    #[serde(skip)]
    pub events: Vec<OrderEvent>,
}

impl Order {
    /// Takes in the next event of this order.
    pub(super) fn apply(&mut self, event: OrderEvent) {
        self.updated_at = event.place.timestamp;
        match &event.happened {
            Happened::Authorized { .. } => {}
            Happened::Shipped { .. } => self.state = OrderState::Shipped,
            Happened::Delivered { .. } => self.state = OrderState::Delivered,
            Happened::Captured { .. } => self.state = OrderState::Captured,
            Happened::Cancelled { .. } => {
                self.state = OrderState::Cancelled;
                self.refunded = self.amount;
            }
            Happened::Expired {} => {
                self.state = OrderState::Expired;
                self.refunded = self.amount;
            }
            Happened::Refunded { amount, .. } => {
                self.refunded = self.refunded.saturating_add(*amount);
                if self.refunded >= self.amount {
                    self.state = OrderState::Refunded;
                }
            }
        }
        if self.events.len() < limits::ORDER_EVENTS_MAX {
            self.events.push(event);
        }
    }
}

/// JSON numbers lose digits beyond 2^53, so amounts are strings.
pub(super) fn decimal<S: serde::Serializer>(amount: &U256, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(amount)
}
