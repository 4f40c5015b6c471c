use crate::PoolError;
use alloy_primitives::{Address, U256};
use hanse_primitives::RecoveredTransaction;
use std::fmt;

/// The part of an account that admission looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Next nonce.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// It has code other than an EIP-7702 delegation (such an account cannot send, EIP-3607).
    pub has_code: bool,
}

/// Where the pool looks accounts up: the state of one block, which never changes.
///
/// The pool keeps it until the next head, so that what it believes of an account always belongs to
/// the same block as its [`crate::Rules`], whichever thread adds a transaction and whenever.
pub trait Accounts: Send + Sync {
    /// The account; default when there is none.
    ///
    /// # Errors
    /// A text when the store failed.
    fn account(&self, address: &Address) -> Result<Account, String>;

    /// Whether the law of the network lets the sender send this transaction; everything is allowed where
    /// nothing is said.
    ///
    /// # Errors
    /// [`PoolError::Forbidden`] with the reason, [`PoolError::State`] when the store failed.
    fn permits(&self, _transaction: &RecoveredTransaction) -> Result<(), PoolError> {
        Ok(())
    }
}

impl fmt::Debug for dyn Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accounts")
    }
}
