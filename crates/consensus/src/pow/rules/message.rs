use crate::pow::limits::{BLOCKS_MAX, LOCATOR_MAX, MESSAGE_BYTES_MAX};
use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, Header as RlpHeader};
use hanse_primitives::{Block, BlockHash, BlockRef, Height, SealedBlock};
use thiserror::Error;

/// Version of the messages; its first byte says it.
const VERSION: u8 = 1;

const STATUS: u8 = 0;
const NEW_BLOCK: u8 = 1;
const ANNOUNCE: u8 = 2;
const GET_BLOCKS: u8 = 3;
const BLOCKS: u8 = 4;

/// What proof of work engines say to each other: version, kind, then an RLP list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pow) enum Message {
    /// Where the sender stands.
    Status {
        /// Its head.
        head: BlockRef,
        /// Total work up to there.
        work: U256,
        /// Its last final block.
        finalized: BlockRef,
    },
    /// A block that the sender has just mined.
    NewBlock {
        /// Total work up to it.
        work: U256,
        /// The block.
        block: SealedBlock,
    },
    /// The sender's new head, which somebody else mined.
    Announce {
        /// The block.
        head: BlockRef,
        /// Total work up to it.
        work: U256,
    },
    /// Asks for what follows the first of these hashes that is on the other's branch.
    GetBlocks {
        /// Comes back with the answer.
        id: u64,
        /// Newest first; ends with a block that is final for the sender.
        locator: Vec<BlockHash>,
    },
    /// The answer: blocks of one branch in order, none when there are none or no hash was known.
    Blocks {
        /// Of the request.
        id: u64,
        /// The blocks.
        blocks: Vec<SealedBlock>,
    },
}

/// Why bytes are no message; always the fault of who sent them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in crate::pow) enum MessageError {
    /// Longer than any message.
    #[error("{0} bytes are more than the {MESSAGE_BYTES_MAX} that a message may have")]
    TooLong(usize),
    /// Not a version that this node speaks, or not a kind that the version has.
    #[error("version {0}, kind {1} is not known")]
    Unknown(u8, u8),
    /// More entries than allowed.
    #[error("{0} entries are more than the {1} that are allowed")]
    TooMany(usize, usize),
    /// No RLP of the kind.
    #[error("{0}")]
    Rlp(#[from] alloy_rlp::Error),
}

impl Message {
    pub(in crate::pow) fn encode(&self) -> Bytes {
        match self {
            Self::Status { head, work, finalized } => {
                list(STATUS, &[&head.height, &head.hash, work, &finalized.height, &finalized.hash])
            }
            Self::NewBlock { work, block } => list(NEW_BLOCK, &[work, block.block()]),
            Self::Announce { head, work } => list(ANNOUNCE, &[&head.height, &head.hash, work]),
            Self::GetBlocks { id, locator } => list(GET_BLOCKS, &[id, locator]),
            Self::Blocks { id, blocks } => list(BLOCKS, &[id, &BlockList(blocks)]),
        }
    }

    pub(in crate::pow) fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let [version, kind, rlp @ ..] = bytes else {
            return Err(alloy_rlp::Error::InputTooShort.into());
        };
        let mut rest = rlp;
        let mut fields = RlpHeader::decode_bytes(&mut rest, true)?;
        if !rest.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength.into());
        }
        let from = &mut fields;
        let message = match (*version, *kind) {
            (VERSION, STATUS) => Self::Status {
                head: reference(from)?,
                work: U256::decode(from)?,
                finalized: reference(from)?,
            },
            (VERSION, NEW_BLOCK) => {
                Self::NewBlock { work: U256::decode(from)?, block: block(from)? }
            }
            (VERSION, ANNOUNCE) => {
                Self::Announce { head: reference(from)?, work: U256::decode(from)? }
            }
            (VERSION, GET_BLOCKS) => Self::GetBlocks {
                id: u64::decode(from)?,
                locator: entries(from, LOCATOR_MAX, |from| Ok(B256::decode(from)?))?,
            },
            (VERSION, BLOCKS) => {
                Self::Blocks { id: u64::decode(from)?, blocks: entries(from, BLOCKS_MAX, block)? }
            }
            (version, kind) => return Err(MessageError::Unknown(version, kind)),
        };
        if !fields.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength.into());
        }
        Ok(message)
    }
}

fn list(kind: u8, fields: &[&dyn Encodable]) -> Bytes {
    let payload_length = fields.iter().map(|field| field.length()).sum();
    let mut bytes = Vec::with_capacity(payload_length + 16);
    bytes.extend([VERSION, kind]);
    RlpHeader { list: true, payload_length }.encode(&mut bytes);
    fields.iter().for_each(|field| field.encode(&mut bytes));
    bytes.into()
}

struct BlockList<'a>(&'a [SealedBlock]);

impl BlockList<'_> {
    fn header(&self) -> RlpHeader {
        let payload_length = self.0.iter().map(|block| block.block().length()).sum();
        RlpHeader { list: true, payload_length }
    }
}

impl Encodable for BlockList<'_> {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        self.header().encode(out);
        self.0.iter().for_each(|block| block.block().encode(out));
    }

    fn length(&self) -> usize {
        self.header().length_with_payload()
    }
}

fn reference(from: &mut &[u8]) -> Result<BlockRef, MessageError> {
    Ok(BlockRef { height: Height::decode(from)?, hash: B256::decode(from)? })
}

fn block(from: &mut &[u8]) -> Result<SealedBlock, MessageError> {
    Ok(SealedBlock::new(Block::decode(from)?))
}

/// The entries of a list; refused as soon as there is one too many.
fn entries<T>(
    from: &mut &[u8],
    most: usize,
    entry: impl Fn(&mut &[u8]) -> Result<T, MessageError>,
) -> Result<Vec<T>, MessageError> {
    let mut fields = RlpHeader::decode_bytes(from, true)?;
    let mut entries = Vec::new();
    while !fields.is_empty() {
        if entries.len() == most {
            return Err(MessageError::TooMany(most + 1, most));
        }
        entries.push(entry(&mut fields)?);
    }
    Ok(entries)
}
