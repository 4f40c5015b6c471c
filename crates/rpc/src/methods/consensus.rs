//! Who decides the blocks, what made them final, who was found faulty, and what this node does among
//! the others.

use super::{Answer, Call, resolve::reference};
use crate::{
    RpcError,
    json::Hex,
    limits::{EVIDENCE_ITEMS_MAX, FAULT_TIME_MAX},
    wire::{BlockId, Reply},
};
use alloy_primitives::{Address, B256};
use hanse_execution::{ExecutionError, ProvenEquivocation, ValidatorRecord};
use hanse_primitives::{
    BlockRef, CommitCertificate, Engine, Equivocation, Height, PeerId, Provenance, ValidatorSet,
    ValidatorSignature, VoteKind,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// `hanse_status`: what the engine of this node is doing.
pub(super) fn status(call: &Call<'_>) -> Answer {
    let ledger = &call.rpc.ledger;
    let (head, finalized) = (ledger.head(), ledger.finalized());
    let next = head.height.next();
    let tenure = call.executor().tenure(head).map_err(failed)?;
    let consensus = call.rpc.consensus.as_deref();
    let stage = consensus.map(|consensus| consensus.stage());
    let faults = call.rpc.faults.as_deref();
    let fault = faults.and_then(|faults| faults.current());
    Reply::new(&json!({
        "engine": tenure.as_ref().map(|tenure| tenure.engine.name()),
        "nextEngine": tenure.and_then(|tenure| tenure.next).map(|change| engine(change.height, &change.consensus)),
        "height": Hex(stage.map_or(next, |stage| stage.height).0),
        "round": Hex(stage.map_or(0, |stage| stage.round)),
        "step": stage.map(|stage| stage.step),
        "bestKnown": Hex(stage.map_or(head.height, |stage| stage.best_known.max(head.height)).0),
        "head": position(call, head)?,
        "finalized": position(call, finalized)?,
        "validator": consensus.and_then(|consensus| consensus.validator()),
        "miner": consensus.and_then(|consensus| consensus.miner()),
        "peerId": consensus.and_then(|consensus| consensus.peer_id()).map(key),
        "fault": fault.map(|(kind, until_ms)| json!({ "kind": kind, "untilMs": Hex(until_ms) })),
        "faults": faults.map_or(&[][..], |faults| faults.kinds()),
    }))
}

/// `hanse_getEngine`: how the block after the one named is decided, and what is known there of a change.
pub(super) fn engine_after(call: &Call<'_>) -> Answer {
    let at = call.known_block(0)?;
    let tenure = call.executor().tenure(at).map_err(failed)?;
    let votes = call.executor().engine_votes(at.hash).map_err(failed)?;
    Reply::new(&json!({
        "decides": Hex(at.height.next().0),
        "now": tenure.as_ref().map(|tenure| engine(tenure.first, &tenure.engine)),
        "next": tenure.as_ref().and_then(|tenure| tenure.next.as_ref()).map(|change| engine(change.height, &change.consensus)),
        "votes": votes.map(|votes| json!({
            "contract": votes.contract, "notice": Hex(votes.notice), "changes": Hex(votes.count),
        })),
    }))
}

/// An engine from a height on, with its times where validators vote.
fn engine(from: Height, engine: &Engine) -> Value {
    let mut told = json!({ "from": Hex(from.0), "engine": engine.name(), "contract": null });
    if let Some(settings) = engine.validators() {
        told["contract"] = json!(settings.contract);
        for (name, time) in [
            ("blockTimeMs", settings.block_time_ms),
            ("emptyBlockTimeMs", settings.empty_block_time_ms),
            ("proposeTimeoutMs", settings.propose_timeout_ms),
            ("voteTimeoutMs", settings.vote_timeout_ms),
            ("timeoutStepMs", settings.timeout_step_ms),
        ] {
            told[name] = json!(Hex(time));
        }
    }
    told
}

fn position(call: &Call<'_>, block: BlockRef) -> Result<Value, RpcError> {
    let header = call.rpc.ledger.header(block.height)?;
    let timestamp = header.map(|header| Hex(header.timestamp));
    Ok(json!({ "number": Hex(block.height.0), "hash": block.hash, "timestamp": timestamp }))
}

fn key(peer: PeerId) -> B256 {
    peer.0.into()
}

/// `hanse_getPeers`: the nodes that this one is connected to.
pub(super) fn peers(call: &Call<'_>) -> Answer {
    let peers = call.rpc.consensus.as_ref().map(|consensus| consensus.peers());
    let peers = peers.unwrap_or_default().into_iter().map(|peer| {
        json!({
            "id": key(peer.id),
            "address": peer.address.to_string(),
            "inbound": peer.inbound,
            "software": peer.software,
            "score": 100_u32.saturating_sub(peer.points),
            "validator": peer.validator,
        })
    });
    Reply::new(&peers.collect::<Vec<_>>())
}

/// `hanse_getValidators`: who votes on the block after the one named, and what became of those who no
/// longer do.
pub(super) fn validators(call: &Call<'_>) -> Answer {
    let at = call.known_block(0)?;
    let next = at.height.next();
    let Some(contract) = contract(call, at)? else {
        return Reply::new(&json!({
            "decides": Hex(next.0), "totalPower": "0x0", "quorumPower": "0x0", "contract": null,
            "validators": [], "rules": null,
        }));
    };
    let executor = call.executor();
    let set = executor.validators(at.hash, contract).map_err(failed)?;
    let records = executor.validator_records(at.hash, contract).map_err(failed)?;
    let rules = executor.absence_rules(at.hash, contract).map_err(failed)?;
    let total = set.total_power();
    let peers = call.rpc.consensus.as_ref().map(|consensus| consensus.peers());
    let connected: BTreeSet<PeerId> =
        peers.unwrap_or_default().into_iter().map(|peer| peer.id).collect();
    let validators = records.iter().map(|record| validator(call, record, &set, &connected));
    let validators: Vec<_> = validators.collect();
    Reply::new(&json!({
        "decides": Hex(next.0),
        "totalPower": Hex(total),
        // More than two thirds.
        "quorumPower": Hex(total * 2 / 3 + 1),
        "contract": contract,
        "validators": validators,
        "rules": {
            "window": Hex(rules.window),
            "missedMax": Hex(rules.missed_max),
            "absentSeconds": Hex(rules.seconds_min),
            "waitBlocks": Hex(rules.wait_blocks),
        },
    }))
}

fn validator(
    call: &Call<'_>,
    record: &ValidatorRecord,
    set: &ValidatorSet,
    connected: &BTreeSet<PeerId>,
) -> Value {
    let seat = set.get(&record.account);
    json!({
        "address": record.account,
        "name": record.name,
        "standing": record.standing.name(),
        "since": Hex(record.since.0),
        "power": Hex(seat.map_or(0, |seat| seat.power)),
        "proposes": seat.is_some_and(|seat| seat.proposes),
        "missed": Hex(record.missed),
        "absentSeconds": Hex(record.absent_seconds),
        "votesFrom": Hex(record.votes_from.0),
        "peer": peer_of(call, &record.account, connected),
    })
}

/// The node that acts for a validator, as far as this one knows.
fn peer_of(call: &Call<'_>, account: &Address, connected: &BTreeSet<PeerId>) -> Option<Value> {
    let consensus = call.rpc.consensus.as_deref()?;
    if consensus.validator() == Some(*account) {
        let id = consensus.peer_id().map(key);
        return Some(json!({ "id": id, "connected": true }));
    }
    let id = consensus.peer_of(account)?;
    Some(json!({ "id": key(id), "connected": connected.contains(&id) }))
}

/// The contract that knows who votes on the block after another.
fn contract(call: &Call<'_>, at: BlockRef) -> Result<Option<Address>, RpcError> {
    let tenure = call.executor().tenure(at).map_err(failed)?;
    let settings = tenure.as_ref().and_then(|tenure| tenure.engine.validators());
    Ok(settings.map(|settings| settings.contract))
}

/// `hanse_getCertificate`: the precommits that made a block final. `null` for one that is not, or that
/// became so by other means.
pub(super) fn certificate(call: &Call<'_>) -> Answer {
    let id: BlockId = call.params.required(0)?;
    let Some(block) = reference(call.rpc, id)? else { return Ok(Reply::null()) };
    let canonical = call.rpc.ledger.is_canonical(block)?;
    let parent = block.height.previous().filter(|_| canonical);
    let parent = parent.map(|height| Ok::<_, RpcError>((height, call.rpc.ledger.hash(height)?)));
    let Some((height, Some(hash))) = parent.transpose()? else { return Ok(Reply::null()) };
    let Some(contract) = contract(call, BlockRef { height, hash })? else {
        return Ok(Reply::null());
    };
    let consensus = call.rpc.consensus.as_deref();
    let read = consensus.map_or(Ok(None), |consensus| consensus.certificate(block.height));
    let read = read.map_err(|error| RpcError::internal("a certificate cannot be read", &error))?;
    let (Some(certificate), Some(header)) = (read, call.rpc.ledger.header(block.height)?) else {
        return Ok(Reply::null());
    };
    let set = call.executor().validators(header.parent_hash, contract).map_err(failed)?;
    let proposer = Provenance::decode(&header.extra_data).ok().map(|made| made.proposer);
    Reply::new(&certificate_json(&certificate, proposer, &set))
}

fn certificate_json(
    certificate: &CommitCertificate,
    proposer: Option<Address>,
    set: &ValidatorSet,
) -> Value {
    let signed = |account: &Address| {
        certificate.signatures.iter().any(|signature| signature.validator == *account)
    };
    let voters = set.as_slice();
    let absent = voters.iter().map(|one| one.address).filter(|account| !signed(account));
    let power = voters.iter().filter(|one| signed(&one.address)).map(|one| u128::from(one.power));
    let signatures = certificate.signatures.iter().map(
        |signature| json!({ "validator": signature.validator, "signature": signature.signature }),
    );
    json!({
        "number": Hex(certificate.height.0),
        "hash": certificate.block,
        "round": Hex(certificate.round),
        "proposer": proposer,
        "signatures": signatures.collect::<Vec<_>>(),
        "absent": absent.collect::<Vec<_>>(),
        "signedPower": Hex(power.sum::<u128>()),
        "totalPower": Hex(set.total_power()),
    })
}

/// `hanse_getEvidence`: equivocations that the chain has found proven, oldest first.
pub(super) fn evidence(call: &Call<'_>) -> Answer {
    let first = call.params.optional::<u64>(0)?.unwrap_or(0);
    let count = call.params.optional::<u64>(1)?.unwrap_or(EVIDENCE_ITEMS_MAX);
    if count > EVIDENCE_ITEMS_MAX {
        return Err(RpcError::argument(1, format!("at most {EVIDENCE_ITEMS_MAX}")));
    }
    let head = call.rpc.ledger.head();
    let Some(contract) = contract(call, head)? else {
        return Reply::new(&[(); 0]);
    };
    let found = call.executor().evidence(head.hash, contract, first, count).map_err(failed)?;
    let items = found.iter().map(|proof| evidence_json(call, head, contract, proof));
    Reply::new(&items.collect::<Result<Vec<_>, _>>()?)
}

fn evidence_json(
    call: &Call<'_>,
    head: BlockRef,
    contract: Address,
    proof: &ProvenEquivocation,
) -> Result<Value, RpcError> {
    let standing = call.executor().standing(head.hash, contract, proof.accused);
    let standing = standing.map_err(failed)?.map(|(standing, _)| standing.name());
    let domain = call.rpc.spec.signing_domain();
    let message = |block: Option<B256>, valid: Option<u32>, digest, signed: ValidatorSignature| {
        json!({
            "block": block, "validRound": valid.map(Hex), "digest": digest, "signature": signed,
        })
    };
    let (kind, height, round, messages) = match &proof.equivocation {
        Equivocation::Votes { kind, height, round, blocks, signatures } => {
            let side = |at: usize| {
                let block = blocks[at];
                let (kind, height, round) = (*kind, *height, *round);
                let vote = hanse_primitives::Vote { kind, height, round, block };
                message(block, None, vote.digest(&domain), signatures[at])
            };
            let name = match kind {
                VoteKind::Prevote => "prevote",
                VoteKind::Precommit => "precommit",
            };
            (name, *height, *round, [side(0), side(1)])
        }
        Equivocation::Proposals { proposals, signatures } => {
            let side = |at: usize| {
                let proposal = proposals[at];
                let (block, valid) = (Some(proposal.block), proposal.valid_round);
                message(block, valid, proposal.digest(&domain), signatures[at])
            };
            ("proposal", proposals[0].height, proposals[0].round, [side(0), side(1)])
        }
    };
    Ok(json!({
        "index": Hex(proof.index),
        "accused": proof.accused,
        "accuser": proof.accuser,
        "kind": kind,
        "height": Hex(height.0),
        "round": Hex(round),
        "acceptedIn": Hex(proof.accepted_in.0),
        "transactionHash": accusation(call, contract, proof)?,
        "messages": messages,
        "standing": standing,
    }))
}

/// The transaction by which a proof was brought.
fn accusation(
    call: &Call<'_>,
    contract: Address,
    proof: &ProvenEquivocation,
) -> Result<Option<B256>, RpcError> {
    let Some(block) = call.rpc.ledger.block_at(proof.accepted_in)? else { return Ok(None) };
    let told = block
        .receipts()
        .iter()
        .position(|receipt| receipt.logs().iter().any(|log| proof.is_told_by(contract, log)));
    Ok(told.and_then(|at| Some(*block.block().transactions().get(at)?.tx_hash())))
}

/// `hanse_setFault`: makes this node misbehave for a while, or ends that. In development networks.
pub(super) fn set_fault(call: &Call<'_>) -> Answer {
    let absent = || RpcError::MethodNotFound("hanse_setFault".to_owned());
    let faults = call.rpc.faults.as_deref().ok_or_else(absent)?;
    let kind = call.params.optional::<String>(0)?;
    let fault = match kind {
        None => None,
        Some(kind) => {
            let millis: u64 = call.params.required(1)?;
            let time = Duration::from_millis(millis);
            if time.is_zero() || time > FAULT_TIME_MAX {
                let most = FAULT_TIME_MAX.as_millis();
                return Err(RpcError::argument(1, format!("from 1 to {most} milliseconds")));
            }
            Some((kind, time))
        }
    };
    let asked = fault.as_ref().map(|(kind, time)| (kind.as_str(), *time));
    faults.set(asked).map_err(RpcError::Server)?;
    Reply::new(&true)
}

pub(super) fn failed(error: ExecutionError) -> RpcError {
    match error {
        ExecutionError::Store(error) => error.into(),
        ExecutionError::UnknownParent(_) => RpcError::header_not_found(),
        error => RpcError::internal("the validators' contract cannot be read", &error),
    }
}
