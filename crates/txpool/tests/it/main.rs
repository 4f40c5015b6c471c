//! The pool as its users see it.

mod blobs;
mod blocks;
mod decoding;
mod fairness;
mod model;
mod order;
mod queries;
mod reasons;
mod replacement;
mod rules;
mod world;
