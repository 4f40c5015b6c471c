//! How votes, proposals and certificates are written, on the wire and in the log: RLP lists, so that
//! each has one encoding only. Nil is the zero hash and no valid round is 0, as in what is signed.

use super::context::{
    BftAddress, BftHeight, BftProposal, BftValue, BftVote, PolkaCertificate, RoundCertificate,
    SignedProposal, SignedVote, round_number,
};
use alloy_primitives::{Address, B256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use arc_malachitebft_core_types::{
    NilOrVal, PolkaSignature, Round, RoundCertificateType, RoundSignature, SignedMessage, VoteType,
};
use hanse_primitives::{
    BlockHash, CommitSignature, Height, Proposal, ValidatorSignature, Vote, VoteKind,
    limits::VALIDATORS_MAX,
};

/// Why bytes are not what they should be.
pub(crate) type DecodeError = alloy_rlp::Error;

/// Reads exactly one value.
pub(crate) fn decode<T: Decodable>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut rest = bytes;
    let value = T::decode(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::UnexpectedLength) }
}

/// Writes a value behind a tag.
pub(crate) fn tagged(tags: &[u8], value: &impl Encodable) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(tags.len() + value.length());
    bytes.extend_from_slice(tags);
    value.encode(&mut bytes);
    bytes
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
pub(crate) struct VoteFields {
    kind: u8,
    height: Height,
    round: u32,
    block: B256,
    validator: Address,
    signature: ValidatorSignature,
}

impl From<&SignedVote> for VoteFields {
    fn from(signed: &SignedVote) -> Self {
        let vote = signed.vote();
        Self {
            kind: vote.kind.byte(),
            height: vote.height,
            round: vote.round,
            block: vote.block.unwrap_or_default(),
            validator: signed.validator.0,
            signature: signed.signature,
        }
    }
}

impl TryFrom<VoteFields> for SignedVote {
    type Error = DecodeError;

    fn try_from(fields: VoteFields) -> Result<Self, DecodeError> {
        let kind = VoteKind::of_byte(fields.kind).ok_or(DecodeError::Custom("no kind of vote"))?;
        let block = some_block(fields.block);
        let vote = Vote { kind, height: fields.height, round: fields.round, block };
        Ok(SignedMessage::new(BftVote::new(vote, fields.validator), fields.signature))
    }
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
pub(crate) struct ProposalFields {
    height: Height,
    round: u32,
    block: B256,
    /// One more than the valid round; 0 for none.
    valid: u64,
    proposer: Address,
    signature: ValidatorSignature,
}

impl From<&SignedProposal> for ProposalFields {
    fn from(signed: &SignedProposal) -> Self {
        let proposal = signed.proposal();
        Self {
            height: proposal.height,
            round: proposal.round,
            block: proposal.block,
            valid: valid_number(proposal.valid_round),
            proposer: signed.proposer.0,
            signature: signed.signature,
        }
    }
}

impl TryFrom<ProposalFields> for SignedProposal {
    type Error = DecodeError;

    fn try_from(fields: ProposalFields) -> Result<Self, DecodeError> {
        let proposal = Proposal {
            height: fields.height,
            round: fields.round,
            block: fields.block,
            valid_round: valid_round(fields.valid)?,
        };
        Ok(SignedMessage::new(BftProposal::new(proposal, fields.proposer), fields.signature))
    }
}

/// One more than the valid round; 0 for none.
pub(crate) fn valid_number(round: Option<u32>) -> u64 {
    round.map_or(0, |round| u64::from(round) + 1)
}

/// The valid round whose number this is.
pub(crate) fn valid_round(number: u64) -> Result<Option<u32>, DecodeError> {
    let Some(round) = number.checked_sub(1) else { return Ok(None) };
    u32::try_from(round).map(Some).map_err(|_| DecodeError::Custom("no such round"))
}

fn some_block(hash: B256) -> Option<BlockHash> {
    (!hash.is_zero()).then_some(hash)
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
pub(crate) struct PolkaFields {
    height: Height,
    round: u32,
    block: B256,
    signatures: Vec<CommitSignature>,
}

impl From<&PolkaCertificate> for PolkaFields {
    fn from(certificate: &PolkaCertificate) -> Self {
        let signatures = certificate
            .polka_signatures
            .iter()
            .map(|one| CommitSignature { validator: one.address.0, signature: one.signature });
        Self {
            height: certificate.height.0,
            round: round_number(certificate.round),
            block: certificate.value_id.0,
            signatures: signatures.collect(),
        }
    }
}

impl TryFrom<PolkaFields> for PolkaCertificate {
    type Error = DecodeError;

    fn try_from(fields: PolkaFields) -> Result<Self, DecodeError> {
        check_count(fields.signatures.len())?;
        let block = some_block(fields.block).ok_or(DecodeError::Custom("a polka for nothing"))?;
        let signatures = fields.signatures.into_iter();
        let signatures =
            signatures.map(|one| PolkaSignature::new(BftAddress(one.validator), one.signature));
        Ok(Self {
            height: BftHeight(fields.height),
            round: Round::new(fields.round),
            value_id: BftValue(block),
            polka_signatures: signatures.collect(),
        })
    }
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct RoundSignatureFields {
    kind: u8,
    block: B256,
    validator: Address,
    signature: ValidatorSignature,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
pub(crate) struct RoundFields {
    height: Height,
    round: u32,
    /// 1: leave the round; 0: enter it.
    leave: u8,
    signatures: Vec<RoundSignatureFields>,
}

impl From<&RoundCertificate> for RoundFields {
    fn from(certificate: &RoundCertificate) -> Self {
        let signatures = certificate.round_signatures.iter().map(|one| RoundSignatureFields {
            kind: match one.vote_type {
                VoteType::Prevote => VoteKind::Prevote.byte(),
                VoteType::Precommit => VoteKind::Precommit.byte(),
            },
            block: super::context::block_of(&one.value_id).unwrap_or_default(),
            validator: one.address.0,
            signature: one.signature,
        });
        Self {
            height: certificate.height.0,
            round: round_number(certificate.round),
            leave: u8::from(certificate.cert_type == RoundCertificateType::Precommit),
            signatures: signatures.collect(),
        }
    }
}

impl TryFrom<RoundFields> for RoundCertificate {
    type Error = DecodeError;

    fn try_from(fields: RoundFields) -> Result<Self, DecodeError> {
        check_count(fields.signatures.len())?;
        let signature = |one: RoundSignatureFields| {
            let kind = match VoteKind::of_byte(one.kind) {
                Some(VoteKind::Prevote) => VoteType::Prevote,
                Some(VoteKind::Precommit) => VoteType::Precommit,
                None => return Err(DecodeError::Custom("no kind of vote")),
            };
            let block = some_block(one.block).map_or(NilOrVal::Nil, |b| NilOrVal::Val(BftValue(b)));
            Ok(RoundSignature::new(kind, block, BftAddress(one.validator), one.signature))
        };
        Ok(Self {
            height: BftHeight(fields.height),
            round: Round::new(fields.round),
            cert_type: match fields.leave {
                0 => RoundCertificateType::Skip,
                1 => RoundCertificateType::Precommit,
                _ => return Err(DecodeError::Custom("no kind of round certificate")),
            },
            round_signatures: fields
                .signatures
                .into_iter()
                .map(signature)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn check_count(signatures: usize) -> Result<(), DecodeError> {
    if signatures > VALIDATORS_MAX {
        return Err(DecodeError::Custom("more signatures than validators"));
    }
    Ok(())
}
