//! The solo engine over a model of the chain.

mod chain;
mod solo;
