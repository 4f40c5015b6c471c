use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::Address;
use hanse_primitives::Transaction;
use rayon::prelude::*;

/// Transactions below which a thread is not worth waking: 8 recoveries take 0.2 ms.
const CHUNK: usize = 8;

/// Who signed each transaction, in order; `Err` holds the position of the first whose signature is
/// invalid. Runs on all cores; `known` (the pool, which remembers) is asked first, as a recovery takes
/// 27 us.
///
/// # Errors
/// The position of a transaction that nobody can have signed.
pub fn recover_all(
    transactions: &[Transaction],
    known: &(dyn Fn(&Transaction) -> Option<Address> + Sync),
) -> Result<Vec<Address>, usize> {
    recover_with(transactions, known, SignatureRule::LowOnly)
}

/// Which signatures a fork accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureRule {
    /// Any `s`, before Homestead.
    Any,
    /// The lower half of all `s` (EIP-2).
    LowOnly,
}

pub(crate) fn recover_with(
    transactions: &[Transaction],
    known: &(dyn Fn(&Transaction) -> Option<Address> + Sync),
    rule: SignatureRule,
) -> Result<Vec<Address>, usize> {
    let found: Vec<Option<Address>> = transactions
        .par_iter()
        .with_min_len(CHUNK)
        .map(|transaction| {
            known(transaction).or_else(|| {
                let signer = match rule {
                    SignatureRule::Any => transaction.recover_signer_unchecked(),
                    SignatureRule::LowOnly => transaction.recover_signer(),
                };
                signer.ok()
            })
        })
        .collect();
    // Gathered first and judged in order afterwards, so that every node names the same position.
    found.into_iter().enumerate().map(|(index, sender)| sender.ok_or(index)).collect()
}
