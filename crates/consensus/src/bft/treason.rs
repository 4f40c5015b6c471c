//! Engines that lie, for the simulator, and for development networks whose people want to see what
//! happens. Behind the feature `treason`; a node obeys an order to lie only where its genesis says
//! that the network is for development.

use super::{
    engine::Bft,
    rules::{
        context::{BftProposal, BftVote, SignedProposal, SignedVote},
        message::{Message, Part},
    },
};
use crate::{
    Chain, Effect, Engine, EngineError, EngineStatus, Event, Host, Signer, Urgency, Verdict,
};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use arc_malachitebft_core_types::SignedMessage;
use hanse_primitives::{
    Attributes, BlockHash, Height, PeerId, SealedBlock, SigningDomain, VoteKind, decode_block,
};
use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Milliseconds between two waves of rubbish.
const FLOOD_MS: u64 = 2;

/// How an engine lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treason {
    /// Votes for one thing towards some peers, for another towards others, for both towards the rest.
    EquivocateVotes,
    /// Proposes one valid block to some peers and another to others.
    EquivocateProposals,
    /// Proposes blocks with a wrong state root.
    InvalidBlocks,
    /// Says nothing.
    Silent,
    /// Sends rubbish to everybody, many times as much as it has to say.
    Flood,
    /// Votes for whatever is proposed, and does not look at it.
    Careless,
}

/// Tells an engine when to lie, and how. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TreasonOrder(Arc<Mutex<Option<(Treason, u64)>>>);

impl TreasonOrder {
    /// Lies in this way until a time (milliseconds since the Unix epoch), or not at all.
    pub fn set(&self, order: Option<(Treason, u64)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = order;
    }

    fn at(&self, now_ms: u64) -> Option<Treason> {
        let order = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        order.filter(|(_, until_ms)| now_ms < *until_ms).map(|(treason, _)| treason)
    }
}

/// A validator that lies.
pub struct Traitor {
    inner: Bft,
    domain: SigningDomain,
    signer: Box<dyn Signer>,
    order: TreasonOrder,
    peers: BTreeSet<PeerId>,
    /// When it has sent rubbish last: two that flood each other must not answer each message with four.
    flooded_ms: u64,
    /// Where it has voted, if it is careless: it signs nothing twice.
    voted: BTreeSet<(Height, u32)>,
}

/// What a message says under somebody's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Who says it.
    pub validator: Address,
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// The kind of vote; `None` for a proposal.
    pub vote: Option<VoteKind>,
    /// The block; `None` for nil.
    pub block: Option<BlockHash>,
}

/// What a message of the engine says under its sender's signature, if it is a vote or a proposal.
#[must_use]
pub fn said(bytes: &[u8]) -> Option<Said> {
    match Message::decode(bytes).ok()? {
        Message::Vote(signed) => {
            let vote = signed.vote();
            Some(Said {
                validator: signed.validator.0,
                height: vote.height,
                round: vote.round,
                vote: Some(vote.kind),
                block: vote.block,
            })
        }
        Message::Part(part) => {
            let proposal = part.proposal.proposal();
            Some(Said {
                validator: part.proposal.proposer.0,
                height: proposal.height,
                round: proposal.round,
                vote: None,
                block: Some(proposal.block),
            })
        }
        _ => None,
    }
}

impl Traitor {
    /// Makes an engine lie for ever. `signer` has the engine's own key.
    #[must_use]
    pub fn new(
        inner: Bft,
        domain: SigningDomain,
        signer: Box<dyn Signer>,
        treason: Treason,
    ) -> Self {
        let order = TreasonOrder::default();
        order.set(Some((treason, u64::MAX)));
        Self::on_order(inner, domain, signer, order)
    }

    /// Makes an engine lie when it is told to, and be honest otherwise.
    #[must_use]
    pub const fn on_order(
        inner: Bft,
        domain: SigningDomain,
        signer: Box<dyn Signer>,
        order: TreasonOrder,
    ) -> Self {
        Self {
            inner,
            domain,
            signer,
            order,
            peers: BTreeSet::new(),
            flooded_ms: 0,
            voted: BTreeSet::new(),
        }
    }

    /// Exchanges what the engine wants to say for what it shall say.
    fn corrupt<C: Chain>(&mut self, host: &mut Host<'_, C>) {
        let Some(treason) = self.order.at(host.now_ms) else { return };
        let effects = std::mem::take(&mut host.effects);
        match treason {
            Treason::Silent => {}
            Treason::EquivocateVotes => host.effects = self.split_votes(effects),
            Treason::EquivocateProposals | Treason::InvalidBlocks => {
                self.change_proposals(treason, effects, host);
            }
            Treason::Careless => host.effects = without_votes(effects),
            Treason::Flood => {
                host.effects = effects;
                if host.now_ms >= self.flooded_ms.saturating_add(FLOOD_MS) {
                    self.flooded_ms = host.now_ms;
                    self.flood(host);
                }
            }
        }
    }

    fn split_votes(&self, effects: VecDeque<Effect>) -> VecDeque<Effect> {
        let mut left = VecDeque::new();
        for effect in effects {
            let Effect::Broadcast(urgency, bytes) = &effect else {
                left.push_back(effect);
                continue;
            };
            let Ok(Message::Vote(vote)) = Message::decode(bytes) else {
                left.push_back(effect);
                continue;
            };
            let other = Message::Vote(self.other_vote(&vote)).encode();
            for (number, peer) in self.peers.iter().enumerate() {
                if number % 3 != 1 {
                    left.push_back(Effect::Send(*peer, *urgency, bytes.clone()));
                }
                if number % 3 != 0 {
                    left.push_back(Effect::Send(*peer, *urgency, other.clone()));
                }
            }
        }
        left
    }

    /// Votes for what a message proposes.
    fn agree<C: Chain>(&mut self, bytes: &[u8], host: &mut Host<'_, C>) {
        let Ok(Message::Part(part)) = Message::decode(bytes) else { return };
        let proposal = part.proposal.proposal();
        if !self.voted.insert((proposal.height, proposal.round)) {
            return;
        }
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            let (height, round) = (proposal.height, proposal.round);
            let vote = hanse_primitives::Vote { kind, height, round, block: Some(proposal.block) };
            let signature = self.signer.sign(vote.digest(&self.domain));
            let vote = SignedMessage::new(BftVote::new(vote, self.signer.address()), signature);
            host.effects.push_back(Effect::Broadcast(Urgency::Vote, Message::Vote(vote).encode()));
        }
    }

    fn other_vote(&self, vote: &SignedVote) -> SignedVote {
        let mut other = vote.vote();
        other.block = match other.block {
            Some(_) => None,
            None => Some(keccak256(other.round.to_be_bytes())),
        };
        let signature = self.signer.sign(other.digest(&self.domain));
        SignedMessage::new(BftVote::new(other, vote.validator.0), signature)
    }

    fn change_proposals<C: Chain>(
        &self,
        treason: Treason,
        effects: VecDeque<Effect>,
        host: &mut Host<'_, C>,
    ) {
        let mut parts: Vec<Part> = Vec::new();
        for effect in effects {
            let part = match &effect {
                Effect::Broadcast(Urgency::Block, bytes) => Message::decode(bytes).ok(),
                _ => None,
            };
            match part {
                Some(Message::Part(part)) if part.proposal.proposer.0 == self.signer.address() => {
                    parts.push(part);
                }
                _ => host.effects.push_back(effect),
            }
        }
        let Some(first) = parts.first() else { return };
        let proposal = first.proposal.clone();
        let whole: Vec<u8> = parts.iter().flat_map(|part| part.data.to_vec()).collect();
        let Ok(block) = decode_block(&whole) else { return };
        let block = SealedBlock::new(block);
        let other = match treason {
            Treason::InvalidBlocks => Some(with_wrong_root(&block)),
            _ => another(&block, host),
        };
        let other = other.map(|other| self.propose(&proposal, &other));
        for (number, peer) in self.peers.iter().enumerate() {
            let ours = parts.iter().cloned().map(Message::Part).collect();
            let messages = match &other {
                Some(other) if treason == Treason::InvalidBlocks || number % 2 == 1 => other,
                _ => &ours,
            };
            for message in messages {
                host.effects.push_back(Effect::Send(*peer, Urgency::Block, message.encode()));
            }
        }
    }

    /// The messages that propose another block in the place of a proposal's.
    fn propose(&self, proposal: &SignedProposal, block: &SealedBlock) -> Vec<Message> {
        let mut content = proposal.proposal();
        content.block = block.hash();
        content.valid_round = None;
        let signature = self.signer.sign(content.digest(&self.domain));
        let proposal = BftProposal::new(content, proposal.proposer.0);
        let signed = SignedMessage::new(proposal, signature);
        let bytes: Bytes = alloy_rlp::encode(block.block()).into();
        Part::cut(&signed, &bytes).map(Message::Part).collect()
    }

    fn flood<C: Chain>(&self, host: &mut Host<'_, C>) {
        let height = Engine::<C>::status(&self.inner).height;
        let rubbish = keccak256(host.now_ms.to_be_bytes());
        let forged = hanse_primitives::Vote {
            kind: VoteKind::Prevote,
            height,
            round: 0,
            block: Some(rubbish),
        };
        let far = hanse_primitives::Vote { round: 1_000_000, ..forged };
        let vote = |vote: hanse_primitives::Vote, digest: B256| {
            let signature = self.signer.sign(digest);
            Message::Vote(SignedMessage::new(BftVote::new(vote, self.signer.address()), signature))
        };
        let messages = [
            Bytes::from(rubbish.to_vec()),
            vote(forged, rubbish).encode(),
            vote(far, far.digest(&self.domain)).encode(),
            vec![0xff; 300_000].into(),
        ];
        for peer in &self.peers {
            for bytes in &messages {
                host.effects.push_back(Effect::Send(*peer, Urgency::Vote, bytes.clone()));
            }
        }
    }
}

/// What is left when the engine's own votes are taken away.
fn without_votes(effects: VecDeque<Effect>) -> VecDeque<Effect> {
    let is_vote = |effect: &Effect| match effect {
        Effect::Broadcast(_, bytes) | Effect::Send(_, _, bytes) => {
            matches!(Message::decode(bytes), Ok(Message::Vote(_)))
        }
        _ => false,
    };
    effects.into_iter().filter(|effect| !is_vote(effect)).collect()
}

fn with_wrong_root(block: &SealedBlock) -> SealedBlock {
    let mut wrong = block.block().clone();
    wrong.header.state_root = keccak256(wrong.header.state_root);
    SealedBlock::new(wrong)
}

/// Another block that is just as valid.
fn another<C: Chain>(block: &SealedBlock, host: &mut Host<'_, C>) -> Option<SealedBlock> {
    let header = block.header();
    let attributes = Attributes {
        timestamp: header.timestamp,
        fee_recipient: Address::repeat_byte(0xee),
        prev_randao: header.mix_hash,
        parent_beacon_block_root: Some(B256::ZERO),
        extra_data: header.extra_data.clone(),
        ..Attributes::default()
    };
    let other = host.chain.build(header.parent_hash, attributes).ok()?;
    let kept = matches!(host.chain.import(other.clone()), Verdict::Accept(_));
    (kept && other.hash() != block.hash()).then_some(other)
}

impl<C: Chain> Engine<C> for Traitor {
    fn start(&mut self, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        self.inner.start(host)?;
        self.corrupt(host);
        Ok(())
    }

    fn handle(&mut self, event: Event, host: &mut Host<'_, C>) -> Result<(), EngineError> {
        match &event {
            Event::Connected(peer) => {
                self.peers.insert(*peer);
            }
            Event::Disconnected(peer) => {
                self.peers.remove(peer);
            }
            _ => {}
        }
        let heard = match &event {
            Event::Message { bytes, .. }
                if self.order.at(host.now_ms) == Some(Treason::Careless) =>
            {
                Some(bytes.clone())
            }
            _ => None,
        };
        self.inner.handle(event, host)?;
        self.corrupt(host);
        if let Some(bytes) = heard {
            self.agree(&bytes, host);
        }
        Ok(())
    }

    fn wake_at_ms(&self) -> Option<u64> {
        Engine::<C>::wake_at_ms(&self.inner)
    }

    fn awaits_transactions(&self) -> bool {
        Engine::<C>::awaits_transactions(&self.inner)
    }

    fn status(&self) -> EngineStatus {
        Engine::<C>::status(&self.inner)
    }
}

impl<C: Chain> crate::Heir<C> for Traitor {
    fn bft(&mut self) -> &mut Bft {
        &mut self.inner
    }
}

impl fmt::Debug for Traitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traitor")
            .field("order", &self.order)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
