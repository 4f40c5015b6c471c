//! Bounds of the business view.

/// Orders on one page of a list.
pub const PAGE_ORDERS_MAX: usize = 200;

/// Events kept of one order. The contract allows any number of partial refunds; beyond this the
/// view still counts them, and keeps the amounts right, but drops the entries.
pub const ORDER_EVENTS_MAX: usize = 256;

const _: () = assert!(PAGE_ORDERS_MAX > 0 && ORDER_EVENTS_MAX >= 8);
