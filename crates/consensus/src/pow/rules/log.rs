use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, Header as RlpHeader};
use hanse_primitives::{BlockRef, Height, SealedBlock, decode_block};

/// Version of the records below.
const VERSION: u8 = 1;

const ROOT: u8 = 0;
const BLOCK: u8 = 1;

/// What the write-ahead log holds: first a root, then blocks, each after its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pow) enum Record {
    /// A block that is final, and the total work up to it.
    Root {
        /// The block.
        block: BlockRef,
        /// The sum.
        work: U256,
    },
    /// A block that was executed and not final.
    Block(SealedBlock),
}

impl Record {
    pub(in crate::pow) fn encode(&self) -> Bytes {
        match self {
            Self::Root { block, work } => {
                let mut bytes = vec![VERSION, ROOT];
                let payload_length = block.height.length() + block.hash.length() + work.length();
                RlpHeader { list: true, payload_length }.encode(&mut bytes);
                block.height.encode(&mut bytes);
                block.hash.encode(&mut bytes);
                work.encode(&mut bytes);
                bytes.into()
            }
            Self::Block(block) => {
                let mut bytes = Vec::with_capacity(2 + block.block().length());
                bytes.extend([VERSION, BLOCK]);
                block.block().encode(&mut bytes);
                bytes.into()
            }
        }
    }

    pub(in crate::pow) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let [version, kind, rlp @ ..] = bytes else { return Err("a short record".to_owned()) };
        let mut rest = rlp;
        match (*version, *kind) {
            (VERSION, ROOT) => {
                let mut fields = RlpHeader::decode_bytes(&mut rest, true).map_err(told)?;
                let height = Height::decode(&mut fields).map_err(told)?;
                let hash = B256::decode(&mut fields).map_err(told)?;
                let work = U256::decode(&mut fields).map_err(told)?;
                if !rest.is_empty() || !fields.is_empty() {
                    return Err("bytes after a record".to_owned());
                }
                Ok(Self::Root { block: BlockRef { height, hash }, work })
            }
            (VERSION, BLOCK) => {
                Ok(Self::Block(SealedBlock::new(decode_block(rlp).map_err(|e| e.to_string())?)))
            }
            (version, kind) => Err(format!("a record of version {version} and kind {kind}")),
        }
    }
}

fn told(error: alloy_rlp::Error) -> String {
    error.to_string()
}
