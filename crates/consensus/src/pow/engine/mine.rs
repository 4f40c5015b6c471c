use super::Pow;
use crate::pow::{
    limits::{BUILD_SHARE, FUTURE_SECONDS_MAX, TEMPLATE_MS},
    rules::{earliest, expected_difficulty, seal_hash, target},
};
use crate::{Chain, Effect, EngineError, Host, Job, randao::prev_randao};
use alloy_primitives::B256;
use hanse_primitives::{Attributes, BlockHash};

/// The block that a nonce is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template {
    pub(super) parent: BlockHash,
    pub(super) built: BlockHash,
    pub(super) job: Job,
    /// When building it began.
    pub(super) begun_ms: u64,
    /// When we first looked at it after it was built; `None` until then.
    pub(super) since_ms: Option<u64>,
}

impl Pow {
    /// Sees to it that the right block is being mined, or none.
    pub(super) fn mine<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let Some(miner) = self.settings.miner else { return Ok(()) };
        let wanted = miner.empty_blocks || host.pending || self.tree.carries_transactions();
        if !wanted || self.behind || self.at_last() {
            self.stop(host);
            return Ok(());
        }
        if let Some(template) = &mut self.template {
            template.since_ms.get_or_insert(host.now_ms);
        }
        let due = match &self.template {
            None => true,
            Some(template) if template.parent != self.head.hash => true,
            Some(template) => self.refresh_at_ms(template, host.now_ms) <= host.now_ms,
        };
        if !due || self.mine_at_ms.is_some() {
            return Ok(());
        }
        let context = self.tree.context(&self.head.hash).expect("the head is in the tree");
        let now_seconds = host.now_ms / 1_000;
        let timestamp = earliest(&context.times).max(now_seconds);
        if timestamp > now_seconds.saturating_add(FUTURE_SECONDS_MAX) {
            // Nobody would take it yet. Our clock is slow, or a clock was set back.
            self.stop(host);
            self.mine_at_ms = Some((timestamp - FUTURE_SECONDS_MAX).saturating_mul(1_000));
            return Ok(());
        }
        let attributes = Attributes {
            timestamp,
            fee_recipient: miner.fee_recipient,
            prev_randao: prev_randao(self.head.hash, self.head.height.next()),
            // There is no consensus block beside the chain's own.
            parent_beacon_block_root: Some(B256::ZERO),
            difficulty: expected_difficulty(&self.schedule, &context),
            ..Attributes::default()
        };
        let difficulty = attributes.difficulty;
        let block = host.chain.build(self.head.hash, attributes)?;
        assert_eq!(block.header().parent_hash, self.head.hash, "a block names its parent");
        assert_eq!(block.header().difficulty, difficulty, "a block has the work it was told to");
        self.news = false;
        let job = Job { seal_hash: seal_hash(block.header()), target: target(difficulty) };
        let before = self.template.replace(Template {
            parent: self.head.hash,
            built: block.hash(),
            job,
            begun_ms: host.now_ms,
            since_ms: None,
        });
        if before.is_none_or(|before| before.job != job) {
            host.effects.push_back(Effect::Mine(job));
        }
        Ok(())
    }

    /// When a template on the same head is made anew: soon when transactions came, and now and then
    /// so that its time stays true. However long building takes, most of the time its nonce is looked
    /// for: a block that is replaced before anybody can find it is never mined.
    pub(super) fn refresh_at_ms(&self, template: &Template, now_ms: u64) -> u64 {
        let Some(since_ms) = template.since_ms else { return now_ms };
        let calm = self.settings.work.block_time_ms.max(TEMPLATE_MS);
        let building = since_ms.saturating_sub(template.begun_ms);
        let rest = (if self.news { TEMPLATE_MS } else { calm }).max(BUILD_SHARE * building);
        since_ms.saturating_add(rest)
    }

    fn stop<C: Chain>(&mut self, host: &mut Host<'_, C>) {
        if self.template.take().is_some() {
            host.effects.push_back(Effect::StopMining);
        }
    }
}
