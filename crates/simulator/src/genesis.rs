//! The genesis of each kind of network, made once: its contracts are constructed on a scratch ledger.

use alloy_primitives::{Address, keccak256};
use alloy_signer_local::PrivateKeySigner;
use hanse_node::{
    NodeError,
    simulation::{Founder, Rule, genesis, governed},
};
use hanse_primitives::{ChainSpec, Engine, EngineChange, HanseSettings, Height, WorkSettings};
use parking_lot::Mutex;
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

/// How the blocks of a simulated network come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rules {
    /// Equal validators vote.
    Bft,
    /// Validators vote by stake.
    Pos,
    /// Miners compete.
    Pow,
    /// Miners compete, and from [`Rules::CHANGE`] on equal validators vote.
    PowToBft,
    /// Miners compete, and from [`Rules::CHANGE`] on validators vote by stake.
    PowToPos,
    /// Validators vote, equally at first, and members change that by vote, again and again.
    Voted,
}

impl Rules {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Bft, Self::Pos, Self::Pow, Self::PowToBft, Self::PowToPos, Self::Voted];

    /// The first height at which validators vote, where they take over from miners.
    pub const CHANGE: Height = Height(7);

    /// True when validators vote, at some time.
    #[must_use]
    pub const fn votes(self) -> bool {
        !matches!(self, Self::Pow)
    }

    /// True when miners compete, at some time.
    #[must_use]
    pub const fn mines(self) -> bool {
        !matches!(self, Self::Bft | Self::Pos | Self::Voted)
    }

    /// True when blocks are decided in this way at a height.
    #[must_use]
    pub fn votes_at(self, height: Height) -> bool {
        match self {
            Self::Bft | Self::Pos | Self::Voted => true,
            Self::Pow => false,
            Self::PowToBft | Self::PowToPos => height >= Self::CHANGE,
        }
    }

    /// How long things go wrong, in milliseconds.
    pub(crate) const fn storm_ms(self) -> u64 {
        match self {
            Self::Bft | Self::Pos => 15_000,
            Self::Voted => 25_000,
            Self::Pow => 50_000,
            Self::PowToBft | Self::PowToPos => 30_000,
        }
    }

    /// The longest partition or crash. Under work, far from what it takes to make two blocks final at one
    /// height: that is what the depth of finality is for.
    pub(crate) const fn outage_ms_max(self) -> u64 {
        match self {
            Self::Bft | Self::Pos | Self::Voted => 8_000,
            Self::Pow | Self::PowToBft | Self::PowToPos => 12_000,
        }
    }

    /// The rules of mining.
    pub(crate) const fn work() -> WorkSettings {
        WorkSettings {
            block_time_ms: BLOCK_TIME_MS,
            half_life_seconds: 60,
            finality_depth: 20,
            initial_difficulty: DIFFICULTY,
        }
    }
}

/// Blocks between a vote on the engine and its effect, at least.
pub(crate) const NOTICE: u64 = 2;

/// Where the contract of stakes is, in a network that begins with equal votes.
pub(crate) const STAKES: Address = Address::repeat_byte(0x5e);

/// Milliseconds between blocks that miners aim at.
pub(crate) const BLOCK_TIME_MS: u64 = 2_000;

/// Difficulty of the first block, and so about the hashes of all miners together in that time.
pub(crate) const DIFFICULTY: u64 = 2_048;

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bft => "bft",
            Self::Pos => "pos",
            Self::Pow => "pow",
            Self::PowToBft => "pow-bft",
            Self::PowToPos => "pow-pos",
            Self::Voted => "voted",
        })
    }
}

impl FromStr for Rules {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|rules| rules.to_string() == text);
        found.ok_or_else(|| format!("'{text}' is none of bft, pos, pow, pow-bft, pow-pos, voted"))
    }
}

/// A member's key.
pub(crate) fn key(member: usize) -> PrivateKeySigner {
    let seed = keccak256(format!("member {member}"));
    PrivateKeySigner::from_bytes(&seed).expect("this hash is a key: below the order of the curve")
}

/// Stake of a member in ether. Different ones, and none with a third of all or, of two with another one, of
/// seven: so any traitors that a scenario draws have less than a third.
pub(crate) const fn stake(member: usize) -> u64 {
    [11, 10, 12, 9, 11, 10, 12][member % 7]
}

type Made = BTreeMap<(Rules, usize), Arc<ChainSpec>>;

static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());

/// The chain of a network with so many validators.
pub(crate) fn spec(rules: Rules, validators: usize) -> Result<Arc<ChainSpec>, NodeError> {
    let mut made = MADE.lock();
    if let Some(spec) = made.get(&(rules, validators)) {
        return Ok(Arc::clone(spec));
    }
    let spec = Arc::new(make(rules, validators)?);
    made.insert((rules, validators), Arc::clone(&spec));
    Ok(spec)
}

fn make(rules: Rules, validators: usize) -> Result<ChainSpec, NodeError> {
    let founder = |member| Founder { account: key(member).address(), stake: stake(member) };
    let founders: Vec<Founder> = (0..validators).map(founder).collect();
    if rules == Rules::Voted {
        return voted(&founders);
    }
    let mut genesis = genesis(match rules {
        Rules::Bft | Rules::PowToBft => Rule::Bft(founders),
        Rules::Pos | Rules::PowToPos => Rule::Pos(founders),
        Rules::Pow => Rule::Pow(Rules::work()),
        Rules::Voted => unreachable!("such a genesis has contracts of both kinds"),
    })?;
    if matches!(rules, Rules::PowToBft | Rules::PowToPos) {
        let fields = &mut genesis.config.extra_fields;
        let settings = fields.get_deserialized::<HanseSettings>("hanse");
        let mut settings = settings
            .and_then(Result::ok)
            .expect("the node has written its own settings into this genesis");
        let later = std::mem::replace(&mut settings.consensus, Engine::Pow(Rules::work()));
        settings.consensus_changes = vec![EngineChange { height: Rules::CHANGE, consensus: later }];
        let value = serde_json::to_value(settings).expect("settings are plain data");
        fields.insert("hanse".to_owned(), value);
    }
    Ok(ChainSpec::new(genesis)?)
}

/// Both kinds of validators, the same people, at places of their own.
fn voted(founders: &[Founder]) -> Result<ChainSpec, NodeError> {
    let mut genesis = governed(Rule::Bft(founders.to_vec()), NOTICE)?;
    let other = ChainSpec::new(governed(Rule::Pos(founders.to_vec()), NOTICE)?)?;
    let engine = other.hanse().map(|hanse| &hanse.consensus);
    let place = engine.and_then(Engine::validators).map(|settings| settings.contract);
    let stakes = place.and_then(|place| other.genesis().alloc.get(&place));
    genesis.alloc.insert(STAKES, stakes.cloned().expect("it was made a line before"));
    Ok(ChainSpec::new(genesis)?)
}

/// The engine that first lets validators vote, as genesis says.
pub(crate) fn voting(spec: &ChainSpec) -> Option<&Engine> {
    let hanse = spec.hanse()?;
    let changes = hanse.consensus_changes.iter().map(|change| &change.consensus);
    std::iter::once(&hanse.consensus).chain(changes).find(|engine| engine.validators().is_some())
}
