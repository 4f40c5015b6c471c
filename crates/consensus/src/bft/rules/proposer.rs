//! Who proposes.
//!
//! Multiples of the golden ratio, taken modulo one, fill the unit interval more evenly than any other
//! sequence of its kind: after `n` of them, every interval has its share of `n` but for a few. Each
//! validator owns an interval as wide as its share of the voting power, and the height says which
//! multiple falls to whom. So the choice needs no state that could differ between replicas and
//! nothing that a proposer could grind; it is exact over a long run, where a hash of the height would
//! only be right on average; and heights that fall to one validator lie apart. Later rounds of a
//! height go to others: a validator has its turn again only when all have had theirs.

use alloy_primitives::Address;
use hanse_primitives::{Height, Validator, ValidatorSet};

/// 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The proposer of a round.
///
/// # Panics
/// When the set is empty.
pub(crate) fn select(set: &ValidatorSet, height: Height, round: u32) -> Address {
    let mut candidates: Vec<&Validator> = set.as_slice().iter().filter(|v| v.proposes).collect();
    if candidates.is_empty() {
        candidates = set.as_slice().iter().collect();
    }
    let count = u64::try_from(candidates.len()).expect("a set fits in memory");
    let mut chosen = turn(&candidates, height.0);
    for passed in 1..=u64::from(round) % count {
        candidates.remove(chosen);
        chosen = turn(&candidates, height.0.wrapping_add(passed));
    }
    candidates[chosen].address
}

/// Into whose interval the multiple falls.
fn turn(candidates: &[&Validator], multiple: u64) -> usize {
    let total: u128 = candidates.iter().map(|candidate| u128::from(candidate.power)).sum();
    // Powers are below 2^64 together (`limits::POWER_MAX`), so the product fits.
    let point = (u128::from(multiple.wrapping_mul(GOLDEN)) * total) >> 64;
    let mut end = 0;
    let falls = |candidate: &&Validator| {
        end += u128::from(candidate.power);
        point < end
    };
    candidates
        .iter()
        .position(falls)
        .expect("the point is below the total, and somebody may propose")
}
