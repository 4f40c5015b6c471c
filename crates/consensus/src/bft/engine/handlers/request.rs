use super::super::Bft;
use crate::{
    Chain, EngineError, Host, Seal,
    bft::{
        limits::RESPONSE_BLOCKS_BYTES,
        rules::message::{FinalBlock, Message, Request, Response},
    },
};
use alloy_primitives::Bytes;
use hanse_primitives::{Height, PeerId};

impl Bft {
    /// A peer asks for final blocks.
    pub(super) fn on_request<C: Chain>(
        &mut self,
        from: PeerId,
        request: Request,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        if !self.count_request(from, host) {
            return Ok(());
        }
        let mut blocks: Vec<FinalBlock> = Vec::new();
        let mut size = 0_usize;
        for number in 0..u64::from(request.count) {
            let height = Height(request.from.0.saturating_add(number));
            if height > self.parent.reference.height {
                break;
            }
            // A block that another engine made final has no certificate, and is not ours to serve.
            let Some((block, Some(Seal::Certificate(certificate)))) =
                host.chain.block_at(height)?
            else {
                break;
            };
            let block: Bytes = alloy_rlp::encode(block.block()).into();
            size = size.saturating_add(block.len());
            if !blocks.is_empty() && size > RESPONSE_BLOCKS_BYTES {
                break;
            }
            blocks.push(FinalBlock { block, certificate });
        }
        let response = Response { from: request.from, blocks };
        self.send(from, &Message::Response(response), host);
        Ok(())
    }
}
