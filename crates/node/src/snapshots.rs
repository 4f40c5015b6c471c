//! Ledgers as files that a newcomer starts from.

use crate::{Config, NodeError, files, gzip};
use flate2::{Compression, write::GzEncoder};
use hanse_ledger::Ledger;
use hanse_primitives::{BlockHash, ChainSpec, Height};
use std::{
    fs,
    io::{BufReader, BufWriter, Write},
    path::Path,
};

/// Bytes that are read and written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes a snapshot to a new file, packed; the file is whole or not there.
pub(crate) fn write(ledger: &Ledger, path: &Path) -> Result<(), NodeError> {
    files::place_with(path, |file| {
        let packed = GzEncoder::new(file, Compression::fast());
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, packed);
        ledger.snapshot(&mut out)?;
        let failed = |error| NodeError::file("write", path, error);
        let packed = out.into_inner().map_err(|error| failed(error.into_error()))?;
        packed.finish().and_then(|file| file.flush()).map_err(failed)
    })
}

/// Makes the ledger in `directory` of a snapshot. A ledger that has nothing but genesis yields to it.
pub(crate) fn restore(
    path: &Path,
    directory: &Path,
    spec: &ChainSpec,
    config: &Config,
    trusted: BlockHash,
) -> Result<Ledger, NodeError> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, gzip::open(path)?);
    make_room(directory, spec, config)?;
    Ok(Ledger::restore(directory, spec, &config.ledger_settings(), trusted, &mut input)?)
}

fn make_room(directory: &Path, spec: &ChainSpec, config: &Config) -> Result<(), NodeError> {
    let parts = [directory.join("log"), directory.join("store")];
    if !parts.iter().all(|part| part.exists()) {
        return Ok(()); // what is half there is made anew
    }
    let ledger = Ledger::open(directory, spec, config.ledger_settings())?;
    let height = ledger.finalized().height;
    if height > Height::GENESIS {
        return Err(NodeError::Config(format!(
            "{} holds a ledger with {height} blocks; restore into another folder",
            directory.display()
        )));
    }
    drop(ledger);
    for part in parts {
        fs::remove_dir_all(&part).map_err(|error| NodeError::file("remove", &part, error))?;
    }
    Ok(())
}
