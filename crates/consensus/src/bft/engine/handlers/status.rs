use super::super::Bft;
use crate::{Chain, EngineError, Host};
use hanse_primitives::{BlockRef, PeerId};

impl Bft {
    /// A peer says where it is. It is believed as far as asking it costs nothing.
    pub(super) fn on_status<C: Chain>(
        &mut self,
        from: PeerId,
        head: BlockRef,
        _host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.claims = head.height;
        }
        Ok(())
    }
}
