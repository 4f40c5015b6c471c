//! Bytes on disk that are not what was written.

use super::*;
use crate::trie::{NodeFault, NodeProblem, TrieError, account::Account, node::NodeRef, record};

fn sample() -> (Arc<Store>, StateTrie, Vec<Address>) {
    let store = Arc::new(Store::default());
    let mut numbers = Numbers(3);
    let addresses: Vec<_> = (0..60).map(address).collect();
    let accounts = addresses.iter().map(|address| {
        let storage = (0..numbers.below(12)).map(|slot| (U256::from(slot), U256::from(slot + 1)));
        let code_hash =
            if numbers.0.is_multiple_of(2) { KECCAK_EMPTY } else { B256::repeat_byte(8) };
        let info = AccountInfo { nonce: 1, balance: U256::MAX >> 70, code_hash };
        let storage = storage.collect();
        (*address, AccountChange { info: Some(info), storage_cleared: false, storage })
    });
    let accounts: BTreeMap<_, _> = accounts.collect();
    let changes = StateChanges::new(accounts.into_iter().collect(), Vec::new());
    let trie = StateTrie::empty(store.clone()).apply(&changes).unwrap();
    persist(&trie, &store);
    (store, trie, addresses)
}

/// Reads every account and slot, and updates every account.
fn read_all(store: &Arc<Store>, root: B256, addresses: &[Address]) -> Result<(), TrieError> {
    let trie = StateTrie::open(store.clone(), root)?;
    for address in addresses {
        trie.account(address)?;
        for slot in 0..12 {
            trie.storage(address, &U256::from(slot))?;
        }
    }
    Ok(())
}

fn update_all(store: &Arc<Store>, root: B256, addresses: &[Address]) -> Result<(), TrieError> {
    let trie = StateTrie::open(store.clone(), root)?;
    let storage: Vec<_> = (0..12).map(|slot| (U256::from(slot), U256::ZERO)).collect();
    let accounts: BTreeMap<_, _> = addresses
        .iter()
        .map(|address| {
            let info = Some(AccountInfo::default());
            let storage = storage.clone();
            (*address, AccountChange { info, storage_cleared: false, storage })
        })
        .collect();
    trie.apply(&StateChanges::new(accounts.into_iter().collect(), Vec::new()))?;
    Ok(())
}

/// What each record's parent calls it.
fn names<V: Value>(
    entry: &Entry<V>,
    owner: Option<B256>,
    path: NodePath,
    storage: &mut dyn FnMut(&B256, &V),
    names: &mut BTreeMap<Place, NodeRef>,
) {
    match entry {
        Entry::Empty | Entry::Unloaded(_) => {}
        Entry::Leaf(_, leaf) => storage(&leaf.key, &leaf.value),
        Entry::Branch(name, node) => {
            names.insert((owner, path), *name);
            let path = path.join(&node.prefix());
            for (digit, child) in node.children() {
                self::names(child, owner, path.child(digit), storage, names);
            }
        }
    }
}

/// Every single byte of every record is checked: a flipped one is found by whoever reads it.
#[test]
fn a_flipped_byte_is_found() {
    let (store, trie, addresses) = sample();
    let root = trie.root();
    read_all(&store, root, &addresses).unwrap();
    update_all(&store, root, &addresses).unwrap();
    let (mut expected, mut inner) = (BTreeMap::new(), BTreeMap::new());
    let mut storage = |key: &B256, account: &Account| {
        names(account.storage(), Some(*key), NodePath::ROOT, &mut |_, _| {}, &mut inner);
    };
    names(&trie.root, None, NodePath::ROOT, &mut storage, &mut expected);
    expected.append(&mut inner);
    let records = store.0.lock().clone();
    assert!(records.keys().eq(expected.keys()));
    let mut numbers = Numbers(5);
    for (place, record) in &records {
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1 << numbers.below(8);
            store.0.lock().insert(*place, damaged);
            let (owner, path) = (place.0.as_ref(), &place.1);
            let name = &expected[place];
            let result = match owner {
                None => record::load::<Account>(&*store, owner, path, name, 0).map(|_| ()),
                Some(_) => record::load::<U256>(&*store, owner, path, name, 0).map(|_| ()),
            };
            let Err(TrieError::Node(fault)) = result else {
                panic!("byte {at} of the record at {place:?} may be anything")
            };
            assert_eq!((fault.owner, fault.path), *place);
        }
        assert!(read_all(&store, root, &addresses).is_err());
        assert!(update_all(&store, root, &addresses).is_err());
        store.0.lock().insert(*place, record.clone());
    }
}

#[test]
fn a_missing_or_shortened_record_is_found() {
    let (store, trie, addresses) = sample();
    let records = store.0.lock().clone();
    for (place, record) in &records {
        store.0.lock().remove(place);
        let Err(TrieError::Node(fault)) = read_all(&store, trie.root(), &addresses) else {
            panic!("nobody missed {place:?}")
        };
        let (owner, path) = *place;
        assert_eq!(fault, NodeFault { owner, path, why: NodeProblem::Missing });
        store.0.lock().insert(*place, record[..record.len() - 1].to_vec());
        assert!(read_all(&store, trie.root(), &addresses).is_err());
        store.0.lock().insert(*place, record.clone());
    }
    let error = LedgerError::from(StateTrie::open(store, B256::repeat_byte(1)).unwrap_err());
    assert!(matches!(&error, LedgerError::Corrupt(text) if text.contains("account trie")));
    assert!(!error.is_caller_fault());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Whatever the bytes are, decoding them ends, without a panic.
    #[test]
    fn any_bytes_decode_or_fail(
        kind in 0..4u8,
        bytes in prop::collection::vec(prop_oneof![0..4u8, Just(32), any::<u8>()], 0..400),
        depth in 0..=64usize,
    ) {
        let record: Vec<_> = std::iter::once(kind).chain(bytes).collect();
        let path = NodePath::prefix_of(&B256::repeat_byte(0x5a), depth);
        if let Ok(entry) = record::decode::<U256>(&record, &path, 0) {
            prop_assert!(!entry.is_empty());
        }
        if let Ok(entry) = record::decode::<Account>(&record, &path, 0) {
            prop_assert!(!entry.is_empty());
        }
    }
}
