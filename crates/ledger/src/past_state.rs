//! A whole state of the past, read from the history in the store.

use crate::{
    LedgerError,
    codec::{Malformed, read_account, read_slot},
    store::{Space, Store},
};
use alloy_primitives::{Address, U256};
use hanse_primitives::{AccountInfo, Height};
use std::iter::Peekable;

/// An account of the past, with the slots that are not zero, ascending.
pub(crate) type PastAccount = (Address, AccountInfo, Vec<(U256, U256)>);

type Row = Result<(fjall::Slice, fjall::Slice), LedgerError>;

/// Every account at a final height that the store has the history of, ascending by address.
pub(crate) fn accounts_at(
    store: &Store,
    height: Height,
    each: &mut dyn FnMut(PastAccount) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let malformed =
        |error: Malformed| LedgerError::Corrupt(format!("the store's history: {error}"));
    let mut slots = store.iter(Space::SlotHistory).peekable();
    let mut accounts = store.iter(Space::AccountHistory).peekable();
    while let Some((key, value)) = next_at(&mut accounts, &[], height)? {
        let address = Address::try_from(&key[..])
            .map_err(|_| malformed(Malformed("an account with a bad key")))?;
        let info = read_account(&value).map_err(malformed)?;
        let mut storage = Vec::new();
        while slots.next_if(|row| comes_before(row, &address)).transpose()?.is_some() {}
        while let Some((key, value)) = next_at(&mut slots, address.as_slice(), height)? {
            let slot = key.get(20..).and_then(U256::try_from_be_slice);
            let slot = slot.ok_or_else(|| malformed(Malformed("a slot with a bad key")))?;
            let value = read_slot(&value).map_err(malformed)?;
            if !value.is_zero() {
                storage.push((slot, value));
            }
        }
        if let Some(info) = info {
            each((address, info, storage))?;
        }
    }
    Ok(())
}

/// The next name that begins with `within` and has a version at or below a height, and that version; rows of
/// later versions and of older ones are passed over. The iterator must stand where a name begins.
fn next_at(
    rows: &mut Peekable<impl Iterator<Item = Row>>,
    within: &[u8],
    height: Height,
) -> Result<Option<(Vec<u8>, fjall::Slice)>, LedgerError> {
    let mut found: Option<(Vec<u8>, fjall::Slice)> = None;
    loop {
        let goes_on = match (rows.peek(), &found) {
            (None, _) => false,
            (Some(Ok((key, _))), Some((name, _))) => key.starts_with(name),
            (Some(Ok((key, _))), None) => key.starts_with(within),
            (Some(Err(_)), _) => true, // it comes out below
        };
        if !goes_on {
            return Ok(found);
        }
        let Some(row) = rows.next() else { return Ok(found) };
        let (key, value) = row?;
        let Some((name, version)) = key.split_last_chunk::<8>() else {
            return Err(LedgerError::Corrupt("the store's history: a bad key".to_owned()));
        };
        if found.is_none() && u64::MAX - u64::from_be_bytes(*version) <= height.0 {
            found = Some((name.to_vec(), value));
        }
    }
}

fn comes_before(row: &Row, address: &Address) -> bool {
    row.as_ref().is_ok_and(|(key, _)| key.get(..20).is_some_and(|owner| owner < address.as_slice()))
}
