//! A door for simulations: the real chain over the real rooms, without clock, threads and sockets.
//! Behind the feature `simulation`, which no binary for production has.

use crate::{
    NodeError,
    chain::{Clock, head_of_pool},
    development,
    outside::Accuser,
    own::OwnAccount,
    validator::ValidatorKey,
    wal::FileWal,
};
use alloy_genesis::Genesis;
use alloy_primitives::{Address, Bytes, TxHash, keccak256};
use alloy_signer_local::PrivateKeySigner;
use hanse_consensus::Wal;
use hanse_execution::Executor;
use hanse_ledger::{Ledger, Settings};
use hanse_primitives::{BaseFee, ChainSpec, Equivocation, Height, WorkSettings};
use hanse_rpc::{Events, Submit, SubmitError};
use hanse_txpool::{Pool, PoolSettings};
use parking_lot::Mutex;
use std::{fmt, path::Path, sync::Arc};

pub use crate::chain::LocalChain;

/// One who validates from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Founder {
    /// The account of the key that votes.
    pub account: Address,
    /// Whole ether of stake; counts under proof of stake.
    pub stake: u64,
}

/// How the blocks of a simulated market come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Equal validators vote.
    Bft(Vec<Founder>),
    /// Validators vote by stake.
    Pos(Vec<Founder>),
    /// Miners compete.
    Pow(WorkSettings),
}

/// The genesis of the development market under a rule, without fees.
///
/// # Errors
/// When the temporary folder in which the contracts are constructed cannot be used.
pub fn genesis(rule: Rule) -> Result<Genesis, NodeError> {
    development::market(&consensus(rule), BaseFee::Fixed(0), None)
}

/// The same, where one organization's admins, the well-known accounts, decide on everything, and a vote on the
/// engine takes effect after `notice` blocks.
///
/// # Errors
/// As [`genesis`].
pub fn governed(rule: Rule, notice: u64) -> Result<Genesis, NodeError> {
    let charter = development::Charter::sole()?.with_engine_notice(notice);
    development::market(&consensus(rule), BaseFee::Fixed(0), Some(&charter))
}

fn consensus(rule: Rule) -> development::Consensus {
    let seats = |founders: Vec<Founder>| {
        let seat = |(number, founder): (usize, Founder)| development::Seat {
            account: founder.account,
            name: format!("member-{number}"),
            stake: founder.stake,
        };
        founders.into_iter().enumerate().map(seat).collect()
    };
    // Short enough for some to lose their seats in a storm.
    let absence = development::Absence { seconds: 3, ..development::Absence::default() };
    match rule {
        Rule::Bft(founders) => {
            development::Consensus::Bft { seats: seats(founders), absence, block_time_ms: 0 }
        }
        Rule::Pos(founders) => {
            development::Consensus::Pos { seats: seats(founders), absence, block_time_ms: 0 }
        }
        Rule::Pow(work) => development::Consensus::Pow(work),
    }
}

/// Below which height an engine that begins at `first` signs nothing, by the logs in a member's folder.
///
/// # Errors
/// When they cannot be read.
pub fn signs_from(directory: &Path, first: Height) -> Result<Height, NodeError> {
    crate::engines::signs_from(directory, first).map_err(NodeError::Failed)
}

/// Opens the chain in a folder. `clock` gives seconds since the Unix epoch.
///
/// # Errors
/// When the ledger cannot be opened.
pub fn open(
    spec: &Arc<ChainSpec>,
    directory: &Path,
    settings: Settings,
    clock: impl Fn() -> u64 + Send + Sync + 'static,
) -> Result<LocalChain, NodeError> {
    let clock: Clock = Arc::new(clock);
    let ledger = Ledger::open(directory, spec, settings)?;
    let executor = Executor::new(Arc::clone(spec), ledger.clone());
    let (rules, accounts) = head_of_pool(&ledger, &executor, clock())?;
    let pool = Pool::new(PoolSettings::default(), rules, accounts);
    Ok(LocalChain::new(Arc::clone(spec), ledger, executor, pool, Events::new(), clock))
}

/// Opens an engine's log.
///
/// # Errors
/// When the file is something else, or the disk fails.
pub fn open_wal(path: &Path) -> Result<Box<dyn Wal + Send>, NodeError> {
    Ok(Box::new(FileWal::open(path)?))
}

impl LocalChain {
    /// The record.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What runs transactions.
    #[must_use]
    pub const fn executor(&self) -> &Executor {
        &self.executor
    }

    /// What waits for a block.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The transactions by which a validator takes a proof to the contract, as its node makes them; they
    /// are not in the pool yet.
    #[must_use]
    pub fn accuse(&self, key: &PrivateKeySigner, equivocation: &Equivocation) -> Vec<Bytes> {
        let collected = Arc::new(Collected::default());
        let accuser = Accuser(OwnAccount {
            spec: Arc::clone(&self.spec),
            ledger: self.ledger.clone(),
            executor: self.executor.clone(),
            pool: self.pool.clone(),
            submit: Arc::clone(&collected) as _,
            key: ValidatorKey::of(key.clone()),
        });
        accuser.accuse(equivocation);
        std::mem::take(&mut *collected.0.lock())
    }
}

impl fmt::Debug for LocalChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalChain").field("head", &self.ledger.head()).finish_non_exhaustive()
    }
}

/// Keeps what is submitted.
#[derive(Default)]
struct Collected(Mutex<Vec<Bytes>>);

impl Submit for Collected {
    fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<TxHash, SubmitError>> {
        let hashes = raw.iter().map(|raw| Ok(keccak256(raw))).collect();
        self.0.lock().extend(raw);
        hashes
    }
}
