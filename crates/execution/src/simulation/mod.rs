//! "What if": everything that runs code on a state and throws the outcome away.

mod access_list;
mod call;
mod estimate;
mod outcome;
mod overrides;
mod request;
mod session;
mod simulate;
mod trace;
mod transfers;

pub use outcome::{
    AccessListOutcome, CallOutcome, Overrides, SimulatedBlock, SimulatedCall, SimulatedFailure,
};

#[cfg(test)]
pub(crate) use {
    access_list::create_access_list, call::call, estimate::estimate_gas, simulate::simulate,
};
