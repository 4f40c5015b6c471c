use serde::{Serialize, Serializer};
use std::fmt::LowerHex;

/// A number as a quantity: `0x` and hex digits without leading zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hex<T>(pub(crate) T);

/// Shorthand for [`Hex`] of a count.
pub(crate) fn hex(count: usize) -> Hex<u64> {
    Hex(u64::try_from(count).expect("a count in memory fits in 64 bits"))
}

impl<T: LowerHex> Serialize for Hex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}
