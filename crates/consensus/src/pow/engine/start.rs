use super::Pow;
use crate::pow::{
    limits::MEDIAN_SPAN,
    rules::{Final, Judgement, Record, Tree, judge},
};
use crate::{Chain, EngineError, Host, Verdict};
use alloy_primitives::U256;
use hanse_primitives::{BlockRef, Height, SealedBlock};

impl Pow {
    /// Takes up work on the last final block, and on the branches above it that the log has kept.
    pub(super) fn recover<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let records = host.wal.records()?.into_iter().map(|bytes| Record::decode(&bytes));
        let records: Vec<Record> = records
            .collect::<Result<_, String>>()
            .map_err(|why| EngineError::Broken(format!("the write-ahead log: {why}")))?;
        self.tree = Tree::new(self.root(host.chain, &records)?);
        for record in records {
            if let Record::Block(block) = record {
                self.restore(block, host)?;
            }
        }
        let root = self.tree.root();
        let (hash, work) = self.tree.heaviest().unwrap_or((root.reference.hash, root.work));
        (self.head, self.head_work) = (root.reference, work);
        if !self.is_settled(host.chain) {
            if host.chain.head().hash != hash {
                host.chain.set_head(hash)?;
            }
            self.head = host.chain.head();
        }
        assert_eq!(self.head.hash, hash, "the chain's head is what it was set to");
        // Answers to questions from before a crash are not mistaken for answers to ours.
        self.request_id = host.now_ms;
        self.rewrite_log(host)
    }

    /// The last final block, and the total work up to it.
    pub(super) fn root(
        &self,
        chain: &impl Chain,
        records: &[Record],
    ) -> Result<Final, EngineError> {
        let finalized = match self.settings.last {
            // Another engine has gone on from here.
            Some(last) if self.is_settled(chain) => final_block(chain, last)?.reference(),
            _ => chain.finalized(),
        };
        let below = self.settings.first.previous();
        if below.is_none_or(|below| finalized.height < below) {
            return Err(EngineError::Broken(format!(
                "height {} is final, but work decides from height {} on",
                finalized.height, self.settings.first
            )));
        }
        let (mut at, mut work) = (below.unwrap_or_default(), U256::ZERO);
        for record in records {
            let Record::Root { block, work: noted } = record else { continue };
            let ours = block.height <= finalized.height
                && final_block(chain, block.height)?.hash() == block.hash;
            if ours && block.height >= at {
                (at, work) = (block.height, *noted);
            }
        }
        while at < finalized.height {
            at = at.next();
            work = work.saturating_add(final_block(chain, at)?.header().difficulty);
        }
        let block = final_block(chain, finalized.height)?;
        let mut times = vec![block.header().timestamp];
        let mut below = finalized.height.previous();
        while let Some(height) = below.filter(|_| times.len() < MEDIAN_SPAN) {
            times.push(final_block(chain, height)?.header().timestamp);
            below = height.previous();
        }
        let BlockRef { height, hash } = block.reference();
        assert_eq!((height, hash), (finalized.height, finalized.hash), "one final chain");
        Ok(Final { reference: finalized, work, difficulty: block.header().difficulty, times })
    }

    /// True when all that work decides is final.
    pub(super) fn is_settled(&self, chain: &impl Chain) -> bool {
        self.settings.last.is_some_and(|last| chain.finalized().height >= last)
    }

    /// Imports a block of the log again. What has become final meanwhile, or stands on a branch that
    /// is gone, is left out.
    fn restore<C: Chain>(
        &mut self,
        block: SealedBlock,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let hash = block.hash();
        let Some(context) = self.tree.context(&block.header().parent_hash) else { return Ok(()) };
        if self.tree.contains(&hash) {
            return Ok(());
        }
        // Its time was good once; a clock that has been set back since does not change that.
        let judgement = judge(&self.schedule, &context, &block, u64::MAX);
        if judgement != Judgement::Good || self.settings.last.is_some_and(|l| block.height() > l) {
            return Ok(());
        }
        match host.chain.import(block.clone()) {
            Verdict::Accept(_) => {
                self.tree.insert(block, None);
                self.tree.set_executed(&hash);
                Ok(())
            }
            // It was good once; the rules have changed with the software.
            Verdict::Reject(_) => Ok(()),
            Verdict::Later => Err(EngineError::Broken(format!(
                "block {hash} of the write-ahead log could not be imported again"
            ))),
        }
    }
}

fn final_block(chain: &impl Chain, height: Height) -> Result<SealedBlock, EngineError> {
    let found = chain.block_at(height)?.map(|(block, _)| block);
    found.ok_or_else(|| EngineError::Broken(format!("the final block {height} is missing")))
}
