/// What an operator may tune.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Transactions in the pool.
    pub transactions_max: usize,
    /// Encoded bytes in the pool, sidecars included.
    pub bytes_max: usize,
    /// Transactions of one sender; at least one.
    pub sender_transactions_max: usize,
    /// Seconds after which a transaction that cannot run yet is dropped.
    pub queued_seconds_max: u64,
    /// Percent by which a replacement must raise each fee (100 for blob transactions, whatever is
    /// set here).
    pub replacement_percent_min: u64,
    /// Least priority fee, in wei per gas.
    pub priority_fee_min: u128,
    /// Refuse transactions that name no chain (before EIP-155): any chain could replay them.
    pub chain_id_required: bool,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            transactions_max: 200_000,
            bytes_max: 512 * 1024 * 1024,
            sender_transactions_max: 16_384,
            queued_seconds_max: 3 * 60 * 60,
            replacement_percent_min: 10,
            priority_fee_min: 0,
            chain_id_required: true,
        }
    }
}
