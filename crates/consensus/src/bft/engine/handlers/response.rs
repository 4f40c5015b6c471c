use super::super::{Bft, sync::Fetched};
use crate::{
    Chain, EngineError, Host, PeerFault,
    bft::rules::message::{FinalBlock, Response},
};
#[cfg(feature = "test-utils")]
use hanse_primitives::CommitCertificate;
use hanse_primitives::{Height, PeerId, SealedBlock, decode_block};

impl Bft {
    /// A peer sends final blocks.
    pub(super) fn on_response<C: Chain>(
        &mut self,
        from: PeerId,
        response: Response,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let Some(count) = self.sync.answered(from, response.from) else {
            self.on_late_response(from, host);
            return Ok(());
        };
        if response.blocks.is_empty() {
            self.let_rest(&from, host.now_ms);
            return Ok(());
        }
        if response.blocks.len() > usize::from(count) {
            self.let_rest(&from, host.now_ms);
            self.penalize(from, PeerFault::Excess("blocks".to_owned()), host);
            return Ok(());
        }
        match read(from, response) {
            Ok(fetched) => self.sync.add(fetched),
            Err(fault) => {
                self.let_rest(&from, host.now_ms);
                self.penalize(from, fault, host);
            }
        }
        Ok(())
    }

    /// What nobody waits for any more is late; what nobody has asked for is too much.
    fn on_late_response<C: Chain>(&mut self, from: PeerId, host: &mut Host<'_, C>) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        match peer.spare.checked_sub(1) {
            Some(spare) => peer.spare = spare,
            None => {
                let fault = PeerFault::Excess("blocks that nobody asked for".to_owned());
                self.penalize(from, fault, host);
            }
        }
    }
}

/// Reads the blocks, and checks what can be checked without the state: heights and hashes.
fn read(peer: PeerId, response: Response) -> Result<Vec<Fetched>, PeerFault> {
    let mut fetched = Vec::with_capacity(response.blocks.len());
    let mut height = response.from;
    for FinalBlock { block, certificate } in response.blocks {
        let block = decode_block(&block);
        let block = block.map_err(|error| PeerFault::Malformed(error.to_string()))?;
        let block = SealedBlock::new(block);
        let named = (certificate.height, certificate.block) == (height, block.hash());
        if block.height() != height || !named {
            return Err(PeerFault::Forged("a certificate of another block".to_owned()));
        }
        fetched.push(Fetched { peer, block, certificate });
        height = Height(height.0.saturating_add(1));
    }
    Ok(fetched)
}

/// The certificates of the blocks in a response that can be read, for fuzzing.
#[cfg(feature = "test-utils")]
pub(in crate::bft) fn certificates(response: Response) -> Option<Vec<CommitCertificate>> {
    let fetched = read(PeerId([0; 32]), response).ok()?;
    Some(fetched.into_iter().map(|one| one.certificate).collect())
}
