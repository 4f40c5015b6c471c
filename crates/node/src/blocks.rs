//! Blocks in files: RLP, one after another, as geth's `export` and `import` do.

use crate::{NodeError, chain::LocalChain, gzip};
use alloy_rlp::Encodable;
use flate2::{Compression, write::GzEncoder};
use hanse_ledger::Ledger;
use hanse_primitives::{Block, Height, SealedBlock, decode_block, limits};
use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    path::Path,
};

/// Most bytes of a list's RLP header: a length byte and eight bytes of length.
const RLP_HEADER_BYTES_MAX: usize = 9;

/// Bytes of a block in a file. Foreign chains may have larger blocks than Hanse makes.
const BLOCK_BYTES_MAX: usize = 4 * limits::BLOCK_BYTES_MAX;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Blocks that were executed and added.
    pub(crate) imported: u64,
    /// Blocks that were in the ledger already.
    pub(crate) known: u64,
}

/// Adds the blocks of a file to the chain. On an error the blocks before it stay.
pub(crate) fn import(path: &Path, chain: &mut LocalChain) -> Result<Counts, NodeError> {
    let mut input = gzip::open(path)?;
    let mut counts = Counts::default();
    let mut offset = 0u64;
    loop {
        let at =
            |why: String| NodeError::Input(format!("{}, byte {offset}: {why}", path.display()));
        let Some(bytes) = next_list(&mut input).map_err(at)? else { return Ok(counts) };
        let block = SealedBlock::new(decode_block(&bytes).map_err(|e| at(e.to_string()))?);
        if is_known(chain, &block)? {
            counts.known += 1;
        } else {
            chain.adopt(block)?;
            counts.imported += 1;
        }
        offset += u64::try_from(bytes.len()).expect("a block's length fits in 64 bits");
    }
}

/// True for genesis and for canonical blocks.
fn is_known(chain: &LocalChain, block: &SealedBlock) -> Result<bool, NodeError> {
    if block.height() == Height::GENESIS {
        let genesis = chain.spec.genesis_reference().hash;
        if block.hash() != genesis {
            return Err(NodeError::Input(format!(
                "the file is of another chain: its genesis is {}, the ledger's {genesis}",
                block.hash()
            )));
        }
        return Ok(true);
    }
    Ok(chain.ledger.hash(block.height())? == Some(block.hash()))
}

/// The bytes of the next RLP list, `None` at the end of the file; the error is for people.
fn next_list(input: &mut impl Read) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::with_capacity(RLP_HEADER_BYTES_MAX);
    let mut read = |bytes: &mut Vec<u8>, count: usize| {
        let before = bytes.len();
        let limit = u64::try_from(count).expect("a length fits in 64 bits");
        let got = input.take(limit).read_to_end(bytes).map_err(|error| error.to_string())?;
        if got == count || (got == 0 && before == 0) {
            Ok(got)
        } else {
            Err(format!("the file ends in the middle of a block ({got} of {count} bytes)"))
        }
    };
    if read(&mut bytes, 1)? == 0 {
        return Ok(None);
    }
    let length_bytes = match bytes[0] {
        0xc0..=0xf7 => 0,
        0xf8..=0xff => usize::from(bytes[0] - 0xf7),
        other => return Err(format!("{other:#04x} does not begin an RLP list")),
    };
    read(&mut bytes, length_bytes)?;
    // Decoding the header alone must not ask for the payload, which is not there yet.
    let payload = match length_bytes {
        0 => usize::from(bytes[0] - 0xc0),
        _ => bytes[1..]
            .iter()
            .try_fold(0usize, |length, byte| {
                length.checked_mul(256).map(|length| length + usize::from(*byte))
            })
            .ok_or("the block's length does not fit in memory")?,
    };
    if payload > BLOCK_BYTES_MAX {
        return Err(format!("a block of {payload} bytes is above the most, {BLOCK_BYTES_MAX}"));
    }
    read(&mut bytes, payload)?;
    Ok(Some(bytes))
}

/// Writes canonical blocks to a new file; returns how many.
pub(crate) fn export(
    ledger: &Ledger,
    path: &Path,
    first: Height,
    last: Height,
) -> Result<u64, NodeError> {
    let failed = |e| NodeError::file("write", path, e);
    let file = BufWriter::new(File::create_new(path).map_err(failed)?);
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut output = GzEncoder::new(file, Compression::default());
        let written = write_blocks(ledger, path, &mut output, first, last)?;
        output.finish().and_then(|mut file| file.flush()).map_err(failed)?;
        return Ok(written);
    }
    let mut output = file;
    let written = write_blocks(ledger, path, &mut output, first, last)?;
    output.flush().map_err(failed)?;
    Ok(written)
}

fn write_blocks(
    ledger: &Ledger,
    path: &Path,
    output: &mut impl Write,
    first: Height,
    last: Height,
) -> Result<u64, NodeError> {
    let mut written = 0;
    let mut bytes = Vec::new();
    for block in ledger.blocks(first)? {
        let block = block?.whole()?;
        if block.block().height() > last {
            break;
        }
        bytes.clear();
        let block: &Block = block.block().block();
        block.encode(&mut bytes);
        output.write_all(&bytes).map_err(|e| NodeError::file("write", path, e))?;
        written += 1;
    }
    Ok(written)
}
