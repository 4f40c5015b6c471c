//! One file for each message.

mod certificate;
mod offer;
mod part;
mod request;
mod response;
mod status;
mod vote;

#[cfg(feature = "test-utils")]
pub(in crate::bft) use response::certificates;

use super::Bft;
use crate::{Chain, EngineError, Host, PeerFault, bft::rules::message::Message};
use alloy_primitives::Bytes;
use hanse_primitives::{Height, PeerId};

impl Bft {
    /// A message from a peer.
    pub(super) fn on_message<C: Chain>(
        &mut self,
        from: PeerId,
        bytes: &Bytes,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        if !self.count_message(from, host) {
            return Ok(());
        }
        self.on_message_again(from, bytes, host)
    }

    /// A message that has been counted before.
    pub(super) fn on_message_again<C: Chain>(
        &mut self,
        from: PeerId,
        bytes: &Bytes,
        host: &mut Host<'_, C>,
    ) -> Result<(), EngineError> {
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(error) => {
                self.penalize(from, PeerFault::Malformed(error.to_string()), host);
                return Ok(());
            }
        };
        if let Some(height) = message.height().filter(|height| !self.is_deciding(*height)) {
            // Blocks are final at once, so a peer can be one height ahead of us as a matter of course.
            let parent = self.parent.reference.height;
            let next = parent.next().next();
            if let Message::Vote(vote) = &message
                && height == parent
            {
                self.sender = Some(from);
                self.on_late_vote(vote, host);
                self.sender = None;
            } else if height == next && self.deciding.is_some() {
                self.peers.keep_ahead(&from, bytes);
            }
            return Ok(());
        }
        self.sender = Some(from);
        let done = match message {
            Message::Vote(vote) => self.on_vote(from, vote, host),
            Message::Part(part) => self.on_part(from, part, host),
            Message::Polka(certificate) => self.on_polka(from, certificate, host),
            Message::Round(certificate) => self.on_round(from, certificate, host),
            Message::Status(head) => self.on_status(from, head, host),
            Message::Request(request) => self.on_request(from, request, host),
            Message::Response(response) => self.on_response(from, response, host),
            Message::Offer(proposal) => self.on_offer(from, &proposal, host),
        };
        self.sender = None;
        done
    }

    fn is_deciding(&self, height: Height) -> bool {
        let open = self.deciding.as_ref().filter(|_| self.finished.is_none());
        open.is_some_and(|deciding| deciding.height == height)
    }
}

impl Message {
    /// The height whose decision it is about, if it is about one.
    const fn height(&self) -> Option<Height> {
        match self {
            Self::Vote(vote) => Some(vote.message.height.0),
            Self::Part(part) => Some(part.proposal.message.height.0),
            Self::Polka(certificate) => Some(certificate.height.0),
            Self::Round(certificate) => Some(certificate.height.0),
            Self::Offer(proposal) => Some(proposal.message.height.0),
            Self::Status(_) | Self::Request(_) | Self::Response(_) => None,
        }
    }
}
