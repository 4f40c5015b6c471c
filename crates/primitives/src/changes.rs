use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// An account apart from its storage: what the EVM reads before it runs a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct AccountInfo {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// keccak256 of the code; that of no bytes for an account without code.
    pub code_hash: B256,
}

impl Default for AccountInfo {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK_EMPTY }
    }
}

/// What a block did to one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account after the block; `None` when it no longer exists.
    pub info: Option<AccountInfo>,
    /// All storage from before the block is gone (the account was destroyed, and perhaps made anew).
    pub storage_cleared: bool,
    /// Slots with a new value, ascending; zero removes the slot.
    pub storage: Vec<(U256, U256)>,
}

/// What a block did to the world state: new values only, so that applying it twice is harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChanges {
    accounts: Vec<(Address, AccountChange)>,
    code: Vec<(B256, Bytes)>,
}

impl StateChanges {
    /// Sorts accounts, slots and code, so that equal changes have equal bytes on every node.
    ///
    /// Each address, each slot of an account and each code hash may occur once.
    #[must_use]
    pub fn new(mut accounts: Vec<(Address, AccountChange)>, mut code: Vec<(B256, Bytes)>) -> Self {
        accounts.sort_unstable_by_key(|(address, _)| *address);
        for (_, change) in &mut accounts {
            change.storage.sort_unstable_by_key(|(slot, _)| *slot);
            assert!(change.storage.windows(2).all(|w| w[0].0 < w[1].0), "each slot occurs once");
        }
        code.sort_unstable_by_key(|(hash, _)| *hash);
        code.dedup_by_key(|(hash, _)| *hash);
        assert!(accounts.windows(2).all(|w| w[0].0 < w[1].0), "each account occurs once");
        Self { accounts, code }
    }

    /// Changed accounts, ascending by address.
    #[must_use]
    pub fn accounts(&self) -> &[(Address, AccountChange)] {
        &self.accounts
    }

    /// New code by its hash, ascending.
    #[must_use]
    pub fn code(&self) -> &[(B256, Bytes)] {
        &self.code
    }

    /// The change of one account.
    #[must_use]
    pub fn account(&self, address: &Address) -> Option<&AccountChange> {
        let at = self.accounts.binary_search_by_key(address, |(a, _)| *a).ok()?;
        Some(&self.accounts[at].1)
    }

    /// New code with this hash.
    #[must_use]
    pub fn code_by_hash(&self, hash: &B256) -> Option<&Bytes> {
        let at = self.code.binary_search_by_key(hash, |(h, _)| *h).ok()?;
        Some(&self.code[at].1)
    }

    /// True when the block changed nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.code.is_empty()
    }
}

impl AccountChange {
    /// The new value of a slot: `Some(ZERO)` when the change removed it, `None` when it did not touch it.
    #[must_use]
    pub fn slot(&self, slot: &U256) -> Option<U256> {
        match self.storage.binary_search_by_key(slot, |(s, _)| *s) {
            Ok(at) => Some(self.storage[at].1),
            Err(_) if self.storage_cleared || self.info.is_none() => Some(U256::ZERO),
            Err(_) => None,
        }
    }
}
