use super::{
    evict::Scan,
    node::{ARC_BYTES, Branch, Entry, Leaf, NodeRef, Value},
    persist::Writer,
    record::{self, Reader},
    rlp::ValueBuffer,
};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{B256, U256};
use hanse_primitives::AccountInfo;
use std::{ops::ControlFlow, sync::Arc};

/// An account as the trie keeps it: small for the many that have neither code nor storage.
#[derive(Clone, Debug)]
pub(super) struct Account {
    nonce: u64,
    /// The lower 128 bits of the balance, low limb first.
    balance: [u64; 2],
    /// Absent when all of it is as in a new account.
    rest: Option<Arc<Rest>>,
}

/// What few accounts have.
#[derive(Clone, Debug)]
struct Rest {
    /// The upper 128 bits of the balance, low limb first.
    balance: [u64; 2],
    code_hash: B256,
    /// The root of the storage trie.
    storage: Entry<U256>,
}

const HAS_CODE: u8 = 1;
const STORAGE_LEAF: u8 = 2;
const STORAGE_NODE: u8 = 4;

impl Account {
    /// An account with this storage.
    pub(super) fn new(info: &AccountInfo, storage: Entry<U256>) -> Self {
        let [b0, b1, b2, b3] = info.balance.into_limbs();
        let plain = [b2, b3] == [0, 0] && info.code_hash == KECCAK_EMPTY && storage.is_empty();
        let rest = (!plain)
            .then(|| Arc::new(Rest { balance: [b2, b3], code_hash: info.code_hash, storage }));
        Self { nonce: info.nonce, balance: [b0, b1], rest }
    }

    /// The account apart from its storage.
    pub(super) fn info(&self) -> AccountInfo {
        let ([b2, b3], code_hash) = match &self.rest {
            None => ([0, 0], KECCAK_EMPTY),
            Some(rest) => (rest.balance, rest.code_hash),
        };
        let [b0, b1] = self.balance;
        AccountInfo { nonce: self.nonce, balance: U256::from_limbs([b0, b1, b2, b3]), code_hash }
    }

    /// The root of the storage trie.
    pub(super) fn storage(&self) -> &Entry<U256> {
        self.rest.as_ref().map_or(&Entry::Empty, |rest| &rest.storage)
    }

    /// Takes the storage out, to change it.
    pub(super) fn into_storage(self) -> Entry<U256> {
        self.rest.map_or(Entry::Empty, |rest| Arc::unwrap_or_clone(rest).storage)
    }

    /// The storage, for changes that leave its root hash as it is.
    pub(super) fn storage_mut(&mut self) -> Option<&mut Entry<U256>> {
        self.rest.as_mut().map(|rest| &mut Arc::make_mut(rest).storage)
    }
}

impl Value for Account {
    fn encode(&self, out: &mut ValueBuffer) {
        let info = self.info();
        out.number(&info.nonce.to_be_bytes());
        out.number(&info.balance.to_be_bytes::<32>());
        out.string(self.storage().root().as_slice());
        out.string(info.code_hash.as_slice());
        out.wrap();
    }

    fn resident(&self) -> usize {
        let rest = self.rest.as_ref();
        rest.map_or(0, |rest| ARC_BYTES + size_of::<Rest>() + rest.storage.resident())
    }

    fn write_record(&self, out: &mut Vec<u8>) {
        let info = self.info();
        let storage = self.storage();
        let code = if info.code_hash == KECCAK_EMPTY { 0 } else { HAS_CODE };
        out.push(match storage {
            Entry::Empty => code,
            Entry::Leaf(..) => code | STORAGE_LEAF,
            Entry::Unloaded(_) | Entry::Branch(..) => code | STORAGE_NODE,
        });
        record::write_number(&info.nonce.to_be_bytes(), out);
        record::write_number(&info.balance.to_be_bytes::<32>(), out);
        if code == HAS_CODE {
            out.extend_from_slice(info.code_hash.as_slice());
        }
        match storage {
            Entry::Empty => {}
            Entry::Leaf(_, leaf) => {
                out.extend_from_slice(leaf.key.as_slice());
                leaf.value.write_record(out);
            }
            Entry::Unloaded(_) | Entry::Branch(..) => {
                out.extend_from_slice(storage.root().as_slice());
            }
        }
    }

    fn read_record(input: &mut Reader<'_>) -> Result<Self, &'static str> {
        let flags = input.byte()?;
        let nonce = u64::from_be_bytes(input.number::<8>()?);
        let balance = U256::from_be_bytes(input.number::<32>()?);
        let code_hash =
            if flags & HAS_CODE == 0 { KECCAK_EMPTY } else { B256::new(input.array()?) };
        let storage = match flags & !HAS_CODE {
            0 => Entry::Empty,
            STORAGE_LEAF => {
                let key = B256::new(input.array()?);
                Entry::leaf(Leaf { key, value: U256::read_record(input)? }, 0)
            }
            STORAGE_NODE => Entry::Unloaded(NodeRef::hash(B256::new(input.array()?))),
            _ => return Err("an account has unknown flags"),
        };
        Ok(Self::new(&AccountInfo { nonce, balance, code_hash }, storage))
    }

    fn persist(&self, key: &B256, writer: &mut Writer<'_>) {
        writer.write_trie(self.storage(), Some(*key));
    }

    fn scan(&self, key: &B256, edge: Option<&B256>, scan: &mut Scan) -> ControlFlow<()> {
        scan.trie(self.storage(), Some(*key), edge)
    }

    fn remember(node: &Arc<Branch<Self>>, writer: &mut Writer<'_>) {
        writer.written.accounts.push(Arc::clone(node));
    }
}
