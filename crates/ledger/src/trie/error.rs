use super::NodePath;
use crate::LedgerError;
use alloy_primitives::B256;
use std::fmt;
use thiserror::Error;

/// Why a trie could not be read. What it means depends on which version was asked, which only the
/// caller knows: for the persisted version and its descendants it is damage, for an older view it is
/// a node that a later checkpoint has replaced.
#[derive(Debug, Error)]
pub(crate) enum TrieError {
    /// A node that the trie refers to is not what the store holds.
    #[error("{0}")]
    Node(NodeFault),
    /// The store could not be read.
    #[error(transparent)]
    Source(#[from] LedgerError),
}

/// Which node, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeFault {
    /// Hashed address whose storage trie it belongs to; `None` for the account trie.
    pub(crate) owner: Option<B256>,
    /// Where it is.
    pub(crate) path: NodePath,
    /// What is wrong.
    pub(crate) why: NodeProblem,
}

/// What is wrong with a stored node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeProblem {
    /// There is none.
    Missing,
    /// Its bytes are not a node.
    Malformed(&'static str),
    /// It is a node, with another hash.
    Mismatch,
}

impl fmt::Display for NodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Some(owner) => write!(f, "storage trie of {owner}, node {:?}: ", self.path)?,
            None => write!(f, "account trie, node {:?}: ", self.path)?,
        }
        match self.why {
            NodeProblem::Missing => f.write_str("it is missing"),
            NodeProblem::Malformed(what) => f.write_str(what),
            NodeProblem::Mismatch => f.write_str("it does not have the expected hash"),
        }
    }
}

impl From<TrieError> for LedgerError {
    /// For callers that read the persisted version or a descendant: a wrong node is damage.
    fn from(error: TrieError) -> Self {
        match error {
            TrieError::Node(fault) => Self::Corrupt(fault.to_string()),
            TrieError::Source(error) => error,
        }
    }
}
