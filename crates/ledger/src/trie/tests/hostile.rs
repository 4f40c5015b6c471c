//! Bytes on disk that are not what was written.

use super::*;
use crate::trie::{
    TrieError,
    account::Account,
    error::{NodeFault, NodeProblem},
    node::NodeRef,
    record,
};
use alloy_primitives::hex;

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

/// Records are a promise: a store that was written once must be read for ever, or its format
/// version must rise.
#[test]
fn records_keep_their_bytes() {
    let info = |nonce, balance: u64| AccountInfo {
        nonce,
        balance: U256::from(balance),
        ..AccountInfo::default()
    };
    let contract = AccountInfo { code_hash: B256::repeat_byte(0xcc), ..info(1, 0) };
    let accounts = [
        (info(0, 1_000), vec![]),
        (contract, vec![(U256::from(1), U256::from(0x1234))]),
        (contract, vec![(U256::from(1), U256::from(5)), (U256::from(2), U256::from(6))]),
    ];
    let accounts = accounts.into_iter().zip(1..).map(|((info, storage), index)| {
        (address(index), AccountChange { info: Some(info), storage_cleared: false, storage })
    });
    let store = Arc::new(Store::default());
    let changes = StateChanges::new(accounts.collect(), Vec::new());
    persist(&StateTrie::empty(store.clone()).apply(&changes).unwrap(), &store);
    let records = store.0.lock();
    let lines: Vec<_> = records
        .iter()
        .map(|((owner, path), record)| format!("{owner:?} {path:?} {}", hex::encode(record)))
        .collect();
    assert_eq!(
        lines,
        [
            "None  \
             0100202220221468288056310c82aa4c01a7e12a10f8111a0560e72b700555479031b86c357d00000203e85b\
             70e80538acdabd6137353b0f9d8d149f4dba91e8be2e7946e409bfdbe685b905010100cccccccccccccccccc\
             cccccccccccccccccccccccccccccccccccccccccccccc72dd5e7e23f2270dd2f39a70c489a53d3bf3f109a1\
             5e6d1b7e9c27ac7a08bbd2d52688a8f926c816ca1e079067caba944f158e764817b83fc43594370ca9cf6203\
             010100ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccb10e2d527612073b26\
             eecdfd717e6a320cf44b4afac2b0732d9fcbe2b7fa0cf6021234",
            "Some(0x5b70e80538acdabd6137353b0f9d8d149f4dba91e8be2e7946e409bfdbe685b9)  \
             010008100810405787fa12a823e0f2b7631cc41b3ba8828b3321ca811111fa75cd3aa3bb5ace0106b10e2d52\
             7612073b26eecdfd717e6a320cf44b4afac2b0732d9fcbe2b7fa0cf60105",
        ]
    );
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
