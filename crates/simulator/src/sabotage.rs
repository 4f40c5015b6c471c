//! Members that are broken on purpose, to see that the laws would notice: the test of the tests.

use alloy_primitives::{Address, B256};
use hanse_consensus::{
    Chain, Engine, EngineError, EngineStatus, Event, Host, Seal, Signer, Verdict,
};
use hanse_node::simulation::LocalChain;
use hanse_primitives::{
    Attributes, CommitCertificate, CommitSignature, Provenance, SigningDomain, Vote, VoteKind,
};

/// A defect. The laws take those that have it for honest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A crash erases the engine's log: validators forget what they have signed.
    ErasedLogs,
    /// A crash takes ledger records that had been synced: a disk that lies.
    LyingDisks,
    /// Validators vote for whatever is proposed, and do not look at it.
    Careless,
    /// One validator makes blocks final by its own signature alone.
    Hasty,
    /// One miner stays on its own chain, however heavy another one is.
    Stubborn,
}

/// A validator that asks nobody.
pub(crate) struct Hasty {
    inner: Box<dyn Engine<LocalChain>>,
    signer: Box<dyn Signer>,
    domain: SigningDomain,
    done: bool,
}

impl Hasty {
    pub(crate) fn new(
        inner: Box<dyn Engine<LocalChain>>,
        signer: Box<dyn Signer>,
        domain: SigningDomain,
    ) -> Self {
        Self { inner, signer, domain, done: false }
    }

    /// Builds a block and makes it final.
    fn seal(&mut self, host: &mut Host<'_, LocalChain>) -> Result<(), EngineError> {
        let head = host.chain.head();
        let made = Provenance {
            proposer: self.signer.address(),
            round: 0,
            parent_round: 0,
            parent_signatures: Vec::new(),
        };
        let attributes = Attributes {
            timestamp: host.now_ms / 1_000,
            parent_beacon_block_root: Some(B256::ZERO),
            extra_data: made.encode(),
            ..Attributes::default()
        };
        let block = host.chain.build(head.hash, attributes)?;
        let (height, hash) = (block.height(), block.hash());
        let Verdict::Accept(_) = host.chain.import(block) else { return Ok(()) };
        let vote = Vote { kind: VoteKind::Precommit, height, round: 0, block: Some(hash) };
        let signature = self.signer.sign(vote.digest(&self.domain));
        let validator: Address = self.signer.address();
        let signatures = vec![CommitSignature { validator, signature }];
        let certificate = CommitCertificate { height, round: 0, block: hash, signatures };
        host.chain.set_head(hash)?;
        host.chain.finalize(hash, Seal::Certificate(certificate))?;
        self.done = true;
        Ok(())
    }
}

impl Engine<LocalChain> for Hasty {
    fn start(&mut self, host: &mut Host<'_, LocalChain>) -> Result<(), EngineError> {
        self.inner.start(host)
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, LocalChain>) -> Result<(), EngineError> {
        if self.done {
            return Ok(());
        }
        match event {
            Event::Pending if host.chain.head().height.0 >= 3 => self.seal(host),
            event => self.inner.handle(event, host),
        }
    }

    fn wake_at_ms(&self) -> Option<u64> {
        self.inner.wake_at_ms().filter(|_| !self.done)
    }

    fn status(&self) -> EngineStatus {
        self.inner.status()
    }
}

/// A miner that hears of no blocks but its own.
pub(crate) struct Stubborn(pub(crate) Box<dyn Engine<LocalChain>>);

impl Engine<LocalChain> for Stubborn {
    fn start(&mut self, host: &mut Host<'_, LocalChain>) -> Result<(), EngineError> {
        self.0.start(host)
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, LocalChain>) -> Result<(), EngineError> {
        match event {
            Event::Message { .. } if host.chain.head().height.0 >= 3 => Ok(()),
            event => self.0.handle(event, host),
        }
    }

    fn wake_at_ms(&self) -> Option<u64> {
        self.0.wake_at_ms()
    }

    fn status(&self) -> EngineStatus {
        self.0.status()
    }
}
