//! The engines over models of the chain.

mod bft;
mod chain;
mod pow;
mod pow_attack;
mod pow_chain;
mod pow_network;
mod solo;
