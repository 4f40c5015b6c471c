use super::{Pow, penalize};
use crate::pow::{
    limits::{ANSWER_BYTES_MAX, BLOCKS_MAX, REQUESTS_A_SECOND_MAX},
    rules::Message,
};
use crate::{Chain, ChainError, Effect, EngineError, Host, PeerFault, Urgency};
use alloy_rlp::Encodable;
use hanse_primitives::{BlockHash, Height, PeerId, SealedBlock};

impl Pow {
    /// A peer asks for what follows a block that it has.
    pub(super) fn on_get_blocks<C: Chain>(
        &mut self,
        from: PeerId,
        id: u64,
        locator: &[BlockHash],
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(peer) = self.peers.get_mut(&from) else { return Ok(()) };
        let second = host.now_ms / 1_000;
        let count = if peer.asked.0 == second { peer.asked.1.saturating_add(1) } else { 1 };
        peer.asked = (second, count);
        if count > REQUESTS_A_SECOND_MAX {
            let why = format!("{count} requests within a second");
            penalize(host, from, PeerFault::Excess(why));
            return Ok(());
        }
        let blocks = match common(host.chain, locator)? {
            Some(height) => self.following(host.chain, height)?,
            None => Vec::new(),
        };
        for block in &blocks {
            self.note_known(from, block.hash());
        }
        let bytes = Message::Blocks { id, blocks }.encode();
        host.effects.push_back(Effect::Send(from, Urgency::Sync, bytes));
        Ok(())
    }

    /// Blocks of the head's branch above a height, as many as an answer may have.
    fn following(
        &self,
        chain: &impl Chain,
        height: Height,
    ) -> Result<Vec<SealedBlock>, ChainError> {
        let (mut blocks, mut bytes, mut at) = (Vec::new(), 0, height.next());
        while blocks.len() < BLOCKS_MAX && at <= self.head.height {
            let Some((block, _)) = chain.block_at(at)? else { break };
            bytes += block.block().length();
            if bytes > ANSWER_BYTES_MAX && !blocks.is_empty() {
                break;
            }
            blocks.push(block);
            at = at.next();
        }
        Ok(blocks)
    }
}

/// Height of the first of these blocks that is on the head's branch.
fn common(chain: &impl Chain, locator: &[BlockHash]) -> Result<Option<Height>, ChainError> {
    for hash in locator {
        let Some(block) = chain.block(*hash)? else { continue };
        let height = block.height();
        if chain.block_at(height)?.is_some_and(|(ours, _)| ours.hash() == *hash) {
            return Ok(Some(height));
        }
    }
    Ok(None)
}
