//! What light clients ask: the rules are in docs/protocol/light.md, the way from what they trust to a
//! block is found by `hanse-light`.

use super::{Answer, Call, resolve, transactions::locate};
use crate::{
    Context, RpcError,
    wire::{BlockId, BlockTag, Reply},
};
use alloy_eips::Encodable2718;
use alloy_primitives::{Bytes, TxHash};
use hanse_ledger::{LedgerError, Remaining, StateView};
use hanse_light::{
    Checkpoint, LightError, Network, Record, SetProof, TransactionProof, prove_finality,
    validators_in_state,
};
use hanse_primitives::{
    BlockRef, CommitCertificate, Header, Height, OrderedItem, OrderedList, ValidatorSet,
};
use std::collections::BTreeSet;

/// `hanse_getCheckpoint`: what a client may start from that trusts this node. It proves nothing.
pub(super) fn checkpoint(call: &Call<'_>) -> Answer {
    let network = network(call.rpc)?;
    let block = final_block(call.rpc, call.params.optional(0)?)?;
    let next = block.height.0.saturating_add(1);
    // Where nobody votes there is nobody to tell of; the client sees by the engines why.
    let validators = match network.contract_at(next) {
        Ok(_) => Served { context: call.rpc, network: &network }.validators(next)?,
        Err(_) => ValidatorSet::default(),
    };
    Reply::new(&Checkpoint::new(network, block.height.0, block.hash, &validators))
}

/// `hanse_getFinalityProof`
pub(super) fn finality(call: &Call<'_>) -> Answer {
    let network = network(call.rpc)?;
    let block = final_block(call.rpc, call.params.optional(0)?)?;
    let served = Served { context: call.rpc, network: &network };
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
    let served = Served { context: call.rpc, network: &network };
    let finality = prove_finality(&network, &served, trusted(call)?, number)?;
    let all: Vec<_> = block.transactions().collect();
    if all.get(at).is_none_or(|one| one.kept().is_none()) {
        return Err(LedgerError::Pruned(Height(number)).into());
    }
    // Its neighbours may have been pruned: their leaves are enough.
    let list = OrderedList::new(all.len());
    let transaction = list.prove(at, |at| match all[at] {
        Remaining::Kept { transaction, .. } => OrderedItem::Whole(transaction.encoded_2718()),
        Remaining::Gone(gone) => OrderedItem::Leaf(gone.transaction_leaf),
    });
    let receipt = list.prove(at, |at| match all[at] {
        Remaining::Kept { receipt, .. } => OrderedItem::Whole(receipt.encoded_2718()),
        Remaining::Gone(gone) => OrderedItem::Leaf(gone.receipt_leaf),
    });
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
    network: &'a Network,
}

impl Served<'_> {
    fn reference(&self, number: u64) -> Result<BlockRef, RpcError> {
        let height = Height(number);
        let hash = self.context.ledger.hash(height)?.ok_or(LedgerError::UnknownHeight(height))?;
        Ok(BlockRef { height, hash })
    }

    /// The state that says who decides a height.
    fn state_before(&self, number: u64) -> Result<StateView, RpcError> {
        let parent = self.reference(number.saturating_sub(1))?;
        Ok(self.context.ledger.state(parent.hash)?)
    }
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
        let contract = self.network.contract_at(number)?;
        let state = self.state_before(number)?;
        let read = |slot| Ok::<_, RpcError>(state.storage(&contract, &slot)?);
        Ok(validators_in_state(number, read)?.0)
    }

    fn prove_validators(&self, number: u64) -> Result<SetProof, RpcError> {
        let contract = self.network.contract_at(number)?;
        let state = self.state_before(number)?;
        let read = |slot| Ok::<_, RpcError>(state.storage(&contract, &slot)?);
        let (_, slots) = validators_in_state(number, read)?;
        let proof = state.proof(&contract, &slots).map_err(|error| match error {
            LedgerError::ProofTooOld { reason, .. } => RpcError::Server(format!(
                "more than a third of the voting power changed hands at about block {number}, and \
                 that state is too old to prove it ({reason}); start from a newer checkpoint"
            )),
            error => error.into(),
        })?;
        let nodes: BTreeSet<Bytes> = proof.storage.into_iter().flat_map(|one| one.nodes).collect();
        Ok(SetProof { account: proof.nodes, storage: nodes.into_iter().collect() })
    }
}
