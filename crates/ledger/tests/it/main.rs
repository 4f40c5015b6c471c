//! How the ledger behaves as a whole.

mod chain;
