use hanse_consensus::{BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, Verdict};
use hanse_primitives::{
    Attributes, Block, BlockHash, BlockRef, Executed, Header, Height, RecoveredTransaction,
    SealedBlock, StateChanges, Transaction, ValidatorSet,
};
use std::collections::BTreeMap;

/// A chain in memory that asserts the order in which an engine may call it.
#[derive(Debug, Default)]
pub(crate) struct Model {
    imported: BTreeMap<BlockHash, SealedBlock>,
    pub(crate) canonical: Vec<SealedBlock>,
    pub(crate) finalized: u64,
    pub(crate) waiting: Vec<RecoveredTransaction>,
    pub(crate) build_fails: bool,
    pub(crate) rejects: bool,
    pub(crate) keeps_nothing: bool,
    pub(crate) disk_fails: bool,
}

impl Model {
    pub(crate) fn new(timestamp: u64) -> Self {
        let header = Header { timestamp, ..Header::default() };
        Self { canonical: vec![SealedBlock::new(Block::uncle(header))], ..Self::default() }
    }

    pub(crate) fn head(&self) -> &SealedBlock {
        self.canonical.last().expect("there is always genesis")
    }

    pub(crate) fn timestamps(&self) -> Vec<u64> {
        self.canonical.iter().map(|block| block.header().timestamp).collect()
    }

    /// A transaction waits. Its content does not matter to an engine.
    pub(crate) fn submit(&mut self) {
        let signed = alloy_consensus::Signed::new_unhashed(
            alloy_consensus::TxLegacy::default(),
            alloy_primitives::Signature::test_signature(),
        );
        self.waiting.push(RecoveredTransaction::new_unchecked(
            Transaction::Legacy(signed),
            Default::default(),
        ));
    }
}

impl Chain for Model {
    fn head(&self) -> BlockRef {
        Self::head(self).reference()
    }

    fn finalized(&self) -> BlockRef {
        let at = usize::try_from(self.finalized).expect("a few blocks");
        self.canonical[at].reference()
    }

    fn block(&self, hash: BlockHash) -> Result<Option<SealedBlock>, ChainError> {
        Ok(self.imported.get(&hash).cloned())
    }

    fn block_at(&self, height: Height) -> Result<Option<(SealedBlock, Option<Seal>)>, ChainError> {
        let at = usize::try_from(height.0).expect("a few blocks");
        let seal = (height.0 <= self.finalized).then_some(Seal::Solo);
        Ok(self.canonical.get(at).map(|block| (block.clone(), seal)))
    }

    fn reseal(&mut self, _: BlockHash, _: u64) -> Result<SealedBlock, BuildError> {
        panic!("a single sealer looks for no nonce");
    }

    fn build(&self, parent: BlockHash, attributes: Attributes) -> Result<SealedBlock, BuildError> {
        if self.build_fails {
            return Err(BuildError::Internal("the disk is full".to_owned()));
        }
        if parent != self.head().hash() {
            return Err(BuildError::UnknownParent(parent));
        }
        let parent = self.head().header();
        if attributes.timestamp < parent.timestamp {
            return Err(BuildError::Attributes("time runs backwards".to_owned()));
        }
        let mut block = Block::uncle(Header {
            parent_hash: self.head().hash(),
            number: parent.number + 1,
            timestamp: attributes.timestamp,
            mix_hash: attributes.prev_randao,
            beneficiary: attributes.fee_recipient,
            ..Header::default()
        });
        block.body.transactions = self.waiting.iter().map(|t| t.inner().clone()).collect();
        Ok(SealedBlock::new(block))
    }

    fn import(&mut self, block: SealedBlock) -> Verdict {
        if self.keeps_nothing {
            return Verdict::Later;
        }
        if self.rejects {
            let reason = "state root mismatch".to_owned();
            return Verdict::Reject(InvalidBlock { hash: block.hash(), reason });
        }
        self.imported.insert(block.hash(), block.clone());
        let count = block.transactions().len();
        let receipts = vec![hanse_primitives::Receipt::Legacy(Default::default()); count];
        let senders = vec![Default::default(); count];
        Verdict::Accept(Executed::vouch(block, senders, receipts, StateChanges::default()))
    }

    fn set_head(&mut self, head: BlockHash) -> Result<ChainUpdate, ChainError> {
        let block = self.imported.get(&head).ok_or(ChainError::Unknown(head))?;
        assert_eq!(block.header().parent_hash, self.head().hash(), "only the next block is asked");
        self.canonical.push(block.clone());
        self.waiting.clear();
        Ok(ChainUpdate { reverted: vec![], adopted: vec![head], finalized: Height(self.finalized) })
    }

    fn finalize(&mut self, block: BlockHash, seal: Seal) -> Result<(), ChainError> {
        if self.disk_fails {
            return Err(ChainError::Storage("no space left".to_owned()));
        }
        assert_eq!(seal, Seal::Solo);
        assert_eq!(block, self.head().hash());
        self.finalized += 1;
        Ok(())
    }

    fn validators_at(&self, _: Height) -> Result<ValidatorSet, ChainError> {
        Ok(ValidatorSet::default())
    }

    fn last_of_engine(&self, _: Height) -> Result<Option<Height>, ChainError> {
        Ok(None)
    }
}
