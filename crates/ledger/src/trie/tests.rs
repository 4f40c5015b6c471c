//! The trie against a model: plain maps, whose root alloy-trie computes from scratch.

mod forks;
mod hostile;
mod nodes;

use super::{
    NodePath, NodeSink, NodeSource, StateTrie,
    node::{Entry, Value},
};
use crate::LedgerError;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount,
    proof::verify_proof,
    root::{state_root_unhashed, storage_root_unhashed},
};
use hanse_primitives::{AccountChange, AccountInfo, StateChanges};
use parking_lot::Mutex;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

type Place = (Option<B256>, NodePath);

/// The store: what a durable batch left.
#[derive(Debug, Default)]
struct Store(Mutex<BTreeMap<Place, Vec<u8>>>);

impl NodeSource for Store {
    fn node(
        &self,
        owner: Option<&B256>,
        path: &NodePath,
    ) -> Result<Option<fjall::Slice>, LedgerError> {
        let records = self.0.lock();
        Ok(records
            .get(&(owner.copied(), *path))
            .map(|record| fjall::Slice::from(record.as_slice())))
    }

    fn paths(&self, owner: &B256, each: &mut dyn FnMut(NodePath)) -> Result<(), LedgerError> {
        let records = self.0.lock();
        records.keys().filter(|(o, _)| *o == Some(*owner)).for_each(|(_, path)| each(*path));
        Ok(())
    }
}

/// A batch that is not durable yet.
#[derive(Debug, Default)]
struct Batch(BTreeMap<Place, Option<Vec<u8>>>);

impl NodeSink for Batch {
    fn put(&mut self, owner: Option<&B256>, path: &NodePath, record: &[u8]) {
        let before = self.0.insert((owner.copied(), *path), Some(record.to_vec()));
        assert!(before.is_none(), "each place is named once");
    }

    fn delete(&mut self, owner: Option<&B256>, path: &NodePath) {
        let before = self.0.insert((owner.copied(), *path), None);
        assert!(before.is_none(), "each place is named once");
    }
}

impl Batch {
    fn commit(self, store: &Store) {
        let mut records = store.0.lock();
        for (place, record) in self.0 {
            match record {
                Some(record) => records.insert(place, record),
                None => records.remove(&place),
            };
        }
    }
}

fn persist(trie: &StateTrie, store: &Store) {
    let mut batch = Batch::default();
    let unconfirmed = trie.persist(&mut batch).unwrap();
    batch.commit(store);
    unconfirmed.confirm();
}

/// The world state as maps.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model(BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>);

impl Model {
    fn apply(&mut self, changes: &StateChanges) {
        for (address, change) in changes.accounts() {
            let Some(info) = change.info else {
                self.0.remove(address);
                continue;
            };
            let (old, storage) = self.0.entry(*address).or_default();
            *old = info;
            if change.storage_cleared {
                storage.clear();
            }
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    storage.remove(slot)
                } else {
                    storage.insert(*slot, *value)
                };
            }
        }
    }

    fn storage_root(storage: &BTreeMap<U256, U256>) -> B256 {
        storage_root_unhashed(storage.iter().map(|(slot, value)| (B256::from(*slot), *value)))
    }

    fn trie_account((info, storage): &(AccountInfo, BTreeMap<U256, U256>)) -> TrieAccount {
        TrieAccount {
            nonce: info.nonce,
            balance: info.balance,
            storage_root: Self::storage_root(storage),
            code_hash: info.code_hash,
        }
    }

    fn root(&self) -> B256 {
        state_root_unhashed(self.0.iter().map(|(a, account)| (*a, Self::trie_account(account))))
    }

    /// Everything at once, for a new trie.
    fn changes(&self) -> StateChanges {
        let accounts = self.0.iter().map(|(address, (info, storage))| {
            let storage = storage.iter().map(|(slot, value)| (*slot, *value)).collect();
            (*address, AccountChange { info: Some(*info), storage_cleared: false, storage })
        });
        StateChanges::new(accounts.collect(), Vec::new())
    }

    /// What a store holds that never held anything else.
    fn records(&self) -> BTreeMap<Place, Vec<u8>> {
        let store = Arc::new(Store::default());
        let trie = StateTrie::empty(store.clone()).apply(&self.changes()).unwrap();
        persist(&trie, &store);
        std::mem::take(&mut *store.0.lock())
    }
}

/// Every account and slot reads as in the model, and every proof holds.
fn check_contents(trie: &StateTrie, model: &Model) {
    let root = trie.root();
    assert_eq!(root, model.root());
    for address in (0..ADDRESSES).map(address) {
        let expected = model.0.get(&address);
        let account = trie.account(&address).unwrap();
        let root_of = |(info, storage): &_| (*info, Model::storage_root(storage));
        assert_eq!(account, expected.map(root_of));
        let slots: Vec<_> = (0..SLOTS).map(slot).collect();
        let proof = trie.prove(&address, &slots).unwrap();
        assert_eq!(
            (proof.info, proof.storage_root),
            match account {
                Some((info, root)) => (Some(info), root),
                None => (None, EMPTY_ROOT_HASH),
            }
        );
        let rlp = expected.map(|account| alloy_rlp::encode(Model::trie_account(account)));
        verify_proof(root, Nibbles::unpack(keccak256(address)), rlp, &proof.nodes).unwrap();
        for (slot, proof) in slots.iter().zip(&proof.storage) {
            let value = expected.and_then(|(_, storage)| storage.get(slot)).copied();
            assert_eq!(proof.slot, *slot);
            assert_eq!(proof.value, value.unwrap_or_default());
            assert_eq!(trie.storage(&address, slot).unwrap(), proof.value);
            let key = Nibbles::unpack(keccak256(B256::from(*slot)));
            let root = account.map_or(EMPTY_ROOT_HASH, |(_, root)| root);
            verify_proof(root, key, value.map(alloy_rlp::encode), &proof.nodes).unwrap();
        }
    }
}

/// The incremental estimate is what counting from scratch gives.
fn check_memory(trie: &StateTrie) {
    fn count<V: Value>(entry: &Entry<V>) -> usize {
        match entry {
            Entry::Empty | Entry::Unloaded(_) => 0,
            Entry::Leaf(_, leaf) => leaf.value.resident(),
            Entry::Branch(_, node) => {
                let below: usize = node.children().map(|(_, child)| count(child)).sum();
                assert_eq!(node.resident, node.own_bytes() + below);
                node.resident
            }
        }
    }
    assert_eq!(trie.memory_bytes(), count(&trie.root));
}

const ADDRESSES: u8 = 40;
const SLOTS: u8 = 24;

fn address(index: u8) -> Address {
    Address::with_last_byte(index % ADDRESSES)
}

fn slot(index: u8) -> U256 {
    U256::from(index % SLOTS)
}

fn arb_info() -> impl Strategy<Value = AccountInfo> {
    let balance = prop_oneof![
        (0u64..3).prop_map(U256::from),
        any::<u128>().prop_map(U256::from),
        any::<[u64; 4]>().prop_map(U256::from_limbs),
    ];
    let code = prop_oneof![3 => Just(KECCAK_EMPTY), 1 => any::<[u8; 32]>().prop_map(B256::new)];
    (prop_oneof![0..3u64, any::<u64>()], balance, code)
        .prop_map(|(nonce, balance, code_hash)| AccountInfo { nonce, balance, code_hash })
}

fn arb_change() -> impl Strategy<Value = AccountChange> {
    let value = prop_oneof![
        2 => Just(U256::ZERO),
        2 => (1u64..300).prop_map(U256::from),
        1 => any::<[u64; 4]>().prop_map(U256::from_limbs),
    ];
    let storage = prop::collection::btree_map((0..SLOTS).prop_map(slot), value, 0..SLOTS.into());
    let storage = prop_oneof![Just(BTreeMap::new()), storage];
    let info = prop_oneof![1 => Just(None), 4 => arb_info().prop_map(Some)];
    (info, prop::bool::weighted(0.15), storage).prop_map(|(info, storage_cleared, storage)| {
        AccountChange { info, storage_cleared, storage: storage.into_iter().collect() }
    })
}

fn arb_changes() -> impl Strategy<Value = StateChanges> {
    prop::collection::btree_map((0..ADDRESSES).prop_map(address), arb_change(), 0..12)
        .prop_map(|accounts| StateChanges::new(accounts.into_iter().collect(), Vec::new()))
}

/// A generator of numbers for the larger tests: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn batches_lead_to_the_reference_root(batches in prop::collection::vec(arb_changes(), 1..12)) {
        let mut trie = StateTrie::empty(Arc::new(Store::default()));
        let mut owned = trie.clone();
        let mut model = Model::default();
        for changes in &batches {
            model.apply(changes);
            let next = trie.apply(changes).unwrap();
            owned = owned.apply_owned(changes).unwrap();
            prop_assert_eq!(next.root(), model.root());
            prop_assert_eq!(owned.root(), next.root());
            check_memory(&next);
            check_memory(&owned);
            trie = next;
        }
        check_contents(&trie, &model);
        prop_assert_eq!(trie.apply(&batches[batches.len() - 1]).unwrap().root(), trie.root());
    }

    #[test]
    fn a_reverse_batch_leads_back(batches in prop::collection::vec(arb_changes(), 2..8)) {
        let store = Arc::new(Store::default());
        let mut trie = StateTrie::empty(store.clone());
        let mut models = vec![Model::default()];
        for changes in &batches {
            let mut model = models.last().unwrap().clone();
            model.apply(changes);
            models.push(model);
            trie = trie.apply(changes).unwrap();
        }
        persist(&trie, &store);
        let mut back = StateTrie::open(store, trie.root()).unwrap();
        for pair in models.windows(2).rev() {
            let (older, newer) = (&pair[0], &pair[1]);
            let touched: BTreeSet<_> = older.0.keys().chain(newer.0.keys()).copied().collect();
            let reverse = touched.into_iter().map(|address| {
                let change = older.0.get(&address).map(|(info, storage)| AccountChange {
                    info: Some(*info),
                    storage_cleared: true,
                    storage: storage.iter().map(|(slot, value)| (*slot, *value)).collect(),
                });
                (address, change.unwrap_or_default())
            });
            back = back.apply_owned(&StateChanges::new(reverse.collect(), Vec::new())).unwrap();
            prop_assert_eq!(back.root(), older.root());
        }
        prop_assert_eq!(back.root(), EMPTY_ROOT_HASH);
    }
}

/// Batches large enough to be updated and built in parallel, in both kinds of trie.
#[test]
fn large_batches_lead_to_the_reference_root() {
    let store = Arc::new(Store::default());
    let mut numbers = Numbers(7);
    let mut trie = StateTrie::empty(store.clone());
    let mut model = Model::default();
    for round in 0..6 {
        let mut accounts = BTreeMap::new();
        for _ in 0..900 {
            let address = Address::left_padding_from(&numbers.below(3_000).to_be_bytes());
            let info = AccountInfo {
                nonce: numbers.below(1_000),
                balance: U256::from(numbers.next()),
                ..AccountInfo::default()
            };
            let info = (numbers.below(5) > 0).then_some(info);
            accounts.insert(address, AccountChange { info, ..AccountChange::default() });
        }
        let slots: BTreeMap<_, _> = (0..700)
            .map(|_| (U256::from(numbers.below(1_500)), U256::from(numbers.below(3))))
            .collect();
        let contract = AccountChange {
            info: Some(AccountInfo { code_hash: B256::repeat_byte(7), ..AccountInfo::default() }),
            storage_cleared: round == 3,
            storage: slots.into_iter().collect(),
        };
        accounts.insert(Address::repeat_byte(0xcc), contract);
        let changes = StateChanges::new(accounts.into_iter().collect(), Vec::new());
        model.apply(&changes);
        trie = trie.apply(&changes).unwrap();
        assert_eq!(trie.root(), model.root());
        check_memory(&trie);
        if round % 2 == 0 {
            persist(&trie, &store);
            assert_eq!(*store.0.lock(), model.records());
            let loaded = trie.memory_bytes();
            trie.evict(loaded / 3);
            assert!(trie.memory_bytes() <= loaded / 3);
        }
    }
}
