//! What the next engine asks of this one while it decides which of the last blocks counts.

use super::{Pow, consider::Waiting, sync::Request};
use crate::pow::{
    limits::ANSWER_MS,
    rules::{Message, Record, Tree},
};
use crate::{Chain, Effect, EngineError, Host, Urgency};
use hanse_primitives::{BlockHash, PeerId};

impl Pow {
    /// True when the head is the last block that work decides.
    pub(crate) fn is_complete(&self) -> bool {
        self.at_last()
    }

    /// Executes a block that need not be on the heaviest branch, with the branch below it. False when it
    /// is not known, or breaks a rule.
    pub(crate) fn bring<C: Chain>(
        &mut self,
        block: BlockHash,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        Ok(self.tree.contains(&block) && self.execute(block, host)?)
    }

    /// Asks a peer for its branch, even if that is not heavier than ours; one question is out at a time.
    pub(crate) fn ask_for_branch<C: Chain>(&mut self, peer: PeerId, host: &mut Host<'_, C>) {
        if self.request.is_some() || !self.peers.contains_key(&peer) {
            return;
        }
        self.request_id += 1;
        let locator = self.tree.locator(self.head.hash);
        let request = Message::GetBlocks { id: self.request_id, locator };
        let deadline_ms = host.now_ms.saturating_add(ANSWER_MS);
        self.request = Some(Request { peer, id: self.request_id, deadline_ms });
        host.effects.push_back(Effect::Send(peer, Urgency::Sync, request.encode()));
        self.plan(host.now_ms);
    }

    /// Takes what has become final by the next engine for the whole of the chain, and serves it.
    pub(crate) fn settle<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let (block, work) = (self.tree.root().reference, self.tree.root().work);
        let root = self.root(host.chain, &[Record::Root { block, work }])?;
        (self.head, self.head_work) = (root.reference, root.work);
        self.tree = Tree::new(root);
        (self.waiting, self.request) = (Waiting::default(), None);
        (self.behind, self.downloaded) = (false, false);
        self.rewrite_log(host)
    }
}
