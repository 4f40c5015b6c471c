use super::{
    NodePath, NodeSource, StateTrie, TrieError,
    account::Account,
    node::{Entry, NodeRef, Value},
    record, rlp,
};
use crate::{AccountProof, StorageProof};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use hanse_primitives::AccountInfo;

/// Walks from a root towards a key and calls `visit` with each entry and its depth, until it returns
/// false or the way ends. Nodes that are on disk only are read for this walk and not kept: readers
/// change no version.
fn walk<V: Value>(
    source: &dyn NodeSource,
    owner: Option<&B256>,
    root: &Entry<V>,
    key: &B256,
    visit: &mut dyn FnMut(&Entry<V>, usize) -> bool,
) -> Result<(), TrieError> {
    let mut depth = 0;
    let mut entry = root.clone();
    loop {
        if !visit(&entry, depth) {
            return Ok(());
        }
        if let Entry::Unloaded(name) = &entry {
            let path = NodePath::prefix_of(key, depth);
            entry = record::load(source, owner, &path, name, 0)?;
            if !visit(&entry, depth) {
                return Ok(());
            }
        }
        let Entry::Branch(_, node) = &entry else { return Ok(()) };
        if !node.leads_to(key, depth) {
            return Ok(());
        }
        let at = depth + node.prefix_len();
        let Some(child) = node.child_towards(key, at) else { return Ok(()) };
        entry = child.clone();
        depth = at + 1;
    }
}

/// The value under a key.
pub(super) fn value<V: Value>(
    source: &dyn NodeSource,
    owner: Option<&B256>,
    root: &Entry<V>,
    key: &B256,
) -> Result<Option<V>, TrieError> {
    let mut found = None;
    walk(source, owner, root, key, &mut |entry, _| {
        if let Entry::Leaf(_, leaf) = entry
            && leaf.key == *key
        {
            found = Some(leaf.value.clone());
        }
        true
    })?;
    Ok(found)
}

/// True when a node has its record at exactly this path.
pub(super) fn is_node<V: Value>(
    source: &dyn NodeSource,
    owner: Option<&B256>,
    root: &Entry<V>,
    path: &NodePath,
) -> Result<bool, TrieError> {
    let mut found = false;
    walk(source, owner, root, path.padded(), &mut |entry, depth| {
        found |= depth == path.len() && entry.is_node();
        depth < path.len()
    })?;
    Ok(found)
}

/// The value under a key and the RLP nodes that prove it, or prove that there is none.
pub(super) fn prove<V: Value>(
    source: &dyn NodeSource,
    owner: Option<&B256>,
    root: &Entry<V>,
    key: &B256,
) -> Result<(Option<V>, Vec<Bytes>), TrieError> {
    let (mut found, mut nodes) = (None, Vec::new());
    // A node that is inline in its parent has no place of its own in a proof.
    let mut add = |rlp: &[u8], depth: usize| {
        if depth == 0 || NodeRef::inline(rlp).is_none() {
            nodes.push(Bytes::copy_from_slice(rlp));
        }
    };
    walk(source, owner, root, key, &mut |entry, depth| {
        match entry {
            Entry::Leaf(_, leaf) => {
                add(rlp::leaf(leaf, depth).list(), depth);
                found = (leaf.key == *key).then(|| leaf.value.clone());
            }
            Entry::Branch(_, node) => {
                let prefix = node.prefix();
                let mut branch = rlp::branch(node);
                let branch = branch.list();
                if !prefix.is_empty() {
                    let inner = rlp::reference(branch, depth + prefix.len());
                    add(rlp::extension(&prefix, &inner).list(), depth);
                }
                if node.leads_to(key, depth) {
                    add(branch, depth + prefix.len());
                }
            }
            Entry::Empty | Entry::Unloaded(_) => {}
        }
        true
    })?;
    Ok((found, nodes))
}

fn slot_key(slot: &U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

impl StateTrie {
    fn find(&self, key: &B256) -> Result<Option<Account>, TrieError> {
        value(&*self.source, None, &self.root, key)
    }

    /// An account and the root of its storage.
    ///
    /// # Errors
    /// [`TrieError`] when a node had to be read and could not.
    pub(crate) fn account(
        &self,
        address: &Address,
    ) -> Result<Option<(AccountInfo, B256)>, TrieError> {
        let account = self.find(&keccak256(address))?;
        Ok(account.map(|account| (account.info(), account.storage().root())))
    }

    /// A slot; zero when it is not set.
    ///
    /// # Errors
    /// [`TrieError`] when a node had to be read and could not.
    pub(crate) fn storage(&self, address: &Address, slot: &U256) -> Result<U256, TrieError> {
        let owner = keccak256(address);
        let Some(account) = self.find(&owner)? else { return Ok(U256::ZERO) };
        let value = value(&*self.source, Some(&owner), account.storage(), &slot_key(slot))?;
        Ok(value.unwrap_or_default())
    }

    /// A proof of an account and some of its slots (EIP-1186), or that they do not exist.
    ///
    /// # Errors
    /// [`TrieError`] when a node had to be read and could not.
    pub(crate) fn prove(
        &self,
        address: &Address,
        slots: &[U256],
    ) -> Result<AccountProof, TrieError> {
        let owner = keccak256(address);
        let (account, nodes) = prove(&*self.source, None, &self.root, &owner)?;
        let root = account.as_ref().map_or(&Entry::Empty, Account::storage);
        let mut storage = Vec::with_capacity(slots.len());
        for slot in slots {
            let (value, nodes) = prove(&*self.source, Some(&owner), root, &slot_key(slot))?;
            storage.push(StorageProof { slot: *slot, value: value.unwrap_or_default(), nodes });
        }
        let storage_root =
            account.as_ref().map_or(EMPTY_ROOT_HASH, |account| account.storage().root());
        let info = account.map(|account| account.info());
        Ok(AccountProof { info, storage_root, nodes, storage })
    }
}
