//! Proofs that validators leave: that a block is final, and that one of them has signed two things.

use crate::{
    BlockHash, Height, PrimitiveError, Proposal, SigningDomain, ValidatorSet, ValidatorSignature,
    Vote, VoteKind, limits,
};
use alloy_primitives::{Address, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One precommit of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitSignature {
    /// Who signed.
    pub validator: Address,
    /// The signature of the precommit.
    pub signature: ValidatorSignature,
}

/// Precommits of more than two thirds of the voting power for one block: the block is final.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitCertificate {
    /// Height of the block.
    pub height: Height,
    /// The round in which it was decided.
    pub round: u32,
    /// The block.
    pub block: BlockHash,
    /// The precommits, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The signers are not strictly ascending by address.
    #[error("the signers of the certificate are not in order")]
    Order,
    /// Somebody signed who has no vote at this height.
    #[error("{0} signed, who is no validator at this height")]
    Stranger(Address),
    /// A signature is not by the validator that it is said to be by.
    #[error("the signature of {0} is not valid")]
    Signature(Address),
    /// Not more than two thirds of the voting power signed.
    #[error("signatures with {signed} of {total} voting power are no quorum")]
    NoQuorum {
        /// Power of those who signed.
        signed: u128,
        /// Power of all.
        total: u128,
    },
}

impl CommitCertificate {
    /// What each of its signers signed.
    #[must_use]
    pub const fn vote(&self) -> Vote {
        Vote {
            kind: VoteKind::Precommit,
            height: self.height,
            round: self.round,
            block: Some(self.block),
        }
    }

    /// Checks that more than two thirds of the voting power of `validators`, the set at this height,
    /// signed.
    ///
    /// # Errors
    /// [`CertificateError`]: whoever handed it over should have known.
    pub fn verify(
        &self,
        domain: &SigningDomain,
        validators: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        if !self.signatures.is_sorted_by(|one, next| one.validator < next.validator) {
            return Err(CertificateError::Order);
        }
        let mut signed = 0;
        for one in &self.signatures {
            let validator = validators.get(&one.validator);
            let validator = validator.ok_or(CertificateError::Stranger(one.validator))?;
            signed += u128::from(validator.power);
        }
        if !validators.is_quorum(signed) {
            let total = validators.total_power();
            return Err(CertificateError::NoQuorum { signed, total });
        }
        // The costly check comes last.
        let digest = self.vote().digest(domain);
        for one in &self.signatures {
            if one.signature.recover(digest).ok() != Some(one.validator) {
                return Err(CertificateError::Signature(one.validator));
            }
        }
        Ok(())
    }
}

/// What a block says of its making, in its header's `extraData`, on chains with a validator set.
///
/// The parent's certificate is part of the header, so that the chain of headers proves itself: whoever
/// has header `h + 1` has the proof that block `h` is final. (Clique, IBFT and QBFT keep their seals
/// in this field too.)
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Provenance {
    /// Who built the block.
    pub proposer: Address,
    /// The round in which it was first proposed.
    pub round: u32,
    /// The round in which the parent was decided.
    pub parent_round: u32,
    /// The precommits that made the parent final, strictly ascending by validator. Empty when the
    /// parent was made final by other means: genesis, or another engine before a change.
    pub parent_signatures: Vec<CommitSignature>,
}

impl Provenance {
    /// Reads a header's `extraData`.
    ///
    /// # Errors
    /// [`PrimitiveError::Rlp`] when it is not exactly one provenance.
    pub fn decode(extra_data: &[u8]) -> Result<Self, PrimitiveError> {
        decode_exact(extra_data)
    }

    /// The bytes for a header's `extraData`.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        alloy_rlp::encode(self).into()
    }

    /// The certificate of the parent, if it has one.
    #[must_use]
    pub fn parent_certificate(&self, parent: crate::BlockRef) -> Option<CommitCertificate> {
        (!self.parent_signatures.is_empty()).then(|| CommitCertificate {
            height: parent.height,
            round: self.parent_round,
            block: parent.hash,
            signatures: self.parent_signatures.clone(),
        })
    }
}

/// Two signed messages of one validator that contradict each other: proof, for anybody, that it is
/// faulty. An honest validator never signs two votes of one kind, or two proposals, for the same
/// height and round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Equivocation {
    /// Two votes.
    Votes {
        /// The kind of both.
        kind: VoteKind,
        /// The height of both.
        height: Height,
        /// The round of both.
        round: u32,
        /// What each was for; they differ. `None` is nil.
        blocks: [Option<BlockHash>; 2],
        /// Their signatures.
        signatures: [ValidatorSignature; 2],
    },
    /// Two proposals of different blocks.
    Proposals {
        /// The two, of one height and round.
        proposals: [Proposal; 2],
        /// Their signatures.
        signatures: [ValidatorSignature; 2],
    },
}

impl Equivocation {
    /// The height at which it happened.
    #[must_use]
    pub const fn height(&self) -> Height {
        match self {
            Self::Votes { height, .. } => *height,
            Self::Proposals { proposals, .. } => proposals[0].height,
        }
    }

    /// Who signed both, if this proves anything. Needs nothing but the chain's domain.
    ///
    /// # Errors
    /// [`PrimitiveError::Evidence`] with what is wrong.
    pub fn verify(&self, domain: &SigningDomain) -> Result<Address, PrimitiveError> {
        let refuse = |why: &'static str| Err(PrimitiveError::Evidence(why));
        let (digests, signatures) = match self {
            Self::Votes { kind, height, round, blocks, signatures } => {
                if blocks[0] == blocks[1] {
                    return refuse("both votes are for the same");
                }
                let digest = |block| {
                    Vote { kind: *kind, height: *height, round: *round, block }.digest(domain)
                };
                (blocks.map(digest), signatures)
            }
            Self::Proposals { proposals, signatures } => {
                let [first, second] = proposals;
                if (first.height, first.round) != (second.height, second.round) {
                    return refuse("the proposals are of different heights or rounds");
                }
                if first.block == second.block {
                    return refuse("both proposals are of the same block");
                }
                (proposals.map(|proposal| proposal.digest(domain)), signatures)
            }
        };
        let first = signatures[0].recover(digests[0])?;
        if signatures[1].recover(digests[1])? != first {
            return refuse("the messages are signed by two different validators");
        }
        Ok(first)
    }
}

pub(crate) fn decode_exact<T: Decodable>(bytes: &[u8]) -> Result<T, PrimitiveError> {
    let mut rest = bytes;
    let value = T::decode(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(alloy_rlp::Error::UnexpectedLength.into()) }
}

/// A header with the signatures of the largest validator set fits its bound.
const _: () = assert!(limits::VALIDATORS_MAX * (21 + 67 + 2) + 64 <= limits::PROVENANCE_BYTES_MAX);
