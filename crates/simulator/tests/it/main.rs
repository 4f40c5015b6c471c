//! Whole networks under each engine: fixed seeds and a fresh one, and the test of the laws themselves.

mod laws;
mod seeds;
