use alloy_primitives::U256;
use hanse_primitives::{Height, WorkSettings};

/// Fractional bits of powers of two.
const POWER_BITS: u32 = 62;

/// Fractional bits of exponents.
const EXPONENT_BITS: u32 = 32;

/// Halvings or doublings that one block may bring about.
const EXPONENT_MAX: i128 = 2 << EXPONENT_BITS;

/// The least difficulty, whatever the settings.
const DIFFICULTY_MIN: u64 = 1_024;

/// `ROOTS[i]` is the `2^(i + 1)`-th root of two.
const ROOTS: [u64; EXPONENT_BITS as usize] = roots();

#[expect(clippy::cast_possible_truncation, reason = "a root of two is below 2^63 here")]
const fn roots() -> [u64; EXPONENT_BITS as usize] {
    let mut roots = [0; EXPONENT_BITS as usize];
    let mut root: u128 = 2 << POWER_BITS;
    let mut at = 0;
    while at < roots.len() {
        root = (root << POWER_BITS).isqrt();
        roots[at] = root as u64;
        at += 1;
    }
    roots
}

/// What the difficulty of every block follows from, besides its ancestors.
#[derive(Clone, Debug)]
pub(in crate::pow) struct Schedule {
    block_time_ms: u64,
    half_life_ms: u64,
    initial: U256,
    least: U256,
    /// The first height that has work.
    pub(in crate::pow) first: Height,
}

impl Schedule {
    pub(in crate::pow) fn new(settings: &WorkSettings, first: Height) -> Self {
        // A second more or less must move even the least difficulty by whole units, or rounding would
        // hold it where it is: d ln 2 / half-life >= 2.7.
        let least = settings.half_life_seconds.saturating_mul(4).max(DIFFICULTY_MIN);
        Self {
            block_time_ms: settings.block_time_ms,
            half_life_ms: settings.half_life_seconds.saturating_mul(1_000).max(1),
            initial: U256::from(settings.initial_difficulty.max(least)),
            least: U256::from(least),
            first,
        }
    }

    /// The least difficulty that a block can have.
    pub(in crate::pow) const fn least(&self) -> U256 {
        self.least
    }
}

/// Difficulty of the block after `parent`, which has `difficulty` and came `interval_seconds` after
/// its own parent: the relative form of ASERT.
///
/// `d' = d * 2^((block time - interval) / half-life)`, rounded to the nearest, at most four times and
/// at least a quarter of `d`. The pause before the first block says nothing about mining power.
pub(in crate::pow) fn next_difficulty(
    schedule: &Schedule,
    parent: Height,
    difficulty: U256,
    interval_seconds: u64,
) -> U256 {
    if parent <= schedule.first {
        return schedule.initial;
    }
    let ahead_ms = i128::from(schedule.block_time_ms) - i128::from(interval_seconds) * 1_000;
    let exponent = (ahead_ms << EXPONENT_BITS).div_euclid(i128::from(schedule.half_life_ms));
    let exponent = exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX);
    let whole = exponent.div_euclid(1 << EXPONENT_BITS);
    let fraction = exponent.rem_euclid(1 << EXPONENT_BITS);
    let shift = usize::try_from(i128::from(POWER_BITS) - whole)
        .expect("the whole part is between -2 and 2, and less than the fractional bits");
    let product = difficulty.min(ceiling()) * U256::from(power(fraction));
    let next = (product + (U256::from(1) << (shift - 1))) >> shift;
    next.clamp(schedule.least, ceiling())
}

/// No power on earth reaches it; sums and products with it stay far below 2^256.
fn ceiling() -> U256 {
    U256::from(u128::MAX)
}

/// Two to the power of a fraction of 2^32, with [`POWER_BITS`] fractional bits.
fn power(fraction: i128) -> u128 {
    let mut power = 1_u128 << POWER_BITS;
    for (at, root) in ROOTS.iter().enumerate() {
        if (fraction >> (EXPONENT_BITS as usize - 1 - at)) & 1 == 1 {
            power = (power * u128::from(*root)) >> POWER_BITS;
        }
    }
    power
}
