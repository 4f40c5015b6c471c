use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, U256};

/// What an engine decides about a block before it is built; the rest follows from parent and pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Seconds since the Unix epoch; above the parent's.
    pub timestamp: u64,
    /// Who receives the priority fees.
    pub fee_recipient: Address,
    /// `PREVRANDAO` of the block (EIP-4399).
    pub prev_randao: B256,
    /// Root of the parent's consensus block (EIP-4788), from Cancun on.
    pub parent_beacon_block_root: Option<B256>,
    /// Difficulty of the block's proof of work; zero under every other engine.
    pub difficulty: U256,
    /// Withdrawals (EIP-4895), from Shanghai on.
    pub withdrawals: Vec<Withdrawal>,
    /// Free bytes of the header, at most [`crate::limits::EXTRA_DATA_BYTES_MAX`]; where
    /// validators vote, a [`crate::Provenance`].
    pub extra_data: Bytes,
    /// Gas limit to move towards (by at most 1/1024 of the parent's a block); `None` keeps the parent's.
    pub gas_limit: Option<u64>,
}
