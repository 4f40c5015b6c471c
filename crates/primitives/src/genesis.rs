use crate::{BlockRef, Header, Height, PrimitiveError, SealedBlock, SigningDomain, limits};
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_eips::{
    BlobScheduleBlobParams,
    eip1559::{BaseFeeParams, INITIAL_BASE_FEE},
    eip7685::EMPTY_REQUESTS_HASH,
    eip7840::BlobParams,
};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::root::state_root_ref_unhashed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{AccountChange, AccountInfo, Currency, Engine, EngineChange, StateChanges};

/// The rules of one chain: a geth-style genesis file with Hanse's own settings under `config.hanse`.
///
/// The fork schedule decides the EVM rules of each block, up to Osaka and its blob-parameter forks.
#[derive(Clone, Debug)]
pub struct ChainSpec {
    genesis: Genesis,
    block: SealedBlock,
    forks: BTreeMap<usize, ForkCondition>,
    blob_schedule: BlobScheduleBlobParams,
    hanse: Option<HanseSettings>,
}

/// `config.hanse` of the genesis file. Without it the chain is a foreign one: its history can be
/// imported and served, and nothing seals new blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HanseSettings {
    /// Name of the network, for people.
    #[serde(default = "default_network")]
    pub network: String,
    /// How blocks come about, from height 1 on.
    pub consensus: Engine,
    /// Heights from which they come about in another way, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consensus_changes: Vec<EngineChange>,
    /// How the base fee moves.
    #[serde(default)]
    pub base_fee: BaseFee,
    /// Contracts that the genesis state already holds.
    #[serde(default)]
    pub contracts: Contracts,
    /// Who is who, for people. It gives nobody a right.
    #[serde(default)]
    pub parties: Vec<Party>,
    /// A network to play with: its nodes may be made to misbehave on request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub development: bool,
}

impl HanseSettings {
    /// Refuses settings that contradict each other.
    fn check(&self) -> Result<(), PrimitiveError> {
        let refuse = |why: String| Err(PrimitiveError::Genesis(format!("config.hanse: {why}")));
        let heights = self.consensus_changes.iter().map(|change| change.height);
        if !std::iter::once(Height(1)).chain(heights).is_sorted_by(|one, next| one < next) {
            return refuse("consensusChanges must be at ascending heights above 1".to_owned());
        }
        let changes = self.consensus_changes.iter().map(|change| &change.consensus);
        let engines: Vec<&Engine> = std::iter::once(&self.consensus).chain(changes).collect();
        for engine in &engines {
            if let Err(why) = engine.check() {
                return refuse(why);
            }
        }
        check_changes(&engines).and_then(|()| self.check_votes()).or_else(refuse)
    }

    /// Refuses votes on the engine where nobody could follow what they decide. Miners and validators speak
    /// different languages, and nodes learn of a vote at different times: so miners are not voted out.
    fn check_votes(&self) -> Result<(), String> {
        if self.contracts.engines.is_none() {
            return Ok(());
        }
        let refuse = |why: &str| Err(format!("contracts.engines: {why}"));
        if self.consensus.validators().is_none() {
            let name = self.consensus.name();
            return refuse(&format!(
                "members vote on changes between bft and pos; a chain that begins with {name} changes by \
                 consensusChanges or not at all"
            ));
        }
        if !self.consensus_changes.is_empty() {
            return refuse("changes are voted for, or fixed by consensusChanges; not both");
        }
        if self.contracts.membership.is_none() {
            return refuse("without contracts.membership there is nobody who votes");
        }
        Ok(())
    }
}

/// Refuses a change of engine over which a node that comes later could not follow: miners and validators
/// speak different languages, and only one of them is understood on both sides of a change.
fn check_changes(engines: &[&Engine]) -> Result<(), String> {
    let names = || engines.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", then ");
    let refuse = |why: &str| Err(format!("consensusChanges: {} is not supported: {why}", names()));
    let [first, later @ ..] = engines else { return Ok(()) };
    if later.is_empty() {
        return Ok(());
    }
    if engines.iter().any(|engine| matches!(engine, Engine::Solo { .. })) {
        return refuse("one node that seals alone neither takes over nor is followed");
    }
    if later.iter().any(|engine| matches!(engine, Engine::Pow(_))) {
        return refuse("miners can only be the first; a change goes to bft or pos");
    }
    if matches!(first, Engine::Pow(_)) && later.len() > 1 {
        return refuse("after miners there can be one change, to the validators that stay");
    }
    Ok(())
}

/// Where the contracts of the network's law are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contracts {
    /// The escrow that orders go through.
    pub escrow: Option<Address>,
    /// One token contract a currency.
    #[serde(default)]
    pub currencies: BTreeMap<Currency, Address>,
    /// Who takes part, and who may do what; without them everybody may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// Where nodes anchor the logs of what was done to them (`IAnchors`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchors: Option<Address>,
    /// What kinds of data the network has (`IDataCatalog`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_catalog: Option<Address>,
    /// Which contracts get other code, and from which block on (`IUpgrades`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrades: Option<Address>,
    /// By which changes of the engine members have decided on (`IEngines`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engines: Option<Address>,
}

/// The contracts that permissions are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Membership {
    /// Organizations, accounts and roles (`IMembers`).
    pub members: Address,
    /// Policies, proposals and endorsements (`IPolicies`).
    pub policies: Address,
}

/// A known account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Party {
    /// Its account.
    pub address: Address,
    /// Its name, for people.
    pub name: String,
    /// What it does in the market.
    pub role: Role,
}

/// What a party does in the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Sells.
    Merchant,
    /// Delivers.
    Carrier,
    /// Issues currency.
    Bank,
    /// Buys.
    Shopper,
}

/// How the base fee of a block follows from its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BaseFee {
    /// As on Ethereum (EIP-1559): up to an eighth more or less a block, by how full the parent was.
    #[default]
    Eip1559,
    /// The same wei per gas for ever; 0 for a consortium that does not charge for gas.
    Fixed(u64),
}

fn default_network() -> String {
    "Hanse".to_owned()
}

/// Every fork Hanse knows, oldest first.
const FORKS: [EthereumHardfork; 24] = [
    EthereumHardfork::Frontier,
    EthereumHardfork::Homestead,
    EthereumHardfork::Dao,
    EthereumHardfork::Tangerine,
    EthereumHardfork::SpuriousDragon,
    EthereumHardfork::Byzantium,
    EthereumHardfork::Constantinople,
    EthereumHardfork::Petersburg,
    EthereumHardfork::Istanbul,
    EthereumHardfork::MuirGlacier,
    EthereumHardfork::Berlin,
    EthereumHardfork::London,
    EthereumHardfork::ArrowGlacier,
    EthereumHardfork::GrayGlacier,
    EthereumHardfork::Paris,
    EthereumHardfork::Shanghai,
    EthereumHardfork::Cancun,
    EthereumHardfork::Prague,
    EthereumHardfork::Osaka,
    EthereumHardfork::Bpo1,
    EthereumHardfork::Bpo2,
    EthereumHardfork::Bpo3,
    EthereumHardfork::Bpo4,
    EthereumHardfork::Bpo5,
];

impl ChainSpec {
    /// Reads a genesis file.
    ///
    /// # Errors
    /// [`PrimitiveError`] with the place and the reason when the text is no genesis, contradicts
    /// itself, or asks for a fork after Osaka.
    pub fn parse(json: &[u8]) -> Result<Self, PrimitiveError> {
        if json.len() > limits::GENESIS_BYTES_MAX {
            return Err(PrimitiveError::Genesis(format!(
                "{} bytes are more than the {} a genesis file may have",
                json.len(),
                limits::GENESIS_BYTES_MAX
            )));
        }
        Self::new(serde_json::from_slice(json)?)
    }

    /// Takes a genesis that is already in memory.
    ///
    /// # Errors
    /// As [`ChainSpec::parse`].
    pub fn new(genesis: Genesis) -> Result<Self, PrimitiveError> {
        let hanse = genesis
            .config
            .extra_fields
            .get_deserialized::<HanseSettings>("hanse")
            .transpose()
            .map_err(|error| PrimitiveError::Genesis(format!("config.hanse: {error}")))?;
        check(&genesis)?;
        hanse.as_ref().map_or(Ok(()), HanseSettings::check)?;
        let forks =
            FORKS.iter().enumerate().map(|(at, fork)| (at, activation(&genesis, *fork))).collect();
        let blob_schedule = genesis.config.blob_schedule_blob_params();
        let mut spec = Self {
            block: SealedBlock::new(crate::Block::default()),
            genesis,
            forks,
            blob_schedule,
            hanse,
        };
        spec.check_order()?;
        spec.block = spec.genesis_block();
        Ok(spec)
    }

    /// What the chain's validators sign under.
    #[must_use]
    pub fn signing_domain(&self) -> SigningDomain {
        SigningDomain::new(self.chain_id(), self.block.hash())
    }

    /// The genesis as it was read.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The block at height 0.
    #[must_use]
    pub const fn genesis_block_sealed(&self) -> &SealedBlock {
        &self.block
    }

    /// Height and hash of the genesis block.
    #[must_use]
    pub fn genesis_reference(&self) -> BlockRef {
        self.block.reference()
    }

    /// EIP-155 chain id.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.genesis.config.chain_id
    }

    /// Hanse's own settings; `None` for a foreign chain.
    #[must_use]
    pub const fn hanse(&self) -> Option<&HanseSettings> {
        self.hanse.as_ref()
    }

    /// The contracts that permissions are read from; `None` on a chain where everybody may do everything.
    #[must_use]
    pub fn membership(&self) -> Option<Membership> {
        self.hanse.as_ref().and_then(|hanse| hanse.contracts.membership)
    }

    /// The contract that says which others get other code; `None` on a chain where none does.
    #[must_use]
    pub fn upgrades(&self) -> Option<Address> {
        self.hanse.as_ref().and_then(|hanse| hanse.contracts.upgrades)
    }

    /// The deposit contract whose events are requests (EIP-6110).
    #[must_use]
    pub const fn deposit_contract(&self) -> Option<Address> {
        self.genesis.config.deposit_contract_address
    }

    /// The world state at genesis, as a change of the empty state.
    #[must_use]
    pub fn genesis_changes(&self) -> StateChanges {
        let mut code = Vec::new();
        let accounts = self
            .genesis
            .alloc
            .iter()
            .map(|(address, account)| (*address, genesis_account(account, &mut code)))
            .collect();
        StateChanges::new(accounts, code)
    }

    /// The blob rules at a time; `None` before Cancun.
    #[must_use]
    pub fn blob_params_at(&self, timestamp: u64) -> Option<BlobParams> {
        if let Some(params) = self.blob_schedule.active_scheduled_params_at_timestamp(timestamp) {
            return Some(*params);
        }
        if self.is_osaka_active_at_timestamp(timestamp) {
            Some(self.blob_schedule.osaka)
        } else if self.is_prague_active_at_timestamp(timestamp) {
            Some(self.blob_schedule.prague)
        } else if self.is_cancun_active_at_timestamp(timestamp) {
            Some(self.blob_schedule.cancun)
        } else {
            None
        }
    }

    /// The base fee of the block that follows `parent`; `None` before London.
    #[must_use]
    pub fn next_base_fee(&self, parent: &Header) -> Option<u64> {
        if !self.is_london_active_at_block(parent.number.saturating_add(1)) {
            return None;
        }
        match (self.hanse.as_ref().map(|h| h.base_fee), parent.base_fee_per_gas) {
            (Some(BaseFee::Fixed(fee)), _) => Some(fee),
            (_, Some(_)) => parent.next_block_base_fee(BaseFeeParams::ethereum()),
            (_, None) => Some(INITIAL_BASE_FEE),
        }
    }

    /// All forks with their activation, oldest first.
    pub fn forks(&self) -> impl Iterator<Item = (EthereumHardfork, ForkCondition)> + '_ {
        FORKS.iter().copied().zip(self.forks.values().copied())
    }

    fn genesis_block(&self) -> SealedBlock {
        let g = &self.genesis;
        let time = g.timestamp;
        let cancun = self.is_cancun_active_at_timestamp(time);
        let shanghai = self.is_shanghai_active_at_timestamp(time);
        let base_fee = match self.hanse.as_ref().map(|h| h.base_fee) {
            Some(BaseFee::Fixed(fee)) => fee,
            _ => g
                .base_fee_per_gas
                .and_then(|fee| u64::try_from(fee).ok())
                .unwrap_or(INITIAL_BASE_FEE),
        };
        let header = Header {
            parent_hash: g.parent_hash.unwrap_or_default(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: g.coinbase,
            state_root: state_root_ref_unhashed(&g.alloc),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            difficulty: g.difficulty,
            number: Height::GENESIS.0,
            gas_limit: g.gas_limit,
            timestamp: time,
            extra_data: g.extra_data.clone(),
            mix_hash: g.mix_hash,
            nonce: g.nonce.into(),
            base_fee_per_gas: self.is_london_active_at_block(0).then_some(base_fee),
            withdrawals_root: shanghai.then_some(EMPTY_WITHDRAWALS),
            parent_beacon_block_root: cancun.then_some(B256::ZERO),
            blob_gas_used: cancun.then(|| g.blob_gas_used.unwrap_or(0)),
            excess_blob_gas: cancun.then(|| g.excess_blob_gas.unwrap_or(0)),
            requests_hash: self.is_prague_active_at_timestamp(time).then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        };
        let mut block = crate::Block::uncle(header);
        block.body.withdrawals = shanghai.then(Default::default);
        SealedBlock::new(block)
    }

    /// Timestamped forks must come in order, since each builds on the one before.
    fn check_order(&self) -> Result<(), PrimitiveError> {
        let mut before: Option<(EthereumHardfork, u64)> = None;
        for (fork, condition) in self.forks() {
            let ForkCondition::Timestamp(time) = condition else { continue };
            if let Some((earlier, at)) = before.filter(|(_, at)| *at > time) {
                return Err(PrimitiveError::Genesis(format!(
                    "{fork} at {time} comes before {earlier} at {at}; forks must be in order"
                )));
            }
            before = Some((fork, time));
        }
        Ok(())
    }
}

impl EthereumHardforks for ChainSpec {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        let at = FORKS.iter().position(|known| *known == fork);
        at.and_then(|at| self.forks.get(&at).copied()).unwrap_or(ForkCondition::Never)
    }
}

fn check(genesis: &Genesis) -> Result<(), PrimitiveError> {
    let refuse = |why: String| Err(PrimitiveError::Genesis(why));
    let config = &genesis.config;
    if config.chain_id == 0 {
        return refuse("config.chainId is missing or 0".to_owned());
    }
    if genesis.gas_limit == 0 {
        return refuse("gasLimit is missing or 0; no transaction would fit in a block".to_owned());
    }
    if genesis.extra_data.len() > limits::EXTRA_DATA_BYTES_MAX {
        return refuse(format!(
            "extraData has {} bytes, the most is {}",
            genesis.extra_data.len(),
            limits::EXTRA_DATA_BYTES_MAX
        ));
    }
    if config.amsterdam_time.is_some() || config.bogota_time.is_some() {
        return refuse(
            "forks after Osaka (amsterdamTime, bogotaTime) are not supported".to_owned(),
        );
    }
    let blob_forks = [
        ("bpo1", config.bpo1_time),
        ("bpo2", config.bpo2_time),
        ("bpo3", config.bpo3_time),
        ("bpo4", config.bpo4_time),
        ("bpo5", config.bpo5_time),
    ];
    // Such a fork is nothing but its entry: without one it would pass unnoticed.
    for (name, _) in blob_forks.into_iter().filter(|(_, time)| time.is_some()) {
        if !config.blob_schedule.contains_key(name) {
            return refuse(format!(
                "config.{name}Time is set, but config.blobSchedule.{name} does not say what changes"
            ));
        }
    }
    if config.clique.is_some() || config.parlia.is_some() {
        return refuse("clique and parlia chains are not supported".to_owned());
    }
    Ok(())
}

fn activation(genesis: &Genesis, fork: EthereumHardfork) -> ForkCondition {
    let c = &genesis.config;
    let block = |at: Option<u64>| at.map_or(ForkCondition::Never, ForkCondition::Block);
    let time = |at: Option<u64>| at.map_or(ForkCondition::Never, ForkCondition::Timestamp);
    match fork {
        EthereumHardfork::Frontier => ForkCondition::Block(0),
        EthereumHardfork::Homestead => block(c.homestead_block),
        EthereumHardfork::Dao if c.dao_fork_support => block(c.dao_fork_block),
        EthereumHardfork::Tangerine => block(c.eip150_block),
        EthereumHardfork::SpuriousDragon => block(c.eip155_block.max(c.eip158_block)),
        EthereumHardfork::Byzantium => block(c.byzantium_block),
        EthereumHardfork::Constantinople => block(c.constantinople_block),
        EthereumHardfork::Petersburg => block(c.petersburg_block.or(c.constantinople_block)),
        EthereumHardfork::Istanbul => block(c.istanbul_block),
        EthereumHardfork::MuirGlacier => block(c.muir_glacier_block),
        EthereumHardfork::Berlin => block(c.berlin_block),
        EthereumHardfork::London => block(c.london_block),
        EthereumHardfork::ArrowGlacier => block(c.arrow_glacier_block),
        EthereumHardfork::GrayGlacier => block(c.gray_glacier_block),
        EthereumHardfork::Paris => merge(genesis),
        EthereumHardfork::Shanghai => time(c.shanghai_time),
        EthereumHardfork::Cancun => time(c.cancun_time),
        EthereumHardfork::Prague => time(c.prague_time),
        EthereumHardfork::Osaka => time(c.osaka_time),
        EthereumHardfork::Bpo1 => time(c.bpo1_time),
        EthereumHardfork::Bpo2 => time(c.bpo2_time),
        EthereumHardfork::Bpo3 => time(c.bpo3_time),
        EthereumHardfork::Bpo4 => time(c.bpo4_time),
        EthereumHardfork::Bpo5 => time(c.bpo5_time),
        _ => ForkCondition::Never,
    }
}

/// The merge is at `mergeNetsplitBlock`, or at genesis when no work was ever asked for.
fn merge(genesis: &Genesis) -> ForkCondition {
    let c = &genesis.config;
    let total = c.terminal_total_difficulty;
    let from_start = c.terminal_total_difficulty_passed || total == Some(U256::ZERO);
    match c.merge_netsplit_block.or(from_start.then_some(0)) {
        None => ForkCondition::Never,
        Some(at) => ForkCondition::TTD {
            activation_block_number: at,
            fork_block: Some(at),
            total_difficulty: total.unwrap_or_default(),
        },
    }
}

fn genesis_account(account: &GenesisAccount, code: &mut Vec<(B256, Bytes)>) -> AccountChange {
    let mut info = AccountInfo {
        nonce: account.nonce.unwrap_or(0),
        balance: account.balance,
        ..AccountInfo::default()
    };
    if let Some(bytes) = account.code.as_ref().filter(|bytes| !bytes.is_empty()) {
        info.code_hash = keccak256(bytes);
        code.push((info.code_hash, bytes.clone()));
    }
    let storage = account
        .storage
        .iter()
        .flatten()
        .map(|(slot, value)| (U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0)));
    let storage = storage.filter(|(_, value)| !value.is_zero()).collect();
    AccountChange { info: Some(info), storage_cleared: false, storage }
}
