use crate::{LightError, limits, quantity, seats};
use alloy_primitives::{Address, B256, U256};
use hanse_primitives::{
    BlockHash, ChainSpec, Engine, Height, SigningDomain, Validator, ValidatorSet,
};
use serde::{Deserialize, Serialize};

/// Which chain it is, and who knows its validators: all that is to be known of genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// EIP-155 chain id.
    #[serde(with = "quantity")]
    pub chain_id: u64,
    /// Hash of block 0.
    pub genesis: BlockHash,
    /// How blocks come about by genesis, ascending by height, the first from height 1 on.
    pub engines: Vec<Span>,
    /// The contract that knows which changes of the engine members have voted for, where they do. What it
    /// says of a height is never known beforehand; it is proven together with each set of validators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_votes: Option<Address>,
}

/// Heights that one engine decides: from one on, up to the next span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The first height.
    #[serde(with = "quantity")]
    pub from: u64,
    /// The engine.
    pub engine: EngineName,
    /// The contract that knows its validators, if it has any.
    pub contract: Option<Address>,
}

/// An engine by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EngineName {
    /// One node seals alone.
    Solo,
    /// Equal validators vote.
    Bft,
    /// Validators vote by stake.
    Pos,
    /// Miners compete.
    Pow,
}

impl EngineName {
    /// Says, for people, how a block came about.
    pub(crate) const fn told(self) -> &'static str {
        match self {
            Self::Solo => "sealed by a single node (engine solo)",
            Self::Bft => "decided by equal votes (engine bft)",
            Self::Pos => "decided by votes by stake (engine pos)",
            Self::Pow => "mined (engine pow)",
        }
    }
}

impl Network {
    /// The network of a genesis file.
    ///
    /// # Errors
    /// [`LightError::Foreign`] for a chain that no engine of ours decides.
    pub fn of(spec: &ChainSpec) -> Result<Self, LightError> {
        let hanse = spec.hanse().ok_or(LightError::Foreign)?;
        let first = std::iter::once((Height(1), &hanse.consensus));
        let changes =
            hanse.consensus_changes.iter().map(|change| (change.height, &change.consensus));
        let span = |(from, engine): (Height, &Engine)| Span {
            from: from.0,
            engine: match engine {
                Engine::Solo { .. } => EngineName::Solo,
                Engine::Bft(_) => EngineName::Bft,
                Engine::Pos(_) => EngineName::Pos,
                Engine::Pow(_) => EngineName::Pow,
            },
            contract: engine.validators().map(|settings| settings.contract),
        };
        Ok(Self {
            chain_id: spec.chain_id(),
            genesis: spec.genesis_reference().hash,
            engines: first.chain(changes).map(span).collect(),
            engine_votes: hanse.contracts.engines,
        })
    }

    /// What its validators sign under.
    #[must_use]
    pub fn domain(&self) -> SigningDomain {
        SigningDomain::new(self.chain_id, self.genesis)
    }

    /// The contract that, by genesis, knows who decides the block at `height`. Votes may have changed that.
    ///
    /// # Errors
    /// [`LightError::NotSigned`] when nobody signs it.
    pub fn contract_at(&self, height: u64) -> Result<Address, LightError> {
        let span = self.engines.iter().rev().find(|span| span.from <= height);
        let span = span.ok_or(LightError::Checkpoint("no engine decides the first heights"))?;
        span.contract.ok_or(LightError::NotSigned { height, engine: span.engine })
    }

    /// Makes sure that validators decide all of these heights.
    pub(crate) fn require_votes(&self, from: u64, to: u64) -> Result<(), LightError> {
        self.contract_at(from)?;
        for span in self.engines.iter().filter(|span| (from..=to).contains(&span.from)) {
            self.contract_at(span.from)?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), LightError> {
        if self.engines.first().is_none_or(|span| span.from != 1) {
            return Err(LightError::Checkpoint("no engine decides height 1"));
        }
        if !self.engines.is_sorted_by(|one, next| one.from < next.from) {
            return Err(LightError::Checkpoint("the engines are not in order"));
        }
        Ok(())
    }
}

/// A voter of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seat {
    /// The account of its key.
    pub address: Address,
    /// Its voting power.
    #[serde(with = "quantity")]
    pub power: u64,
}

/// What a client trusts: a block, and who decides the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The network.
    #[serde(flatten)]
    pub network: Network,
    /// Height of the trusted block.
    #[serde(with = "quantity")]
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// Who decides the block at `number + 1`, ascending by address.
    pub validators: Vec<Seat>,
}

impl Checkpoint {
    /// What genesis says: the first validators are in its state.
    ///
    /// # Errors
    /// [`LightError`] when nobody signs the first blocks, or the contract is not in the genesis.
    pub fn genesis(spec: &ChainSpec) -> Result<Self, LightError> {
        let network = Network::of(spec)?;
        let contract = network.contract_at(1)?;
        let account = spec.genesis().alloc.get(&contract);
        let account = account.ok_or(LightError::NoContract(contract))?;
        let storage = account.storage.clone().unwrap_or_default();
        let read = |slot: U256| {
            let value = storage.get(&B256::from(slot)).copied().unwrap_or_default();
            Ok::<_, LightError>(value.into())
        };
        let (validators, _) = seats::validators_in_state(1, read)?;
        Ok(Self::new(
            network,
            spec.genesis_reference().height.0,
            spec.genesis_reference().hash,
            &validators,
        ))
    }

    /// A checkpoint of these parts.
    #[must_use]
    pub fn new(network: Network, number: u64, hash: BlockHash, validators: &ValidatorSet) -> Self {
        let seat = |one: &Validator| Seat { address: one.address, power: one.power };
        let validators = validators.as_slice().iter().map(seat).collect();
        Self { network, number, hash, validators }
    }

    /// Makes sure that the checkpoint is of a network that is known by other means.
    ///
    /// # Errors
    /// [`LightError::OtherNetwork`] with what differs.
    pub fn require_network(&self, network: &Network) -> Result<(), LightError> {
        let ours = &self.network;
        let differs = if ours.genesis != network.genesis {
            "genesis"
        } else if ours.chain_id != network.chain_id {
            "chain id"
        } else if ours.engines != network.engines || ours.engine_votes != network.engine_votes {
            "consensus"
        } else {
            return Ok(());
        };
        Err(LightError::OtherNetwork(differs))
    }

    /// Who decides the next block.
    ///
    /// # Errors
    /// [`LightError::Checkpoint`] when the checkpoint makes no sense.
    pub fn voters(&self) -> Result<ValidatorSet, LightError> {
        self.network.check()?;
        self.network.contract_at(self.number.saturating_add(1))?;
        if self.number == 0 && self.hash != self.network.genesis {
            return Err(LightError::Checkpoint("block 0 is not genesis"));
        }
        if self.validators.is_empty() {
            return Err(LightError::Checkpoint("it has no validators"));
        }
        if self.validators.len() > limits::SIGNATURES_MAX {
            return Err(LightError::Checkpoint("it has too many validators"));
        }
        if !self.validators.is_sorted_by(|one, next| one.address < next.address) {
            return Err(LightError::Checkpoint("its validators are not in order"));
        }
        if self.validators.iter().any(|seat| seat.power == 0) {
            return Err(LightError::Checkpoint("one of its validators has no power"));
        }
        let voter =
            |seat: &Seat| Validator { address: seat.address, power: seat.power, proposes: true };
        Ok(ValidatorSet::new(self.validators.iter().map(voter).collect()))
    }
}
