//! Shapes of tries that hashed keys hardly ever take: long extensions, inline nodes, deep branches.

use super::*;
use crate::trie::{
    account::Account,
    node::Leaf,
    read,
    update::{Context, Vacancies, update_storage},
};
use alloy_trie::HashBuilder;

/// Keys that differ in few nibbles only, most of them near the end.
fn arb_key() -> impl Strategy<Value = B256> {
    (0..2u8, 0..2u8, 0..3u8, any::<u8>()).prop_map(|(first, middle, late, last)| {
        let mut key = B256::ZERO;
        key[0] = first;
        key[17] = middle << 4;
        key[30] = late;
        key[31] = last & 0x33;
        key
    })
}

fn arb_value() -> impl Strategy<Value = U256> {
    prop_oneof![
        2 => Just(U256::ZERO),
        4 => (1u64..200).prop_map(U256::from),
        1 => any::<[u64; 4]>().prop_map(U256::from_limbs),
    ]
}

fn arb_batch() -> impl Strategy<Value = Vec<(B256, U256)>> {
    prop::collection::btree_map(arb_key(), arb_value(), 1..16)
        .prop_map(|batch| batch.into_iter().collect())
}

fn reference(model: &BTreeMap<B256, U256>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(Nibbles::unpack(key), alloy_rlp::encode(value).as_slice());
    }
    builder.root()
}

const OWNER: B256 = B256::repeat_byte(0x55);

/// A state with one account that has this storage.
fn state(store: &Arc<Store>, storage: &Entry<U256>, vacancies: Vacancies) -> StateTrie {
    let account = Account::new(&AccountInfo::default(), storage.clone());
    let mut trie = StateTrie::empty(store.clone());
    trie.root = Entry::leaf(Leaf { key: OWNER, value: account }, 0);
    trie.vacated = crate::trie::persist::Vacated::after(None, vacancies);
    trie
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn shapes_agree_with_the_reference(
        batches in prop::collection::vec((arb_batch(), any::<bool>()), 1..16)
    ) {
        let store = Arc::new(Store::default());
        let mut root = Entry::Empty;
        let mut model = BTreeMap::new();
        let mut vacancies = Vacancies::default();
        for (stamp, (batch, reopen)) in (1..).zip(&batches) {
            let context = Context { source: &*store, owner: Some(OWNER), stamp };
            update_storage(&mut root, batch, &context, &mut vacancies).unwrap();
            for (key, value) in batch {
                if value.is_zero() { model.remove(key) } else { model.insert(*key, *value) };
            }
            prop_assert_eq!(root.root(), reference(&model));
            if *reopen {
                let trie = state(&store, &root, std::mem::take(&mut vacancies));
                persist(&trie, &store);
                let fresh = Arc::new(Store::default());
                let context = Context { source: &*fresh, owner: Some(OWNER), stamp };
                let all: Vec<_> = model.iter().map(|(key, value)| (*key, *value)).collect();
                let mut rebuilt = Entry::Empty;
                if !all.is_empty() {
                    let nothing = &mut Vacancies::default();
                    update_storage(&mut rebuilt, &all, &context, nothing).unwrap();
                }
                persist(&state(&fresh, &rebuilt, Vacancies::default()), &fresh);
                prop_assert_eq!(&*store.0.lock(), &*fresh.0.lock());
                let trie = StateTrie::open(store.clone(), trie.root()).unwrap();
                root = read::value(&*store, None, &trie.root, &OWNER).unwrap().unwrap()
                    .into_storage();
            }
        }
        for (batch, _) in &batches {
            for (key, _) in batch {
                let (value, nodes) = read::prove(&*store, Some(&OWNER), &root, key).unwrap();
                prop_assert_eq!(value, model.get(key).copied());
                let rlp = value.map(alloy_rlp::encode);
                verify_proof(root.root(), Nibbles::unpack(key), rlp, &nodes).unwrap();
            }
        }
    }

    #[test]
    fn a_path_survives_its_key(key in any::<[u8; 32]>(), len in 0..=64usize) {
        let path = NodePath::prefix_of(&B256::new(key), len);
        let mut bytes = Vec::new();
        path.write_key(&mut bytes);
        prop_assert_eq!(bytes.len(), len);
        prop_assert_eq!(NodePath::from_key(&bytes), Some(path));
        prop_assert_eq!(NodePath::slice_of(&B256::new(key), 0, len), path);
    }
}

#[test]
fn a_key_that_is_no_path_is_refused() {
    assert_eq!(NodePath::from_key(&[0x10]), None);
    assert_eq!(NodePath::from_key(&[0; 65]), None);
}
