//! What engines say to each other: a version byte, a byte for the kind, and an RLP list.

use super::{
    codec::{DecodeError, PolkaFields, ProposalFields, RoundFields, VoteFields, decode, tagged},
    context::{PolkaCertificate, RoundCertificate, SignedProposal, SignedVote},
};
use crate::{
    Urgency,
    bft::limits::{
        CERTIFICATE_BYTES_MAX, PART_BYTES_MAX, PART_MESSAGE_BYTES_MAX, RESPONSE_BLOCKS_MAX,
        RESPONSE_BYTES_MAX, SMALL_BYTES_MAX,
    },
};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use hanse_primitives::{BlockRef, CommitCertificate, Height, limits::BLOCK_BYTES_MAX};

/// Rises when a message changes its meaning.
const VERSION: u8 = 1;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A vote, sent by who cast it.
    Vote(SignedVote),
    /// A piece of a proposed block.
    Part(Part),
    /// Proof that a quorum prevoted a block.
    Polka(PolkaCertificate),
    /// Proof that a round may be left or entered.
    Round(RoundCertificate),
    /// The sender's head.
    Status(BlockRef),
    /// Asks for final blocks.
    Request(Request),
    /// Final blocks.
    Response(Response),
    /// What its proposer told the sender, for who voted for something else: one of the two was lied to,
    /// and now has the proof.
    Offer(SignedProposal),
}

/// A piece of a proposed block. Each bears the signed proposal, so that the first to arrive opens the
/// way for the others, in whatever order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) proposal: SignedProposal,
    /// RLP bytes of the whole block.
    pub(crate) total: usize,
    pub(crate) index: usize,
    pub(crate) data: Bytes,
}

impl Part {
    /// Parts of a block with `total` bytes.
    pub(crate) const fn count(total: usize) -> usize {
        total.div_ceil(PART_BYTES_MAX)
    }

    /// All parts of a proposal.
    pub(crate) fn cut(proposal: &SignedProposal, block: &Bytes) -> impl Iterator<Item = Self> {
        let proposal = proposal.clone();
        let block = block.clone();
        (0..Self::count(block.len())).map(move |index| {
            let start = index * PART_BYTES_MAX;
            let end = block.len().min(start + PART_BYTES_MAX);
            let data = block.slice(start..end);
            Self { proposal: proposal.clone(), total: block.len(), index, data }
        })
    }

    /// True when index and length are those of a piece of a block.
    fn is_sound(&self) -> bool {
        let last = Self::count(self.total).checked_sub(1);
        let rest = self.total.checked_sub(self.index.saturating_mul(PART_BYTES_MAX));
        self.total <= BLOCK_BYTES_MAX
            && last.is_some_and(|last| self.index <= last)
            && rest.is_some_and(|rest| self.data.len() == rest.min(PART_BYTES_MAX))
    }
}

/// Asks for the blocks from a height on, and at most so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Request {
    pub(crate) from: Height,
    pub(crate) count: u8,
}

/// The blocks from a height on, or the first few of them; none when the sender does not have them.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Response {
    pub(crate) from: Height,
    pub(crate) blocks: Vec<FinalBlock>,
}

/// A block and what makes it final.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct FinalBlock {
    /// RLP of the block.
    pub(crate) block: Bytes,
    pub(crate) certificate: CommitCertificate,
}

#[derive(RlpEncodable, RlpDecodable)]
struct PartFields {
    proposal: ProposalFields,
    total: u32,
    index: u16,
    data: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StatusFields {
    height: Height,
    hash: B256,
}

impl Message {
    /// What it may wait behind on the wire.
    pub(crate) const fn urgency(&self) -> Urgency {
        match self {
            Self::Vote(_) | Self::Polka(_) | Self::Round(_) | Self::Status(_) | Self::Offer(_) => {
                Urgency::Vote
            }
            Self::Part(_) => Urgency::Block,
            Self::Request(_) | Self::Response(_) => Urgency::Sync,
        }
    }

    /// Its bytes.
    pub(crate) fn encode(&self) -> Bytes {
        let bytes = match self {
            Self::Vote(vote) => tagged(&[VERSION, 1], &VoteFields::from(vote)),
            Self::Part(part) => {
                let fields = PartFields {
                    proposal: (&part.proposal).into(),
                    total: u32::try_from(part.total).expect("a block has at most 8 MiB"),
                    index: u16::try_from(part.index).expect("a block has at most 64 parts"),
                    data: part.data.clone(),
                };
                tagged(&[VERSION, 2], &fields)
            }
            Self::Polka(certificate) => tagged(&[VERSION, 3], &PolkaFields::from(certificate)),
            Self::Round(certificate) => tagged(&[VERSION, 4], &RoundFields::from(certificate)),
            Self::Status(head) => {
                tagged(&[VERSION, 5], &StatusFields { height: head.height, hash: head.hash })
            }
            Self::Request(request) => tagged(&[VERSION, 6], request),
            Self::Response(response) => tagged(&[VERSION, 7], response),
            Self::Offer(proposal) => tagged(&[VERSION, 8], &ProposalFields::from(proposal)),
        };
        bytes.into()
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When the bytes are no message of ours, or too many: the sender's fault.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let [version, kind, body @ ..] = bytes else { return Err(DecodeError::InputTooShort) };
        if *version != VERSION {
            return Err(DecodeError::Custom("another version of the protocol"));
        }
        let most = match kind {
            2 => PART_MESSAGE_BYTES_MAX,
            3 | 4 => CERTIFICATE_BYTES_MAX,
            7 => RESPONSE_BYTES_MAX,
            _ => SMALL_BYTES_MAX,
        };
        if bytes.len() > most {
            return Err(DecodeError::Custom("more bytes than such a message may have"));
        }
        match kind {
            1 => Ok(Self::Vote(decode::<VoteFields>(body)?.try_into()?)),
            2 => decode_part(body).map(Self::Part),
            3 => Ok(Self::Polka(decode::<PolkaFields>(body)?.try_into()?)),
            4 => Ok(Self::Round(decode::<RoundFields>(body)?.try_into()?)),
            5 => {
                let StatusFields { height, hash } = decode(body)?;
                Ok(Self::Status(BlockRef { height, hash }))
            }
            6 => {
                let request: Request = decode(body)?;
                if !(1..=RESPONSE_BLOCKS_MAX).contains(&usize::from(request.count)) {
                    return Err(DecodeError::Custom("no such number of blocks may be asked for"));
                }
                Ok(Self::Request(request))
            }
            7 => {
                let response: Response = decode(body)?;
                if response.blocks.len() > RESPONSE_BLOCKS_MAX {
                    return Err(DecodeError::Custom("more blocks than may be asked for"));
                }
                Ok(Self::Response(response))
            }
            8 => Ok(Self::Offer(decode::<ProposalFields>(body)?.try_into()?)),
            _ => Err(DecodeError::Custom("no such kind of message")),
        }
    }
}

fn decode_part(body: &[u8]) -> Result<Part, DecodeError> {
    let fields: PartFields = decode(body)?;
    let part = Part {
        proposal: fields.proposal.try_into()?,
        total: usize::try_from(fields.total).map_err(|_| DecodeError::Overflow)?,
        index: fields.index.into(),
        data: fields.data,
    };
    if part.is_sound() { Ok(part) } else { Err(DecodeError::Custom("no piece of a block")) }
}
