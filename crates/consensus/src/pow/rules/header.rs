use super::{Context, Schedule, earliest, is_good, next_difficulty, seal_hash, target};
use crate::{Job, pow::limits::FUTURE_SECONDS_MAX, randao::prev_randao};
use alloy_consensus::proofs::calculate_transaction_root;
use alloy_primitives::B256;
use hanse_primitives::{Header, SealedBlock};

/// What a header says to those who know its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pow) enum Judgement {
    /// It keeps every rule of proof of work; whether its body does, only execution can tell.
    Good,
    /// It is from the future, and can be judged from this second on.
    Early(u64),
    /// It breaks a rule, whoever looks and whenever.
    Bad(Fault),
}

/// The rule of proof of work that a block breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pow) enum Fault {
    /// The work that it claims has not been done.
    Work(String),
    /// The body is not the one that the header names. Nothing is wrong with the block itself: whoever
    /// has the right body can still show it.
    Body,
    /// Something else.
    Rule(String),
}

/// Judges a block by its header and by what it is built on, cheap checks first. Of the body it is
/// checked that the header names it; nothing is executed.
pub(in crate::pow) fn judge(
    schedule: &Schedule,
    parent: &Context,
    block: &SealedBlock,
    now_seconds: u64,
) -> Judgement {
    let header = block.header();
    match check(schedule, parent, block) {
        Err(fault) => Judgement::Bad(fault),
        // After the work: to be kept until its time, a block must have cost something.
        Ok(()) if header.timestamp > now_seconds.saturating_add(FUTURE_SECONDS_MAX) => {
            Judgement::Early(header.timestamp.saturating_sub(FUTURE_SECONDS_MAX))
        }
        Ok(()) => Judgement::Good,
    }
}

fn check(schedule: &Schedule, parent: &Context, block: &SealedBlock) -> Result<(), Fault> {
    let header = block.header();
    let rule = |broken: bool, why: &str| {
        if broken { Err(Fault::Rule(why.to_owned())) } else { Ok(()) }
    };
    rule(block.height() != parent.reference.height.next(), "the height is not the parent's next")?;
    let due = expected_difficulty(schedule, parent);
    if header.difficulty != due {
        let why = format!("difficulty is {}, not {due}", header.difficulty);
        return Err(Fault::Work(why));
    }
    check_work(header).map_err(Fault::Work)?;
    rule(header.timestamp < earliest(&parent.times), "the time is not above the median's")?;
    let randao = prev_randao(parent.reference.hash, block.height());
    rule(header.mix_hash != randao, "the mix hash does not follow from the parent")?;
    let root = header.parent_beacon_block_root.unwrap_or(B256::ZERO);
    rule(!root.is_zero(), "there is no beacon block")?;
    if !names_its_body(block) {
        return Err(Fault::Body);
    }
    // A withdrawal is money from nowhere.
    let withdrawals = block.block().body.withdrawals.as_ref();
    rule(withdrawals.is_some_and(|list| !list.is_empty()), "there is nothing to withdraw")
}

/// True when the body is the one that the hash stands for. Without this, anybody could give a good
/// block a bad body, and have its hash remembered as that of an invalid block.
fn names_its_body(block: &SealedBlock) -> bool {
    let (header, body) = (block.header(), &block.block().body);
    header.transactions_root == calculate_transaction_root(&body.transactions)
        && header.ommers_hash == body.calculate_ommers_root()
        && header.withdrawals_root == body.calculate_withdrawals_root()
}

/// Difficulty of the block after this one.
pub(in crate::pow) fn expected_difficulty(
    schedule: &Schedule,
    parent: &Context,
) -> alloy_primitives::U256 {
    next_difficulty(schedule, parent.reference.height, parent.difficulty, parent.interval_seconds())
}

/// Checks that a header has done the work that it claims, whatever that is.
pub(in crate::pow) fn check_work(header: &Header) -> Result<(), String> {
    let job = Job { seal_hash: seal_hash(header), target: target(header.difficulty) };
    let nonce = u64::from_be_bytes(header.nonce.0);
    if header.difficulty.is_zero() || !is_good(&job, nonce) {
        return Err(format!("the nonce does not do the work of {}", header.difficulty));
    }
    Ok(())
}
