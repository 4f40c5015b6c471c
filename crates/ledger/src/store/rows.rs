//! What one checkpoint writes: rows of every key space, gathered in memory, then sorted.

use super::Space;
use crate::codec::{Malformed, Reader, put_bytes, put_length};

/// Rows of one key space. Keys and values lie in one buffer: a checkpoint has millions of them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// The first eight bytes of the key, which nearly always decide an order without looking at it.
    prefix: u64,
    at: usize,
    key: u32,
    /// Length of the value; `None` removes the key.
    value: Option<u32>,
}

impl Row {
    fn new(at: usize, key: &[u8], value: Option<&[u8]>) -> Self {
        let mut prefix = [0; 8];
        let length = key.len().min(prefix.len());
        prefix[..length].copy_from_slice(&key[..length]);
        let narrow = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a row is below 4 GiB");
        Self { prefix: u64::from_be_bytes(prefix), at, key: narrow(key), value: value.map(narrow) }
    }

    fn key<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.at..self.at + wide(self.key)]
    }

    fn value<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let from = self.at + wide(self.key);
        Some(&bytes[from..from + wide(self.value?)])
    }
}

fn wide(length: u32) -> usize {
    usize::try_from(length).expect("32 bits fit a usize")
}

/// Rows of all key spaces that become visible together.
#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    spaces: [Rows; Space::COUNT],
}

impl Rows {
    /// Makes room for so many rows with keys of so many bytes.
    pub(crate) fn reserve(&mut self, rows: usize, key: usize) {
        const VALUE: usize = 16; // more or less; the buffer grows when it has to
        self.rows.reserve(rows);
        self.bytes.reserve(rows * (key + VALUE));
    }

    /// Writes or replaces a key.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.rows.push(Row::new(self.bytes.len(), key, Some(value)));
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
    }

    /// Removes a key; it need not be there.
    pub(crate) fn delete(&mut self, key: &[u8]) {
        self.rows.push(Row::new(self.bytes.len(), key, None));
        self.bytes.extend_from_slice(key);
    }

    /// Sorts by key. Of several rows with one key the last one stays.
    fn sort(&mut self) {
        let Self { bytes, rows } = self;
        rows.sort_unstable_by(|a, b| {
            let by_key = || a.key(bytes).cmp(b.key(bytes));
            a.prefix.cmp(&b.prefix).then_with(by_key).then(a.at.cmp(&b.at))
        });
        // `dedup_by` keeps the first of equals, so the later one is moved into its place.
        rows.dedup_by(|later, earlier| {
            let same = later.prefix == earlier.prefix && later.key(bytes) == earlier.key(bytes);
            if same {
                *earlier = *later;
            }
            same
        });
    }

    /// Keys, ascending once sorted, with their new values; `None` removes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.rows.iter().map(|row| (row.key(&self.bytes), row.value(&self.bytes)))
    }

    /// Appends the rows as the redo file has them.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.rows.len());
        for (key, value) in self.iter() {
            put_bytes(out, key);
            match value {
                Some(value) => {
                    out.push(1);
                    put_bytes(out, value);
                }
                None => out.push(0),
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut rows = Self::default();
        for _ in 0..reader.length()? {
            let key = reader.bytes()?;
            match reader.byte()? {
                0 => rows.delete(key),
                1 => rows.put(key, reader.bytes()?),
                _ => return Err(Malformed("a row that neither writes nor removes")),
            }
        }
        Ok(rows)
    }
}

impl WriteSet {
    /// The rows of one key space.
    pub(crate) fn rows(&mut self, space: Space) -> &mut Rows {
        &mut self.spaces[space.index()]
    }

    /// Every key space with its rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Space, &Rows)> {
        Space::ALL.into_iter().zip(&self.spaces)
    }

    pub(super) fn sort(&mut self) {
        self.spaces.iter_mut().for_each(Rows::sort);
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut set = Self::default();
        for rows in &mut set.spaces {
            *rows = Rows::decode(&mut reader)?;
        }
        reader.end()?;
        Ok(set)
    }
}
