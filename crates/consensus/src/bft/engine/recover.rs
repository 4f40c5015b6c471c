//! Takes up work after a start, and finds out from the log where it was left.

use super::{Bft, deciding::Body, log::logged_height};
use crate::{
    Chain, EngineError, Host, Seal, Verdict,
    bft::rules::{context::Input, record::Record},
};
use alloy_primitives::Bytes;
use hanse_primitives::{Height, Provenance, SealedBlock, decode_block};

impl Bft {
    /// Takes up work on the chain's head.
    pub(super) fn recover<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let broken = |why: String| Err(EngineError::Broken(why));
        let head = host.chain.head();
        // The last blocks of an engine before this one are made final by this one.
        let inherited = head.height.next() == self.settings.first;
        if head != host.chain.finalized() && !inherited {
            return broken(format!("the head {head:?} is not final"));
        }
        if head.height.next() < self.settings.first {
            return broken(format!("the chain ends at {}, before this engine begins", head.height));
        }
        let Some((block, seal)) = host.chain.block_at(head.height)? else {
            return broken("the chain does not know its head".to_owned());
        };
        let decided = match seal {
            Some(Seal::Certificate(certificate)) => {
                Some((certificate, host.chain.validators_at(head.height)?))
            }
            Some(Seal::Solo | Seal::Work) | None => None,
        };
        let timestamp = block.header().timestamp;
        self.decided_ms = timestamp.saturating_mul(1_000).min(host.now_ms);
        self.parent = super::Parent { reference: head, timestamp, decided };
        self.read_log(host)?;
        self.open(host)
    }

    /// Finds out of which height the log is, and forgets it if that one is decided.
    fn read_log<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let Some(height) = logged_height(host.wal)? else { return Ok(()) };
        self.log.height = Some(height);
        self.log.forget(self.parent.reference.height, host)?;
        Ok(())
    }

    /// Feeds the library its own log. It derives again what it did, and takes the signatures from the
    /// log instead of making new ones; a contradiction stops the node.
    pub(super) fn replay<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let mut inputs = Vec::new();
        for bytes in host.wal.records()? {
            let record = Record::decode(&bytes);
            let record =
                record.map_err(|error| EngineError::Broken(format!("the log: {error}")))?;
            match record {
                Record::Height(_) => {}
                Record::Body(bytes) => self.restore_body(bytes, host)?,
                Record::Input(input) => inputs.push(input),
            }
        }
        self.log.begin_replay(&inputs, host)?;
        self.start_core(host)?;
        if let Some(core) = self.deciding.as_mut().and_then(|deciding| deciding.core.as_mut()) {
            core.record_recovered_own_precommit_extensions(inputs.iter());
            core.index_wal_entries(inputs.iter());
        }
        for input in inputs {
            if self.finished.is_some() {
                break; // the crash came between the decision and the end of the height
            }
            self.note_replayed(&input);
            self.feed(input, host)?;
        }
        if let Some(core) = self.deciding.as_mut().and_then(|deciding| deciding.core.as_mut()) {
            core.reset_entries_index();
        }
        self.log.end_replay();
        Ok(())
    }

    /// True for a block at our first height whose branch the engine before has given up. Only what a quorum
    /// has decided can have made another branch final, so nobody will decide on this block any more: a
    /// crash took our decision, and left part of what it had made final.
    fn is_on_lost_branch<C: Chain>(
        &self,
        block: &SealedBlock,
        chain: &C,
    ) -> Result<bool, EngineError> {
        let is_first = block.height() == self.settings.first;
        let parent = block.header().parent_hash;
        Ok(is_first && self.settings.first > Height(1) && chain.block(parent)?.is_none())
    }

    fn restore_body<C: Chain>(
        &mut self,
        bytes: Bytes,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let broken = |why: String| Err(EngineError::Broken(why));
        let block = match decode_block(&bytes) {
            Ok(block) => SealedBlock::new(block),
            Err(error) => return broken(format!("a block in the write-ahead log: {error}")),
        };
        let hash = block.hash();
        // Without its body, the library could decide what we cannot carry out.
        match host.chain.import(block.clone()) {
            Verdict::Accept(_) => {}
            Verdict::Reject(error) => {
                return broken(format!("a block was valid and is not any more: {error}"));
            }
            Verdict::Later if self.is_on_lost_branch(&block, host.chain)? => return Ok(()),
            Verdict::Later => return broken(format!("block {hash} of the log could not be kept")),
        }
        let first_round =
            Provenance::decode(&block.header().extra_data).ok().map(|made| made.round);
        let body = Body { block, bytes, first_round, is_valid: true, told: false };
        if let Some(deciding) = &mut self.deciding {
            deciding.bodies.insert(hash, body);
        }
        Ok(())
    }

    /// Notes what the library is told by the log.
    fn note_replayed(&mut self, input: &Input) {
        let Some(deciding) = &mut self.deciding else { return };
        match input {
            Input::Proposal(proposal) => {
                deciding.note_offer(proposal, None);
                deciding.mark_told(proposal);
            }
            Input::ProposedValue(value, _) => {
                if let Some(body) = deciding.bodies.get_mut(&value.value.0) {
                    body.told = true;
                }
            }
            _ => {}
        }
    }
}
