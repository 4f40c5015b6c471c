use super::super::Bft;
use crate::{Chain, EngineError, Host, bft::rules::message::Part};
use hanse_primitives::PeerId;

impl Bft {
    /// A piece of a proposed block.
    pub(super) fn on_part<C: Chain>(
        &mut self,
        from: PeerId,
        part: Part,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        self.assemble(from, part, host)
    }
}
