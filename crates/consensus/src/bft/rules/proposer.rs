//! Who proposes.
//!
//! Multiples of the golden ratio, taken modulo one, fill the unit interval more evenly than any other
//! sequence of its kind: after `n` of them, every interval has its share of `n` but for a few. Each
//! validator owns an interval as wide as its share of the voting power, and the height says which
//! multiple falls to whom. So the choice needs no state that could differ between replicas and
//! nothing that a proposer could grind; it is exact over a long run, where a hash of the height would
//! only be right on average; and heights that fall to one validator lie apart. Later rounds of a
//! height go to others: a validator has its turn again only when all have had theirs.
//!
//! Who has been absent comes last, and so has no turn as long as one of the others delivers. It must have
//! one in the end: it may be the only honest validator that knows of a block which a quorum prevoted,
//! and if so, nobody else can propose what all can accept.

use alloy_primitives::Address;
use hanse_primitives::{Height, Validator, ValidatorSet};

/// 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The proposer of a round.
///
/// # Panics
/// When the set is empty.
pub(crate) fn select(set: &ValidatorSet, height: Height, round: u32) -> Address {
    let all = set.as_slice().iter();
    let (mut candidates, mut absent): (Vec<_>, Vec<_>) = all.partition(|one| one.proposes);
    let count = u64::try_from(set.as_slice().len()).expect("a set fits in memory");
    let last = u64::from(round) % count;
    let mut passed = 0;
    loop {
        if candidates.is_empty() {
            candidates = std::mem::take(&mut absent);
        }
        let chosen = candidates.remove(turn(&candidates, height.0.wrapping_add(passed)));
        if passed == last {
            return chosen.address;
        }
        passed += 1;
    }
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
