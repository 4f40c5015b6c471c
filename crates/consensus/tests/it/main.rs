//! The engines over models of the chain.

mod bft;
mod chain;
mod solo;
