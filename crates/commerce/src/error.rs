use thiserror::Error;

/// A question to the business view that has no answer. Always the asker's fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommerceError {
    /// The cursor was not made by an earlier page.
    #[error("'{0}' is not a cursor of this list; start without one")]
    Cursor(String),
    /// More rows than one page may have.
    #[error("limit {asked} is above the most, {most}")]
    Limit {
        /// Rows asked for.
        asked: usize,
        /// Rows a page may have.
        most: usize,
    },
    /// No such order state.
    #[error("'{0}' is not an order state")]
    State(String),
}
