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
    at: usize,
    key: usize,
    /// Length of the value; `None` removes the key.
    value: Option<usize>,
}

/// Rows of all key spaces that become visible together.
#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    spaces: [Rows; Space::COUNT],
}

impl Rows {
    /// Writes or replaces a key.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.rows.push(Row { at, key: key.len(), value: Some(value.len()) });
    }

    /// Removes a key; it need not be there.
    pub(crate) fn delete(&mut self, key: &[u8]) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.rows.push(Row { at, key: key.len(), value: None });
    }

    /// Sorts by key. Of several rows with one key the last one stays.
    fn sort(&mut self) {
        let Self { bytes, rows } = self;
        let key = |row: &Row| &bytes[row.at..row.at + row.key];
        rows.sort_by(|a, b| key(a).cmp(key(b)));
        // `dedup_by` keeps the first of equals, so the later one is moved into its place.
        rows.dedup_by(|later, earlier| {
            let same = key(later) == key(earlier);
            if same {
                *earlier = *later;
            }
            same
        });
    }

    /// Keys, ascending once sorted, with their new values; `None` removes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.rows.iter().map(|row| {
            let value = row.at + row.key;
            let key = &self.bytes[row.at..value];
            (key, row.value.map(|length| &self.bytes[value..value + length]))
        })
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
