//! What a block must be like before it is worth executing: everything that follows from its parent,
//! its fork and its own body. Pure arithmetic; no state.

use crate::Violation;
use alloy_consensus::{
    Transaction as _,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, EMPTY_WITHDRAWALS},
    proofs::{calculate_ommers_root, calculate_withdrawals_root},
};
use alloy_eips::{
    eip1559::BaseFeeParams, eip4844::DATA_GAS_PER_BLOB, eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, B64, B256, U256};
use alloy_rlp::Encodable;
use hanse_primitives::{
    Attributes, Block, ChainSpec, Engine, Header, Height, SealedBlock, Transaction,
    limits::{BLOCK_BYTES_MAX, EXTRA_DATA_BYTES_MAX, PROVENANCE_BYTES_MAX},
};
use std::fmt::{Debug, Display};

/// A gas limit moves by less than this part of its parent's.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1_024;

/// The least that a gas limit may be (yellow paper, 4.4.4).
const GAS_LIMIT_MIN: u64 = 5_000;

/// The most that a gas limit may ever be; Ethereum clients keep it in a signed integer.
const GAS_LIMIT_MAX: u64 = i64::MAX.unsigned_abs();

/// Extra data of the ten blocks from the DAO fork on, by which its sides tell each other apart.
const DAO_EXTRA_DATA: &[u8] = b"dao-hard-fork";

/// Blocks that bear [`DAO_EXTRA_DATA`].
const DAO_EXTRA_BLOCKS: u64 = 10;

/// The chain's forks as the EVM library asks for them, but for the DAO fork: the library moves
/// that money at the end of the block, the protocol at its beginning, and so do we.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForkRules<'a>(pub(crate) &'a ChainSpec);

impl EthereumHardforks for ForkRules<'_> {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        match fork {
            EthereumHardfork::Dao => ForkCondition::Never,
            _ => self.0.ethereum_fork_activation(fork),
        }
    }
}

impl EthExecutorSpec for ForkRules<'_> {
    fn deposit_contract_address(&self) -> Option<Address> {
        self.0.deposit_contract()
    }
}

/// Excess blob gas of a block at `timestamp` that follows `parent`; `None` before Cancun.
#[must_use]
pub fn next_excess_blob_gas(spec: &ChainSpec, parent: &Header, timestamp: u64) -> Option<u64> {
    let params = spec.blob_params_at(timestamp)?;
    Some(params.next_block_excess_blob_gas_osaka(
        parent.excess_blob_gas.unwrap_or(0),
        parent.blob_gas_used.unwrap_or(0),
        parent.base_fee_per_gas.unwrap_or(0),
    ))
}

/// Wei per blob gas in a block at `timestamp` that follows `parent`; `None` before Cancun.
#[must_use]
pub fn next_blob_fee(spec: &ChainSpec, parent: &Header, timestamp: u64) -> Option<u128> {
    let params = spec.blob_params_at(timestamp)?;
    next_excess_blob_gas(spec, parent, timestamp).map(|excess| params.calc_blob_fee(excess))
}

/// Checks a header against its parent, the rules of its fork, and those of the engine that decides it.
pub(crate) fn check_header(
    spec: &ChainSpec,
    engine: Option<&Engine>,
    parent: &Header,
    parent_hash: B256,
    header: &Header,
) -> Result<(), Violation> {
    expect("parent hash", header.parent_hash, parent_hash)?;
    expect("number", Some(header.number), parent.number.checked_add(1))?;
    check_timestamp(spec, parent, header.timestamp)?;
    let vote = engine.is_some_and(|engine| engine.validators().is_some());
    let most = if vote { PROVENANCE_BYTES_MAX } else { EXTRA_DATA_BYTES_MAX };
    if header.extra_data.len() > most {
        return Err(Violation::OutOfBounds(format!(
            "extra data has {} bytes, the most is {most}",
            header.extra_data.len()
        )));
    }
    check_gas(spec, parent, header)?;
    expect("base fee", header.base_fee_per_gas, spec.next_base_fee(parent))?;
    check_seal_fields(spec, header)?;
    check_dao_extra_data(spec, header)?;
    let shanghai = spec.is_shanghai_active_at_timestamp(header.timestamp);
    presence("withdrawals root", header.withdrawals_root.is_some(), shanghai)?;
    let cancun = spec.is_cancun_active_at_timestamp(header.timestamp);
    presence("parent beacon block root", header.parent_beacon_block_root.is_some(), cancun)?;
    presence("blob gas used", header.blob_gas_used.is_some(), cancun)?;
    presence("excess blob gas", header.excess_blob_gas.is_some(), cancun)?;
    let excess = next_excess_blob_gas(spec, parent, header.timestamp);
    expect("excess blob gas", header.excess_blob_gas, excess)?;
    let prague = spec.is_prague_active_at_timestamp(header.timestamp);
    presence("requests hash", header.requests_hash.is_some(), prague)?;
    presence("block access list hash", header.block_access_list_hash.is_some(), false)?;
    presence("slot number", header.slot_number.is_some(), false)
}

/// Foreign chains count seconds; a Hanse chain may have several blocks in one second.
fn check_timestamp(spec: &ChainSpec, parent: &Header, timestamp: u64) -> Result<(), Violation> {
    let least =
        if spec.hanse().is_some() { parent.timestamp } else { parent.timestamp.saturating_add(1) };
    if timestamp >= least {
        return Ok(());
    }
    Err(Violation::OutOfBounds(format!("timestamp is {timestamp}, the least is {least}")))
}

fn check_gas(spec: &ChainSpec, parent: &Header, header: &Header) -> Result<(), Violation> {
    if header.gas_used > header.gas_limit {
        return Err(Violation::OutOfBounds(format!(
            "gas used is {}, above the gas limit {}",
            header.gas_used, header.gas_limit
        )));
    }
    let before = parent_gas_limit(spec, parent);
    let step = before / GAS_LIMIT_BOUND_DIVISOR;
    let limit = header.gas_limit;
    if limit.abs_diff(before) >= step.max(1) && limit != before {
        return Err(Violation::OutOfBounds(format!(
            "gas limit is {limit}, which is {step} or more away from {before}"
        )));
    }
    if !(GAS_LIMIT_MIN..=GAS_LIMIT_MAX).contains(&limit) {
        return Err(Violation::OutOfBounds(format!("gas limit {limit} is out of bounds")));
    }
    Ok(())
}

/// The first block with a base fee may have twice the gas, as its target is half its limit.
fn parent_gas_limit(spec: &ChainSpec, parent: &Header) -> u64 {
    let first = spec.is_london_active_at_block(parent.number.saturating_add(1))
        && !spec.is_london_active_at_block(parent.number);
    let factor = BaseFeeParams::ethereum().elasticity_multiplier;
    let factor = u64::try_from(factor).expect("the elasticity multiplier is 2");
    if first { parent.gas_limit.saturating_mul(factor) } else { parent.gas_limit }
}

/// After the merge these fields are constants; before it, proof of work decides what they are, and
/// that is not verified here.
fn check_seal_fields(spec: &ChainSpec, header: &Header) -> Result<(), Violation> {
    if spec.is_paris_active_at_block(header.number) {
        // Our own proof of work keeps its difficulty and nonce where Ethereum's was; its engine
        // checks them.
        if !mined(spec, header.number) {
            expect("difficulty", header.difficulty, U256::ZERO)?;
            expect("nonce", header.nonce, B64::ZERO)?;
        }
        return expect("ommers hash", header.ommers_hash, EMPTY_OMMER_ROOT_HASH);
    }
    if header.difficulty.is_zero() {
        return Err(Violation::OutOfBounds("difficulty is 0 before the merge".to_owned()));
    }
    Ok(())
}

/// True when the block at this height is decided by our own proof of work.
fn mined(spec: &ChainSpec, number: u64) -> bool {
    spec.is_mined(Height(number))
}

fn check_dao_extra_data(spec: &ChainSpec, header: &Header) -> Result<(), Violation> {
    let config = &spec.genesis().config;
    let Some(fork) = config.dao_fork_block else { return Ok(()) };
    let marked = (fork..fork.saturating_add(DAO_EXTRA_BLOCKS)).contains(&header.number);
    if !marked || config.dao_fork_support == (header.extra_data.as_ref() == DAO_EXTRA_DATA) {
        return Ok(());
    }
    Err(Violation::OutOfBounds("extra data is not that of this side of the DAO fork".to_owned()))
}

/// Checks what the body alone decides. The transactions root is checked while the block runs.
pub(crate) fn check_body(spec: &ChainSpec, block: &SealedBlock) -> Result<(), Violation> {
    let header = block.header();
    let body = &block.block().body;
    expect("ommers hash", header.ommers_hash, calculate_ommers_root(&body.ommers))?;
    let shanghai = spec.is_shanghai_active_at_timestamp(header.timestamp);
    presence("withdrawals", body.withdrawals.is_some(), shanghai)?;
    if let Some(withdrawals) = &body.withdrawals {
        let root = calculate_withdrawals_root(withdrawals);
        expect("withdrawals root", header.withdrawals_root, Some(root))?;
    }
    check_blobs(spec, header, &body.transactions)?;
    for (index, transaction) in body.transactions.iter().enumerate() {
        if let Some(reason) = misplaced(spec, header.number, transaction) {
            let (hash, reason) = (*transaction.tx_hash(), reason.to_owned());
            return Err(Violation::Transaction { index, hash, reason });
        }
    }
    check_size(spec, block.block())
}

/// Why a transaction is too new for a height, as far as the EVM would not notice.
pub(crate) fn misplaced(
    spec: &ChainSpec,
    number: u64,
    transaction: &Transaction,
) -> Option<&'static str> {
    let early = !spec.is_spurious_dragon_active_at_block(number);
    (early && transaction.chain_id().is_some()).then_some("bears a chain id before EIP-155")
}

fn check_blobs(
    spec: &ChainSpec,
    header: &Header,
    transactions: &[Transaction],
) -> Result<(), Violation> {
    let Some(params) = spec.blob_params_at(header.timestamp) else { return Ok(()) };
    let blobs: u64 = transactions.iter().map(blob_count).sum();
    expect("blob gas used", header.blob_gas_used, blobs.checked_mul(DATA_GAS_PER_BLOB))?;
    if blobs > params.max_blob_count {
        return Err(Violation::OutOfBounds(format!(
            "{blobs} blobs, the most is {}",
            params.max_blob_count
        )));
    }
    Ok(())
}

/// Blobs of a transaction.
pub(crate) fn blob_count(transaction: &Transaction) -> u64 {
    transaction.blob_versioned_hashes().map_or(0, |hashes| hashes.len() as u64)
}

/// EIP-7934; a Hanse chain holds its blocks to it at every fork.
fn check_size(spec: &ChainSpec, block: &Block) -> Result<(), Violation> {
    let limited =
        spec.hanse().is_some() || spec.is_osaka_active_at_timestamp(block.header.timestamp);
    let bytes = if limited { block.length() } else { 0 };
    if bytes > BLOCK_BYTES_MAX {
        return Err(Violation::OutOfBounds(format!(
            "the block has {bytes} bytes, the most is {BLOCK_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// The header of a block that is about to be built: all that is known before its transactions are.
pub(crate) fn next_header(
    spec: &ChainSpec,
    engine: Option<&Engine>,
    parent: &Header,
    parent_hash: B256,
    attributes: &Attributes,
) -> Result<Header, Violation> {
    let time = attributes.timestamp;
    let number = parent.number.saturating_add(1);
    let paris = spec.is_paris_active_at_block(number);
    let shanghai = spec.is_shanghai_active_at_timestamp(time);
    let cancun = spec.is_cancun_active_at_timestamp(time);
    check_timestamp(spec, parent, time)?;
    if !shanghai && !attributes.withdrawals.is_empty() {
        return Err(Violation::Unexpected("withdrawals"));
    }
    let header = Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: attributes.fee_recipient,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        // Before the merge the seal decides; what the parent had is a place to start from.
        difficulty: match paris {
            true if mined(spec, number) => attributes.difficulty,
            true => U256::ZERO,
            false => parent.difficulty,
        },
        number,
        gas_limit: next_gas_limit(parent_gas_limit(spec, parent), attributes.gas_limit),
        timestamp: time,
        extra_data: attributes.extra_data.clone(),
        mix_hash: attributes.prev_randao,
        base_fee_per_gas: spec.next_base_fee(parent),
        withdrawals_root: match &attributes.withdrawals[..] {
            _ if !shanghai => None,
            [] => Some(EMPTY_WITHDRAWALS),
            some => Some(calculate_withdrawals_root(some)),
        },
        // An engine does not know the forks: what belongs to a later one is left away.
        parent_beacon_block_root: attributes.parent_beacon_block_root.filter(|_| cancun),
        blob_gas_used: cancun.then_some(0),
        excess_blob_gas: next_excess_blob_gas(spec, parent, time),
        requests_hash: spec.is_prague_active_at_timestamp(time).then_some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    };
    check_header(spec, engine, parent, parent_hash, &header)?;
    Ok(header)
}

/// As far towards the wish as one block may go.
fn next_gas_limit(before: u64, wish: Option<u64>) -> u64 {
    let step = (before / GAS_LIMIT_BOUND_DIVISOR).saturating_sub(1);
    let wish = wish.unwrap_or(before).clamp(GAS_LIMIT_MIN, GAS_LIMIT_MAX);
    wish.clamp(before.saturating_sub(step), before.saturating_add(step))
}

/// Generations by which an ommer may be older than the block that names it (yellow paper, 11.1).
pub(crate) const OMMER_AGE_MAX: u64 = 6;

/// Ommers that a block may name.
const OMMERS_MAX: usize = 2;

/// Checks ommers against the block's ancestors, given nearest first with the ommers that each named.
/// The reward of an ommer follows from its age, so this must hold before rewards are paid.
pub(crate) fn check_ommers(
    block: &SealedBlock,
    ancestors: &[(B256, Vec<B256>)],
) -> Result<(), Violation> {
    let ommers = &block.block().body.ommers;
    if ommers.len() > OMMERS_MAX {
        return Err(Violation::OutOfBounds(format!("{} ommers, the most is 2", ommers.len())));
    }
    let mut seen = Vec::new();
    for ommer in ommers {
        let hash = ommer.hash_slow();
        let bad = |why: &str| Err(Violation::OutOfBounds(format!("ommer {hash} {why}")));
        if seen.contains(&hash) || ancestors.iter().any(|(_, named)| named.contains(&hash)) {
            return bad("is named twice");
        }
        if ancestors.iter().any(|(ancestor, _)| *ancestor == hash) {
            return bad("is an ancestor");
        }
        // The nearest ancestor is the parent; an ommer's parent is at least one generation older.
        let parent = ancestors.iter().skip(1).position(|(known, _)| *known == ommer.parent_hash);
        let Some(age) = parent.map(|at| at as u64 + 1) else {
            return bad("has no parent among the ancestors");
        };
        if age > OMMER_AGE_MAX || ommer.number.checked_add(age) != Some(block.header().number) {
            return bad("is of the wrong height");
        }
        seen.push(hash);
    }
    Ok(())
}

/// An error unless a field is what it must be.
pub(crate) fn expect<T: PartialEq + Debug>(
    field: &'static str,
    found: T,
    expected: T,
) -> Result<(), Violation> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (Shown(&found).to_string(), Shown(&expected).to_string());
    Err(Violation::Mismatch { field, found, expected })
}

/// Options without their `Some`, for people.
struct Shown<'a, T>(&'a T);

impl<T: Debug> Display for Shown<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        match text.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')) {
            Some(inner) => f.write_str(inner),
            None if text == "None" => f.write_str("missing"),
            None => f.write_str(&text),
        }
    }
}

fn presence(field: &'static str, there: bool, wanted: bool) -> Result<(), Violation> {
    match (there, wanted) {
        (false, true) => Err(Violation::Missing(field)),
        (true, false) => Err(Violation::Unexpected(field)),
        _ => Ok(()),
    }
}
