use super::{Pow, penalize};
use crate::pow::{
    limits::{LOG_SLACK_MAX, RETRY_MS},
    rules::{Message, Record},
};
use crate::{Chain, Effect, EngineError, Host, PeerFault, Seal, Urgency, Verdict};
use hanse_primitives::{BlockHash, Height, PeerId};

impl Pow {
    /// Makes the heaviest branch the chain: executes what has not been, logs it, moves the head, makes
    /// final what is deep enough, and tells the peers.
    pub(super) fn adopt<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        while self.adopt_at_ms.is_none() {
            // Of equal branches, the one that was seen first stays.
            let best = self.tree.heaviest().filter(|(_, work)| *work > self.head_work);
            let Some((tip, work)) = best else { break };
            if !self.execute(tip, host)? {
                continue;
            }
            let mined_here = self.tree.node(&tip).is_some_and(|node| node.from.is_none());
            let update = host.chain.set_head(tip)?;
            assert_eq!(host.chain.head().hash, tip, "the chain's head is what it was set to");
            assert!(
                update.finalized <= host.chain.head().height,
                "what is final is below the head"
            );
            (self.head, self.head_work) = (host.chain.head(), work);
            self.finalize(host)?;
            self.tell(mined_here, host);
        }
        Ok(())
    }

    /// Executes and logs the branch up to a block. False when it cannot become the head.
    pub(super) fn execute<C: Chain>(
        &mut self,
        tip: BlockHash,
        host: &mut Host<'_, C>,
    ) -> Result<bool, EngineError> {
        let mut complete = true;
        let path = self.tree.unexecuted(tip);
        let written = !path.is_empty();
        for hash in path {
            let node = self.tree.node(&hash).expect("the path is made of blocks in the tree");
            let (block, from) = (node.block.clone(), node.from);
            match host.chain.import(block.clone()) {
                Verdict::Accept(executed) => {
                    assert_eq!(executed.block().hash(), hash, "the chain took another block");
                    host.wal.append(&Record::Block(block).encode())?;
                    self.logged += 1;
                    self.tree.set_executed(&hash);
                }
                Verdict::Reject(error) => {
                    self.tree.condemn(hash);
                    let from = from.ok_or_else(|| {
                        EngineError::Broken(format!("our own block was rejected: {error}"))
                    })?;
                    penalize(host, from, PeerFault::InvalidBlock(error.to_string()));
                    complete = false;
                    break;
                }
                Verdict::Later => {
                    // Its parent has been executed, so this says nothing about the block.
                    self.adopt_at_ms = Some(host.now_ms.saturating_add(RETRY_MS));
                    complete = false;
                    break;
                }
            }
        }
        if written {
            // Nobody sees a block that a crash could take back.
            host.wal.sync()?;
        }
        Ok(complete)
    }

    /// Makes final what has enough blocks on top.
    fn finalize<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let depth = self.settings.work.finality_depth;
        let Some(height) = self.head.height.0.checked_sub(depth).map(Height) else {
            return Ok(());
        };
        if height <= self.tree.root().reference.height {
            return Ok(());
        }
        let hash = self.tree.ancestor(self.head.hash, height);
        let hash = hash.expect("the head stands on the root, and the height is between them");
        host.chain.finalize(hash, Seal::Work)?;
        assert_eq!(host.chain.finalized().hash, hash, "the chain made final what it was told to");
        self.tree.advance(hash);
        if self.logged > self.tree.len() + LOG_SLACK_MAX {
            self.rewrite_log(host)?;
        }
        Ok(())
    }

    /// Leaves only what is needed in the log. What was final before is durable in the ledger by now.
    pub(super) fn rewrite_log<C: Chain>(
        &mut self,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let records = self.tree.records();
        host.wal.replace(&records)?;
        self.logged = records.len();
        Ok(())
    }

    /// Sends a block that was mined here to everybody; of others, says only that we have them.
    fn tell<C: Chain>(&mut self, mined_here: bool, host: &mut Host<'_, C>) {
        let Some(node) = self.tree.node(&self.head.hash) else { return };
        let (urgency, message) = if mined_here {
            let block = node.block.clone();
            (Urgency::Block, Message::NewBlock { work: self.head_work, block })
        } else {
            (Urgency::Vote, Message::Announce { head: self.head, work: self.head_work })
        };
        let bytes = message.encode();
        let hash = self.head.hash;
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in peers {
            if self.note_known(peer, hash) {
                host.effects.push_back(Effect::Send(peer, urgency, bytes.clone()));
            }
        }
    }
}
