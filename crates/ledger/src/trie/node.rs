use super::{NodePath, evict::Scan, path::nibble, persist::Writer, rlp};
use alloy_primitives::{B256, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What an allocation costs beyond the bytes asked for, about.
const ALLOCATION_BYTES: usize = 16;
/// The two counters of an `Arc`.
pub(super) const ARC_BYTES: usize = 2 * size_of::<usize>() + ALLOCATION_BYTES;

/// How a node is named in its parent: by its hash, or by its own RLP when that is shorter than 32
/// bytes. A root is always named by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeRef {
    len: u8,
    bytes: [u8; 32],
}

impl NodeRef {
    /// The hash of a node.
    pub(super) const fn hash(hash: B256) -> Self {
        Self { len: 32, bytes: hash.0 }
    }

    /// A node's own RLP; `None` when it is too long for that.
    pub(super) fn inline(rlp: &[u8]) -> Option<Self> {
        let len = u8::try_from(rlp.len()).ok().filter(|len| *len < 32)?;
        let mut bytes = [0; 32];
        bytes[..rlp.len()].copy_from_slice(rlp);
        Some(Self { len, bytes })
    }

    /// The hash, unless the node is inline.
    pub(super) fn as_hash(&self) -> Option<B256> {
        (self.len == 32).then_some(B256::new(self.bytes))
    }

    /// The hash, or the node's RLP.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What a trie keeps under a key.
pub(super) trait Value: Clone + Send + Sync + Sized {
    /// Appends the RLP that Ethereum stores under the key.
    fn encode(&self, out: &mut rlp::ValueBuffer);
    /// Bytes in memory beyond its own size.
    fn resident(&self) -> usize;
    /// Appends the value as our records hold it.
    fn write_record(&self, out: &mut Vec<u8>);
    /// Reads what [`Value::write_record`] wrote.
    fn read_record(input: &mut super::record::Reader<'_>) -> Result<Self, &'static str>;
    /// Hands the changed nodes behind the value to the writer.
    fn persist(&self, key: &B256, writer: &mut Writer<'_>);
    /// Looks for cold nodes behind the value, from the slot `edge` on.
    fn scan(&self, key: &B256, edge: Option<&B256>, scan: &mut Scan) -> ControlFlow<()>;
    /// Keeps a written node until it is known to be durable.
    fn remember(node: &Arc<Branch<Self>>, writer: &mut Writer<'_>);
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Leaf<V> {
    /// The whole hashed key, so that a leaf may move up and down without being rewritten.
    pub(super) key: B256,
    /// What is stored under it.
    pub(super) value: V,
}

/// A place in a branch, or the root. Within a branch, `Empty` occurs only while it is being updated.
#[derive(Clone, Debug, Default)]
pub(super) enum Entry<V> {
    /// Nothing.
    #[default]
    Empty,
    /// A branch (or a root leaf) that is on disk only.
    Unloaded(NodeRef),
    /// A leaf; it lives in its parent.
    Leaf(NodeRef, Leaf<V>),
    /// A branch in memory.
    Branch(NodeRef, Arc<Branch<V>>),
}

/// A branch node, together with the extension node that leads to it if there is one.
#[derive(Debug)]
pub(super) struct Branch<V> {
    /// The children that exist, ascending by nibble. At least two except during an update.
    entries: Vec<Entry<V>>,
    /// The nibbles of the extension before this branch.
    prefix: Option<Box<NodePath>>,
    /// Bytes that this node and everything loaded below it take.
    pub(super) resident: usize,
    /// When it or something below it was last changed or loaded, in versions.
    pub(super) stamp: u32,
    /// Which nibbles have a child.
    mask: u16,
    /// True when the store holds exactly this node, and everything below it, for the version that is
    /// persisted and all its descendants that have this node.
    persisted: AtomicBool,
}

impl<V> Default for Branch<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            prefix: None,
            resident: 0,
            stamp: 0,
            mask: 0,
            persisted: AtomicBool::new(false),
        }
    }
}

impl<V: Clone> Clone for Branch<V> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            prefix: self.prefix.clone(),
            resident: self.resident,
            stamp: self.stamp,
            mask: self.mask,
            persisted: AtomicBool::new(self.persisted.load(Ordering::Acquire)),
        }
    }
}

impl<V: Value> Entry<V> {
    /// True for what has a record of its own in the store.
    pub(super) const fn is_node(&self) -> bool {
        matches!(self, Self::Unloaded(_) | Self::Branch(..))
    }

    /// True when there is nothing here.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// How the parent names what is here; `None` when there is nothing.
    pub(super) const fn reference(&self) -> Option<&NodeRef> {
        match self {
            Self::Empty => None,
            Self::Unloaded(reference) | Self::Leaf(reference, _) | Self::Branch(reference, _) => {
                Some(reference)
            }
        }
    }

    /// The root hash of the trie that has this entry as its root.
    pub(super) fn root(&self) -> B256 {
        self.reference().map_or(EMPTY_ROOT_HASH, |reference| {
            reference.as_hash().expect("a root is named by its hash, whatever its length")
        })
    }

    /// Bytes in memory beyond the entry itself.
    pub(super) fn resident(&self) -> usize {
        match self {
            Self::Empty | Self::Unloaded(_) => 0,
            Self::Leaf(_, leaf) => leaf.value.resident(),
            Self::Branch(_, branch) => branch.resident,
        }
    }

    /// A leaf at this depth, with its hash computed.
    pub(super) fn leaf(leaf: Leaf<V>, depth: usize) -> Self {
        Self::Leaf(rlp::leaf_reference(&leaf, depth), leaf)
    }

    /// A branch whose parent is at `depth - 1`, with its hash and size computed.
    pub(super) fn branch(mut branch: Branch<V>, depth: usize) -> Self {
        branch.measure();
        Self::Branch(rlp::branch_reference(&branch, depth), Arc::new(branch))
    }
}

impl<V: Value> Branch<V> {
    /// A branch without children.
    pub(super) fn new(prefix: NodePath, stamp: u32) -> Self {
        let mut branch = Self { stamp, ..Self::default() };
        branch.set_prefix(prefix);
        branch
    }

    /// The nibbles between the parent's entry and this branch.
    pub(super) fn prefix(&self) -> NodePath {
        self.prefix.as_deref().copied().unwrap_or(NodePath::ROOT)
    }

    /// Number of nibbles in [`Branch::prefix`].
    pub(super) fn prefix_len(&self) -> usize {
        self.prefix.as_ref().map_or(0, |prefix| prefix.len())
    }

    /// Replaces the extension before this branch.
    pub(super) fn set_prefix(&mut self, prefix: NodePath) {
        self.prefix = (!prefix.is_empty()).then(|| Box::new(prefix));
    }

    /// True when `key` has this branch's prefix from `depth` on.
    pub(super) fn leads_to(&self, key: &B256, depth: usize) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| prefix.shared_with(key, depth) == prefix.len())
    }

    /// The children with their nibbles, ascending.
    pub(super) fn children(&self) -> impl Iterator<Item = (u8, &Entry<V>)> {
        (0..16).filter(|nibble| self.mask >> nibble & 1 == 1).zip(&self.entries)
    }

    /// Number of children.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    fn index(&self, nibble: u8) -> Result<usize, usize> {
        let bit = 1u16 << nibble;
        let index = (self.mask & (bit - 1)).count_ones() as usize;
        if self.mask & bit == 0 { Err(index) } else { Ok(index) }
    }

    /// The child at a nibble.
    pub(super) fn child(&self, nibble: u8) -> Option<&Entry<V>> {
        self.index(nibble).ok().map(|index| &self.entries[index])
    }

    /// The child at a nibble, to be changed without changing its hash.
    pub(super) fn child_mut(&mut self, nibble: u8) -> Option<&mut Entry<V>> {
        self.index(nibble).ok().map(|index| &mut self.entries[index])
    }

    /// The child on the way to `key`.
    pub(super) fn child_towards(&self, key: &B256, at: usize) -> Option<&Entry<V>> {
        self.child(nibble(key, at))
    }

    /// Takes a child out to change it; [`Branch::put`] must follow.
    pub(super) fn take(&mut self, nibble: u8) -> Entry<V> {
        self.child_mut(nibble).map(std::mem::take).unwrap_or_default()
    }

    /// Puts a child where [`Branch::take`] took one, or left nothing.
    pub(super) fn put(&mut self, nibble: u8, entry: Entry<V>) {
        match (self.index(nibble), entry.is_empty()) {
            (Ok(index), false) => self.entries[index] = entry,
            (Ok(index), true) => {
                self.entries.remove(index);
                self.mask &= !(1 << nibble);
            }
            (Err(index), false) => {
                self.entries.reserve_exact(1);
                self.entries.insert(index, entry);
                self.mask |= 1 << nibble;
            }
            (Err(_), true) => {}
        }
    }

    /// Appends a child behind all others.
    pub(super) fn push(&mut self, nibble: u8, entry: Entry<V>) {
        assert!(self.mask >> nibble == 0, "children are pushed in order");
        self.entries.push(entry);
        self.mask |= 1 << nibble;
    }

    /// Makes room for exactly this many more children.
    pub(super) fn reserve(&mut self, children: usize) {
        self.entries.reserve_exact(children);
    }

    /// Takes the only child that is left.
    pub(super) fn pop_last(&mut self) -> Option<(u8, Entry<V>)> {
        let nibble = u8::try_from(self.mask.trailing_zeros()).expect("a u16 has 16 bits");
        self.mask = 0;
        self.entries.pop().map(|entry| (nibble, entry))
    }

    /// Bytes that this node takes without what hangs below it.
    pub(super) fn own_bytes(&self) -> usize {
        let prefix = self.prefix.as_ref().map_or(0, |_| size_of::<NodePath>() + ALLOCATION_BYTES);
        ARC_BYTES
            + size_of::<Self>()
            + ALLOCATION_BYTES
            + self.entries.len() * size_of::<Entry<V>>()
            + prefix
    }

    /// Computes `resident` from scratch.
    pub(super) fn measure(&mut self) {
        self.resident = self.own_bytes() + self.entries.iter().map(Entry::resident).sum::<usize>();
    }

    /// True when the store holds this node and all below it.
    pub(super) fn is_persisted(&self) -> bool {
        self.persisted.load(Ordering::Acquire)
    }

    /// Says that the store holds this node and all below it.
    pub(super) fn set_persisted(&self) {
        self.persisted.store(true, Ordering::Release);
    }

    /// Says that this node differs from what the store holds at its place.
    pub(super) fn set_changed(&mut self, stamp: u32) {
        *self.persisted.get_mut() = false;
        self.stamp = stamp;
    }
}

impl Value for U256 {
    fn encode(&self, out: &mut rlp::ValueBuffer) {
        out.number(&self.to_be_bytes::<32>());
    }

    fn resident(&self) -> usize {
        0
    }

    fn write_record(&self, out: &mut Vec<u8>) {
        super::record::write_number(&self.to_be_bytes::<32>(), out);
    }

    fn read_record(input: &mut super::record::Reader<'_>) -> Result<Self, &'static str> {
        let value = Self::from_be_bytes(input.number::<32>()?);
        if value.is_zero() { Err("a slot is stored with value zero") } else { Ok(value) }
    }

    fn persist(&self, _: &B256, _: &mut Writer<'_>) {}

    fn scan(&self, _: &B256, _: Option<&B256>, _: &mut Scan) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn remember(node: &Arc<Branch<Self>>, writer: &mut Writer<'_>) {
        writer.written.storage.push(Arc::clone(node));
    }
}
