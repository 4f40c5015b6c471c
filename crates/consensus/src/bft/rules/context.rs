//! The types that the Tendermint library works with here: thin coats over those of `primitives`.

use super::{
    proposer,
    voters::{Voter, Voters},
};
use alloy_primitives::Address;
use arc_malachitebft_core_types::{
    self as library, LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType,
};
use hanse_primitives::{BlockHash, Height, Proposal, ValidatorSignature, Vote, VoteKind};
use std::{convert::Infallible, fmt};

/// Chooses our types for the library.
#[derive(Clone, Debug)]
pub(crate) struct Tendermint;

pub(crate) type Input = arc_malachitebft_core_consensus::Input<Tendermint>;
pub(crate) type SignedVote = library::SignedVote<Tendermint>;
pub(crate) type SignedProposal = library::SignedProposal<Tendermint>;
pub(crate) type PolkaCertificate = library::PolkaCertificate<Tendermint>;
pub(crate) type RoundCertificate = library::RoundCertificate<Tendermint>;

/// A validator's account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BftAddress(pub(crate) Address);

/// A height.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BftHeight(pub(crate) Height);

/// What is decided about: a block's hash. The body travels beside it, in parts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BftValue(pub(crate) BlockHash);

/// A vote and who says that it is his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BftVote {
    pub(crate) kind: VoteType,
    pub(crate) height: BftHeight,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<BftValue>,
    pub(crate) validator: BftAddress,
}

/// A proposal and who says that it is his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BftProposal {
    pub(crate) height: BftHeight,
    pub(crate) round: Round,
    pub(crate) value: BftValue,
    pub(crate) valid_round: Round,
    pub(crate) proposer: BftAddress,
}

/// Bodies travel in our own messages; the library never sees a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPart {}

/// secp256k1 over EIP-712 digests. The account stands for the public key, since a signature gives it
/// back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secp256k1;

/// A round that is one. Every vote and proposal has one: our codec and the library make no others.
pub(crate) fn round_number(round: Round) -> u32 {
    round.as_u32().expect("votes, proposals and timeouts are made for rounds from 0 on")
}

impl BftVote {
    /// What is signed.
    pub(crate) fn vote(&self) -> Vote {
        Vote {
            kind: match self.kind {
                VoteType::Prevote => VoteKind::Prevote,
                VoteType::Precommit => VoteKind::Precommit,
            },
            height: self.height.0,
            round: round_number(self.round),
            block: block_of(&self.value),
        }
    }

    /// The vote of `validator` whose content this is.
    pub(crate) fn new(vote: Vote, validator: Address) -> Self {
        Self {
            kind: match vote.kind {
                VoteKind::Prevote => VoteType::Prevote,
                VoteKind::Precommit => VoteType::Precommit,
            },
            height: BftHeight(vote.height),
            round: Round::new(vote.round),
            value: vote.block.map_or(NilOrVal::Nil, |hash| NilOrVal::Val(BftValue(hash))),
            validator: BftAddress(validator),
        }
    }
}

/// The block that a vote is for; `None` is nil.
pub(crate) fn block_of(value: &NilOrVal<BftValue>) -> Option<BlockHash> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(value) => Some(value.0),
    }
}

impl BftProposal {
    /// What is signed.
    pub(crate) fn proposal(&self) -> Proposal {
        Proposal {
            height: self.height.0,
            round: round_number(self.round),
            block: self.value.0,
            valid_round: self.valid_round.as_u32(),
        }
    }

    /// The proposal of `proposer` whose content this is.
    pub(crate) fn new(proposal: Proposal, proposer: Address) -> Self {
        Self {
            height: BftHeight(proposal.height),
            round: Round::new(proposal.round),
            value: BftValue(proposal.block),
            valid_round: Round::from(proposal.valid_round),
            proposer: BftAddress(proposer),
        }
    }
}

impl library::Context for Tendermint {
    type Address = BftAddress;
    type Height = BftHeight;
    type ProposalPart = NoPart;
    type Proposal = BftProposal;
    type Validator = Voter;
    type ValidatorSet = Voters;
    type Timeouts = LinearTimeouts;
    type Value = BftValue;
    type Vote = BftVote;
    type Extension = ();
    type SigningScheme = Secp256k1;

    fn select_proposer<'a>(
        &self,
        voters: &'a Voters,
        height: BftHeight,
        round: Round,
    ) -> &'a Voter {
        // The library asks about the round before the first one too.
        let chosen = proposer::select(voters.set(), height.0, round.as_u32().unwrap_or(0));
        voters.voter(&chosen).expect("a proposer is chosen from the set")
    }

    fn new_proposal(
        &self,
        height: BftHeight,
        round: Round,
        value: BftValue,
        valid_round: Round,
        proposer: BftAddress,
    ) -> BftProposal {
        BftProposal { height, round, value, valid_round, proposer }
    }

    fn new_prevote(
        &self,
        height: BftHeight,
        round: Round,
        value: NilOrVal<BftValue>,
        validator: BftAddress,
    ) -> BftVote {
        BftVote { kind: VoteType::Prevote, height, round, value, validator }
    }

    fn new_precommit(
        &self,
        height: BftHeight,
        round: Round,
        value: NilOrVal<BftValue>,
        validator: BftAddress,
    ) -> BftVote {
        BftVote { kind: VoteType::Precommit, height, round, value, validator }
    }
}

impl library::Vote<Tendermint> for BftVote {
    fn height(&self) -> BftHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BftValue> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<BftValue> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &BftAddress {
        &self.validator
    }

    fn extension(&self) -> Option<&SignedExtension<Tendermint>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Tendermint>> {
        None
    }

    fn extend(self, _: SignedExtension<Tendermint>) -> Self {
        self
    }
}

impl library::Proposal<Tendermint> for BftProposal {
    fn height(&self) -> BftHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BftValue {
        &self.value
    }

    fn take_value(self) -> BftValue {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.valid_round
    }

    fn validator_address(&self) -> &BftAddress {
        &self.proposer
    }
}

impl library::ProposalPart<Tendermint> for NoPart {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl library::Value for BftValue {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

impl library::Address for BftAddress {}

impl library::Height for BftHeight {
    const ZERO: Self = Self(Height::GENESIS);
    const INITIAL: Self = Self(Height(1));

    fn increment_by(&self, n: u64) -> Self {
        Self(Height(self.0.0.saturating_add(n)))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.0.checked_sub(n).map(|height| Self(Height(height)))
    }

    fn as_u64(&self) -> u64 {
        self.0.0
    }
}

impl library::SigningScheme for Secp256k1 {
    type DecodingError = Infallible;
    type Signature = ValidatorSignature;
    type PublicKey = Address;
    /// The key stays with the node.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<ValidatorSignature, Infallible> {
        // Bytes of another length give a signature that nobody made.
        Ok(ValidatorSignature(bytes.try_into().unwrap_or_default()))
    }

    fn encode_signature(signature: &ValidatorSignature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<Address, Infallible> {
        Ok(bytes.try_into().unwrap_or_default())
    }

    fn encode_public_key(public_key: &Address) -> Vec<u8> {
        public_key.to_vec()
    }
}

macro_rules! show_as_inside {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

show_as_inside!(BftAddress, BftHeight, BftValue);
