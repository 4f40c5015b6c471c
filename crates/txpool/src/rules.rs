use alloy_hardforks::EthereumHardforks;
use hanse_primitives::{ChainSpec, Header};

/// What the next block asks of a transaction; given anew with each head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas limit of the next block.
    pub gas_limit: u64,
    /// Base fee of the next block, in wei per gas; 0 before London.
    pub base_fee: u64,
    /// What the next block asks of blobs; `None` before Cancun.
    pub blobs: Option<BlobRules>,
    /// Which forks are active in the next block.
    pub forks: Forks,
}

/// What the next block asks of blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRules {
    /// Blob base fee, in wei per blob gas.
    pub fee: u128,
    /// Most blobs of one transaction.
    pub blobs_max: u64,
}

/// The forks that decide what the pool admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forks {
    /// Access-list transactions.
    pub berlin: bool,
    /// Dynamic-fee transactions.
    pub london: bool,
    /// Init-code limit.
    pub shanghai: bool,
    /// Blob transactions.
    pub cancun: bool,
    /// Set-code transactions, calldata floor.
    pub prague: bool,
    /// Gas cap of a transaction, cell proofs.
    pub osaka: bool,
}

impl Rules {
    /// The rules of a block on top of `parent`, made at `timestamp` (seconds since the Unix epoch); a
    /// clock that is behind the parent counts as the parent's time.
    #[must_use]
    pub fn next(spec: &ChainSpec, parent: &Header, timestamp: u64) -> Self {
        let timestamp = timestamp.max(parent.timestamp);
        let height = parent.number.saturating_add(1);
        let blobs = spec.blob_params_at(timestamp).map(|params| BlobRules {
            // The first block with blobs has no excess to go by, and so the least fee.
            fee: parent.next_block_blob_fee(params).unwrap_or_else(|| params.calc_blob_fee(0)),
            blobs_max: params.max_blobs_per_tx.min(params.max_blob_count),
        });
        Self {
            chain_id: spec.chain_id(),
            gas_limit: parent.gas_limit,
            base_fee: spec.next_base_fee(parent).unwrap_or(0),
            blobs,
            forks: Forks {
                berlin: spec.is_berlin_active_at_block(height),
                london: spec.is_london_active_at_block(height),
                shanghai: spec.is_shanghai_active_at_timestamp(timestamp),
                cancun: spec.is_cancun_active_at_timestamp(timestamp),
                prague: spec.is_prague_active_at_timestamp(timestamp),
                osaka: spec.is_osaka_active_at_timestamp(timestamp),
            },
        }
    }

    /// Blob base fee of the next block, in wei per blob gas; 0 before Cancun.
    #[must_use]
    pub const fn blob_fee(&self) -> u128 {
        match self.blobs {
            Some(blobs) => blobs.fee,
            None => 0,
        }
    }
}
