//! Files that may be gzipped, told by their first bytes and not by their name.

use crate::NodeError;
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

/// Bytes at the start of a gzip file (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Opens a file for reading, unpacked if it is packed.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, NodeError> {
    let failed = |e| NodeError::file("read", path, e);
    let mut magic = Vec::new();
    File::open(path).map_err(failed)?.take(2).read_to_end(&mut magic).map_err(failed)?;
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed)?);
    Ok(if magic == MAGIC { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}
