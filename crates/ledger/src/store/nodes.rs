//! Trie nodes in the store.

use super::{Rows, Space, Store};
use crate::{
    LedgerError,
    codec::Malformed,
    trie::{NodePath, NodeSink, NodeSource},
};
use alloy_primitives::B256;

const ACCOUNT_TRIE: u8 = 0;
const STORAGE_TRIE: u8 = 1;

/// Bytes of the longest key: one for the kind, the owner, and a path of 64 nibbles.
const KEY_BYTES_MAX: usize = 1 + 32 + 64;

/// Trie nodes on their way to the store.
#[derive(Debug)]
pub(crate) struct NodeRows<'a>(pub(crate) &'a mut Rows);

impl NodeSink for NodeRows<'_> {
    fn put(&mut self, owner: Option<&B256>, path: &NodePath, record: &[u8]) {
        self.0.put(&key(owner, path), record);
    }

    fn delete(&mut self, owner: Option<&B256>, path: &NodePath) {
        self.0.delete(&key(owner, path));
    }
}

impl NodeSource for Store {
    fn node(
        &self,
        owner: Option<&B256>,
        path: &NodePath,
    ) -> Result<Option<fjall::Slice>, LedgerError> {
        self.get(Space::Nodes, &key(owner, path))
    }

    fn paths(&self, owner: &B256, each: &mut dyn FnMut(NodePath)) -> Result<(), LedgerError> {
        let prefix = key(Some(owner), &NodePath::ROOT);
        for guard in self.space(Space::Nodes).prefix(&prefix) {
            let key = guard.key()?;
            let path = NodePath::from_key(&key[prefix.len()..]);
            each(path.ok_or_else(|| self.malformed("nodes", &Malformed("a bad path")))?);
        }
        Ok(())
    }
}

fn key(owner: Option<&B256>, path: &NodePath) -> Vec<u8> {
    let mut key = Vec::with_capacity(KEY_BYTES_MAX);
    match owner {
        None => key.push(ACCOUNT_TRIE),
        Some(owner) => {
            key.push(STORAGE_TRIE);
            key.extend_from_slice(owner.as_slice());
        }
    }
    path.write_key(&mut key);
    key
}
