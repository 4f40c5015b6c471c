//! The one implementation of [`Chain`]: execution, ledger and pool behind the engine's seam.

use crate::NodeError;
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_eips::eip7702::constants::EIP7702_DELEGATION_DESIGNATOR;
use alloy_primitives::{Address, Bytes};
use hanse_consensus::{
    BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, ValidatorSet, Verdict,
};
use hanse_execution::{BuildLimits, ExecutionError, Executor, SkipReason};
use hanse_ledger::{Ledger, LedgerError, PendingRoot, StateView, StoredBlock};
use hanse_primitives::{Attributes, BlockHash, ChainSpec, Executed, Height, SealedBlock};
use hanse_rpc::{ChainEvent, Events};
use hanse_txpool::{Account, Accounts, Admitted, Pool, Rules};
use parking_lot::Mutex;
use std::{borrow::Borrow, collections::BTreeMap, sync::Arc};

/// Seconds since the Unix epoch.
pub(crate) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A transaction on its way from the pool to the builder.
struct Candidate(Admitted);

impl Borrow<hanse_primitives::RecoveredTransaction> for Candidate {
    fn borrow(&self) -> &hanse_primitives::RecoveredTransaction {
        self.0.recovered()
    }
}

/// The chain of this node.
pub(crate) struct LocalChain {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) pool: Pool,
    pub(crate) events: Events,
    clock: Clock,
    /// Blocks that are not final, as the pool wants them when the head moves.
    unfinal: BTreeMap<BlockHash, Executed>,
    /// The last block that [`Chain::build`] made, so that importing it does not execute it again.
    built: Mutex<Option<(Executed, PendingRoot)>>,
    /// The head that the engine has chosen and that is shown once it is durable.
    next_head: Option<BlockHash>,
}

impl LocalChain {
    pub(crate) fn new(
        spec: Arc<ChainSpec>,
        ledger: Ledger,
        executor: Executor,
        pool: Pool,
        events: Events,
        clock: Clock,
    ) -> Self {
        Self {
            spec,
            ledger,
            executor,
            pool,
            events,
            clock,
            unfinal: BTreeMap::new(),
            built: Mutex::new(None),
            next_head: None,
        }
    }

    /// Imports a block, makes it the head, and makes it final: how history from a file comes in.
    pub(crate) fn adopt(&mut self, block: SealedBlock) -> Result<(), NodeError> {
        let (hash, height) = (block.hash(), block.height());
        match self.import(block) {
            Verdict::Accept(_) => {}
            Verdict::Reject(invalid) => {
                return Err(NodeError::Input(format!("block {height}: {}", invalid.reason)));
            }
            Verdict::Later => {
                return Err(NodeError::Input(format!(
                    "block {height} ({hash}) does not continue the chain in the ledger"
                )));
            }
        }
        self.set_head(hash)?;
        Ok(self.finalize(hash, Seal::Solo)?)
    }

    fn execute(&self, block: SealedBlock) -> Result<(Executed, PendingRoot), ExecutionError> {
        let pool = &self.pool;
        self.executor.execute(block, &|hash| pool.sender_of(hash))
    }

    /// Tells pool and subscribers of the new head.
    fn publish(&self, adopted: &[Executed]) -> Result<(), LedgerError> {
        let head = self.ledger.head();
        let state = self.ledger.state(head.hash)?;
        let header =
            self.ledger.header(head.height)?.ok_or(LedgerError::UnknownHeight(head.height))?;
        let now = (self.clock)();
        let rules = Rules::next(&self.spec, &header, now);
        let accounts = Arc::new(StateAccounts(state));
        if let Err(error) = self.pool.on_block(adopted, &[], rules, accounts, now) {
            tracing::error!(%error, "the pool could not follow the chain");
        }
        let adopted = adopted
            .iter()
            .map(|executed| {
                let hash = executed.block().hash();
                self.ledger.block(hash)?.ok_or(LedgerError::UnknownBlock(hash))
            })
            .collect::<Result<Vec<StoredBlock>, LedgerError>>()?;
        self.events.publish_chain(ChainEvent { reverted: Arc::new([]), adopted: adopted.into() });
        Ok(())
    }
}

impl Chain for LocalChain {
    fn build(&self, parent: BlockHash, attributes: Attributes) -> Result<SealedBlock, BuildError> {
        let rules = self.pool.rules();
        let blob_fee = rules.blobs.map_or(0, |blobs| blobs.fee);
        let candidates = self.pool.best(rules.base_fee, blob_fee).map(Candidate);
        let built = self
            .executor
            .build(parent, &attributes, candidates, &BuildLimits::default())
            .map_err(|error| match error {
            ExecutionError::UnknownParent(hash) => BuildError::UnknownParent(hash),
            ExecutionError::Attributes(why) => BuildError::Attributes(why.to_string()),
            other => BuildError::Internal(other.to_string()),
        })?;
        let invalid: Vec<_> = built
            .skipped
            .iter()
            .filter(|(_, reason)| matches!(reason, SkipReason::Invalid(_)))
            .inspect(|(hash, reason)| tracing::debug!(%hash, %reason, "dropped from the pool"))
            .map(|(hash, _)| *hash)
            .collect();
        if !invalid.is_empty() {
            self.pool.remove(&invalid, (self.clock)());
        }
        let block = built.executed.block().clone();
        *self.built.lock() = Some((built.executed, built.root));
        Ok(block)
    }

    fn import(&mut self, block: SealedBlock) -> Verdict {
        let hash = block.hash();
        if let Some(executed) = self.unfinal.get(&hash) {
            return Verdict::Accept(executed.clone());
        }
        let built = self.built.get_mut().take_if(|(executed, _)| executed.block().hash() == hash);
        let outcome = built.map_or_else(|| self.execute(block), Ok);
        let (executed, root) = match outcome {
            Ok(outcome) => outcome,
            Err(ExecutionError::Invalid { hash, violation }) => {
                return Verdict::Reject(InvalidBlock { hash, reason: violation.to_string() });
            }
            Err(ExecutionError::UnknownParent(_)) => return Verdict::Later,
            Err(error) => {
                // Our own failure says nothing about the block.
                tracing::error!(%hash, %error, "a block could not be executed");
                return Verdict::Later;
            }
        };
        if let Err(error) = self.ledger.insert(executed.clone(), Some(root)) {
            tracing::error!(%hash, %error, "a block could not be kept");
            return Verdict::Later;
        }
        self.unfinal.insert(hash, executed.clone());
        Verdict::Accept(executed)
    }

    /// Under an engine whose blocks are final at once, the head is shown only when it is durable: a
    /// receipt that somebody has read must survive any crash.
    fn set_head(&mut self, head: BlockHash) -> Result<ChainUpdate, ChainError> {
        let executed = self.unfinal.get(&head).ok_or(ChainError::Unknown(head))?;
        let finalized = self.ledger.finalized();
        if executed.block().header().parent_hash != finalized.hash {
            return Err(ChainError::ContradictsFinality(head));
        }
        self.next_head = Some(head);
        Ok(ChainUpdate { reverted: Vec::new(), adopted: vec![head], finalized: finalized.height })
    }

    fn finalize(&mut self, block: BlockHash, seal: Seal) -> Result<(), ChainError> {
        if self.next_head != Some(block) {
            return Err(ChainError::ContradictsFinality(block));
        }
        let executed = self.unfinal.remove(&block).ok_or(ChainError::Unknown(block))?;
        self.unfinal.clear();
        self.next_head = None;
        let stored =
            self.ledger.finalize(block, seal_bytes(&seal)).and_then(|()| self.publish(&[executed]));
        stored.map_err(|error| ChainError::Storage(error.to_string()))
    }

    fn validators_at(&self, _height: Height) -> ValidatorSet {
        // A chain with a single sealer has nobody who votes.
        ValidatorSet::default()
    }
}

/// What the log keeps of a seal: a type byte, then its fields.
fn seal_bytes(seal: &Seal) -> Bytes {
    match seal {
        Seal::Solo => Bytes::from_static(&[0]),
        Seal::Work { nonce, mix } => {
            [&[1][..], &nonce.to_be_bytes(), mix.as_slice()].concat().into()
        }
    }
}

/// The pool's view of one block's state.
pub(crate) struct StateAccounts(pub(crate) StateView);

impl Accounts for StateAccounts {
    fn account(&self, address: &Address) -> Result<Account, String> {
        let Some(info) = self.0.account(address).map_err(|error| error.to_string())? else {
            return Ok(Account::default());
        };
        let has_code = info.code_hash != KECCAK_EMPTY && {
            let code = self.0.code(&info.code_hash).map_err(|error| error.to_string())?;
            !code.starts_with(&EIP7702_DELEGATION_DESIGNATOR)
        };
        Ok(Account { nonce: info.nonce, balance: info.balance, has_code })
    }
}
