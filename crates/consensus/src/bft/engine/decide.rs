//! Carries out a decision, and takes up the next height.

use super::{Bft, deciding::Deciding};
use crate::{
    Chain, ChainError, EngineError, Host, Seal, Verdict,
    bft::rules::{certificate, context::Tendermint, provenance::Parent, voters::Voters},
};
use arc_malachitebft_core_types as library;
use hanse_primitives::{CommitCertificate, Height, Provenance, SealedBlock};

/// A decision that has been carried out.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) block: SealedBlock,
    pub(super) certificate: CommitCertificate,
    /// When it was decided, as far as we can tell.
    pub(super) decided_ms: u64,
}

impl Bft {
    /// The library has decided.
    pub(super) fn decide<C: Chain>(
        &mut self,
        certificate: library::CommitCertificate<Tendermint>,
        host: &mut Host<'_, C>,
    ) {
        if self.fault.is_some() {
            return;
        }
        let certificate = certificate::commit(certificate);
        let decided_ms = host.now_ms;
        let done = self.carry_out(certificate, host);
        match done {
            Ok((block, certificate)) => {
                self.finished = Some(Finished { block, certificate, decided_ms });
            }
            Err(error) => self.fault = Some(error),
        }
    }

    fn carry_out<C: Chain>(
        &mut self,
        certificate: CommitCertificate,
        host: &mut Host<'_, C>,
    ) -> Result<(SealedBlock, CommitCertificate), EngineError> {
        // What led to the decision must not be forgotten if the decision is.
        self.log.sync(host)?;
        let body = self.deciding.as_ref().and_then(|d| d.bodies.get(&certificate.block));
        let Some(block) = body.map(|body| body.block.clone()) else {
            let why = format!("block {} was decided and never seen", certificate.block);
            return Err(EngineError::Broken(why));
        };
        match host.chain.import(block.clone()) {
            Verdict::Accept(_) => {}
            Verdict::Reject(error) => {
                let why = format!("a block was valid and is not any more: {error}");
                return Err(EngineError::Broken(why));
            }
            Verdict::Later => {
                let why = format!("the decided block {} could not be kept", block.hash());
                return Err(ChainError::Storage(why).into());
            }
        }
        self.finalize(&block, certificate.clone(), host)?;
        Ok((block, certificate))
    }

    /// Makes an imported block head and final.
    pub(super) fn finalize<C: Chain>(
        &self,
        block: &SealedBlock,
        certificate: CommitCertificate,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let (parent, block) = (block.header().parent_hash, block.hash());
        if host.chain.head().hash != parent && self.inherits(host.chain) {
            // With this block, the validators have decided between the branches below it.
            host.chain.set_head(parent)?;
        }
        let update = host.chain.set_head(block)?;
        if !update.reverted.is_empty() {
            return Err(EngineError::Broken("a decision reverted final blocks".to_owned()));
        }
        host.chain.finalize(block, Seal::Certificate(certificate))?;
        Ok(())
    }

    /// Follows up a decision: forgets the height and opens the next.
    pub(super) fn advance<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        let Some(finished) = self.finished.take() else { return Ok(()) };
        let Some(deciding) = self.deciding.take() else { return Ok(()) };
        let block = &finished.block;
        self.note_own_blocks(&deciding, block);
        self.futile = deciding.eager && block.transactions().is_empty();
        self.decided_ms = finished.decided_ms;
        self.parent = Parent {
            reference: block.reference(),
            timestamp: block.header().timestamp,
            decided: Some((finished.certificate, deciding.voters.set().clone())),
        };
        self.announce = true;
        self.sync.move_on();
        self.log.forget(block.height(), host)?;
        self.open(host)
    }

    /// Notes what became of our own blocks of a height, if we made any.
    fn note_own_blocks(&mut self, deciding: &Deciding, decided: &SealedBlock) {
        let Some(account) = self.account() else { return };
        let is_ours = |block: &SealedBlock| {
            let made = Provenance::decode(&block.header().extra_data);
            made.is_ok_and(|made| made.proposer == account)
        };
        if is_ours(decided) {
            self.stamp.note(true);
        } else if deciding.bodies.values().any(|body| is_ours(&body.block)) {
            self.stamp.note(false);
        }
    }

    /// Opens the height after the final block: from now on its messages are listened to.
    pub(super) fn open<C: Chain>(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        // The block just decided may have brought, or taken back, a change of the engine.
        self.last = host.chain.last_of_engine(self.settings.first)?;
        if self.is_over() {
            self.peers.forget_ahead();
            return Ok(());
        }
        let height = self.parent.reference.height.next();
        let voters = Voters::new(host.chain.validators_at(height)?, height)?;
        let signs = self.signs_at(height, &voters);
        self.deciding = Some(Deciding::new(height, voters, signs));
        if signs && self.log.height == Some(height) {
            self.replay(host)?;
        }
        for (from, bytes) in self.peers.take_ahead() {
            self.on_message_again(from, &bytes, host)?;
        }
        Ok(())
    }

    /// We sign when we may vote, and nothing that we cannot see any more stands in the log, of this engine
    /// or a later one: if the chain has lost blocks that a log knows of, we may have signed at their heights.
    fn signs_at(&self, height: Height, voters: &Voters) -> bool {
        let votes = self.account().is_some_and(|account| voters.voter(&account).is_some());
        let is_new = self.log.height.is_none_or(|logged| logged <= height);
        votes && is_new && height >= self.settings.signs_from
    }
}
