//! What light clients ask: the rules are in docs/protocol/light.md, the way from what they trust to a
//! block is found by `hanse-light`.

use super::{Answer, Call, resolve, transactions::locate};
use crate::{
    Context, RpcError,
    wire::{BlockId, BlockTag, Reply},
};
use alloy_primitives::{Address, Bytes, TxHash, U256};
use hanse_execution::Executor;
use hanse_ledger::{LedgerError, StateView};
use hanse_light::{
    Checkpoint, LightError, Network, Record, SetProof, TransactionProof, prove_finality,
    validators_in_state,
};
use hanse_primitives::{
    BlockRef, CommitCertificate, Header, Height, OrderedList, ValidatorSet, VotedChanges,
};
use std::collections::BTreeSet;

/// `hanse_getCheckpoint`: what a client may start from that trusts this node. It proves nothing.
pub(super) fn checkpoint(call: &Call<'_>) -> Answer {
    let network = network(call.rpc)?;
    let block = final_block(call.rpc, call.params.optional(0)?)?;
    let next = block.height.0.saturating_add(1);
    // Where nobody votes there is nobody to tell of; the client sees by the engines why.
    let validators = match network.contract_at(next) {
        Ok(_) => Served { context: call.rpc, executor: call.executor() }.validators(next)?,
        Err(_) => ValidatorSet::default(),
    };
    Reply::new(&Checkpoint::new(network, block.height.0, block.hash, &validators))
}

/// `hanse_getFinalityProof`
pub(super) fn finality(call: &Call<'_>) -> Answer {
    let network = network(call.rpc)?;
    let block = final_block(call.rpc, call.params.optional(0)?)?;
    let served = Served { context: call.rpc, executor: call.executor() };
    Reply::new(&prove_finality(&network, &served, trusted(call)?, block.height.0)?)
}

/// `hanse_getTransactionProof`: null for a transaction that is in no final block.
pub(super) fn transaction(call: &Call<'_>) -> Answer {
    let hash: TxHash = call.params.required(0)?;
    let Some((block, at)) = locate(call, &hash)? else { return Ok(Reply::null()) };
    let number = block.block().height().0;
    if number > call.rpc.ledger.finalized().height.0 {
        return Ok(Reply::null());
    }
    let network = network(call.rpc)?;
    let served = Served { context: call.rpc, executor: call.executor() };
    let finality = prove_finality(&network, &served, trusted(call)?, number)?;
    let all: Vec<_> = block.transactions().collect();
    if all.get(at).is_none_or(|one| one.kept().is_none()) {
        return Err(LedgerError::Pruned(Height(number)).into());
    }
    // Its neighbours may have been pruned: their leaves are enough.
    let list = OrderedList::new(all.len());
    let transaction = list.prove(at, |at| all[at].transaction_item());
    let receipt = list.prove(at, |at| all[at].receipt_item());
    Reply::new(&TransactionProof {
        finality,
        index: u64::try_from(at).expect("a position in a block fits in 64 bits"),
        transaction: transaction.unwrap_or_default(),
        receipt: receipt.unwrap_or_default(),
    })
}

fn network(context: &Context) -> Result<Network, RpcError> {
    Ok(Network::of(&context.spec)?)
}

/// The height that the caller trusts; genesis when it names none.
fn trusted(call: &Call<'_>) -> Result<u64, RpcError> {
    Ok(call.params.optional(1)?.unwrap_or(0))
}

/// The block that is asked about, by default the last final one.
fn final_block(context: &Context, id: Option<BlockId>) -> Result<BlockRef, RpcError> {
    let id = id.unwrap_or(BlockId::Tag(BlockTag::Finalized));
    let block = resolve::reference(context, id)?.ok_or_else(RpcError::header_not_found)?;
    let finalized = context.ledger.finalized();
    if block.height > finalized.height || !context.ledger.is_canonical(block)? {
        return Err(RpcError::Server(format!("block {} is not final", block.height)));
    }
    Ok(block)
}

impl From<LightError> for RpcError {
    fn from(error: LightError) -> Self {
        Self::Server(error.to_string())
    }
}

/// The ledger, as light clients are served from it.
struct Served<'a> {
    context: &'a Context,
    executor: Executor,
}

impl Served<'_> {
    fn reference(&self, number: u64) -> Result<BlockRef, RpcError> {
        let height = Height(number);
        let hash = self.context.ledger.hash(height)?.ok_or(LedgerError::UnknownHeight(height))?;
        Ok(BlockRef { height, hash })
    }

    /// The state that says who decides a height, and the contract that knows it there.
    fn before(&self, number: u64) -> Result<(StateView, Address), RpcError> {
        let parent = self.reference(number.saturating_sub(1))?;
        let tenure = self.executor.tenure(parent).map_err(super::consensus::failed)?;
        let settings = tenure.as_ref().and_then(|tenure| tenure.engine.validators());
        let contract = settings.map(|settings| settings.contract);
        let contract =
            contract.ok_or_else(|| RpcError::Server(format!("nobody votes on block {number}")))?;
        Ok((self.context.ledger.state(parent.hash)?, contract))
    }
}

/// Nodes on the way to an account, and to slots of it, each once.
fn proof(
    state: &StateView,
    number: u64,
    contract: Address,
    slots: &[U256],
) -> Result<(Vec<Bytes>, Vec<Bytes>), RpcError> {
    let proof = state.proof(&contract, slots).map_err(|error| match error {
        LedgerError::ProofTooOld { reason, .. } => RpcError::Server(format!(
            "more than a third of the voting power changed hands at about block {number}, and \
             that state is too old to prove it ({reason}); start from a newer checkpoint"
        )),
        error => error.into(),
    })?;
    let nodes: BTreeSet<Bytes> = proof.storage.into_iter().flat_map(|one| one.nodes).collect();
    Ok((proof.nodes, nodes.into_iter().collect()))
}

impl Record for Served<'_> {
    type Error = RpcError;

    fn finalized(&self) -> u64 {
        self.context.ledger.finalized().height.0
    }

    fn header(&self, number: u64) -> Result<Header, RpcError> {
        let header = self.context.ledger.header(Height(number))?;
        header.ok_or_else(RpcError::header_not_found)
    }

    fn certificate(&self, number: u64) -> Result<CommitCertificate, RpcError> {
        let consensus = self.context.consensus.as_deref();
        let found = consensus.map_or(Ok(None), |consensus| consensus.certificate(Height(number)));
        let found =
            found.map_err(|error| RpcError::internal("a certificate cannot be read", &error))?;
        found.ok_or_else(|| {
            RpcError::Server(format!("this node has no certificate of block {number} yet"))
        })
    }

    fn validators(&self, number: u64) -> Result<ValidatorSet, RpcError> {
        if number == 1 {
            // Genesis says it for ever, also where its state has been let go.
            return Ok(Checkpoint::genesis(&self.context.spec)?.voters()?);
        }
        let (state, contract) = self.before(number)?;
        let read = |slot| Ok::<_, RpcError>(state.storage(&contract, &slot)?);
        Ok(validators_in_state(number, read)?.0)
    }

    fn prove_validators(&self, number: u64) -> Result<SetProof, RpcError> {
        let (state, contract) = self.before(number)?;
        let read = |slot| Ok::<_, RpcError>(state.storage(&contract, &slot)?);
        let (_, slots) = validators_in_state(number, read)?;
        let (mut account, storage) = proof(&state, number, contract, &slots)?;
        let hanse = self.context.spec.hanse();
        let Some(votes) = hanse.and_then(|hanse| hanse.contracts.engines) else {
            return Ok(SetProof { account, storage, engine_votes: None });
        };
        let mut slots = Vec::new();
        VotedChanges::read(Height(number), |slot| {
            slots.push(slot);
            state.storage(&votes, &slot)
        })?;
        let (way, engine_votes) = proof(&state, number, votes, &slots)?;
        let others: Vec<Bytes> = way.into_iter().filter(|node| !account.contains(node)).collect();
        account.extend(others);
        Ok(SetProof { account, storage, engine_votes: Some(engine_votes) })
    }
}
