use super::{StateTrie, TrieError};
use alloy_primitives::{Address, U256};
use hanse_primitives::{AccountChange, AccountInfo, StateChanges};

/// Accounts that are put into a trie at once.
const CHUNK: usize = 10_000;

/// A trie that is built of accounts that come one after another.
pub(crate) struct Gathered {
    trie: StateTrie,
    waiting: Vec<(Address, AccountChange)>,
}

impl Gathered {
    pub(crate) const fn into(trie: StateTrie) -> Self {
        Self { trie, waiting: Vec::new() }
    }

    /// Adds an account with its slots. After an error nothing more may be added.
    ///
    /// # Errors
    /// As [`StateTrie::apply`].
    pub(crate) fn add(
        &mut self,
        address: Address,
        info: Option<AccountInfo>,
        storage: Vec<(U256, U256)>,
    ) -> Result<(), TrieError> {
        self.waiting.push((address, AccountChange { info, storage_cleared: false, storage }));
        if self.waiting.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// The trie with all of them.
    ///
    /// # Errors
    /// As [`StateTrie::apply`].
    pub(crate) fn finish(mut self) -> Result<StateTrie, TrieError> {
        self.flush()?;
        Ok(self.trie)
    }

    fn flush(&mut self) -> Result<(), TrieError> {
        let changes = StateChanges::new(std::mem::take(&mut self.waiting), Vec::new());
        self.trie.update(&changes)
    }
}
