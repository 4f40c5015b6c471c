//! The Merkle-Patricia trie over the world state: accounts, and the storage of each.
//!
//! A [`StateTrie`] is one immutable version. [`StateTrie::apply`] makes another that shares every
//! node it did not change, so an unfinalized block costs only what it touched, forks are free, and
//! dropping a version frees what no other needs. Every node's hash is computed before `apply`
//! returns.
//!
//! ## Memory and disk
//! Branches (with the extension that leads to them) are nodes; leaves live inside their parent,
//! in memory as on disk. A branch that has been persisted may be unloaded ([`StateTrie::evict`]) and
//! is read again, and checked against its hash, when an update needs it. The store holds one version:
//! the latest persisted. Its descendants always find what they need there; an older version may find
//! a node replaced, which is [`TrieError::Node`].
//!
//! ## Not here
//! Which version is final, and when it is written (the tree and the store decide); flat reads of
//! accounts and slots (the store has them without a trie).

#![allow(dead_code, reason = "the tree and the store are being built on it")]

mod error;
mod path;
mod source;

pub(crate) use error::{NodeFault, NodeProblem, TrieError};
pub(crate) use path::NodePath;
pub(crate) use source::{NodeSink, NodeSource};

use crate::AccountProof;
use alloy_primitives::{Address, B256, U256};
use hanse_primitives::{AccountInfo, StateChanges};
use std::sync::Arc;

/// One version of the world state as a trie. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct StateTrie {
    source: Arc<dyn NodeSource>,
}

/// Nodes that have been handed to a sink and are not yet known to be durable.
#[derive(Debug)]
#[must_use = "nodes stay marked as changed until `confirm`"]
pub(crate) struct Unconfirmed(());

impl StateTrie {
    /// The state without accounts.
    pub(crate) fn empty(source: Arc<dyn NodeSource>) -> Self {
        todo!()
    }

    /// The persisted version, which has this root. Reads at most one node.
    ///
    /// # Errors
    /// [`TrieError`] when the store's root node has another hash, is missing or unreadable.
    pub(crate) fn open(source: Arc<dyn NodeSource>, root: B256) -> Result<Self, TrieError> {
        todo!()
    }

    /// The state root.
    pub(crate) fn root(&self) -> B256 {
        todo!()
    }

    /// The version after `changes`, with its root computed; this one is not touched.
    ///
    /// `info: None` removes the account with its storage; an account that is given keeps its storage
    /// unless it was cleared. Whether an empty account should exist is the caller's business.
    ///
    /// # Errors
    /// [`TrieError`] when a node had to be read and could not.
    pub(crate) fn apply(&self, changes: &StateChanges) -> Result<Self, TrieError> {
        todo!()
    }

    /// [`StateTrie::apply`] for a version that is not needed any more: nodes that no other version
    /// shares are changed in place.
    pub(crate) fn apply_owned(self, changes: &StateChanges) -> Result<Self, TrieError> {
        todo!()
    }

    /// An account and the root of its storage.
    pub(crate) fn account(
        &self,
        address: &Address,
    ) -> Result<Option<(AccountInfo, B256)>, TrieError> {
        todo!()
    }

    /// A slot; zero when it is not set.
    pub(crate) fn storage(&self, address: &Address, slot: &U256) -> Result<U256, TrieError> {
        todo!()
    }

    /// A proof of an account and some of its slots (EIP-1186), or that they do not exist.
    pub(crate) fn prove(
        &self,
        address: &Address,
        slots: &[U256],
    ) -> Result<AccountProof, TrieError> {
        todo!()
    }

    /// Hands `sink` all that differs from the persisted version. Versions must be persisted in
    /// chain order, each a descendant of the one before. Once the batch is durable and can be read
    /// from the source, call [`Unconfirmed::confirm`]; until then nothing is marked as persisted, so
    /// a batch that failed is simply written again.
    pub(crate) fn persist(&self, sink: &mut dyn NodeSink) -> Result<Unconfirmed, TrieError> {
        todo!()
    }

    /// Unloads persisted nodes that have not been changed for long until the version takes at most
    /// `bytes_max`, or as near to it as one call may come; changed nodes stay. Cheap when there is
    /// nothing to do. Other versions keep what they share until they are dropped: call it on a new
    /// head.
    pub(crate) fn evict(&mut self, bytes_max: usize) {
        todo!()
    }

    /// Bytes that the loaded nodes of this version take, shared or not.
    pub(crate) fn memory_bytes(&self) -> usize {
        todo!()
    }
}

impl Unconfirmed {
    /// Records written.
    pub(crate) fn records(&self) -> usize {
        todo!()
    }

    /// Marks the nodes as persisted, in this version and in all that share them.
    pub(crate) fn confirm(self) {
        todo!()
    }
}
