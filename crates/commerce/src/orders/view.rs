use super::{
    Order, OrderEvent, OrderState, Place,
    event::{Opened, decode},
};
use crate::{CommerceError, limits};
use alloy_primitives::{Address, B256, LogData, U256};
use hanse_ledger::Past;
use hanse_primitives::Height;
use parking_lot::RwLock;
use serde::Serialize;
use std::collections::BTreeMap;

/// Follows the escrow through final blocks and answers questions about its orders.
///
/// In memory, about 1 KiB an order; rebuilt from the ledger at start.
#[derive(Debug)]
pub struct Orders {
    escrow: Address,
    book: RwLock<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// Orders in the sequence in which they were authorized; the index is their cursor.
    orders: Vec<Order>,
    by_id: BTreeMap<B256, usize>,
    counts: BTreeMap<OrderState, u64>,
    next: Height,
}

/// Which orders a list should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only those in this state.
    pub state: Option<OrderState>,
    /// Only those whose id, or a party's address, starts with this hexadecimal text.
    pub text: Option<String>,
}

/// A page of orders, newest first.
#[derive(Clone, Debug, Serialize)]
pub struct OrderPage {
    /// The orders.
    pub orders: Vec<Order>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
    /// All orders of the chain by state.
    pub counts: BTreeMap<OrderState, u64>,
}

impl Orders {
    /// An empty view of the escrow at this address.
    #[must_use]
    pub fn new(escrow: Address) -> Self {
        Self { escrow, book: RwLock::default() }
    }

    /// The height from which on blocks have not been read.
    #[must_use]
    pub fn next(&self) -> Height {
        self.book.read().next
    }

    /// Reads the next final block, as far as it is still there. A block that was read already is passed over.
    pub fn apply(&self, past: &Past) {
        let sealed = past.block();
        let mut book = self.book.write();
        if sealed.height() < book.next {
            return;
        }
        assert_eq!(sealed.height(), book.next, "final blocks come one by one");
        book.next = sealed.height().next();
        let mut log_index = 0;
        for one in past.transactions() {
            let Some((transaction, _, receipt)) = one.kept() else {
                log_index += one.log_count();
                continue;
            };
            for log in receipt.logs() {
                if log.address == self.escrow {
                    let place = Place {
                        transaction_hash: *transaction.tx_hash(),
                        block_number: sealed.height().0,
                        block_hash: sealed.hash(),
                        log_index,
                        timestamp: sealed.header().timestamp,
                    };
                    book.apply(&log.data, place);
                }
                log_index += 1;
            }
        }
    }

    /// Shows what another view of the same escrow has read, unless that is behind.
    pub fn replace(&self, other: Self) {
        let other = other.book.into_inner();
        let mut book = self.book.write();
        if other.next >= book.next {
            *book = other;
        }
    }

    /// One order with its events.
    #[must_use]
    pub fn get(&self, id: &B256) -> Option<Order> {
        let book = self.book.read();
        book.by_id.get(id).map(|at| book.orders[*at].clone())
    }

    /// How many orders are in each state.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<OrderState, u64> {
        self.book.read().counts.clone()
    }

    /// A page of orders, newest first; `cursor` is an earlier page's `next`.
    ///
    /// # Errors
    /// For a foreign cursor or a limit above [`limits::PAGE_ORDERS_MAX`].
    pub fn list(
        &self,
        filter: &OrderFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<OrderPage, CommerceError> {
        if limit > limits::PAGE_ORDERS_MAX {
            return Err(CommerceError::Limit { asked: limit, most: limits::PAGE_ORDERS_MAX });
        }
        let book = self.book.read();
        let before = match cursor {
            None => book.orders.len(),
            Some(text) => text
                .parse()
                .ok()
                .filter(|at| *at <= book.orders.len())
                .ok_or_else(|| CommerceError::Cursor(text.chars().take(40).collect()))?,
        };
        let mut page = OrderPage { orders: Vec::new(), next: None, counts: book.counts.clone() };
        let text = filter.text.as_ref().map(|text| text.to_ascii_lowercase());
        for at in (0..before).rev() {
            let order = &book.orders[at];
            if filter.state.is_some_and(|state| state != order.state)
                || text.as_ref().is_some_and(|text| !mentions(order, text))
            {
                continue;
            }
            if page.orders.len() == limit {
                page.next = Some((at + 1).to_string());
                break;
            }
            page.orders.push(Order { events: Vec::new(), ..order.clone() });
        }
        Ok(page)
    }
}

fn mentions(order: &Order, text: &str) -> bool {
    let parties = [order.shopper, order.merchant, order.carrier];
    format!("{:#x}", order.id).starts_with(text)
        || parties.iter().any(|party| format!("{party:#x}").starts_with(text))
}

impl Book {
    fn apply(&mut self, log: &LogData, place: Place) {
        let Some((id, happened, opened)) = decode(log) else { return };
        let event = OrderEvent { happened, place };
        let at = match self.by_id.get(&id) {
            Some(at) => *at,
            None => match self.open(id, opened, &event) {
                Some(at) => at,
                None => return,
            },
        };
        let order = &mut self.orders[at];
        let before = order.state;
        order.apply(event);
        let after = order.state;
        if before != after {
            let count = self.counts.entry(before).or_default();
            *count = count.checked_sub(1).expect("an order in this state was counted");
            *self.counts.entry(after).or_default() += 1;
        }
    }

    /// `None` for an event of an order of which the beginning is not there: it has been pruned.
    fn open(&mut self, id: B256, opened: Opened, event: &OrderEvent) -> Option<usize> {
        let opened = opened?;
        let at = self.orders.len();
        self.orders.push(Order {
            id,
            shopper: opened.shopper,
            merchant: opened.merchant,
            carrier: opened.terms.carrier,
            currency: opened.terms.currency,
            amount: U256::from(opened.terms.amount),
            shipping_fee: U256::from(opened.terms.shippingFee),
            state: OrderState::Authorized,
            refunded: U256::ZERO,
            authorized_at: event.place.timestamp,
            updated_at: event.place.timestamp,
            document: opened.terms.document,
            events: Vec::new(),
        });
        self.by_id.insert(id, at);
        *self.counts.entry(OrderState::Authorized).or_default() += 1;
        Some(at)
    }

    #[cfg(test)]
    pub(super) fn orders(&self) -> &[Order] {
        &self.orders
    }
}

#[cfg(test)]
impl Orders {
    /// Takes in one log as if a block had held it.
    pub(super) fn apply_log(&self, log: &LogData, place: Place) {
        self.book.write().apply(log, place);
    }

    pub(super) fn len(&self) -> usize {
        self.book.read().orders().len()
    }
}
