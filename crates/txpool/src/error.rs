use thiserror::Error;

/// Why a transaction was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PoolError {
    /// Placeholder.
    #[error("already known")]
    AlreadyKnown,
}
