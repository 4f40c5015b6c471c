use super::{
    NodePath, NodeSource, TrieError,
    error::{NodeFault, NodeProblem},
    node::{Branch, Entry, Leaf, NodeRef, Value},
    path::{KEY_NIBBLES, nibble},
    rlp,
};
use alloy_primitives::B256;

/// First byte of a branch with its leaves.
const BRANCH: u8 = 1;
/// First byte of a leaf that is the whole trie.
const LEAF: u8 = 2;

/// The record of a branch at `path`: its prefix, which children it has and which of them are
/// leaves, then each leaf with the rest of its key, and each other child's name.
pub(super) fn write_branch<V: Value>(branch: &Branch<V>, path: &NodePath, out: &mut Vec<u8>) {
    let prefix = branch.prefix();
    let depth = path.len() + prefix.len() + 1;
    let (mut mask, mut leaves) = (0u16, 0u16);
    for (nibble, entry) in branch.children() {
        mask |= 1 << nibble;
        leaves |= u16::from(matches!(entry, Entry::Leaf(..))) << nibble;
    }
    out.push(BRANCH);
    out.push(u8::try_from(prefix.len()).expect("a prefix has less than 64 nibbles"));
    out.extend_from_slice(&prefix.padded()[..prefix.len().div_ceil(2)]);
    out.extend_from_slice(&mask.to_be_bytes());
    out.extend_from_slice(&leaves.to_be_bytes());
    for (_, entry) in branch.children() {
        match entry {
            Entry::Empty => {}
            Entry::Leaf(_, leaf) => {
                out.extend_from_slice(&leaf.key[depth / 2..]);
                leaf.value.write_record(out);
            }
            Entry::Unloaded(reference) | Entry::Branch(reference, _) => {
                let name = reference.as_slice();
                out.push(u8::try_from(name.len()).expect("a name has at most 32 bytes"));
                out.extend_from_slice(name);
            }
        }
    }
}

/// The record of a leaf that is the whole trie.
pub(super) fn write_root_leaf<V: Value>(leaf: &Leaf<V>, out: &mut Vec<u8>) {
    out.push(LEAF);
    out.extend_from_slice(leaf.key.as_slice());
    leaf.value.write_record(out);
}

/// Appends a big-endian number: its length without leading zeros, then its bytes.
pub(super) fn write_number(bytes: &[u8], out: &mut Vec<u8>) {
    let bytes = rlp::trimmed(bytes);
    out.push(u8::try_from(bytes.len()).expect("a number has at most 32 bytes"));
    out.extend_from_slice(bytes);
}

/// Reads a node from the store and checks that it is the one that its parent names.
pub(super) fn load<V: Value>(
    source: &dyn NodeSource,
    owner: Option<&B256>,
    path: &NodePath,
    expected: &NodeRef,
    stamp: u32,
) -> Result<Entry<V>, TrieError> {
    let fault = |why| TrieError::Node(NodeFault { owner: owner.copied(), path: *path, why });
    let record = source.node(owner, path)?.ok_or_else(|| fault(NodeProblem::Missing))?;
    let entry = decode(&record, path, stamp).map_err(|why| fault(NodeProblem::Malformed(why)))?;
    if entry.reference() == Some(expected) { Ok(entry) } else { Err(fault(NodeProblem::Mismatch)) }
}

/// Reads a record and computes the node's name from it. What is loaded counts as persisted.
pub(super) fn decode<V: Value>(
    record: &[u8],
    path: &NodePath,
    stamp: u32,
) -> Result<Entry<V>, &'static str> {
    let mut input = Reader(record);
    let entry = match input.byte()? {
        BRANCH => {
            let branch = read_branch(&mut input, path, stamp)?;
            branch.set_persisted();
            Entry::branch(branch, path.len())
        }
        LEAF if path.is_empty() => {
            let key = B256::new(input.array()?);
            Entry::leaf(Leaf { key, value: V::read_record(&mut input)? }, 0)
        }
        _ => return Err("a record of an unknown kind"),
    };
    if input.0.is_empty() { Ok(entry) } else { Err("a record with bytes left over") }
}

fn read_branch<V: Value>(
    input: &mut Reader<'_>,
    path: &NodePath,
    stamp: u32,
) -> Result<Branch<V>, &'static str> {
    let len = usize::from(input.byte()?);
    if path.len() + len >= KEY_NIBBLES {
        return Err("a branch below the end of its keys");
    }
    let mut packed = B256::ZERO;
    packed[..len.div_ceil(2)].copy_from_slice(input.bytes(len.div_ceil(2))?);
    let prefix = NodePath::prefix_of(&packed, len);
    if *prefix.padded() != packed {
        return Err("a prefix with nibbles left over");
    }
    let at = path.join(&prefix);
    let mask = u16::from_be_bytes(input.array()?);
    let leaves = u16::from_be_bytes(input.array()?);
    if mask.count_ones() < 2 || leaves & !mask != 0 {
        return Err("a branch with too few children");
    }
    let mut branch = Branch::new(prefix, stamp);
    branch.reserve(mask.count_ones() as usize);
    for nibble in (0..16).filter(|nibble| mask >> nibble & 1 == 1) {
        let child = at.child(nibble);
        let entry = if leaves >> nibble & 1 == 1 {
            Entry::leaf(read_leaf(input, &child)?, child.len())
        } else {
            Entry::Unloaded(input.reference()?)
        };
        branch.push(nibble, entry);
    }
    Ok(branch)
}

/// A leaf whose key begins with `path`; the record repeats half a byte of it when its length is odd.
fn read_leaf<V: Value>(input: &mut Reader<'_>, path: &NodePath) -> Result<Leaf<V>, &'static str> {
    let mut key = *path.padded();
    let from = path.len() / 2;
    let tail = &mut key[from..];
    tail.copy_from_slice(input.bytes(tail.len())?);
    if path.len() % 2 == 1 && nibble(&key, path.len() - 1) != path.get(path.len() - 1) {
        return Err("a leaf outside its branch");
    }
    Ok(Leaf { key, value: V::read_record(input)? })
}

/// A record being read; every method fails when too few bytes are left.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], &'static str> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or("a record that ends too early")?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, &'static str> {
        self.array().map(|[byte]| byte)
    }

    /// What [`write_number`] wrote, filled up with zeros.
    pub(super) fn number<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let len = usize::from(self.byte()?);
        let bytes = self.bytes(len)?;
        if len > N || bytes.first() == Some(&0) {
            return Err("a number in another form than ours");
        }
        let mut number = [0; N];
        number[N - len..].copy_from_slice(bytes);
        Ok(number)
    }

    fn reference(&mut self) -> Result<NodeRef, &'static str> {
        match usize::from(self.byte()?) {
            32 => Ok(NodeRef::hash(B256::new(self.array()?))),
            len @ 1..32 => NodeRef::inline(self.bytes(len)?).ok_or("a name that is too long"),
            _ => Err("a name of impossible length"),
        }
    }
}
