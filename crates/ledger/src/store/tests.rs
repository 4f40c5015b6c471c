use super::{Checkpoint, Place, Space, Store, WriteSet, account_version_key, slot_key};
use crate::{LedgerError, codec::account_bytes, log::Position};
use alloy_primitives::{Address, B256, TxHash, U256, hex};
use hanse_primitives::{AccountInfo, BlockRef, Height};
use std::{fs, path::Path};
use tempfile::TempDir;

const GENESIS: B256 = B256::repeat_byte(7);
const ADDRESS: Address = Address::repeat_byte(1);

fn open(folder: &Path) -> Store {
    Store::open(folder, GENESIS, 1 << 20).unwrap()
}

fn info(nonce: u64) -> AccountInfo {
    AccountInfo { nonce, ..AccountInfo::default() }
}

/// A checkpoint that touches several key spaces.
fn set(height: u64) -> WriteSet {
    let mut set = WriteSet::default();
    let bytes = account_bytes(Some(&info(height)));
    set.rows(Space::Accounts).put(ADDRESS.as_slice(), &bytes);
    let key = account_version_key(&ADDRESS, Height(height));
    set.rows(Space::AccountHistory).put(&key, &bytes);
    set.rows(Space::Slots).put(&slot_key(&ADDRESS, &U256::from(height)), &[1]);
    set.rows(Space::Slots).delete(&slot_key(&ADDRESS, &U256::from(height - 1)));
    let place = Place::new(Height(height), 3);
    set.rows(Space::Transactions).put(&[u8::try_from(height).unwrap(); 16], &place.bytes());
    set.set_checkpoint(&checkpoint(height), GENESIS);
    set
}

fn checkpoint(height: u64) -> Checkpoint {
    Checkpoint {
        block: BlockRef { height: Height(height), hash: B256::with_last_byte(9) },
        position: Position { segment: 2, offset: 77 },
    }
}

fn check(store: &Store, height: u64) {
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(height)));
    assert_eq!(store.account(&ADDRESS).unwrap(), Some(info(height)));
    assert_eq!(store.slots_of(&ADDRESS).unwrap(), [U256::from(height)]);
    for past in 1..=height {
        assert_eq!(store.account_at(&ADDRESS, Height(past)).unwrap(), Some(info(past)));
        let hash = TxHash::repeat_byte(u8::try_from(past).unwrap());
        let place = store.transaction(&hash).unwrap().unwrap();
        assert_eq!((place.height(), place.index()), (Height(past), 3));
    }
    assert_eq!(store.account_at(&ADDRESS, Height(0)).unwrap(), None);
    assert_eq!(store.account_at(&ADDRESS, Height(height + 5)).unwrap(), Some(info(height)));
}

#[test]
fn a_checkpoint_is_there_wholly_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    assert_eq!(store.checkpoint().unwrap(), None);
    store.write(set(1)).unwrap();
    check(&store, 1);
    // Killed before the file has its name: nothing of it is seen.
    fs::write(folder.path().join("checkpoint.new"), b"half of a checkp").unwrap();
    drop(store);
    let mut store = open(folder.path());
    check(&store, 1);
    // Killed after that, having taken in so many of the key spaces: the next opening does the rest.
    for done in 0..=Space::COUNT {
        let height = 2 + done as u64;
        let set = store.prepare(set(height)).unwrap();
        for (space, rows) in set.iter().take(done) {
            store.ingest(space, rows).unwrap();
        }
        drop(store);
        store = open(folder.path());
        check(&store, height);
        assert!(!folder.path().join("checkpoint.redo").exists());
    }
}

#[test]
fn a_prepared_checkpoint_that_is_damaged_is_refused() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store.prepare(set(1)).unwrap();
    drop(store);
    let path = folder.path().join("checkpoint.redo");
    let bytes = fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(17) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        fs::write(&path, &flipped).unwrap();
        let error = Store::open(folder.path(), GENESIS, 1 << 20).unwrap_err();
        assert!(matches!(error, LedgerError::Corrupt(_)), "{error}");
    }
    fs::write(&path, &bytes).unwrap();
    check(&open(folder.path()), 1);
}

#[test]
fn the_last_of_several_rows_with_one_key_stays() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let mut set = WriteSet::default();
    let rows = set.rows(Space::Accounts);
    rows.delete(ADDRESS.as_slice());
    rows.put(ADDRESS.as_slice(), &account_bytes(Some(&info(1))));
    rows.put(ADDRESS.as_slice(), &account_bytes(Some(&info(2))));
    store.write(set).unwrap();
    assert_eq!(store.account(&ADDRESS).unwrap(), Some(info(2)));
}

#[test]
fn a_store_of_another_chain_or_format_is_named() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store.write(set(1)).unwrap();
    drop(store);
    let error = Store::open(folder.path(), B256::ZERO, 1 << 20).unwrap_err();
    assert!(matches!(error, LedgerError::OtherGenesis { found: GENESIS, .. }), "{error}");
    let store = open(folder.path());
    let mut set = WriteSet::default();
    let mut identity = 9_u32.to_be_bytes().to_vec();
    identity.extend_from_slice(GENESIS.as_slice());
    set.rows(Space::Meta).put(b"identity", &identity);
    store.write(set).unwrap();
    drop(store);
    let error = Store::open(folder.path(), GENESIS, 1 << 20).unwrap_err();
    assert!(matches!(error, LedgerError::Format { found: 9, expected: 1, .. }), "{error}");
}

/// These bytes are on the disks of members. When this fails, raise `FORMAT`.
#[test]
fn keys_and_places_do_not_change() {
    let key = hex::encode(account_version_key(&ADDRESS, Height(1)));
    assert_eq!(key, "0101010101010101010101010101010101010101fffffffffffffffe");
    let key = hex::encode(super::slot_version_key(&ADDRESS, &U256::from(2), Height(256)));
    let slot = "0000000000000000000000000000000000000000000000000000000000000002";
    assert_eq!(key, format!("{}{slot}fffffffffffffeff", hex::encode(ADDRESS)));
    assert_eq!(hex::encode(Place::new(Height(0x01_0203), 7).bytes()), "0000010203000007");
    let place = hex::encode(super::place_bytes(checkpoint(1).position, B256::with_last_byte(9)));
    assert_eq!(place, format!("000000020000004d{}", hex::encode(B256::with_last_byte(9))));
    let account = AccountInfo { nonce: 300, balance: U256::from(0xabcd), ..AccountInfo::default() };
    assert_eq!(hex::encode(account_bytes(Some(&account))), "00ac0202abcd");
    assert!(account_bytes(None).is_empty());
}

#[test]
fn rows_come_out_in_key_order_whatever_the_lengths() {
    let mut set = WriteSet::default();
    let rows = set.rows(Space::Nodes);
    let keys: [&[u8]; 8] =
        [b"abcdefgh\0", b"abcdefgh", b"abc\0", b"abc", b"", b"abcdefghj", b"abcdefghi", b"\xff"];
    for (turn, key) in keys.iter().chain(&keys).enumerate() {
        rows.put(key, &[u8::try_from(turn).unwrap()]);
    }
    set.sort();
    let sorted: Vec<_> = set.rows(Space::Nodes).iter().collect();
    let mut expected: Vec<(&[u8], Option<Vec<u8>>)> =
        keys.iter().zip(8_u8..).map(|(key, turn)| (*key, Some(vec![turn]))).collect();
    expected.sort();
    let sorted: Vec<_> = sorted.into_iter().map(|(k, v)| (k, v.map(<[u8]>::to_vec))).collect();
    assert_eq!(sorted, expected);
}

/// Every row that a few blocks lead to, key spaces and trie nodes included. These bytes are on the
/// disks of members: when this fails, raise `FORMAT`, and keep a way to open what the old version
/// wrote.
#[test]
fn the_rows_of_a_store_do_not_change() {
    use crate::{
        Ledger, Settings,
        testing::{Dice, execute, random_changes, spec, transaction},
    };
    let folder = TempDir::new().unwrap();
    let spec = spec(2);
    let ledger = Ledger::open(folder.path(), &spec, Settings::default()).unwrap();
    let mut parent = spec.genesis_block_sealed().header().clone();
    for number in 1..4 {
        let changes = random_changes(&mut Dice(number));
        let (executed, root) = execute(&ledger, &parent, vec![transaction(number)], changes, 0);
        parent = executed.block().header().clone();
        let hash = executed.block().hash();
        ledger.insert(executed, Some(root)).unwrap();
        ledger.set_head(hash).unwrap();
        ledger.finalize(hash, Default::default()).unwrap();
    }
    ledger.checkpoint().unwrap();
    drop(ledger);
    let store = Store::open(folder.path(), spec.genesis_reference().hash, 1 << 20).unwrap();
    let mut text = String::new();
    for space in Space::ALL {
        for row in store.iter(space) {
            let (key, value) = row.unwrap();
            text += &format!("{} {} {}\n", space.name(), hex::encode(key), hex::encode(value));
        }
    }
    for space in Space::ALL {
        assert!(text.contains(&format!("\n{} ", space.name())) || text.starts_with(space.name()));
    }
    assert_eq!(text, include_str!("fixtures/rows_v1.txt"));
}

/// As above, for a checkpoint on its way: when this fails, raise the version in `MAGIC`.
#[test]
fn the_bytes_of_a_checkpoint_do_not_change() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store.prepare(set(1)).unwrap();
    drop(store);
    let path = folder.path().join("checkpoint.redo");
    let fixture = include_str!("fixtures/redo_v1.hex").trim();
    assert_eq!(hex::encode(fs::read(&path).unwrap()), fixture);
    check(&open(folder.path()), 1);
}
