use alloy_consensus::{Signed, TxLegacy, constants::EMPTY_ROOT_HASH, proofs};
use alloy_primitives::{B64, Signature};
use hanse_consensus::{BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, Verdict};
use hanse_primitives::{
    Attributes, Block, BlockHash, BlockRef, Executed, Header, Height, SealedBlock, StateChanges,
    Transaction, ValidatorSet,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// Extra data of a block that fails when it is executed.
pub(crate) const POISON: &[u8] = b"poison";

/// A chain with forks, in memory. Final blocks survive [`WorkChain::crash`], others do not. Each
/// transaction may occur once on a branch, as a nonce allows it.
#[derive(Debug)]
pub(crate) struct WorkChain {
    pub(crate) finals: Vec<SealedBlock>,
    unfinal: BTreeMap<BlockHash, SealedBlock>,
    head: BlockHash,
    built: RefCell<BTreeMap<BlockHash, SealedBlock>>,
    pub(crate) pool: BTreeSet<u64>,
    /// Blocks that were executed, ours and those from elsewhere.
    pub(crate) executed: usize,
    pub(crate) updates: Vec<ChainUpdate>,
    /// Imports fail, as with a full disk.
    pub(crate) broken: bool,
}

pub(crate) fn genesis(timestamp: u64) -> SealedBlock {
    let roots = (EMPTY_ROOT_HASH, alloy_consensus::constants::EMPTY_OMMER_ROOT_HASH);
    SealedBlock::new(Block::uncle(Header {
        timestamp,
        transactions_root: roots.0,
        ommers_hash: roots.1,
        ..Header::default()
    }))
}

pub(crate) fn transaction(id: u64) -> Transaction {
    let inner = TxLegacy { nonce: id, ..TxLegacy::default() };
    Signed::new_unhashed(inner, Signature::test_signature()).into()
}

pub(crate) fn ids(block: &SealedBlock) -> Vec<u64> {
    use alloy_consensus::Transaction as _;
    block.transactions().iter().map(|transaction| transaction.nonce()).collect()
}

/// A block on `parent` as [`WorkChain`] builds it.
pub(crate) fn assemble(parent: &SealedBlock, attributes: Attributes, pool: &[u64]) -> SealedBlock {
    let transactions: Vec<Transaction> = pool.iter().map(|id| transaction(*id)).collect();
    let mut block = Block::uncle(Header {
        parent_hash: parent.hash(),
        number: parent.header().number + 1,
        timestamp: attributes.timestamp,
        mix_hash: attributes.prev_randao,
        beneficiary: attributes.fee_recipient,
        difficulty: attributes.difficulty,
        extra_data: attributes.extra_data,
        transactions_root: proofs::calculate_transaction_root(&transactions),
        ommers_hash: alloy_consensus::constants::EMPTY_OMMER_ROOT_HASH,
        ..Header::default()
    });
    block.body.transactions = transactions;
    SealedBlock::new(block)
}

pub(crate) fn with_nonce(block: &SealedBlock, nonce: u64) -> SealedBlock {
    let mut block = block.block().clone();
    block.header.nonce = B64::from(nonce);
    SealedBlock::new(block)
}

impl WorkChain {
    pub(crate) fn new(finals: Vec<SealedBlock>) -> Self {
        Self {
            head: finals.last().expect("at least genesis").hash(),
            finals,
            unfinal: BTreeMap::new(),
            built: RefCell::default(),
            pool: BTreeSet::new(),
            executed: 0,
            updates: Vec::new(),
            broken: false,
        }
    }

    /// Forgets what is not durable.
    pub(crate) fn crash(&mut self) {
        self.unfinal.clear();
        self.built.get_mut().clear();
        self.head = self.last_final().hash();
    }

    pub(crate) fn last_final(&self) -> &SealedBlock {
        self.finals.last().expect("at least genesis")
    }

    fn known(&self, hash: BlockHash) -> Option<&SealedBlock> {
        self.unfinal.get(&hash).or_else(|| self.finals.iter().rev().find(|b| b.hash() == hash))
    }

    pub(crate) fn head_block(&self) -> &SealedBlock {
        self.known(self.head).expect("the head is known")
    }

    /// Unfinal blocks from `tip` down to what is final, newest first.
    fn branch(&self, tip: BlockHash) -> Vec<SealedBlock> {
        let mut branch = Vec::new();
        let mut at = tip;
        while let Some(block) = self.unfinal.get(&at) {
            branch.push(block.clone());
            at = block.header().parent_hash;
        }
        assert_eq!(at, self.last_final().hash(), "every branch stands on what is final");
        branch
    }

    /// The whole chain from genesis to the head.
    pub(crate) fn canonical(&self) -> Vec<SealedBlock> {
        let above = self.branch(self.head).into_iter().rev();
        self.finals.iter().cloned().chain(above).collect()
    }

    fn spent(&self, tip: BlockHash) -> BTreeSet<u64> {
        self.finals.iter().chain(&self.branch(tip)).flat_map(ids).collect()
    }

    fn violation(&self, parent: &SealedBlock, block: &SealedBlock) -> Option<&'static str> {
        let ids = ids(block);
        let spent = if ids.is_empty() { BTreeSet::new() } else { self.spent(parent.hash()) };
        match () {
            () if block.height() != parent.height().next() => Some("height"),
            () if block.header().timestamp < parent.header().timestamp => Some("time"),
            () if *block.header().extra_data == *POISON => Some("state root"),
            () if ids.iter().any(|id| spent.contains(id)) => Some("a transaction twice"),
            () => None,
        }
    }
}

impl Chain for WorkChain {
    fn head(&self) -> BlockRef {
        self.head_block().reference()
    }

    fn finalized(&self) -> BlockRef {
        self.last_final().reference()
    }

    fn block(&self, hash: BlockHash) -> Result<Option<SealedBlock>, ChainError> {
        Ok(self.known(hash).cloned())
    }

    fn block_at(&self, height: Height) -> Result<Option<(SealedBlock, Option<Seal>)>, ChainError> {
        let at = usize::try_from(height.0).expect("a few blocks");
        if let Some(block) = self.finals.get(at) {
            return Ok(Some((block.clone(), Some(Seal::Work))));
        }
        let branch = self.branch(self.head);
        let found = branch.into_iter().find(|block| block.height() == height);
        Ok(found.map(|block| (block, None)))
    }

    fn build(&self, parent: BlockHash, attributes: Attributes) -> Result<SealedBlock, BuildError> {
        let parent = self.known(parent).ok_or(BuildError::UnknownParent(parent))?;
        let spent = if self.pool.is_empty() { BTreeSet::new() } else { self.spent(parent.hash()) };
        let pool: Vec<u64> = self.pool.difference(&spent).copied().collect();
        let block = assemble(parent, attributes, &pool);
        // Like the node's, it remembers the last one only.
        *self.built.borrow_mut() = [(block.hash(), block.clone())].into();
        Ok(block)
    }

    fn reseal(&mut self, built: BlockHash, nonce: u64) -> Result<SealedBlock, BuildError> {
        let found = self.built.get_mut().remove(&built);
        Ok(with_nonce(&found.ok_or(BuildError::UnknownParent(built))?, nonce))
    }

    fn import(&mut self, block: SealedBlock) -> Verdict {
        let hash = block.hash();
        let parent = self.known(block.header().parent_hash).cloned();
        let Some(parent) = parent.filter(|_| !self.broken) else {
            return Verdict::Later;
        };
        if !self.unfinal.contains_key(&hash) {
            self.executed += 1;
            if let Some(reason) = self.violation(&parent, &block) {
                return Verdict::Reject(InvalidBlock { hash, reason: reason.to_owned() });
            }
            self.unfinal.insert(hash, block.clone());
        }
        let count = block.transactions().len();
        let receipts = vec![hanse_primitives::Receipt::Legacy(Default::default()); count];
        let senders = vec![Default::default(); count];
        Verdict::Accept(Executed::vouch(block, senders, receipts, StateChanges::default()))
    }

    fn set_head(&mut self, head: BlockHash) -> Result<ChainUpdate, ChainError> {
        let known = self.unfinal.contains_key(&head) || head == self.last_final().hash();
        if !known {
            return Err(ChainError::Unknown(head));
        }
        let (old, new) = (self.branch(self.head), self.branch(head));
        let reverted: Vec<_> = old.iter().filter(|b| !new.contains(b)).cloned().collect();
        let adopted: Vec<_> = new.iter().rev().filter(|b| !old.contains(b)).cloned().collect();
        self.pool.extend(reverted.iter().flat_map(ids));
        for id in adopted.iter().flat_map(ids) {
            self.pool.remove(&id);
        }
        self.head = head;
        let update = ChainUpdate {
            reverted: reverted.iter().map(SealedBlock::hash).collect(),
            adopted: adopted.iter().map(SealedBlock::hash).collect(),
            finalized: self.finalized().height,
        };
        self.updates.push(update.clone());
        Ok(update)
    }

    fn finalize(&mut self, block: BlockHash, seal: Seal) -> Result<(), ChainError> {
        assert_eq!(seal, Seal::Work);
        let mut branch = self.branch(self.head);
        branch.reverse();
        let at = branch.iter().position(|known| known.hash() == block);
        let at = at.ok_or(ChainError::ContradictsFinality(block))?;
        self.finals.extend(branch.drain(..=at));
        // Siblings are gone, and what stands on them.
        let mut kept = BTreeMap::new();
        let mut reachable = vec![block];
        while let Some(parent) = reachable.pop() {
            for (hash, child) in &self.unfinal {
                if child.header().parent_hash == parent {
                    kept.insert(*hash, child.clone());
                    reachable.push(*hash);
                }
            }
        }
        self.unfinal = kept;
        Ok(())
    }

    fn validators_at(&self, _: Height) -> Result<ValidatorSet, ChainError> {
        Ok(ValidatorSet::default())
    }

    fn last_of_engine(&self, _: Height) -> Result<Option<Height>, ChainError> {
        Ok(None)
    }
}
