//! A ledger and a naive model of it, side by side.

use alloy_primitives::{Bytes, U256};
use hanse_ledger::{
    Ledger, LedgerError, Settings, StateView,
    testing::{
        ADDRESSES, Dice, Model, SLOTS, address, execute, random_changes, slot, spec, transaction,
    },
};
use hanse_primitives::{BlockHash, ChainSpec, Executed, Header, Height};
use std::path::Path;
use tempfile::TempDir;

/// Small limits, so that a test sees checkpoints and cache misses.
pub(crate) fn settings() -> Settings {
    Settings {
        trie_bytes_max: 64 * 1024,
        state_bytes_max: 64 * 1024,
        block_bytes_max: 64 * 1024,
        store_cache_bytes: 1024 * 1024,
        checkpoint_bytes: 4 * 1024,
        segment_bytes: 32 * 1024,
        sync: false,
    }
}

/// A ledger with the blocks it was given.
pub(crate) struct Chain {
    pub(crate) ledger: Ledger,
    pub(crate) spec: ChainSpec,
    pub(crate) dice: Dice,
    /// The final and canonical blocks from genesis on, with the state after each.
    pub(crate) headers: Vec<Header>,
    pub(crate) models: Vec<Model>,
    pub(crate) executed: Vec<Option<Executed>>,
    transactions: u64,
}

impl Chain {
    pub(crate) fn open(directory: &Path, seed: u64) -> Self {
        Self::open_with(directory, seed, settings())
    }

    pub(crate) fn open_with(directory: &Path, seed: u64, settings: Settings) -> Self {
        let spec = spec(5);
        let ledger = Ledger::open(directory, &spec, settings).unwrap();
        Self {
            ledger,
            headers: vec![spec.genesis_block_sealed().header().clone()],
            models: vec![Model::genesis(&spec)],
            executed: vec![None],
            spec,
            dice: Dice(seed),
            transactions: 0,
        }
    }

    /// Closes and opens the ledger; what is not final is forgotten.
    pub(crate) fn reopen(mut self, directory: &Path) -> Self {
        self.forget_unfinal();
        let Self { ledger, spec, dice, headers, models, executed, transactions } = self;
        drop(ledger);
        let ledger = Ledger::open(directory, &spec, settings()).unwrap();
        assert_eq!(ledger.head(), ledger.finalized());
        assert_eq!(ledger.head().hash, headers.last().unwrap().hash_slow());
        Self { ledger, spec, dice, headers, models, executed, transactions }
    }

    /// Closes the ledger, removes the store, and opens it again.
    pub(crate) fn lose_store(mut self, directory: &Path) -> Self {
        self.forget_unfinal();
        let Self { ledger, spec, dice, headers, models, executed, transactions } = self;
        drop(ledger);
        std::fs::remove_dir_all(directory.join("store")).unwrap();
        let ledger = Ledger::open(directory, &spec, settings()).unwrap();
        assert_eq!(ledger.head().hash, headers.last().unwrap().hash_slow());
        Self { ledger, spec, dice, headers, models, executed, transactions }
    }

    fn forget_unfinal(&mut self) {
        self.truncate(self.ledger.finalized().height);
    }

    fn truncate(&mut self, height: Height) {
        let blocks = usize::try_from(height.0).unwrap() + 1;
        self.headers.truncate(blocks);
        self.models.truncate(blocks);
        self.executed.truncate(blocks);
    }

    /// Takes blocks back.
    pub(crate) fn rollback(&mut self, height: Height) {
        self.ledger.rollback(height).unwrap();
        assert_eq!(self.ledger.head().height, height);
        self.truncate(height);
    }

    pub(crate) fn hash_at(&self, height: usize) -> BlockHash {
        self.headers[height].hash_slow()
    }

    /// Replaces the last `depth` blocks, none of them final, by a branch that is one longer.
    pub(crate) fn reorganize(&mut self, depth: usize) {
        let fork = self.headers.len() - 1 - depth;
        let old: Vec<_> = (fork + 1..self.headers.len()).map(|at| self.hash_at(at)).collect();
        let (mut parent, mut model) = (self.headers[fork].clone(), self.models[fork].clone());
        self.truncate(Height(fork as u64));
        for _ in 0..=depth {
            let (executed, after) = self.child(&parent, &model);
            (parent, model) = (executed.block().header().clone(), after);
            self.headers.push(parent.clone());
            self.models.push(model.clone());
            self.executed.push(Some(executed));
        }
        let change = self.ledger.set_head(parent.hash_slow()).unwrap();
        let adopted: Vec<_> = (fork + 1..self.headers.len()).map(|at| self.hash_at(at)).collect();
        assert_eq!(change.reverted, old.into_iter().rev().collect::<Vec<_>>());
        assert_eq!(change.adopted, adopted);
    }

    /// Inserts a random block on a parent; does not move the head.
    pub(crate) fn child(&mut self, parent: &Header, model: &Model) -> (Executed, Model) {
        let count = self.dice.below(4);
        let transactions =
            (0..count).map(|offset| transaction(self.transactions + offset)).collect();
        self.transactions += count;
        let changes = random_changes(&mut self.dice);
        let mut after = model.clone();
        after.apply(&changes);
        let time = self.dice.below(1_000_000);
        let (executed, root) = execute(&self.ledger, parent, transactions, changes, time);
        // Without changes, transactions and a root two siblings may be one and the same block.
        let root = (self.dice.below(2) == 0).then_some(root);
        self.ledger.insert(executed.clone(), root).unwrap();
        (executed, after)
    }

    /// Adds a block at the end and makes it the head.
    pub(crate) fn grow(&mut self) -> BlockHash {
        let (parent, model) =
            (self.headers.last().unwrap().clone(), self.models.last().unwrap().clone());
        let (executed, after) = self.child(&parent, &model);
        let hash = executed.block().hash();
        self.ledger.set_head(hash).unwrap();
        self.headers.push(executed.block().header().clone());
        self.models.push(after);
        self.executed.push(Some(executed));
        hash
    }

    pub(crate) fn finalize(&self, hash: BlockHash) {
        self.ledger.finalize(hash, Bytes::from(hash.to_vec())).unwrap();
    }

    /// Adds final blocks.
    pub(crate) fn commit(&mut self, blocks: usize) {
        for _ in 0..blocks {
            let hash = self.grow();
            self.finalize(hash);
        }
    }

    /// Compares everything that can be asked with what it should be.
    pub(crate) fn check(&self) {
        let hashes: Vec<_> = self.headers.iter().map(Header::hash_slow).collect();
        for (at, header) in self.headers.iter().enumerate() {
            let height = Height(at as u64);
            assert_eq!(self.ledger.hash(height).unwrap(), Some(hashes[at]));
            assert_eq!(self.ledger.header(height).unwrap().as_ref(), Some(header));
            let reference = self.ledger.reference(hashes[at]).unwrap().unwrap();
            assert_eq!(reference.height, height);
            assert!(self.ledger.is_canonical(reference).unwrap());
            let view = self.ledger.state(hashes[at]).unwrap();
            check_view(&view, &self.models[at]);
            check_proofs(&view, &self.models[at], header);
            assert_eq!(view.block_hash(Height(at as u64 / 2)).unwrap(), Some(hashes[at / 2]));
            assert_eq!(view.block_hash(height.next()).unwrap(), None);
            if let Some(executed) = &self.executed[at] {
                self.check_block(height, executed);
            }
        }
        assert_eq!(self.ledger.hash(Height(hashes.len() as u64)).unwrap(), None);
    }

    fn check_block(&self, height: Height, executed: &Executed) {
        for stored in [
            self.ledger.block_at(height).unwrap().unwrap(),
            self.ledger.block(executed.block().hash()).unwrap().unwrap(),
        ] {
            assert_eq!(stored.block(), executed.block());
            assert_eq!(stored.senders(), executed.senders());
            assert_eq!(stored.receipts(), executed.receipts());
        }
        for (index, transaction) in executed.block().transactions().iter().enumerate() {
            let place = self.ledger.transaction(transaction.tx_hash()).unwrap().unwrap();
            assert_eq!((place.block, place.index), (executed.block().reference(), index));
        }
    }
}

pub(crate) fn check_view(view: &StateView, model: &Model) {
    for number in 0..ADDRESSES {
        let address = address(number);
        let expected = model.accounts.get(&address);
        let found = view.account(&address).unwrap();
        assert_eq!(found, expected.map(|(info, _)| *info), "{address} at {:?}", view.block());
        for number in 0..SLOTS {
            let slot = slot(number);
            let value = expected.and_then(|(_, storage)| storage.get(&slot)).copied();
            let found = view.storage(&address, &slot).unwrap();
            assert_eq!(found, value.unwrap_or_default(), "{address} {slot} at {:?}", view.block());
        }
        if let Some(info) = found {
            let code = view.code(&info.code_hash).unwrap();
            assert_eq!(alloy_primitives::keccak256(&code), info.code_hash);
        }
    }
}

pub(crate) fn check_proofs(view: &StateView, model: &Model, header: &Header) {
    for number in [0, 3, 7, 100] {
        let address = address(number);
        let slots: Vec<U256> = (0..4).map(slot).collect();
        let proof = view.proof(&address, &slots).unwrap();
        let expected = model.accounts.get(&address);
        assert_eq!(proof.info, expected.map(|(info, _)| *info));
        let first = proof.nodes.first().map(alloy_primitives::keccak256);
        assert_eq!(first, Some(header.state_root), "{:?}", view.block());
        for (slot, proof) in slots.iter().zip(&proof.storage) {
            let value = expected.and_then(|(_, storage)| storage.get(slot)).copied();
            assert_eq!((proof.slot, proof.value), (*slot, value.unwrap_or_default()));
        }
    }
}

#[test]
fn a_ledger_is_made_filled_and_opened_again() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 1);
    chain.check();
    chain.commit(40);
    chain.check();
    let mut chain = chain.reopen(folder.path());
    assert_eq!(chain.ledger.head(), chain.ledger.finalized());
    assert_eq!(chain.ledger.head().height, Height(40));
    chain.check();
    chain.commit(40);
    chain.ledger.checkpoint().unwrap();
    chain.check();
    for height in 1..=80 {
        let seal = chain.ledger.seal(Height(height)).unwrap().unwrap();
        assert_eq!(seal, chain.headers[height as usize].hash_slow().to_vec());
    }
    let unknown = BlockHash::repeat_byte(1);
    assert!(matches!(chain.ledger.state(unknown), Err(LedgerError::UnknownBlock(_))));
}
