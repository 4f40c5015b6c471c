//! A chain in memory, with a state root that is computed from scratch by other code than the
//! ledger's: what the product's path is compared with.

use crate::{
    error::Fault,
    machine::{Ending, Machine, Outcome},
    receipts, recover_all,
    rules::{self, expect},
    state::{BlockState, Source},
};
use alloy_consensus::{TrieAccount, constants::KECCAK_EMPTY};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use hanse_ledger::LedgerError;
use hanse_primitives::{AccountInfo, ChainSpec, Height, SealedBlock, StateChanges};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) accounts: BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>,
    pub(crate) code: BTreeMap<B256, Bytes>,
    pub(crate) hashes: BTreeMap<u64, B256>,
    /// Every read fails, as on a broken disk.
    pub(crate) broken: bool,
}

impl Memory {
    pub(crate) fn apply(&mut self, changes: &StateChanges) {
        self.code.extend(changes.code().iter().cloned());
        for (address, change) in changes.accounts() {
            let Some(info) = change.info else {
                self.accounts.remove(address);
                continue;
            };
            let account = self.accounts.entry(*address).or_default();
            account.0 = info;
            if change.storage_cleared {
                account.1.clear();
            }
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    account.1.remove(slot);
                } else {
                    account.1.insert(*slot, *value);
                }
            }
        }
    }

    pub(crate) fn root(&self) -> B256 {
        state_root_unhashed(self.accounts.iter().map(|(address, (info, storage))| {
            let slots = storage.iter().map(|(slot, value)| (B256::from(*slot), *value));
            let account = TrieAccount {
                nonce: info.nonce,
                balance: info.balance,
                storage_root: storage_root_unhashed(slots),
                code_hash: info.code_hash,
            };
            (*address, account)
        }))
    }

    pub(crate) fn root_after(&self, changes: &StateChanges) -> B256 {
        let mut next = self.clone();
        next.apply(changes);
        next.root()
    }

    fn check(&self) -> Result<(), LedgerError> {
        if self.broken { Err(LedgerError::Corrupt("broken on purpose".to_owned())) } else { Ok(()) }
    }
}

impl Source for Memory {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, LedgerError> {
        self.check()?;
        Ok(self.accounts.get(address).map(|(info, _)| *info))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        self.check()?;
        let account = self.accounts.get(address);
        Ok(account.and_then(|(_, slots)| slots.get(slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: &B256) -> Result<Bytes, LedgerError> {
        self.check()?;
        if *hash == KECCAK_EMPTY {
            return Ok(Bytes::new());
        }
        let unknown = || LedgerError::Corrupt(format!("no code {hash}"));
        self.code.get(hash).cloned().ok_or_else(unknown)
    }

    fn block_hash(&self, height: Height) -> Result<Option<B256>, LedgerError> {
        self.check()?;
        Ok(self.hashes.get(&height.0).copied())
    }
}

/// A chain whose blocks are executed and checked as [`crate::Executor::execute`] does it.
#[derive(Clone, Debug)]
pub(crate) struct MemoryChain {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) state: Memory,
    pub(crate) blocks: Vec<SealedBlock>,
    /// State after each block.
    pub(crate) states: Vec<Memory>,
}

impl MemoryChain {
    pub(crate) fn new(spec: ChainSpec) -> Self {
        let mut state = Memory::default();
        state.apply(&spec.genesis_changes());
        let genesis = spec.genesis_block_sealed().clone();
        assert_eq!(state.root(), genesis.header().state_root, "the genesis state has its root");
        state.hashes.insert(0, genesis.hash());
        let states = vec![state.clone()];
        Self { spec: Arc::new(spec), state, blocks: vec![genesis], states }
    }

    pub(crate) fn head(&self) -> &SealedBlock {
        self.blocks.last().expect("there is a genesis block")
    }

    /// A block and the state after it, by a hexadecimal height or `latest`.
    pub(crate) fn at(&self, name: &str) -> Option<(SealedBlock, Memory)> {
        let at = match name.strip_prefix("0x") {
            Some(height) => usize::from_str_radix(height, 16).expect("a height is hexadecimal"),
            None => self.blocks.len() - 1,
        };
        Some((self.blocks.get(at)?.clone(), self.states[at].clone()))
    }

    pub(crate) fn import(&mut self, block: SealedBlock) -> Result<Outcome, Fault> {
        let header = block.header();
        let parent = self.head().clone();
        rules::check_header(&self.spec, None, parent.header(), parent.hash(), header)?;
        rules::check_body(&self.spec, &block)?;
        let senders = recover_all(block.transactions(), &|_| None).expect("signatures are valid");
        let base = self.state.clone();
        let roots = |changes: &StateChanges| Ok(base.root_after(changes));
        let mut state = BlockState::new(self.state.clone());
        let body = &block.block().body;
        let withdrawals = body.withdrawals.as_ref().map(|list| &list[..]);
        let ending = Ending { ommers: &body.ommers, withdrawals };
        let mut machine = Machine::start(&self.spec, &mut state, header, ending, &roots)?;
        for (index, transaction) in block.transactions().iter().enumerate() {
            machine
                .run(transaction, senders[index])
                .map_err(|refused| refused.in_block(index, *transaction.tx_hash()))?;
        }
        let outcome = machine.finish()?;
        expect("gas used", header.gas_used, outcome.gas_used)?;
        let finished = receipts::finish(outcome.receipts.clone(), &outcome.states);
        expect("receipts root", header.receipts_root, finished.root)?;
        expect("logs bloom", header.logs_bloom, finished.bloom)?;
        let root = receipts::transactions_root(block.transactions());
        expect("transactions root", header.transactions_root, root)?;
        if self.spec.is_prague_active_at_timestamp(header.timestamp) {
            let requests = outcome.requests.requests_hash();
            expect("requests hash", header.requests_hash, Some(requests))?;
        }
        let changes = state.changes();
        let root = self.state.root_after(&changes);
        expect("state root", header.state_root, root)?;
        self.state.apply(&changes);
        self.state.hashes.insert(header.number, block.hash());
        self.states.push(self.state.clone());
        self.blocks.push(block);
        Ok(outcome)
    }
}
