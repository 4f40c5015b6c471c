use super::{
    NodePath, NodeSink, NodeSource, StateTrie, TrieError,
    account::Account,
    node::{Branch, Entry, Value},
    read, record,
    update::Vacancies,
};
use alloy_primitives::{B256, U256};
use parking_lot::Mutex;
use std::{collections::BTreeSet, sync::Arc};

/// What a version and its ancestors vacated since the persisted one, newest first. Shared with all
/// descendants, which see it emptied once it has been dealt with.
#[derive(Debug)]
pub(super) struct Vacated(Mutex<Option<Pending>>);

#[derive(Debug)]
struct Pending {
    vacancies: Vacancies,
    before: Option<Arc<Vacated>>,
}

impl Vacated {
    /// What a new version vacated, after what its parent did.
    pub(super) fn after(before: Option<Arc<Self>>, vacancies: Vacancies) -> Option<Arc<Self>> {
        let before = before.filter(|before| before.0.lock().is_some());
        if vacancies.is_empty() {
            return before;
        }
        Some(Arc::new(Self(Mutex::new(Some(Pending { vacancies, before })))))
    }

    /// Calls `each` with what every version vacated.
    fn visit(newest: Option<&Arc<Self>>, mut each: impl FnMut(&Vacancies)) {
        let mut next = newest.cloned();
        while let Some(version) = next {
            let pending = version.0.lock();
            pending.iter().for_each(|pending| each(&pending.vacancies));
            next = pending.as_ref().and_then(|pending| pending.before.clone());
        }
    }

    /// Forgets it, and all before it.
    fn clear(newest: Option<Arc<Self>>) {
        let mut next = newest;
        while let Some(version) = next {
            next = version.0.lock().take().and_then(|pending| pending.before);
        }
    }
}

impl Drop for Vacated {
    /// Link by link: thousands of versions must not become thousands of stack frames.
    fn drop(&mut self) {
        let mut next = self.0.get_mut().take().and_then(|pending| pending.before);
        while let Some(version) = next {
            next = Arc::into_inner(version)
                .and_then(|mut version| version.0.get_mut().take())
                .and_then(|pending| pending.before);
        }
    }
}

/// Nodes that have been handed to a sink and are not yet known to be durable.
#[derive(Debug)]
#[must_use = "nodes stay marked as changed until `confirm`"]
pub(crate) struct Unconfirmed {
    pub(super) accounts: Vec<Arc<Branch<Account>>>,
    pub(super) storage: Vec<Arc<Branch<U256>>>,
    vacated: Option<Arc<Vacated>>,
}

impl Unconfirmed {
    /// Marks the nodes as persisted, in this version and in all that share them.
    pub(crate) fn confirm(self) {
        // Children were written before their parents, so whoever looks on meanwhile never finds a
        // persisted node above a changed one.
        self.storage.iter().for_each(|node| node.set_persisted());
        self.accounts.iter().for_each(|node| node.set_persisted());
        Vacated::clear(self.vacated);
    }
}

/// Walks the changed nodes of a version and hands them to the sink.
pub(super) struct Writer<'a> {
    sink: &'a mut dyn NodeSink,
    record: Vec<u8>,
    pub(super) written: Unconfirmed,
}

impl Writer<'_> {
    /// Writes the changed branches below a root. A root that is a leaf is the caller's business.
    pub(super) fn write_trie<V: Value>(&mut self, root: &Entry<V>, owner: Option<B256>) {
        if let Entry::Branch(_, node) = root {
            self.write(node, owner, NodePath::ROOT);
        }
    }

    fn write<V: Value>(&mut self, node: &Arc<Branch<V>>, owner: Option<B256>, path: NodePath) {
        if node.is_persisted() {
            return;
        }
        let below = path.join(&node.prefix());
        for (nibble, entry) in node.children() {
            match entry {
                Entry::Branch(_, child) => self.write(child, owner, below.child(nibble)),
                Entry::Leaf(_, leaf) => leaf.value.persist(&leaf.key, self),
                Entry::Empty | Entry::Unloaded(_) => {}
            }
        }
        self.record.clear();
        record::write_branch(node, &path, &mut self.record);
        self.sink.put(owner.as_ref(), &path, &self.record);
        V::remember(node, self);
    }
}

impl StateTrie {
    /// Hands `sink` all that differs from the persisted version. Versions must be persisted in
    /// chain order, each a descendant of the one before. Once the batch is durable and can be read
    /// from the source, call [`Unconfirmed::confirm`]; until then nothing is marked as persisted, so
    /// a batch that failed is simply written again.
    ///
    /// # Errors
    /// [`TrieError`] when the store could not be asked what an account's storage was.
    pub(crate) fn persist(&self, sink: &mut dyn NodeSink) -> Result<Unconfirmed, TrieError> {
        for (owner, path) in self.stale()? {
            sink.delete(owner.as_ref(), &path);
        }
        let written = Unconfirmed {
            accounts: Vec::new(),
            storage: Vec::new(),
            vacated: self.vacated.clone(),
        };
        let mut writer = Writer { sink, record: Vec::new(), written };
        match &self.root {
            Entry::Empty => writer.sink.delete(None, &NodePath::ROOT),
            Entry::Leaf(_, leaf) => {
                leaf.value.persist(&leaf.key, &mut writer);
                writer.record.clear();
                record::write_root_leaf(leaf, &mut writer.record);
                writer.sink.put(None, &NodePath::ROOT, &writer.record);
            }
            Entry::Unloaded(_) | Entry::Branch(..) => writer.write_trie(&self.root, None),
        }
        Ok(writer.written)
    }

    /// Places that have been vacated since the persisted version, and where no node is now. The
    /// root's place is not among them.
    fn stale(&self) -> Result<BTreeSet<(Option<B256>, NodePath)>, TrieError> {
        let mut places = BTreeSet::new();
        let mut owners = BTreeSet::new();
        Vacated::visit(self.vacated.as_ref(), |vacancies| {
            places.extend(vacancies.places.iter().copied());
            owners.extend(vacancies.owners.iter().copied());
        });
        for owner in owners {
            self.source.paths(&owner, &mut |path| {
                places.insert((Some(owner), path));
            })?;
        }
        places.remove(&(None, NodePath::ROOT));
        let mut stale = BTreeSet::new();
        for (owner, path) in places {
            if !self.is_node(owner.as_ref(), &path)? {
                stale.insert((owner, path));
            }
        }
        Ok(stale)
    }

    fn is_node(&self, owner: Option<&B256>, path: &NodePath) -> Result<bool, TrieError> {
        let source: &dyn NodeSource = &*self.source;
        let Some(owner) = owner else { return read::is_node(source, None, &self.root, path) };
        let account = read::value(source, None, &self.root, owner)?;
        account.map_or(Ok(false), |account| {
            read::is_node(source, Some(owner), account.storage(), path)
        })
    }
}
