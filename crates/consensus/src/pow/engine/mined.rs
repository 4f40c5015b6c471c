use super::Pow;
use crate::pow::rules::{Judgement, is_good, judge};
use crate::{BuildError, Chain, EngineError, Host};
use alloy_primitives::B256;

impl Pow {
    /// A miner found a nonce. One for a block that is no longer wanted is worth nothing.
    pub(super) fn on_mined<C: Chain>(
        &mut self,
        seal_hash: B256,
        nonce: u64,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let wanted = |template: &super::Template| {
            template.job.seal_hash == seal_hash && template.parent == self.head.hash
        };
        let Some(template) = self.template.filter(wanted) else { return Ok(()) };
        if !is_good(&template.job, nonce) {
            return Ok(());
        }
        self.template = None;
        let block = match host.chain.reseal(template.built, nonce) {
            Ok(block) => block,
            // The chain has forgotten what it built: build again.
            Err(BuildError::UnknownParent(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let context = self.tree.context(&self.head.hash).expect("the head is in the tree");
        match judge(&self.schedule, &context, &block, host.now_ms / 1_000) {
            Judgement::Good => {}
            // A clock that was set back since.
            Judgement::Early(_) => return Ok(()),
            Judgement::Bad(fault) => {
                let why = format!("our own block breaks a rule: {fault:?}");
                return Err(EngineError::Broken(why));
            }
        }
        self.tree.insert(block, None);
        Ok(())
    }
}
