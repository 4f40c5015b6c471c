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

mod account;
mod error;
mod evict;
mod gathered;
mod node;
mod path;
mod persist;
mod read;
mod record;
mod rlp;
mod source;
#[cfg(test)]
mod tests;
mod update;

pub(crate) use error::TrieError;
pub(crate) use gathered::Gathered;
pub(crate) use path::NodePath;
pub(crate) use source::{NodeSink, NodeSource};

use account::Account;
use alloy_primitives::B256;
use alloy_trie::EMPTY_ROOT_HASH;
use evict::Sweep;
use hanse_primitives::StateChanges;
use node::{Entry, NodeRef};
use persist::Vacated;
use std::{fmt, sync::Arc};
use update::Context;

/// One version of the world state as a trie. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StateTrie {
    source: Arc<dyn NodeSource>,
    root: Entry<Account>,
    /// What was vacated since the persisted version.
    vacated: Option<Arc<Vacated>>,
    /// How many updates led here; the clock of eviction.
    version: u32,
    sweep: Sweep,
}

impl StateTrie {
    /// The state without accounts.
    pub(crate) fn empty(source: Arc<dyn NodeSource>) -> Self {
        Self { source, root: Entry::Empty, vacated: None, version: 0, sweep: Sweep::default() }
    }

    /// The persisted version, which has this root. Reads one node.
    ///
    /// # Errors
    /// [`TrieError`] when the store's root node has another hash, is missing or unreadable.
    pub(crate) fn open(source: Arc<dyn NodeSource>, root: B256) -> Result<Self, TrieError> {
        let mut trie = Self::empty(source);
        if root != EMPTY_ROOT_HASH {
            let name = NodeRef::hash(root);
            trie.root = record::load(&*trie.source, None, &NodePath::ROOT, &name, 0)?;
        }
        Ok(trie)
    }

    /// The state root.
    pub(crate) fn root(&self) -> B256 {
        self.root.root()
    }

    /// The version after `changes`, with its root computed; this one is not touched.
    ///
    /// `info: None` removes the account with its storage; an account that is given keeps its storage
    /// unless it was cleared. Whether an empty account should exist is the caller's business.
    ///
    /// # Errors
    /// [`TrieError`] when a node had to be read and could not.
    pub(crate) fn apply(&self, changes: &StateChanges) -> Result<Self, TrieError> {
        self.clone().apply_owned(changes)
    }

    /// [`StateTrie::apply`] for a version that is not needed any more: nodes that no other version
    /// shares are changed in place.
    ///
    /// # Errors
    /// [`TrieError`] when a node had to be read and could not.
    pub(crate) fn apply_owned(mut self, changes: &StateChanges) -> Result<Self, TrieError> {
        self.update(changes)?;
        Ok(self)
    }

    /// Makes this version the next one. After an error it is none at all.
    fn update(&mut self, changes: &StateChanges) -> Result<(), TrieError> {
        self.version = self.version.wrapping_add(1);
        let context = Context { source: &*self.source, owner: None, stamp: self.version };
        let vacancies = update::update_accounts(&mut self.root, changes, &context)?;
        self.vacated = Vacated::after(self.vacated.take(), vacancies);
        Ok(())
    }
}

impl fmt::Debug for StateTrie {
    /// Its root, not its million nodes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateTrie")
            .field("root", &self.root())
            .field("memory_bytes", &self.memory_bytes())
            .finish_non_exhaustive()
    }
}
