//! What the write-ahead log holds: a byte for the kind, and an RLP list.

use super::{
    codec::{
        DecodeError, PolkaFields, ProposalFields, VoteFields, decode, tagged, valid_number,
        valid_round,
    },
    context::{BftAddress, BftHeight, BftValue, Input, Tendermint, round_number},
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use arc_malachitebft_core_consensus::ProposedValue;
use arc_malachitebft_core_types::{Round, Timeout, TimeoutKind, Validity, ValueOrigin};
use hanse_primitives::Height;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The first of a log: all others are of this height.
    Height(Height),
    /// RLP of a block that we may have voted for or proposed.
    Body(Bytes),
    /// What the library was told.
    Input(Input),
}

#[derive(RlpEncodable, RlpDecodable)]
struct HeightFields {
    height: Height,
}

#[derive(RlpEncodable, RlpDecodable)]
struct BodyFields {
    block: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct TimeoutFields {
    kind: u8,
    round: u32,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ValueFields {
    height: Height,
    round: u32,
    valid: u64,
    proposer: Address,
    block: B256,
    is_valid: bool,
}

impl Record {
    /// Its bytes; `None` for an input that need not survive a crash.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Height(height) => tagged(&[1], &HeightFields { height: *height }),
            Self::Body(block) => tagged(&[2], &BodyFields { block: block.clone() }),
            Self::Input(Input::Vote(vote)) => tagged(&[3], &VoteFields::from(vote)),
            Self::Input(Input::Proposal(proposal)) => tagged(&[4], &ProposalFields::from(proposal)),
            Self::Input(Input::TimeoutElapsed(timeout)) => {
                let kind = match timeout.kind {
                    TimeoutKind::Propose => 1,
                    TimeoutKind::Prevote => 2,
                    TimeoutKind::Precommit => 3,
                    TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => return None,
                };
                tagged(&[5], &TimeoutFields { kind, round: round_number(timeout.round) })
            }
            Self::Input(Input::ProposedValue(value, _)) => {
                let fields = ValueFields {
                    height: value.height.0,
                    round: round_number(value.round),
                    valid: valid_number(value.valid_round.as_u32()),
                    proposer: value.proposer.0,
                    block: value.value.0,
                    is_valid: value.validity.is_valid(),
                };
                tagged(&[6], &fields)
            }
            Self::Input(Input::PolkaCertificate(certificate)) => {
                tagged(&[7], &PolkaFields::from(certificate))
            }
            Self::Input(
                Input::StartHeight(..)
                | Input::Propose(_)
                | Input::RoundCertificate(_)
                | Input::SyncValueResponse(_),
            ) => return None,
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the log holds what we did not write.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let [kind, body @ ..] = bytes else { return Err(DecodeError::InputTooShort) };
        Ok(match kind {
            1 => Self::Height(decode::<HeightFields>(body)?.height),
            2 => Self::Body(decode::<BodyFields>(body)?.block),
            3 => Self::Input(Input::Vote(decode::<VoteFields>(body)?.try_into()?)),
            4 => Self::Input(Input::Proposal(decode::<ProposalFields>(body)?.try_into()?)),
            5 => {
                let TimeoutFields { kind, round } = decode(body)?;
                let kind = match kind {
                    1 => TimeoutKind::Propose,
                    2 => TimeoutKind::Prevote,
                    3 => TimeoutKind::Precommit,
                    _ => return Err(DecodeError::Custom("no such timeout")),
                };
                Self::Input(Input::TimeoutElapsed(Timeout::new(Round::new(round), kind)))
            }
            6 => Self::Input(Input::ProposedValue(decode_value(body)?, ValueOrigin::Consensus)),
            7 => Self::Input(Input::PolkaCertificate(decode::<PolkaFields>(body)?.try_into()?)),
            _ => return Err(DecodeError::Custom("no such record")),
        })
    }
}

fn decode_value(body: &[u8]) -> Result<ProposedValue<Tendermint>, DecodeError> {
    let fields: ValueFields = decode(body)?;
    Ok(ProposedValue {
        height: BftHeight(fields.height),
        round: Round::new(fields.round),
        valid_round: Round::from(valid_round(fields.valid)?),
        proposer: BftAddress(fields.proposer),
        value: BftValue(fields.block),
        validity: Validity::from_bool(fields.is_valid),
    })
}
