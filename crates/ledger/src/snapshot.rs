//! A ledger as one file, for who joins where not all history is kept any more.
//!
//! | bytes | |
//! |---|---|
//! | 8 + 4 | `HANSESNP`, format |
//! | 32 | hash of the genesis block |
//! | 8 + 32 | height and hash of the last block |
//! | 8 | height of the state below; the largest number when there is none |
//! | 4, n | length; how far back what is kept, as the store notes it |
//! | each block | 1: whole or pruned; 4: length; the payload of its record in the log |
//! | each account | 1: `1`; 20: address; 4: length; the account as the store has it |
//! | its slots | 1: `2`; 32: slot; 32: value |
//! | each code | 1: `3`; 4: length; the code |
//! | 1 | `0` |
//! | 4 | CRC-32 of all before |
//!
//! Numbers are big-endian. The state is that below the horizon; later ones follow from what the blocks
//! changed. Everything is checked against the hash of the last block, which is all that is trusted.

use crate::{
    LedgerError,
    codec::account_bytes,
    past_state::{self, PastAccount},
    shared::Shared,
};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::B256;
use crc32fast::Hasher;
use hanse_primitives::Height;
use std::{
    collections::BTreeSet,
    io::{self, Write},
};

/// What a snapshot begins with.
pub(crate) const MAGIC: [u8; 8] = *b"HANSESNP";
/// The version of the bytes.
pub(crate) const FORMAT: u32 = 1;
/// Instead of a height.
pub(crate) const NO_STATE: u64 = u64::MAX;

pub(crate) const END: u8 = 0;
pub(crate) const ACCOUNT: u8 = 1;
pub(crate) const SLOT: u8 = 2;
pub(crate) const CODE: u8 = 3;

impl Shared {
    /// Writes all final blocks, as far as they are kept, and the state below the horizon.
    pub(crate) fn snapshot(&self, out: &mut dyn Write) -> Result<(), LedgerError> {
        let _pruning = self.pruning.lock();
        let _commit = self.hold();
        self.writer().write()?;
        let last = self.finalized();
        let store = self.flat().store();
        let base = store.horizon().highest().previous();
        let mut out = Summed { out, crc: Hasher::new() };
        out.put(&MAGIC)?;
        out.put(&FORMAT.to_be_bytes())?;
        out.put(self.genesis().as_slice())?;
        out.put(&last.height.0.to_be_bytes())?;
        out.put(last.hash.as_slice())?;
        out.put(&base.map_or(NO_STATE, |height| height.0).to_be_bytes())?;
        out.put_bytes(&store.horizon().bytes())?;
        let mut cursor = self.log().cursor_at_genesis();
        let mut height = Height::GENESIS;
        while height <= last.height {
            let found = cursor.next(self.log())?.filter(|found| found.record.height == height);
            let found = found.ok_or_else(|| {
                LedgerError::Corrupt(format!("the block log has no block at height {height}"))
            })?;
            out.put(&[u8::from(found.record.is_pruned)])?;
            out.put_bytes(&found.record.payload)?;
            height = height.next();
        }
        if let Some(base) = base {
            self.put_state(base, &mut out)?;
        }
        out.put(&[END])?;
        let crc = out.crc.clone().finalize();
        out.put(&crc.to_be_bytes())?;
        out.out.flush().map_err(written)
    }

    fn put_state(&self, height: Height, out: &mut Summed<'_>) -> Result<(), LedgerError> {
        let mut codes = BTreeSet::new();
        past_state::accounts_at(
            self.flat().store(),
            height,
            &mut |(address, info, storage): PastAccount| {
                out.put(&[ACCOUNT])?;
                out.put(address.as_slice())?;
                out.put_bytes(&account_bytes(Some(&info)))?;
                for (slot, value) in storage {
                    out.put(&[SLOT])?;
                    out.put(&slot.to_be_bytes::<32>())?;
                    out.put(&value.to_be_bytes::<32>())?;
                }
                if info.code_hash != KECCAK_EMPTY && info.code_hash != B256::ZERO {
                    codes.insert(info.code_hash);
                }
                Ok(())
            },
        )?;
        for hash in codes {
            out.put(&[CODE])?;
            out.put_bytes(&self.flat().code(&hash)?)?;
        }
        Ok(())
    }
}

fn written(source: io::Error) -> LedgerError {
    LedgerError::Io { what: "write the snapshot".to_owned(), source }
}

/// Sums up what is written.
struct Summed<'a> {
    out: &'a mut dyn Write,
    crc: Hasher,
}

impl Summed<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        self.crc.update(bytes);
        self.out.write_all(bytes).map_err(written)
    }

    fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        let length = u32::try_from(bytes.len())
            .expect("records, accounts and codes are within RECORD_BYTES_MAX, which fits 32 bits");
        self.put(&length.to_be_bytes())?;
        self.put(bytes)
    }
}
