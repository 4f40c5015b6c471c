/// What an operator may tune. The defaults suit a validator with 8 GiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of trie nodes kept in memory.
    pub trie_bytes_max: usize,
    /// Bytes of flat accounts and slots kept in memory.
    pub state_bytes_max: usize,
    /// Bytes of blocks and receipts kept decoded in memory.
    pub block_bytes_max: usize,
    /// Bytes of fjall's own block cache.
    pub store_cache_bytes: u64,
    /// Bytes of committed log records after which the store is written up to them.
    pub checkpoint_bytes: u64,
    /// Bytes after which a file of the block log takes no further block, up to 256 MiB.
    pub segment_bytes: u64,
    /// `fdatasync` each commit. Only benchmarks and bulk imports turn it off.
    pub sync: bool,
}

impl Default for Settings {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            trie_bytes_max: 1024 * MIB,
            state_bytes_max: 512 * MIB,
            block_bytes_max: 256 * MIB,
            store_cache_bytes: 256 * 1024 * 1024,
            checkpoint_bytes: 64 * 1024 * 1024,
            segment_bytes: 256 * 1024 * 1024,
            sync: true,
        }
    }
}
