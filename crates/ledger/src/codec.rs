//! Bytes of small values: what the log and the store have in common.

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256};
use hanse_primitives::{AccountChange, AccountInfo, StateChanges};
use thiserror::Error;

/// Bytes that are not what we write. Whoever reads them knows the place and says it.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<alloy_rlp::Error> for Malformed {
    fn from(_: alloy_rlp::Error) -> Self {
        Self("RLP that does not decode")
    }
}

/// Appends a number in seven-bit groups, least significant first (LEB128).
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit a byte");
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Appends a length as a number.
pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_number(out, u64::try_from(length).expect("a length in memory fits 64 bits"));
}

/// Appends bytes with their length before them.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a word without its leading zeros, with the length before it.
pub(crate) fn put_word(out: &mut Vec<u8>, word: &U256) {
    let bytes = word.to_be_bytes::<32>();
    let zeros = word.leading_zeros() / 8;
    let length = 32 - zeros;
    out.push(u8::try_from(length).expect("a word has at most 32 bytes"));
    out.extend_from_slice(&bytes[zeros..]);
}

/// Appends an account. The hash of no code, which nearly all accounts have, takes no room.
pub(crate) fn put_account(out: &mut Vec<u8>, info: &AccountInfo) {
    let has_code = info.code_hash != KECCAK_EMPTY;
    out.push(u8::from(has_code));
    put_number(out, info.nonce);
    put_word(out, &info.balance);
    if has_code {
        out.extend_from_slice(info.code_hash.as_slice());
    }
}

/// The account's bytes as the store keeps them; none for an account that does not exist.
pub(crate) fn account_bytes(info: Option<&AccountInfo>) -> Vec<u8> {
    let mut out = Vec::with_capacity(48);
    if let Some(info) = info {
        put_account(&mut out, info);
    }
    out
}

/// Reads what [`account_bytes`] wrote.
pub(crate) fn read_account(bytes: &[u8]) -> Result<Option<AccountInfo>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(bytes);
    let info = reader.account()?;
    reader.end()?;
    Ok(Some(info))
}

/// The slot's bytes as the store keeps them: no leading zeros, so none at all for zero.
pub(crate) fn slot_bytes(value: &U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

/// Reads what [`slot_bytes`] wrote.
pub(crate) fn read_slot(bytes: &[u8]) -> Result<U256, Malformed> {
    U256::try_from_be_slice(bytes).ok_or(Malformed("a slot of more than 32 bytes"))
}

/// Appends everything a block did to the state.
pub(crate) fn put_changes(out: &mut Vec<u8>, changes: &StateChanges) {
    put_length(out, changes.accounts().len());
    for (address, change) in changes.accounts() {
        out.extend_from_slice(address.as_slice());
        out.push(u8::from(change.info.is_some()) | (u8::from(change.storage_cleared) << 1));
        if let Some(info) = &change.info {
            put_account(out, info);
        }
        put_length(out, change.storage.len());
        for (slot, value) in &change.storage {
            put_word(out, slot);
            put_word(out, value);
        }
    }
    put_length(out, changes.code().len());
    for (hash, code) in changes.code() {
        out.extend_from_slice(hash.as_slice());
        put_bytes(out, code);
    }
}

/// Reads what [`put_changes`] wrote; all of `bytes`.
pub(crate) fn read_changes(bytes: &[u8]) -> Result<StateChanges, Malformed> {
    let mut reader = Reader::new(bytes);
    let count = reader.length()?;
    let mut accounts = Vec::with_capacity(count);
    for _ in 0..count {
        let address = Address::from(reader.array()?);
        let flags = reader.byte()?;
        if flags > 3 {
            return Err(Malformed("an account change with unknown flags"));
        }
        let info = if flags & 1 == 1 { Some(reader.account()?) } else { None };
        let slots = reader.length()?;
        let mut storage = Vec::with_capacity(slots);
        for _ in 0..slots {
            storage.push((reader.word()?, reader.word()?));
        }
        if !storage.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Err(Malformed("slots that are not in ascending order"));
        }
        accounts.push((address, AccountChange { info, storage_cleared: flags & 2 == 2, storage }));
    }
    if !accounts.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        return Err(Malformed("accounts that are not in ascending order"));
    }
    let count = reader.length()?;
    let mut code = Vec::with_capacity(count);
    for _ in 0..count {
        code.push((B256::from(reader.array()?), Bytes::copy_from_slice(reader.bytes()?)));
    }
    reader.end()?;
    Ok(StateChanges::new(accounts, code))
}

/// Takes values off the front of some bytes and never looks beyond them.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or(Malformed("bytes that end too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.take(N)?.try_into().expect("as many bytes were taken as asked for"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                break;
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number of more than 64 bits"))
    }

    /// A length of something that follows, so at most as many as there are bytes left: no
    /// allocation is larger than what was read from disk.
    pub(crate) fn length(&mut self) -> Result<usize, Malformed> {
        let number = self.number()?;
        usize::try_from(number)
            .ok()
            .filter(|length| *length <= self.rest.len())
            .ok_or(Malformed("a length beyond the end"))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        self.take(length)
    }

    pub(crate) fn word(&mut self) -> Result<U256, Malformed> {
        let length = usize::from(self.byte()?);
        read_slot(self.take(length)?)
    }

    pub(crate) fn account(&mut self) -> Result<AccountInfo, Malformed> {
        let has_code = match self.byte()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed("an account with unknown flags")),
        };
        let nonce = self.number()?;
        let balance = self.word()?;
        let code_hash = if has_code { B256::from(self.array()?) } else { KECCAK_EMPTY };
        Ok(AccountInfo { nonce, balance, code_hash })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed("bytes left over")) }
    }
}
