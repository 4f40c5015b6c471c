use super::*;
use crate::{CommerceError, limits};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;

const SHOPPER: Address = Address::repeat_byte(1);
const MERCHANT: Address = Address::repeat_byte(2);
const CARRIER: Address = Address::repeat_byte(3);

fn place(block: u64) -> Place {
    Place {
        transaction_hash: B256::with_last_byte(9),
        block_number: block,
        block_hash: B256::ZERO,
        log_index: 0,
        timestamp: 1000 + block,
    }
}

fn authorized(id: u8, amount: u128) -> IEscrow::Authorized {
    IEscrow::Authorized {
        orderId: B256::with_last_byte(id),
        shopper: SHOPPER,
        merchant: MERCHANT,
        terms: IEscrow::Terms {
            merchant: MERCHANT,
            carrier: CARRIER,
            currency: Address::repeat_byte(4),
            amount,
            shippingFee: 5,
            shipBy: 0,
            deliverBy: 0,
            inspectionSeconds: 0,
            document: B256::repeat_byte(7),
        },
    }
}

fn view_with(orders: u8) -> Orders {
    let view = Orders::new(Address::repeat_byte(0xee));
    for id in 1..=orders {
        view.apply_log(&authorized(id, 100).encode_log_data(), place(u64::from(id)));
    }
    view
}

#[test]
fn an_order_goes_from_payment_to_payout_to_refund() {
    let view = view_with(1);
    let id = B256::with_last_byte(1);
    let state = |view: &Orders| view.get(&id).expect("the order is known").state;
    assert_eq!(state(&view), OrderState::Authorized);
    let shipped = IEscrow::Shipped { orderId: id, carrier: CARRIER, tracking: B256::ZERO };
    view.apply_log(&shipped.encode_log_data(), place(2));
    assert_eq!(state(&view), OrderState::Shipped);
    let delivered = IEscrow::Delivered { orderId: id, carrier: CARRIER, proof: B256::ZERO };
    view.apply_log(&delivered.encode_log_data(), place(3));
    let captured =
        IEscrow::Captured { orderId: id, toMerchant: U256::from(95), toCarrier: U256::from(5) };
    view.apply_log(&captured.encode_log_data(), place(3));
    assert_eq!(state(&view), OrderState::Captured);
    for (part, after) in [(40u64, OrderState::Captured), (60, OrderState::Refunded)] {
        let refunded =
            IEscrow::Refunded { orderId: id, amount: U256::from(part), reason: B256::ZERO };
        view.apply_log(&refunded.encode_log_data(), place(4));
        assert_eq!(state(&view), after);
    }
    let order = view.get(&id).expect("the order is known");
    assert_eq!(order.refunded, order.amount);
    assert_eq!(order.events.len(), 6);
    assert_eq!(order.updated_at, 1004);
    assert_eq!(view.counts().get(&OrderState::Refunded), Some(&1));
    assert_eq!(view.counts().get(&OrderState::Captured), Some(&0));
}

#[test]
fn pages_hold_every_order_once_newest_first() {
    let view = view_with(25);
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = view.list(&OrderFilter::default(), cursor.as_deref(), 10).expect("a page");
        seen.extend(page.orders.iter().map(|order| order.id[31]));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let all: Vec<u8> = (1..=25).rev().collect();
    assert_eq!(seen, all);
}

#[test]
fn a_list_can_be_filtered_by_state_and_by_party() {
    let view = view_with(3);
    let cancelled =
        IEscrow::Cancelled { orderId: B256::with_last_byte(2), by: SHOPPER, reason: B256::ZERO };
    view.apply_log(&cancelled.encode_log_data(), place(4));
    let filter = OrderFilter { state: Some(OrderState::Cancelled), text: None };
    let page = view.list(&filter, None, 10).expect("a page");
    assert_eq!(page.orders.len(), 1);
    assert_eq!(page.orders[0].refunded, U256::from(100));
    let filter = OrderFilter { state: None, text: Some("0x0202".to_owned()) };
    assert_eq!(view.list(&filter, None, 10).expect("a page").orders.len(), 3);
    let filter = OrderFilter { state: None, text: Some("0x0909".to_owned()) };
    assert!(view.list(&filter, None, 10).expect("a page").orders.is_empty());
}

#[test]
fn wrong_questions_are_told_what_is_wrong() {
    let view = view_with(1);
    let all = OrderFilter::default();
    let cursor = |text| view.list(&all, Some(text), 10).map(|_| ());
    assert_eq!(cursor("x"), Err(CommerceError::Cursor("x".to_owned())));
    assert_eq!(cursor("2"), Err(CommerceError::Cursor("2".to_owned())));
    let most = limits::PAGE_ORDERS_MAX;
    let limit = view.list(&all, None, most + 1).map(|_| ());
    assert_eq!(limit, Err(CommerceError::Limit { asked: most + 1, most }));
    assert_eq!("captured".parse(), Ok(OrderState::Captured));
    assert!("paid".parse::<OrderState>().is_err());
}

#[test]
fn events_of_unknown_orders_and_foreign_logs_are_passed_over() {
    let view = view_with(0);
    let id = B256::with_last_byte(1);
    let shipped = IEscrow::Shipped { orderId: id, carrier: CARRIER, tracking: B256::ZERO };
    view.apply_log(&shipped.encode_log_data(), place(1));
    let mut garbage = authorized(1, 1).encode_log_data();
    garbage.data = garbage.data.slice(..40);
    view.apply_log(&garbage, place(1));
    assert_eq!(view.len(), 0);
}

#[test]
fn amounts_are_strings_in_json() {
    let view = view_with(1);
    let order = view.get(&B256::with_last_byte(1)).expect("the order is known");
    let json = serde_json::to_value(&order).expect("an order is JSON");
    assert_eq!(json["amount"], "100");
    assert_eq!(json["state"], "Authorized");
    let event = serde_json::to_value(&order.events[0]).expect("an event is JSON");
    assert_eq!(event["name"], "Authorized");
    assert_eq!(event["data"]["shippingFee"], "5");
    assert_eq!(event["blockNumber"], 1);
}
