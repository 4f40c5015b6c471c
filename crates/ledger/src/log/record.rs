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
//! A record of which something has been pruned keeps its place, so that every position stays true. Its mark
//! is the other half of the salt; its length is that of the place; instead of its number in the commit it
//! has the length of what is left, and the CRC covers that. Behind the changes, which are gone, are a length
//! (4 bytes), the seal, and what [`super::pruned`] says.
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
/// Bytes before the parts of a payload.
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
    /// Bytes of the payload that are left of a record of which something has been pruned.
    pub(crate) left: Option<usize>,
}

/// The parts of a payload, not yet decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    pub(crate) block: &'a [u8],
    pub(crate) senders: &'a [u8],
    pub(crate) receipts: &'a [u8],
    pub(crate) changes: &'a [u8],
    pub(crate) seal: &'a [u8],
    /// What a pruned record says of what is gone.
    pub(crate) gone: Option<&'a [u8]>,
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
        let bytes = parts(block, senders, receipts, changes);
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
        let mut crc = self.crc.clone();
        crc.update(seal);
        let length = self.bytes.len() + seal.len();
        out.extend_from_slice(&header(mark(salt), salt, length, height, batch_index, &crc));
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(seal);
    }
}

/// The parts of a payload up to its seal, with the table of their lengths in front.
pub(super) fn parts(
    block: &SealedBlock,
    senders: &[Address],
    receipts: &[Receipt],
    changes: &StateChanges,
) -> Vec<u8> {
    let block = block.block();
    let block_bytes = block.length();
    let mut bytes = Vec::with_capacity(
        TABLE_BYTES + block_bytes + senders.len() * 32 + 64 * changes.accounts().len(),
    );
    bytes.resize(TABLE_BYTES, 0);
    let mut from = TABLE_BYTES;
    let mut lengths = [0_usize; 4];
    for (at, length) in lengths.iter_mut().enumerate() {
        match at {
            0 => block.encode(&mut bytes),
            1 => senders.iter().for_each(|sender| bytes.extend_from_slice(sender.as_slice())),
            2 => put_receipts(&mut bytes, receipts),
            _ => put_changes(&mut bytes, changes),
        }
        *length = bytes.len() - from;
        from = bytes.len();
    }
    for (slot, length) in bytes.chunks_exact_mut(4).zip(lengths) {
        slot.copy_from_slice(&length_bytes(length));
    }
    bytes
}

/// A length within a record.
pub(super) fn length_bytes(length: usize) -> [u8; 4] {
    let length = u32::try_from(length);
    length.expect("a payload is within RECORD_BYTES_MAX, which fits 32 bits").to_be_bytes()
}

/// A record's header. `crc` is that of its payload.
fn header(
    mark: [u8; 4],
    salt: u64,
    length: usize,
    height: Height,
    last: u32,
    crc: &Hasher,
) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&mark);
    header[8..12].copy_from_slice(&length_bytes(length));
    header[12..20].copy_from_slice(&height.0.to_be_bytes());
    header[20..].copy_from_slice(&last.to_be_bytes());
    let mut whole = Hasher::new();
    whole.update(&salt.to_be_bytes());
    whole.combine(crc);
    whole.update(&header[CRC_FROM..]);
    header[4..8].copy_from_slice(&whole.finalize().to_be_bytes());
    header
}

/// A record with this payload, in a commit of its own.
pub(super) fn whole_record(salt: u64, height: Height, payload: &[u8]) -> Vec<u8> {
    let mut crc = Hasher::new();
    crc.update(payload);
    [&header(mark(salt), salt, payload.len(), height, 0, &crc)[..], payload].concat()
}

/// The header and payload of what is left of a record with room for `length` bytes of payload.
pub(super) fn pruned_record(salt: u64, length: usize, height: Height, left: &[u8]) -> Vec<u8> {
    let mut crc = Hasher::new();
    crc.update(left);
    let last = u32::try_from(left.len()).expect("what is left is no longer than its place");
    let header = header(pruned_mark(salt), salt, length, height, last, &crc);
    [&header[..], left].concat()
}

impl RecordHeader {
    pub(crate) fn read(bytes: &[u8; HEADER_BYTES], salt: u64) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let found: [u8; 4] = reader.array()?;
        let is_pruned = found == pruned_mark(salt);
        if found != mark(salt) && !is_pruned {
            return Err(Malformed("no record begins here"));
        }
        let crc = u32::from_be_bytes(reader.array()?);
        let length = usize::try_from(u32::from_be_bytes(reader.array()?))
            .ok()
            .filter(|length| (TABLE_BYTES..=crate::limits::RECORD_BYTES_MAX).contains(length))
            .ok_or(Malformed("a record of an impossible length"))?;
        let height = Height(u64::from_be_bytes(reader.array()?));
        let last: [u8; 4] = reader.array()?;
        let batch_index = if is_pruned { 0 } else { u32::from_be_bytes(last) };
        let left = is_pruned.then(|| usize::try_from(u32::from_be_bytes(last)).ok());
        let left = match left {
            None => None,
            Some(Some(left)) if (TABLE_BYTES..=length).contains(&left) => Some(left),
            Some(_) => return Err(Malformed("a pruned record of an impossible length")),
        };
        Ok(Self { crc, length, height, batch_index, left })
    }

    /// Bytes of the payload that are there.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.left.unwrap_or(self.length)
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
    /// Takes the payload of a record apart.
    pub(crate) fn split(bytes: &'a [u8], is_pruned: bool) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut lengths = [0_usize; 4];
        for length in &mut lengths {
            *length = usize::try_from(u32::from_be_bytes(reader.array()?))
                .map_err(|_| Malformed("a part of an impossible length"))?;
        }
        let [block, senders, receipts, changes] = lengths;
        let block = reader.take(block)?;
        let senders = reader.take(senders)?;
        let receipts = reader.take(receipts)?;
        let changes = reader.take(changes)?;
        let mut seal = reader.rest();
        let mut gone = None;
        if is_pruned {
            let mut reader = Reader::new(seal);
            let length = usize::try_from(u32::from_be_bytes(reader.array()?));
            seal = reader.take(length.map_err(|_| Malformed("a seal of an impossible length"))?)?;
            gone = Some(reader.rest());
        }
        Ok(Self { block, senders, receipts, changes, seal, gone })
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

/// What every whole record of a segment begins with.
pub(super) fn mark(salt: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = salt.to_be_bytes();
    [a, b, c, d]
}

/// What every pruned record of a segment begins with.
fn pruned_mark(salt: u64) -> [u8; 4] {
    let [.., a, b, c, d] = salt.to_be_bytes();
    [a, b, c, d]
}
