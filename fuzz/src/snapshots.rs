//! Snapshots that lie.

use super::{Seeds, Target, ledger::chain, world::settings};
use alloy_primitives::B256;
use hanse_ledger::{Ledger, LedgerError, testing::spec};
use hanse_primitives::ChainSpec;

/// Where a snapshot says which block is its last, of which block its state is, and how far back it goes.
const LAST_HASH: std::ops::Range<usize> = 52..84;
const BASE: std::ops::Range<usize> = 84..92;
const HORIZON: std::ops::Range<usize> = 96..98;

/// Restores these bytes; when the first is odd, with the checksum made right. The hash that is trusted is the
/// one that they name, so that what is behind it is reached. True when a ledger has come of it.
///
/// What is refused is a snapshot's fault, and nothing is left of it. What is taken verifies, and ends with the
/// block that is trusted.
#[must_use]
pub fn snapshots() -> Target {
    let spec = spec(3);
    Box::new(move |bytes| {
        let Some((mode, snapshot)) = bytes.split_first() else { return false };
        let mut snapshot = snapshot.to_vec();
        if mode % 2 == 1 {
            make_checksum_right(&mut snapshot);
        }
        let trusted = snapshot.get(LAST_HASH).map_or(B256::ZERO, B256::from_slice);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let made = Ledger::restore(folder.path(), &spec, &settings(), trusted, &mut &snapshot[..]);
        match made {
            Ok(ledger) => {
                let report = ledger.verify(&mut |_| {}).expect("the disk can be read");
                assert_eq!(report.problems, Vec::<String>::new());
                assert_eq!(ledger.finalized().hash, trusted);
                true
            }
            Err(LedgerError::Snapshot(_)) => {
                let left = ["log", "store", "restoring"].map(|name| folder.path().join(name));
                assert!(left.iter().all(|path| !path.exists()), "nothing is left");
                false
            }
            Err(error) => panic!("{error}"),
        }
    })
}

fn make_checksum_right(snapshot: &mut [u8]) {
    if let Some((body, crc)) = snapshot.split_last_chunk_mut::<4>() {
        *crc = crc32fast::hash(body).to_be_bytes();
    }
}

/// A snapshot as a ledger writes it, and one with a state of its own: that of genesis.
pub(super) fn seeds() -> Seeds {
    let spec = spec(3);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut plain = Vec::new();
    chain(folder.path(), &spec).snapshot(&mut plain).expect("memory can be written to");
    let with = |mode: u8, bytes: &[u8]| [&[mode], bytes].concat();
    let based = based(&plain, &spec);
    let mut forged = based.clone();
    let at = forged.len() - 6; // the end of the last balance
    forged[at] ^= 1;
    vec![
        ("good-plain".to_owned(), with(0, &plain)),
        ("good-summed".to_owned(), with(1, &plain)),
        ("good-state".to_owned(), with(1, &based)),
        ("forged-state".to_owned(), with(1, &forged)),
        ("cut".to_owned(), with(0, &plain[..plain.len() - 9])),
    ]
}

/// The same with the state of genesis, which the horizon is just above.
fn based(plain: &[u8], spec: &ChainSpec) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    bytes[BASE].fill(0);
    bytes[HORIZON].copy_from_slice(&[1, 0]);
    let end = bytes.split_off(bytes.len() - 5); // the end of the state, and the checksum
    for (address, account) in &spec.genesis().alloc {
        bytes.push(1);
        bytes.extend_from_slice(address.as_slice());
        let balance = account.balance.to_be_bytes_trimmed_vec();
        let mut info = vec![0, 0, u8::try_from(balance.len()).expect("a balance is short")];
        info.extend_from_slice(&balance);
        let length = u32::try_from(info.len()).expect("an account is short");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&info);
    }
    bytes.extend_from_slice(&end);
    bytes
}
