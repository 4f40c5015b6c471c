//! The one implementation of [`Chain`]: execution, ledger and pool behind the engine's seam.

use crate::{NodeError, metrics};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_eips::eip7702::constants::EIP7702_DELEGATION_DESIGNATOR;
use alloy_primitives::{Address, Bytes};
use alloy_rlp::{Decodable, Encodable};
use hanse_consensus::{BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, Verdict};
use hanse_execution::{BuildLimits, Doorkeeper, ExecutionError, Executor, SkipReason};
use hanse_ledger::{Ledger, LedgerError, PendingRoot, StateView, StoredBlock};
use hanse_primitives::{
    Attributes, BlockHash, BlockRef, ChainSpec, CommitCertificate, EngineChange, Executed, Height,
    RecoveredTransaction, SealedBlock, Tenure, ValidatorSet,
};
use hanse_rpc::{ChainEvent, Events};
use hanse_txpool::{Account, Accounts, Admitted, Pool, PoolError, Rules};
use parking_lot::Mutex;
use std::{borrow::Borrow, collections::BTreeMap, sync::Arc, time::Instant};

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
#[cfg_attr(not(feature = "simulation"), expect(unreachable_pub, reason = "a door for simulations"))]
pub struct LocalChain {
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
    /// The change of engine that was told of last.
    told_change: Option<EngineChange>,
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
            told_change: None,
        }
    }

    /// Which engine decides the block after the head, and what is known of the next.
    pub(crate) fn tenure(&self) -> Result<Option<Tenure>, ChainError> {
        self.tenure_after(self.ledger.head())
    }

    fn tenure_after(&self, block: BlockRef) -> Result<Option<Tenure>, ChainError> {
        let tenure = self.executor.tenure(block);
        tenure.map_err(|error| ChainError::Storage(error.to_string()))
    }

    /// Says it when members have decided on another engine, or taken that back.
    fn tell_of_change(&mut self) -> Result<(), ChainError> {
        if !self.spec.may_vote_on_engines() {
            return Ok(());
        }
        let (height, tenure) = (self.ledger.finalized().height, self.tenure()?);
        let next = tenure.and_then(|tenure| tenure.next);
        match (&next, &self.told_change) {
            (Some(change), told) if told.as_ref() != Some(change) => tracing::info!(
                %height, from = change.height.0, engine = change.consensus.name(),
                "members have decided on a change of the engine"
            ),
            (None, Some(told)) if told.height > height.next() => tracing::info!(
                %height, from = told.height.0, "members have taken back the change of the engine"
            ),
            _ => {}
        }
        metrics::engine_changes_at(next.as_ref().map(|change| change.height));
        self.told_change = next;
        Ok(())
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
        self.executor.execute(block, &|transaction| pool.signer(transaction))
    }

    /// True when a head is shown before it is final: under proof of work, where finality comes some
    /// blocks later. Elsewhere a receipt that somebody has read must survive any crash.
    fn shows_heads(&self, height: Height) -> bool {
        self.spec.is_mined(height)
    }

    /// Tells pool and subscribers that the head moved.
    fn publish(&self, reverted: &[Executed], adopted: &[Executed]) -> Result<(), LedgerError> {
        let now = (self.clock)();
        let (rules, accounts) = head_of_pool(&self.ledger, &self.executor, now)?;
        if let Err(error) = self.pool.on_block(adopted, reverted, rules, accounts, now) {
            tracing::error!(%error, "the pool could not follow the chain");
        }
        let stored = |blocks: &[Executed]| {
            let stored = |executed: &Executed| {
                let hash = executed.block().hash();
                self.ledger.block(hash)?.ok_or(LedgerError::UnknownBlock(hash))
            };
            blocks.iter().map(stored).collect::<Result<Vec<StoredBlock>, LedgerError>>()
        };
        let (reverted, adopted) = (stored(reverted)?.into(), stored(adopted)?.into());
        self.events.publish_chain(ChainEvent { reverted, adopted });
        Ok(())
    }

    /// Blocks of the ledger's tree, in the order given.
    fn unfinal(&self, hashes: &[BlockHash]) -> Result<Vec<Executed>, ChainError> {
        let find = |hash| self.unfinal.get(hash).cloned().ok_or(ChainError::Unknown(*hash));
        hashes.iter().map(find).collect()
    }
}

impl Chain for LocalChain {
    fn head(&self) -> BlockRef {
        self.ledger.head()
    }

    fn finalized(&self) -> BlockRef {
        self.ledger.finalized()
    }

    fn block(&self, hash: BlockHash) -> Result<Option<SealedBlock>, ChainError> {
        if let Some(executed) = self.unfinal.get(&hash) {
            return Ok(Some(executed.block().clone()));
        }
        let stored = kept(self.ledger.block(hash)).map_err(storage)?;
        Ok(stored.map(|stored| stored.block().clone()))
    }

    fn block_at(&self, height: Height) -> Result<Option<(SealedBlock, Option<Seal>)>, ChainError> {
        let Some(stored) = kept(self.ledger.block_at(height)).map_err(storage)? else {
            return Ok(None);
        };
        let seal = self.ledger.seal(height).map_err(storage)?;
        let seal = seal.map(|bytes| read_seal(&bytes)).transpose()?;
        Ok(Some((stored.block().clone(), seal)))
    }

    fn reseal(&mut self, built: BlockHash, nonce: u64) -> Result<SealedBlock, BuildError> {
        let kept = self.built.get_mut();
        let found = kept.take_if(|(executed, _)| executed.block().hash() == built);
        let (executed, root) = found.ok_or(BuildError::UnknownParent(built))?;
        let resealed = self.executor.reseal(&executed, nonce);
        let block = resealed.block().clone();
        *kept = Some((resealed, root));
        Ok(block)
    }

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

    fn set_head(&mut self, head: BlockHash) -> Result<ChainUpdate, ChainError> {
        let block = self.unfinal.get(&head).ok_or(ChainError::Unknown(head))?.block();
        let finalized = self.ledger.finalized().height;
        if self.shows_heads(block.height()) {
            let change = self.ledger.set_head(head).map_err(|error| storage_or(error, head))?;
            let reverted = self.unfinal(&change.reverted)?;
            let adopted = self.unfinal(&change.adopted)?;
            self.publish(&reverted, &adopted).map_err(storage)?;
            let (reverted, adopted) = (change.reverted, change.adopted);
            return Ok(ChainUpdate { reverted, adopted, finalized });
        }
        if block.header().parent_hash != self.ledger.head().hash {
            return Err(ChainError::ContradictsFinality(head));
        }
        self.next_head = Some(head);
        Ok(ChainUpdate { reverted: Vec::new(), adopted: vec![head], finalized })
    }

    fn finalize(&mut self, block: BlockHash, seal: Seal) -> Result<(), ChainError> {
        let executed = self.unfinal.get(&block).ok_or(ChainError::Unknown(block))?.clone();
        let shown = self.shows_heads(executed.block().height());
        if !shown && self.next_head != Some(block) {
            return Err(ChainError::ContradictsFinality(block));
        }
        self.next_head = None;
        let (begun, synced) = (Instant::now(), self.ledger.sync_time());
        let done = self.ledger.finalize(block, seal_bytes(&seal));
        done.map_err(|error| storage_or(error, block))?;
        metrics::committed(begun.elapsed(), self.ledger.sync_time() - synced);
        self.tell_of_change()?;
        let ledger = &self.ledger;
        // What the ledger has dropped, or keeps as final, is not ours to keep any longer.
        let finalized = executed.block().height();
        self.unfinal.retain(|hash, kept| {
            kept.block().height() > finalized && ledger.reference(*hash).is_ok_and(|r| r.is_some())
        });
        if shown { Ok(()) } else { self.publish(&[], &[executed]).map_err(storage) }
    }

    fn validators_at(&self, height: Height) -> Result<ValidatorSet, ChainError> {
        let unknown =
            || ChainError::Storage(format!("nothing is known of the block before {height}"));
        let parent = height.previous().ok_or_else(unknown)?;
        let hash = self.ledger.hash(parent).map_err(storage)?.ok_or_else(unknown)?;
        let tenure = self.tenure_after(BlockRef { height: parent, hash })?;
        let Some(settings) = tenure.as_ref().and_then(|tenure| tenure.engine.validators()) else {
            // A chain with a single sealer, or with miners, has nobody who votes.
            return Ok(ValidatorSet::default());
        };
        let validators = self.executor.validators(hash, settings.contract);
        validators.map_err(|error| ChainError::Storage(error.to_string()))
    }

    fn last_of_engine(&self, first: Height) -> Result<Option<Height>, ChainError> {
        let Some(tenure) = self.tenure()? else { return Ok(None) };
        if tenure.first > first {
            return Ok(tenure.first.previous());
        }
        Ok(tenure.next.and_then(|change| change.height.previous()))
    }
}

/// A block that the ledger does not know or cannot use, or a failed disk.
fn storage_or(error: LedgerError, block: BlockHash) -> ChainError {
    match error {
        LedgerError::UnknownBlock(_) => ChainError::Unknown(block),
        LedgerError::NotOnChain(_) => ChainError::ContradictsFinality(block),
        other => storage(other),
    }
}

/// Of a block that has been pruned nobody can be served.
fn kept(
    found: Result<Option<StoredBlock>, LedgerError>,
) -> Result<Option<StoredBlock>, LedgerError> {
    match found {
        Err(LedgerError::Pruned(_)) => Ok(None),
        found => found,
    }
}

fn storage(error: LedgerError) -> ChainError {
    ChainError::Storage(error.to_string())
}

/// What the log keeps of a seal: a type byte, then its RLP.
fn seal_bytes(seal: &Seal) -> Bytes {
    match seal {
        Seal::Solo => Bytes::from_static(&[0]),
        Seal::Work => Bytes::from_static(&[1]),
        Seal::Certificate(certificate) => {
            let mut bytes = vec![2];
            certificate.encode(&mut bytes);
            bytes.into()
        }
    }
}

/// The seal that [`seal_bytes`] wrote.
pub(crate) fn read_seal(bytes: &[u8]) -> Result<Seal, ChainError> {
    let damaged = || ChainError::Storage("the log has a seal of an unknown kind".to_owned());
    // Genesis has no seal, nor has a block that became final together with one above it.
    let Some(parts) = bytes.split_first() else { return Ok(Seal::Work) };
    match parts {
        (0, []) => Ok(Seal::Solo),
        (1, []) => Ok(Seal::Work),
        (2, mut rlp) => {
            let certificate = CommitCertificate::decode(&mut rlp).map_err(|_| damaged())?;
            Ok(Seal::Certificate(certificate))
        }
        _ => Err(damaged()),
    }
}

/// The pool's view of one block's state.
struct StateAccounts {
    state: StateView,
    doorkeeper: Doorkeeper,
}

/// What a pool measures transactions by: the rules of the block after the head, and the head's state.
pub(crate) fn head_of_pool(
    ledger: &Ledger,
    executor: &Executor,
    now: u64,
) -> Result<(Rules, Arc<dyn Accounts>), LedgerError> {
    let head = ledger.head();
    let header = ledger.header(head.height)?.ok_or(LedgerError::UnknownHeight(head.height))?;
    let rules = Rules::next(executor.spec(), &header, now);
    let state = ledger.state(head.hash)?;
    let doorkeeper = executor.doorkeeper(header, state.clone());
    Ok((rules, Arc::new(StateAccounts { state, doorkeeper })))
}

impl Accounts for StateAccounts {
    fn account(&self, address: &Address) -> Result<Account, String> {
        let Some(info) = self.state.account(address).map_err(|error| error.to_string())? else {
            return Ok(Account::default());
        };
        let has_code = info.code_hash != KECCAK_EMPTY && {
            let code = self.state.code(&info.code_hash).map_err(|error| error.to_string())?;
            !code.starts_with(&EIP7702_DELEGATION_DESIGNATOR)
        };
        Ok(Account { nonce: info.nonce, balance: info.balance, has_code })
    }

    fn permits(&self, transaction: &RecoveredTransaction) -> Result<(), PoolError> {
        let answer = self.doorkeeper.permits(transaction);
        let answer = answer.map_err(|error| PoolError::State(error.to_string()))?;
        answer.map_err(|forbidden| PoolError::Forbidden(forbidden.to_string()))
    }
}
