//! What the records of the block log hold: block, senders, receipts, state changes, seal.

use super::{Seeds, Target};
use hanse_ledger::testing::{record_again, record_bytes};

/// Reads a record's payload and writes what was read. True when the bytes are those that we write.
///
/// Whatever reads is written in one way, and reads again as the same.
#[must_use]
pub fn records() -> Target {
    Box::new(|bytes| {
        let Some(written) = record_again(bytes) else { return false };
        assert_eq!(record_again(&written).as_ref(), Some(&written), "one spelling");
        written == bytes
    })
}

/// Records of blocks with and without transactions.
pub(super) fn seeds() -> Seeds {
    (0..3).map(|number| (format!("good-{number}"), record_bytes(number))).collect()
}
