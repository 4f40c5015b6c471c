//! Orders from payment to payout, as the escrow's events tell them.
//!
//! The law is `contracts/src/orders/Escrow.sol`; its interface is [`IEscrow`]. This module reads
//! what the escrow did and never repeats its rules: the one thing it derives is the state that an
//! event leads to.

mod bindings;
mod event;
mod record;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use bindings::{
    ICurrency, IEscrow, currency::Currency as CurrencyContract, escrow::Escrow as EscrowContract,
};
pub use event::{Happened, OrderEvent, Place};
pub use record::OrderRecord;
pub use state::{Order, OrderState};
pub use view::{OrderFilter, OrderPage, Orders};
