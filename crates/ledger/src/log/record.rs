//! The bytes of one record of the block log.
//!
//! A record is a header of [`HEADER_BYTES`], all numbers big-endian, and a payload:
//!
//! | bytes | header | | bytes | payload |
//! |---|---|---|---|---|
//! | 4 | mark: the first half of the salt | | 4 × 4 | lengths of block, senders, receipts, changes |
//! | 4 | CRC-32 of salt, payload and the rest of the header | | | block, RLP |
//! | 4 | length of the payload | | | senders, 20 bytes each |
//! | 8 | height | | | receipts |
//! | 4 | which record of its commit this is, from 0 | | | state changes |
//! | | | | | seal: all the rest |
//!
//! The salt is a number that only this segment knows. Without it, whoever sends a transaction could
//! put a valid record into its data, and a search for records behind a damaged one would find it.

use super::receipts::{put_receipts, read_receipts};
use crate::codec::{Malformed, Reader, put_changes, read_changes};
use alloy_primitives::{Address, Bytes};
use alloy_rlp::{Decodable, Encodable};
use crc32fast::Hasher;
use hanse_primitives::{
    Block, Executed, Header, Height, Receipt, SealedBlock, StateChanges, decode_block,
};

/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 24;
/// Where the part of the header begins that the CRC covers.
const CRC_FROM: usize = 8;
const TABLE_BYTES: usize = 16;

/// A payload without its seal, encoded and summed before the commit needs it.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    crc: Hasher,
}

/// A record's header, whose CRC has not been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) crc: u32,
    pub(crate) length: usize,
    pub(crate) height: Height,
    /// Which record of its commit this is, from 0.
    pub(crate) batch_index: u32,
}

/// The parts of a payload, not yet decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    pub(crate) block: &'a [u8],
    pub(crate) senders: &'a [u8],
    pub(crate) receipts: &'a [u8],
    pub(crate) changes: &'a [u8],
    pub(crate) seal: &'a [u8],
}

impl Body {
    pub(crate) fn of(executed: &Executed) -> Self {
        Self::new(executed.block(), executed.senders(), executed.receipts(), executed.changes())
    }

    pub(crate) fn new(
        block: &SealedBlock,
        senders: &[Address],
        receipts: &[Receipt],
        changes: &StateChanges,
    ) -> Self {
        let block = block.block();
        let block_bytes = block.length();
        let mut bytes = Vec::with_capacity(
            TABLE_BYTES + block_bytes + senders.len() * 32 + 64 * changes.accounts().len(),
        );
        bytes.resize(TABLE_BYTES, 0);
        let mut from = TABLE_BYTES;
        let mut lengths = [0_u32; 4];
        for (at, length) in lengths.iter_mut().enumerate() {
            match at {
                0 => block.encode(&mut bytes),
                1 => senders.iter().for_each(|sender| bytes.extend_from_slice(sender.as_slice())),
                2 => put_receipts(&mut bytes, receipts),
                _ => put_changes(&mut bytes, changes),
            }
            *length = u32::try_from(bytes.len() - from)
                .expect("a payload is within RECORD_BYTES_MAX, which fits 32 bits");
            from = bytes.len();
        }
        for (slot, length) in bytes.chunks_exact_mut(4).zip(lengths) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
        let mut crc = Hasher::new();
        crc.update(&bytes);
        Self { bytes, crc }
    }

    /// The payload without its seal.
    #[cfg(any(test, feature = "test-utils"))]
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the whole record.
    pub(crate) fn record_bytes(&self, seal: &[u8]) -> usize {
        HEADER_BYTES + self.bytes.len() + seal.len()
    }

    /// Appends the whole record.
    pub(super) fn put(
        &self,
        out: &mut Vec<u8>,
        salt: u64,
        height: Height,
        batch_index: u32,
        seal: &[u8],
    ) {
        let length = u32::try_from(self.bytes.len() + seal.len())
            .expect("a payload is within RECORD_BYTES_MAX, which fits 32 bits");
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&mark(salt));
        header[8..12].copy_from_slice(&length.to_be_bytes());
        header[12..20].copy_from_slice(&height.0.to_be_bytes());
        header[20..].copy_from_slice(&batch_index.to_be_bytes());
        let mut crc = Hasher::new();
        crc.update(&salt.to_be_bytes());
        crc.combine(&self.crc);
        crc.update(seal);
        crc.update(&header[CRC_FROM..]);
        header[4..8].copy_from_slice(&crc.finalize().to_be_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(seal);
    }
}

impl RecordHeader {
    pub(crate) fn read(bytes: &[u8; HEADER_BYTES], salt: u64) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != mark(salt) {
            return Err(Malformed("no record begins here"));
        }
        let crc = u32::from_be_bytes(reader.array()?);
        let length = usize::try_from(u32::from_be_bytes(reader.array()?))
            .ok()
            .filter(|length| (TABLE_BYTES..=crate::limits::RECORD_BYTES_MAX).contains(length))
            .ok_or(Malformed("a record of an impossible length"))?;
        let height = Height(u64::from_be_bytes(reader.array()?));
        let batch_index = u32::from_be_bytes(reader.array()?);
        Ok(Self { crc, length, height, batch_index })
    }

    /// True when the CRC over salt, payload and header is the one that was written.
    pub(crate) fn matches(&self, bytes: &[u8; HEADER_BYTES], payload: &[u8], salt: u64) -> bool {
        let mut crc = Hasher::new();
        crc.update(&salt.to_be_bytes());
        crc.update(payload);
        crc.update(&bytes[CRC_FROM..]);
        crc.finalize() == self.crc
    }
}

impl<'a> Payload<'a> {
    pub(crate) fn split(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut lengths = [0_usize; 4];
        for length in &mut lengths {
            *length = usize::try_from(u32::from_be_bytes(reader.array()?))
                .map_err(|_| Malformed("a part of an impossible length"))?;
        }
        let [block, senders, receipts, changes] = lengths;
        Ok(Self {
            block: reader.take(block)?,
            senders: reader.take(senders)?,
            receipts: reader.take(receipts)?,
            changes: reader.take(changes)?,
            seal: reader.rest(),
        })
    }

    pub(crate) fn block(&self) -> Result<SealedBlock, Malformed> {
        let block: Block =
            decode_block(self.block).map_err(|_| Malformed("a block that does not decode"))?;
        Ok(SealedBlock::new(block))
    }

    pub(crate) fn senders(&self) -> Result<Vec<Address>, Malformed> {
        let chunks = self.senders.chunks_exact(Address::len_bytes());
        if !chunks.remainder().is_empty() {
            return Err(Malformed("senders that are not 20 bytes each"));
        }
        Ok(chunks.map(Address::from_slice).collect())
    }

    pub(crate) fn receipts(&self) -> Result<Vec<Receipt>, Malformed> {
        read_receipts(self.receipts)
    }

    pub(crate) fn changes(&self) -> Result<StateChanges, Malformed> {
        read_changes(self.changes)
    }

    pub(crate) fn seal(&self) -> Bytes {
        Bytes::copy_from_slice(self.seal)
    }
}

/// Bytes from a record's start that hold the header of any block (with room to spare: a header has
/// about 700 bytes at most).
pub(crate) const FRONT_BYTES: usize = HEADER_BYTES + TABLE_BYTES + 1024;

/// The block's header, from the first [`FRONT_BYTES`] of a record. The CRC is not checked: the
/// caller compares the hash.
pub(crate) fn read_front(front: &[u8]) -> Result<Header, Malformed> {
    let mut rest =
        front.get(HEADER_BYTES + TABLE_BYTES..).ok_or(Malformed("a record without a block"))?;
    // The list's own header cannot go through the RLP library, which wants the whole list there.
    let skip = match rest.first() {
        Some(0xc0..=0xf7) => 1,
        Some(first @ 0xf8..) => 2 + usize::from(first - 0xf8),
        _ => return Err(Malformed("a block that is no list")),
    };
    rest = rest.get(skip..).ok_or(Malformed("a block that ends too early"))?;
    Ok(Header::decode(&mut rest)?)
}

/// What every record of a segment begins with.
pub(super) fn mark(salt: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = salt.to_be_bytes();
    [a, b, c, d]
}
