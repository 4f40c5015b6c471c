//! The world state after one block.

use crate::{AccountProof, LedgerError, proof, shared::Shared, tree::Overlay, trie::StateTrie};
use alloy_primitives::{Address, B256, Bytes, U256};
use hanse_primitives::{AccountInfo, BlockHash, BlockRef, Height};
use std::sync::Arc;

/// The world state after one block, of any branch and any height. Cheap to clone. Reads see one
/// moment only, whatever is committed meanwhile.
#[derive(Clone, Debug)]
pub struct StateView(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    block: BlockRef,
    /// The block and its ancestors above `base`, newest first.
    layers: Vec<Arc<Overlay>>,
    /// The last final block when the view was made, or the block itself when it is history.
    base: BlockRef,
    /// The state as a trie, when it was at hand.
    trie: Option<StateTrie>,
    /// How many rollbacks there had been.
    lineage: u64,
    shared: Arc<Shared>,
}

impl StateView {
    /// A block that is not final, or the last final one: `layers` lead from it down to `base`.
    pub(crate) fn of_tip(
        shared: Arc<Shared>,
        layers: Vec<Arc<Overlay>>,
        base: BlockRef,
        trie: StateTrie,
    ) -> Self {
        let block = layers.first().map_or(base, |overlay| overlay.reference());
        let lineage = shared.lineage();
        Self(Arc::new(Inner { block, layers, base, trie: Some(trie), lineage, shared }))
    }

    /// A final block of the past.
    pub(crate) fn of_history(shared: Arc<Shared>, block: BlockRef) -> Self {
        let lineage = shared.lineage();
        Self(Arc::new(Inner {
            block,
            layers: Vec::new(),
            base: block,
            trie: None,
            lineage,
            shared,
        }))
    }

    /// The block whose state this is.
    #[must_use]
    pub fn block(&self) -> BlockRef {
        self.0.block
    }

    /// An account, or `None` when it does not exist.
    ///
    /// # Errors
    /// [`LedgerError::StateUnavailable`] after a rollback below the block; otherwise the disk's.
    pub fn account(&self, address: &Address) -> Result<Option<AccountInfo>, LedgerError> {
        let view = &*self.0;
        let change = view.layers.iter().find_map(|layer| layer.executed.changes().account(address));
        if let Some(change) = change {
            return Ok(change.info);
        }
        let info = view.shared.flat().account(address, view.base.height)?;
        self.check().map(|()| info)
    }

    /// A storage slot; zero when it is not set.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn storage(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        let view = &*self.0;
        let value = view
            .layers
            .iter()
            .find_map(|layer| layer.executed.changes().account(address)?.slot(slot));
        if let Some(value) = value {
            return Ok(value);
        }
        let value = view.shared.flat().slot(address, slot, view.base.height)?;
        self.check().map(|()| value)
    }

    /// Code by its hash. Empty for the hash of no bytes.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] when no block ever deployed it; otherwise the disk's.
    pub fn code(&self, hash: &B256) -> Result<Bytes, LedgerError> {
        let view = &*self.0;
        let code = view.layers.iter().find_map(|layer| layer.executed.changes().code_by_hash(hash));
        match code {
            Some(code) => Ok(code.clone()),
            None => view.shared.flat().code(hash),
        }
    }

    /// Hash of the ancestor (or the block itself) at a height; `None` above the block.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn block_hash(&self, height: Height) -> Result<Option<BlockHash>, LedgerError> {
        let view = &*self.0;
        if height > view.block.height {
            return Ok(None);
        }
        if height == view.base.height {
            return Ok(Some(view.base.hash));
        }
        let above = |layer: &&Arc<Overlay>| layer.reference().height == height;
        if let Some(layer) = view.layers.iter().find(above) {
            return Ok(Some(layer.reference().hash));
        }
        let found = view.shared.flat().block(height)?;
        self.check().map(|()| found.map(|found| found.block.hash))
    }

    /// A Merkle proof against the block's state root.
    ///
    /// # Errors
    /// [`LedgerError::ProofTooOld`] when more blocks or changes lie in between than the limits
    /// allow; otherwise as [`StateView::account`].
    pub fn proof(&self, address: &Address, slots: &[U256]) -> Result<AccountProof, LedgerError> {
        let view = &*self.0;
        let proof = proof::prove(&view.shared, view.block, view.trie.as_ref(), address, slots)?;
        self.check().map(|()| proof)
    }

    /// Looks after a read whether blocks have been taken back since the view was made.
    fn check(&self) -> Result<(), LedgerError> {
        let view = &*self.0;
        let now = view.shared.lineage();
        if now == view.lineage
            || (view.layers.is_empty() && view.shared.has_kept(view.base, now)?)
        {
            return Ok(());
        }
        Err(LedgerError::StateUnavailable(view.block.height))
    }
}
