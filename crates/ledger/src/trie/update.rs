use super::{
    NodePath, NodeSource, TrieError,
    account::Account,
    node::{Branch, Entry, Leaf, Value},
    path::{nibble, shared_nibbles},
    record, rlp,
};
use alloy_primitives::{B256, U256, keccak256};
use hanse_primitives::{AccountChange, StateChanges};
use rayon::prelude::*;
use std::{sync::Arc, vec};

/// From this many changes of one trie on, its sixteen parts are updated in parallel.
const PARALLEL_CHANGES_MIN: usize = 192;

/// What an update reads from and which version it makes.
pub(super) struct Context<'a> {
    pub(super) source: &'a dyn NodeSource,
    /// Hashed address of the account whose storage is updated; `None` for the accounts themselves.
    pub(super) owner: Option<B256>,
    /// Number of the version that is made.
    pub(super) stamp: u32,
}

/// Places whose record the store may hold, and that may be empty in the new version. Which of them
/// are is looked at when the version is persisted, so one entry too many does no harm.
#[derive(Debug, Default)]
pub(super) struct Vacancies {
    /// Places that lost their node.
    pub(super) places: Vec<(Option<B256>, NodePath)>,
    /// Accounts whose storage was thrown away as a whole.
    pub(super) owners: Vec<B256>,
}

impl Vacancies {
    fn append(&mut self, mut other: Self) {
        self.places.append(&mut other.places);
        self.owners.append(&mut other.owners);
    }

    /// True when nothing was vacated.
    pub(super) const fn is_empty(&self) -> bool {
        self.places.is_empty() && self.owners.is_empty()
    }
}

/// What a change makes of a key's value.
struct Outcome<V> {
    value: Option<V>,
    changed: bool,
}

/// A change of the value under one key.
trait Change<V>: Sync {
    fn key(&self) -> &B256;

    /// The new value, given the old one.
    fn outcome(
        &self,
        old: Option<V>,
        context: &Context<'_>,
        vacancies: &mut Vacancies,
    ) -> Result<Outcome<V>, TrieError>;
}

/// Applies changes to the account trie below `root`. After an error the trie is in pieces.
pub(super) fn update_accounts(
    root: &mut Entry<Account>,
    changes: &StateChanges,
    context: &Context<'_>,
) -> Result<Vacancies, TrieError> {
    let accounts = changes.accounts();
    let mut batch: Vec<_> = if in_parallel(accounts.len()) {
        accounts.par_iter().map(|(address, change)| (keccak256(address), change)).collect()
    } else {
        accounts.iter().map(|(address, change)| (keccak256(address), change)).collect()
    };
    batch.sort_unstable_by_key(|(key, _)| *key);
    let mut vacancies = Vacancies::default();
    if !batch.is_empty() {
        update(root, 0, &batch, context, &mut vacancies)?;
    }
    Ok(vacancies)
}

/// Applies slots, ascending by hashed key and at least one, to a storage trie; zero removes a slot.
/// After an error the trie is in pieces.
pub(super) fn update_storage(
    root: &mut Entry<U256>,
    slots: &[(B256, U256)],
    context: &Context<'_>,
    vacancies: &mut Vacancies,
) -> Result<bool, TrieError> {
    update(root, 0, slots, context, vacancies)
}

fn in_parallel(changes: usize) -> bool {
    changes >= PARALLEL_CHANGES_MIN && rayon::current_num_threads() > 1
}

impl Change<U256> for (B256, U256) {
    fn key(&self) -> &B256 {
        &self.0
    }

    fn outcome(
        &self,
        old: Option<U256>,
        _: &Context<'_>,
        _: &mut Vacancies,
    ) -> Result<Outcome<U256>, TrieError> {
        let value = (!self.1.is_zero()).then_some(self.1);
        Ok(Outcome { value, changed: value != old })
    }
}

impl Change<Account> for (B256, &AccountChange) {
    fn key(&self) -> &B256 {
        &self.0
    }

    fn outcome(
        &self,
        old: Option<Account>,
        context: &Context<'_>,
        vacancies: &mut Vacancies,
    ) -> Result<Outcome<Account>, TrieError> {
        let (key, change) = self;
        let before = old.as_ref().map(|old| (old.info(), old.storage().root()));
        let mut storage = old.map_or(Entry::Empty, Account::into_storage);
        if change.storage_cleared || change.info.is_none() {
            if storage.is_node() {
                vacancies.owners.push(*key);
            }
            storage = Entry::Empty;
        }
        let Some(info) = &change.info else {
            return Ok(Outcome { value: None, changed: before.is_some() });
        };
        if !change.storage.is_empty() {
            let mut slots: Vec<_> = change
                .storage
                .iter()
                .map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), *value))
                .collect();
            slots.sort_unstable_by_key(|(key, _)| *key);
            let context = Context { owner: Some(*key), ..*context };
            update_storage(&mut storage, &slots, &context, vacancies)?;
        }
        let changed = before != Some((*info, storage.root()));
        Ok(Outcome { value: Some(Account::new(info, storage)), changed })
    }
}

/// Applies changes, ascending by key and at least one, to what is below `entry`, and computes the
/// names of all nodes that differ. False when the entry is what it was.
fn update<V: Value, C: Change<V>>(
    entry: &mut Entry<V>,
    depth: usize,
    changes: &[C],
    context: &Context<'_>,
    vacancies: &mut Vacancies,
) -> Result<bool, TrieError> {
    let first = changes[0].key();
    let was_node = entry.is_node();
    if let Entry::Unloaded(name) = entry {
        let path = NodePath::prefix_of(first, depth);
        let owner = context.owner.as_ref();
        *entry = record::load(context.source, owner, &path, name, context.stamp)?;
    }
    let changed = match entry {
        Entry::Branch(name, node) => {
            let branch = Arc::make_mut(node);
            let changed = update_branch(branch, depth, changes, context, vacancies)?;
            if branch.len() < 2 {
                *entry = collapse(branch, depth, first, context, vacancies)?;
            } else if changed {
                branch.set_changed(context.stamp);
                *name = rlp::branch_reference(branch, depth);
            }
            changed
        }
        Entry::Empty | Entry::Leaf(..) | Entry::Unloaded(_) => {
            update_leaf(entry, depth, changes, context, vacancies)?
        }
    };
    if was_node && !entry.is_node() {
        vacancies.places.push((context.owner, NodePath::prefix_of(first, depth)));
    }
    Ok(changed)
}

/// Applies changes where there was at most one leaf.
fn update_leaf<V: Value, C: Change<V>>(
    entry: &mut Entry<V>,
    depth: usize,
    changes: &[C],
    context: &Context<'_>,
    vacancies: &mut Vacancies,
) -> Result<bool, TrieError> {
    let mut leaf = match std::mem::take(entry) {
        Entry::Leaf(_, leaf) => Some(leaf),
        _ => None,
    };
    if let [change] = changes
        && leaf.as_ref().is_none_or(|leaf| leaf.key == *change.key())
    {
        let outcome = change.outcome(leaf.map(|leaf| leaf.value), context, vacancies)?;
        let leaf = outcome.value.map(|value| Leaf { key: *change.key(), value });
        *entry = leaf.map_or(Entry::Empty, |leaf| Entry::leaf(leaf, depth));
        return Ok(outcome.changed);
    }
    let mut changed = false;
    let mut leaves = Vec::with_capacity(changes.len() + 1);
    for change in changes {
        let key = *change.key();
        if let Some(smaller) = leaf.take_if(|leaf| leaf.key < key) {
            leaves.push(smaller);
        }
        let old = leaf.take_if(|leaf| leaf.key == key).map(|leaf| leaf.value);
        let outcome = change.outcome(old, context, vacancies)?;
        changed |= outcome.changed;
        leaves.extend(outcome.value.map(|value| Leaf { key, value }));
    }
    leaves.extend(leaf);
    let count = leaves.len();
    *entry = build(&mut leaves.into_iter(), count, depth, context.stamp);
    Ok(changed)
}

/// The subtrie of the next `count` leaves, which ascend and share the first `depth` nibbles.
fn build<V: Value>(
    leaves: &mut vec::IntoIter<Leaf<V>>,
    count: usize,
    depth: usize,
    stamp: u32,
) -> Entry<V> {
    if count < 2 {
        let leaf = if count == 0 { None } else { leaves.next() };
        return leaf.map_or(Entry::Empty, |leaf| Entry::leaf(leaf, depth));
    }
    let mut rest = &leaves.as_slice()[..count];
    let first = rest[0].key;
    let at = depth + shared_nibbles(&first, &rest[count - 1].key, depth);
    let mut groups = Vec::with_capacity(16);
    while let Some(leaf) = rest.first() {
        let digit = nibble(&leaf.key, at);
        let size = rest.partition_point(|leaf| nibble(&leaf.key, at) == digit);
        groups.push((digit, size));
        rest = &rest[size..];
    }
    let mut branch = Branch::new(NodePath::slice_of(&first, depth, at), stamp);
    branch.reserve(groups.len());
    if depth == 0 && in_parallel(count) {
        let parts: Vec<(u8, Vec<_>)> =
            groups.iter().map(|(digit, size)| (*digit, leaves.take(*size).collect())).collect();
        let built: Vec<_> = parts
            .into_par_iter()
            .map(|(digit, part)| {
                let size = part.len();
                (digit, build(&mut part.into_iter(), size, at + 1, stamp))
            })
            .collect();
        built.into_iter().for_each(|(digit, entry)| branch.push(digit, entry));
    } else {
        for (digit, size) in groups {
            branch.push(digit, build(leaves, size, at + 1, stamp));
        }
    }
    Entry::branch(branch, depth)
}

/// Applies changes to a branch's children. The branch may have fewer than two afterwards; its name
/// is left to the caller.
fn update_branch<V: Value, C: Change<V>>(
    branch: &mut Branch<V>,
    depth: usize,
    changes: &[C],
    context: &Context<'_>,
    vacancies: &mut Vacancies,
) -> Result<bool, TrieError> {
    branch.stamp = context.stamp;
    let (first, last) = (changes[0].key(), changes[changes.len() - 1].key());
    let prefix = branch.prefix();
    let shared = prefix.shared_with(first, depth).min(prefix.shared_with(last, depth));
    if shared < prefix.len() {
        split(branch, depth, shared, context.stamp);
    }
    let at = depth + shared;
    let own = branch.own_bytes();
    let mut tally = Tally::default();
    if depth == 0 && in_parallel(changes.len()) {
        let tasks: Vec<_> =
            groups(changes, at).map(|(digit, group)| (digit, group, branch.take(digit))).collect();
        let done: Vec<_> = tasks
            .into_par_iter()
            .map(|(digit, group, mut entry)| {
                let (mut tally, mut vacancies) = (Tally::default(), Vacancies::default());
                tally.update(&mut entry, at + 1, group, context, &mut vacancies)?;
                Ok((digit, entry, tally, vacancies))
            })
            .collect::<Result<_, TrieError>>()?;
        for (digit, entry, part, vacated) in done {
            branch.put(digit, entry);
            tally.append(&part);
            vacancies.append(vacated);
        }
    } else {
        for (digit, group) in groups(changes, at) {
            let mut entry = branch.take(digit);
            tally.update(&mut entry, at + 1, group, context, vacancies)?;
            branch.put(digit, entry);
        }
    }
    branch.resident = branch.resident + branch.own_bytes() + tally.added - own - tally.removed;
    Ok(tally.changed)
}

/// The runs of changes that have the same nibble at a position.
fn groups<V, C: Change<V>>(changes: &[C], at: usize) -> impl Iterator<Item = (u8, &[C])> {
    let mut rest = changes;
    std::iter::from_fn(move || {
        let digit = nibble(rest.first()?.key(), at);
        let size = rest.partition_point(|change| nibble(change.key(), at) == digit);
        let (group, others) = rest.split_at(size);
        rest = others;
        Some((digit, group))
    })
}

/// What updating a branch's children did.
#[derive(Default)]
struct Tally {
    changed: bool,
    /// Bytes that the children took before and take now.
    removed: usize,
    added: usize,
}

impl Tally {
    fn update<V: Value, C: Change<V>>(
        &mut self,
        entry: &mut Entry<V>,
        depth: usize,
        changes: &[C],
        context: &Context<'_>,
        vacancies: &mut Vacancies,
    ) -> Result<(), TrieError> {
        self.removed += entry.resident();
        self.changed |= update(entry, depth, changes, context, vacancies)?;
        self.added += entry.resident();
        Ok(())
    }

    const fn append(&mut self, other: &Self) {
        self.changed |= other.changed;
        self.removed += other.removed;
        self.added += other.added;
    }
}

/// Cuts a branch's extension after `shared` nibbles: a new branch takes its place, with the old one
/// as its only child.
fn split<V: Value>(branch: &mut Branch<V>, depth: usize, shared: usize, stamp: u32) {
    let prefix = branch.prefix();
    let mut upper = Branch::new(prefix.slice(0, shared), stamp);
    let mut lower = std::mem::take(branch);
    replace_prefix(&mut lower, prefix.slice(shared + 1, prefix.len()), stamp);
    let depth = depth + shared + 1;
    upper.reserve(2);
    upper.push(
        prefix.get(shared),
        Entry::Branch(rlp::branch_reference(&lower, depth), Arc::new(lower)),
    );
    upper.measure();
    *branch = upper;
}

/// What takes the place of a branch with fewer than two children.
fn collapse<V: Value>(
    branch: &mut Branch<V>,
    depth: usize,
    key: &B256,
    context: &Context<'_>,
    vacancies: &mut Vacancies,
) -> Result<Entry<V>, TrieError> {
    let prefix = branch.prefix();
    let Some((digit, mut last)) = branch.pop_last() else { return Ok(Entry::Empty) };
    let place = NodePath::prefix_of(key, depth + prefix.len()).child(digit);
    if let Entry::Unloaded(name) = &last {
        let owner = context.owner.as_ref();
        last = record::load(context.source, owner, &place, name, context.stamp)?;
    }
    Ok(match last {
        Entry::Leaf(_, leaf) => Entry::leaf(leaf, depth),
        Entry::Branch(_, mut node) => {
            vacancies.places.push((context.owner, place));
            let lower = Arc::make_mut(&mut node);
            replace_prefix(lower, prefix.child(digit).join(&lower.prefix()), context.stamp);
            Entry::Branch(rlp::branch_reference(lower, depth), node)
        }
        Entry::Empty | Entry::Unloaded(_) => unreachable!("what is loaded is a leaf or a branch"),
    })
}

fn replace_prefix<V: Value>(branch: &mut Branch<V>, prefix: NodePath, stamp: u32) {
    let own = branch.own_bytes();
    branch.set_prefix(prefix);
    branch.set_changed(stamp);
    branch.resident = branch.resident + branch.own_bytes() - own;
}
