//! What JSON-RPC may know of the engine and the connections.

use crate::{chain::read_seal, driver::Status, roster::Roster};
use alloy_primitives::Address;
use hanse_consensus::Seal;
use hanse_ledger::Ledger;
use hanse_network::{Direction, Network};
use hanse_primitives::{CommitCertificate, Height, PeerId};
use hanse_rpc::{Consensus, Peer, Stage};
use std::sync::Arc;

/// Reads from the parts of a running node.
pub(crate) struct Overview {
    pub(crate) status: Status,
    pub(crate) ledger: Ledger,
    pub(crate) network: Option<Arc<Network>>,
    pub(crate) roster: Roster,
    pub(crate) validator: Option<Address>,
    pub(crate) miner: Option<Address>,
}

impl Consensus for Overview {
    fn stage(&self) -> Stage {
        let status = self.status.lock();
        Stage {
            height: status.height,
            round: status.round,
            step: status.step,
            best_known: status.best_known,
        }
    }

    fn validator(&self) -> Option<Address> {
        self.validator
    }

    fn miner(&self) -> Option<Address> {
        self.miner
    }

    fn peer_id(&self) -> Option<PeerId> {
        self.network.as_ref().map(|network| network.id())
    }

    fn peers(&self) -> Vec<Peer> {
        let peers = self.network.as_ref().map(|network| network.peers()).unwrap_or_default();
        let peer = |peer: hanse_network::PeerInfo| Peer {
            id: peer.id,
            address: peer.remote,
            inbound: matches!(peer.direction, Direction::Inbound),
            points: peer.points,
            validator: self.roster.validator_of(&peer.id),
            software: peer.hello.software,
        };
        peers.into_iter().map(peer).collect()
    }

    fn peer_of(&self, validator: &Address) -> Option<PeerId> {
        self.roster.peer_of(validator)
    }

    fn certificate(&self, height: Height) -> Result<Option<CommitCertificate>, String> {
        let seal = self.ledger.seal(height).map_err(|error| error.to_string())?;
        let Some(seal) = seal else { return Ok(None) };
        match read_seal(&seal).map_err(|error| error.to_string())? {
            Seal::Certificate(certificate) => Ok(Some(certificate)),
            Seal::Solo | Seal::Work => Ok(None),
        }
    }
}
