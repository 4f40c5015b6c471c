use super::NodePath;
use crate::LedgerError;
use alloy_primitives::B256;
use std::fmt::Debug;

/// Where nodes of the latest persisted version are read from. One record a branch; leaves are in
/// the record of their parent.
pub(crate) trait NodeSource: Send + Sync + Debug {
    /// The record at `path` in the storage trie of the account with hashed address `owner`, or in
    /// the account trie when it is `None`.
    fn node(
        &self,
        owner: Option<&B256>,
        path: &NodePath,
    ) -> Result<Option<fjall::Slice>, LedgerError>;

    /// Calls `each` with the path of every record of one storage trie, in any order. Only needed
    /// when an account with storage was destroyed.
    fn paths(&self, owner: &B256, each: &mut dyn FnMut(NodePath)) -> Result<(), LedgerError>;
}

/// What takes the records that changed. Each place is named at most once in one
/// [`super::StateTrie::persist`], so the order of calls does not matter.
pub(crate) trait NodeSink {
    /// Writes or replaces a record.
    fn put(&mut self, owner: Option<&B256>, path: &NodePath, record: &[u8]);

    /// Removes a record; there may be none.
    fn delete(&mut self, owner: Option<&B256>, path: &NodePath);
}
