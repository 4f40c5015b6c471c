//! What validators sign (EIP-712), and how a signature is checked.

use crate::{BlockHash, Height, PeerId, PrimitiveError};
use alloy_consensus::crypto::secp256k1::recover_signer;
use alloy_primitives::{Address, B256, FixedBytes, Signature, U256, keccak256};
use alloy_rlp::{RlpDecodableWrapper, RlpEncodableWrapper};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Keeps the signatures of one chain from meaning anything on another: the EIP-712 domain with name
/// `Hanse consensus`, version `1`, the chain id, and the genesis hash as salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SigningDomain(B256);

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,bytes32 salt)";

impl SigningDomain {
    /// The domain of the chain with this id and genesis.
    #[must_use]
    pub fn new(chain_id: u64, genesis: BlockHash) -> Self {
        let mut words = [0; 32 * 5];
        words[..32].copy_from_slice(keccak256(DOMAIN_TYPE).as_slice());
        words[32..64].copy_from_slice(keccak256(b"Hanse consensus").as_slice());
        words[64..96].copy_from_slice(keccak256(b"1").as_slice());
        words[96..128].copy_from_slice(&U256::from(chain_id).to_be_bytes::<32>());
        words[128..].copy_from_slice(genesis.as_slice());
        Self(keccak256(words))
    }

    /// The EIP-712 domain separator.
    #[must_use]
    pub const fn separator(&self) -> B256 {
        self.0
    }

    fn digest(&self, structure: B256) -> B256 {
        let mut bytes = [0; 66];
        bytes[..2].copy_from_slice(b"\x19\x01");
        bytes[2..34].copy_from_slice(self.0.as_slice());
        bytes[34..].copy_from_slice(structure.as_slice());
        keccak256(bytes)
    }
}

/// Which of the two votes of a round (Tendermint, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VoteKind {
    /// For a proposal that was found valid.
    Prevote,
    /// To commit a block that a quorum has prevoted.
    Precommit,
}

impl VoteKind {
    /// The byte that stands for it in what is signed and on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Prevote => 1,
            Self::Precommit => 2,
        }
    }

    /// The kind with that byte.
    #[must_use]
    pub const fn of_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Prevote),
            2 => Some(Self::Precommit),
            _ => None,
        }
    }
}

/// A validator's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vote {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// The height that is decided.
    pub height: Height,
    /// The round within it.
    pub round: u32,
    /// What it is for; `None` is a vote for no block (nil).
    pub block: Option<BlockHash>,
}

const VOTE_TYPE: &[u8] = b"Vote(uint8 kind,uint64 height,uint32 round,bytes32 block)";

impl Vote {
    /// What is signed: the EIP-712 digest of `Vote(uint8 kind,uint64 height,uint32 round,bytes32 block)`
    /// with kind 1 for a prevote and 2 for a precommit, and the zero hash for nil.
    #[must_use]
    pub fn digest(&self, domain: &SigningDomain) -> B256 {
        let mut words = [0; 32 * 5];
        words[..32].copy_from_slice(keccak256(VOTE_TYPE).as_slice());
        words[63] = self.kind.byte();
        words[88..96].copy_from_slice(&self.height.0.to_be_bytes());
        words[124..128].copy_from_slice(&self.round.to_be_bytes());
        words[128..].copy_from_slice(self.block.unwrap_or_default().as_slice());
        domain.digest(keccak256(words))
    }
}

/// A proposer's word that a block is what it proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposal {
    /// The height that is decided.
    pub height: Height,
    /// The round within it.
    pub round: u32,
    /// The block.
    pub block: BlockHash,
    /// The round in which a quorum has prevoted the block already, if one has.
    pub valid_round: Option<u32>,
}

const PROPOSAL_TYPE: &[u8] = b"Proposal(uint64 height,uint32 round,bytes32 block,int64 validRound)";

impl Proposal {
    /// What is signed: the EIP-712 digest of
    /// `Proposal(uint64 height,uint32 round,bytes32 block,int64 validRound)`, -1 for no valid round.
    #[must_use]
    pub fn digest(&self, domain: &SigningDomain) -> B256 {
        let mut words = [0; 32 * 5];
        words[..32].copy_from_slice(keccak256(PROPOSAL_TYPE).as_slice());
        words[56..64].copy_from_slice(&self.height.0.to_be_bytes());
        words[92..96].copy_from_slice(&self.round.to_be_bytes());
        words[96..128].copy_from_slice(self.block.as_slice());
        match self.valid_round {
            Some(round) => words[156..].copy_from_slice(&round.to_be_bytes()),
            None => words[128..].fill(0xff),
        }
        domain.digest(keccak256(words))
    }
}

const PEER_TYPE: &[u8] = b"Peer(bytes32 key)";

impl PeerId {
    /// What a validator signs so that the node with this key acts for it: the EIP-712 digest of
    /// `Peer(bytes32 key)`. Together with the connection, which proves the key, it holds both ways:
    /// nobody can claim another's node, or another's account.
    #[must_use]
    pub fn digest(&self, domain: &SigningDomain) -> B256 {
        let mut words = [0; 32 * 2];
        words[..32].copy_from_slice(keccak256(PEER_TYPE).as_slice());
        words[32..].copy_from_slice(&self.0);
        domain.digest(keccak256(words))
    }
}

/// A validator's ECDSA signature over secp256k1: `r`, `s`, and the recovery id as 27 or 28 (65 bytes),
/// as Solidity's `ecrecover` and every Ethereum wallet have it. Only low `s` is accepted (EIP-2).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    RlpEncodableWrapper,
    RlpDecodableWrapper,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct ValidatorSignature(pub FixedBytes<65>);

impl ValidatorSignature {
    /// Who signed `digest`. About 27 us.
    ///
    /// # Errors
    /// [`PrimitiveError::Signature`] when nobody can have made this signature, or it has another form
    /// of itself (high `s`).
    pub fn recover(&self, digest: B256) -> Result<Address, PrimitiveError> {
        let v = match self.0[64] {
            27 => false,
            28 => true,
            _ => return Err(PrimitiveError::Signature),
        };
        let signature = Signature::from_bytes_and_parity(&self.0[..64], v);
        recover_signer(&signature, digest).map_err(|_| PrimitiveError::Signature)
    }
}

impl From<Signature> for ValidatorSignature {
    fn from(signature: Signature) -> Self {
        Self(FixedBytes(signature.normalized_s().as_bytes()))
    }
}

impl fmt::Debug for ValidatorSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidatorSignature({})", self.0)
    }
}
