//! A ledger in memory, with forks, a state that knows the validators, and a power cord.

use alloy_primitives::{Address, B256, keccak256};
use hanse_consensus::{
    BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, Verdict, Wal, WalError,
};
use hanse_primitives::{
    Attributes, Block, BlockHash, BlockRef, Executed, Header, Height, Provenance, SealedBlock,
    StateChanges, Transaction, Validator, ValidatorSet,
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Absences in a row after which a validator is passed over as proposer.
const ABSENCES_MAX: u32 = 3;

/// Transactions of a block.
const TRANSACTIONS_MAX: usize = 50;

/// Counts down the operations on disk; at zero the power goes off, in the middle of whatever is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cord(Rc<Cell<Option<u32>>>);

impl Cord {
    pub(crate) fn pull_after(&self, operations: Option<u32>) {
        self.0.set(operations);
    }

    /// True when the power has gone off.
    pub(crate) fn is_out(&self) -> bool {
        self.0.get() == Some(0)
    }

    /// True when the power is still on.
    fn spend(&self) -> bool {
        match self.0.get() {
            None => true,
            Some(0) => false,
            Some(left) => {
                self.0.set(Some(left - 1));
                true
            }
        }
    }
}

/// The world state after a block, as far as consensus depends on it.
#[derive(Clone, Debug)]
struct World {
    root: B256,
    powers: BTreeMap<Address, u64>,
    absences: BTreeMap<Address, u32>,
}

impl World {
    fn set(&self) -> ValidatorSet {
        let validator = |(address, power): (&Address, &u64)| Validator {
            address: *address,
            power: *power,
            proposes: self.absences.get(address).is_none_or(|times| *times < ABSENCES_MAX),
        };
        ValidatorSet::new(self.powers.iter().map(validator).collect())
    }
}

/// Sets that replace the one before, in the block at that height.
pub(crate) type Schedule = BTreeMap<u64, BTreeMap<Address, u64>>;

#[derive(Debug)]
pub(crate) struct Ledger {
    cord: Cord,
    schedule: Schedule,
    /// The last height of the engine, as the state after a block says.
    pub(crate) lasts: BTreeMap<u64, Option<Height>>,
    /// Final blocks: these survive.
    finals: Vec<(SealedBlock, Seal)>,
    worlds: BTreeMap<BlockHash, World>,
    /// Executed blocks that are not final: these do not.
    overlays: BTreeMap<BlockHash, SealedBlock>,
    head: BlockHash,
    /// Transactions that wait.
    pub(crate) pool: BTreeSet<u64>,
    /// The final ones.
    pub(crate) done: BTreeSet<u64>,
    /// Transactions that wait and cannot run.
    pub(crate) stuck: bool,
    pub(crate) build_fails: bool,
    pub(crate) executed: usize,
}

impl Ledger {
    pub(crate) fn new(timestamp: u64, powers: BTreeMap<Address, u64>, schedule: Schedule) -> Self {
        let header = Header { timestamp, ..Header::default() };
        let genesis = SealedBlock::new(Block::uncle(header));
        let head = genesis.hash();
        let world = World { root: B256::ZERO, powers, absences: BTreeMap::new() };
        Self {
            cord: Cord::default(),
            schedule,
            lasts: BTreeMap::new(),
            finals: vec![(genesis, Seal::Solo)],
            worlds: BTreeMap::from([(head, world)]),
            overlays: BTreeMap::new(),
            head,
            pool: BTreeSet::new(),
            done: BTreeSet::new(),
            stuck: false,
            build_fails: false,
            executed: 0,
        }
    }

    pub(crate) fn hang_on(&mut self, cord: Cord) {
        self.cord = cord;
    }

    /// What is left after a crash.
    pub(crate) fn crash(&mut self) {
        self.overlays.clear();
        self.head = self.tip().hash();
    }

    pub(crate) fn tip(&self) -> &SealedBlock {
        &self.finals.last().expect("there is always genesis").0
    }

    pub(crate) fn height(&self) -> u64 {
        self.tip().height().0
    }

    pub(crate) fn finals(&self) -> &[(SealedBlock, Seal)] {
        &self.finals
    }

    fn find(&self, hash: &BlockHash) -> Option<&SealedBlock> {
        let last = self.finals.iter().rev().map(|(block, _)| block);
        self.overlays.get(hash).or_else(|| last.into_iter().find(|block| block.hash() == *hash))
    }

    /// The world after a block on top of its parent's.
    fn execute(&self, block: &Block) -> Option<World> {
        let mut world = self.worlds.get(&block.header.parent_hash)?.clone();
        let mut bytes = world.root.to_vec();
        bytes.extend_from_slice(&block.header.number.to_be_bytes());
        bytes.extend_from_slice(block.header.beneficiary.as_slice());
        bytes.extend_from_slice(block.header.transactions_root.as_slice());
        bytes.extend_from_slice(&block.header.extra_data);
        world.root = keccak256(bytes);
        if let Ok(made) = Provenance::decode(&block.header.extra_data)
            && !made.parent_signatures.is_empty()
        {
            let there: BTreeSet<_> = made.parent_signatures.iter().map(|s| s.validator).collect();
            for address in world.powers.keys() {
                let times = world.absences.entry(*address).or_default();
                *times = if there.contains(address) { 0 } else { *times + 1 };
            }
        }
        if let Some(powers) = self.schedule.get(&block.header.number) {
            world.powers = powers.clone();
        }
        Some(world)
    }
}

pub(crate) fn transaction(number: u64) -> Transaction {
    let transaction = alloy_consensus::TxLegacy { nonce: number, ..Default::default() };
    Transaction::Legacy(alloy_consensus::Signed::new_unhashed(
        transaction,
        alloy_primitives::Signature::test_signature(),
    ))
}

impl Chain for Ledger {
    fn head(&self) -> BlockRef {
        self.find(&self.head).expect("the head is known").reference()
    }

    fn finalized(&self) -> BlockRef {
        self.tip().reference()
    }

    fn block(&self, hash: BlockHash) -> Result<Option<SealedBlock>, ChainError> {
        Ok(self.find(&hash).cloned())
    }

    fn block_at(&self, height: Height) -> Result<Option<(SealedBlock, Option<Seal>)>, ChainError> {
        let found = self.finals.get(usize::try_from(height.0).expect("a few blocks"));
        Ok(found.map(|(block, seal)| (block.clone(), Some(seal.clone()))))
    }

    fn build(&self, parent: BlockHash, attributes: Attributes) -> Result<SealedBlock, BuildError> {
        if self.build_fails {
            return Err(BuildError::Internal("the builder is broken".to_owned()));
        }
        let before = self.find(&parent).ok_or(BuildError::UnknownParent(parent))?.header();
        if attributes.timestamp < before.timestamp {
            return Err(BuildError::Attributes("time runs backwards".to_owned()));
        }
        let waiting = self.pool.iter().take(if self.stuck { 0 } else { TRANSACTIONS_MAX });
        let transactions: Vec<_> = waiting.map(|number| transaction(*number)).collect();
        let mut block = Block::uncle(Header {
            parent_hash: parent,
            number: before.number + 1,
            timestamp: attributes.timestamp,
            mix_hash: attributes.prev_randao,
            beneficiary: attributes.fee_recipient,
            extra_data: attributes.extra_data,
            transactions_root: alloy_consensus::proofs::calculate_transaction_root(&transactions),
            ..Header::default()
        });
        block.body.transactions = transactions;
        let world = self.execute(&block).ok_or(BuildError::UnknownParent(parent))?;
        block.header.state_root = world.root;
        Ok(SealedBlock::new(block))
    }

    fn reseal(&mut self, _: BlockHash, _: u64) -> Result<SealedBlock, BuildError> {
        panic!("validators look for no nonce");
    }

    fn import(&mut self, block: SealedBlock) -> Verdict {
        let reject = |reason: &str| {
            Verdict::Reject(InvalidBlock { hash: block.hash(), reason: reason.to_owned() })
        };
        if self.find(&block.hash()).is_none() {
            let Some(parent) = self.find(&block.header().parent_hash) else {
                return Verdict::Later;
            };
            if block.height() != parent.height().next() {
                return reject("it is not one above its parent");
            }
            if !block.is_whole() {
                return reject("transactions root mismatch");
            }
            let world = self.execute(block.block()).expect("its parent was executed");
            if world.root != block.header().state_root {
                return reject("state root mismatch");
            }
            self.executed += 1;
            self.worlds.insert(block.hash(), world);
            self.overlays.insert(block.hash(), block.clone());
        }
        let count = block.transactions().len();
        let receipts = vec![hanse_primitives::Receipt::Legacy(Default::default()); count];
        let senders = vec![Address::ZERO; count];
        Verdict::Accept(Executed::vouch(block, senders, receipts, StateChanges::default()))
    }

    fn set_head(&mut self, head: BlockHash) -> Result<ChainUpdate, ChainError> {
        let block = self.overlays.get(&head).ok_or(ChainError::Unknown(head))?;
        assert_eq!(block.header().parent_hash, self.tip().hash(), "the next block is decided");
        self.head = head;
        let finalized = self.tip().height();
        Ok(ChainUpdate { reverted: vec![], adopted: vec![head], finalized })
    }

    fn finalize(&mut self, block: BlockHash, seal: Seal) -> Result<(), ChainError> {
        if !self.cord.spend() {
            return Err(ChainError::Storage("the power is off".to_owned()));
        }
        assert_eq!(block, self.head, "the head is made final");
        let Seal::Certificate(certificate) = &seal else { panic!("validators seal: {seal:?}") };
        assert_eq!(certificate.block, block, "a certificate is of its block");
        let block = self.overlays.remove(&block).expect("the head was imported");
        self.overlays.clear();
        for transaction in block.transactions() {
            let number = alloy_consensus::Transaction::nonce(transaction);
            self.pool.remove(&number);
            assert!(self.done.insert(number), "a transaction is final once");
        }
        self.finals.push((block, seal));
        // Power may go off when all is written and before anybody hears of it.
        if self.cord.spend() { Ok(()) } else { Err(ChainError::Storage("too late".to_owned())) }
    }

    fn validators_at(&self, height: Height) -> Result<ValidatorSet, ChainError> {
        let before = height.previous().expect("nobody votes on genesis");
        let (block, _) = self
            .finals
            .get(usize::try_from(before.0).expect("a few blocks"))
            .ok_or_else(|| ChainError::Storage(format!("no state at {before}")))?;
        Ok(self.worlds[&block.hash()].set())
    }

    fn last_of_engine(&self, first: Height) -> Result<Option<Height>, ChainError> {
        assert_eq!(first, Height(1), "there is one engine here");
        let known = self.lasts.range(..=self.height()).next_back();
        Ok(known.and_then(|(_, last)| *last))
    }
}

/// A log that loses what was not synced, from the end on, when the power goes off.
#[derive(Debug, Default)]
pub(crate) struct Log {
    cord: Cord,
    records: Vec<alloy_primitives::Bytes>,
    synced: usize,
    pub(crate) syncs: usize,
}

impl Log {
    pub(crate) fn hang_on(&mut self, cord: Cord) {
        self.cord = cord;
    }

    /// The power went off: of what was not synced, `keep` decides how much is there.
    pub(crate) fn crash(&mut self, keep: impl FnOnce(usize) -> usize) {
        let left = self.synced + keep(self.records.len() - self.synced);
        self.records.truncate(left);
        self.synced = left;
    }

    /// Somebody erased it.
    pub(crate) fn erase(&mut self) {
        self.records.clear();
        self.synced = 0;
    }

    fn spend(&self) -> Result<(), WalError> {
        if self.cord.spend() { Ok(()) } else { Err(WalError("the power is off".to_owned())) }
    }
}

impl Wal for Log {
    fn records(&mut self) -> Result<Vec<alloy_primitives::Bytes>, WalError> {
        Ok(self.records.clone())
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WalError> {
        self.spend()?;
        self.records.push(record.to_vec().into());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), WalError> {
        self.spend()?;
        self.synced = self.records.len();
        self.syncs += 1;
        self.spend()
    }

    fn replace(&mut self, records: &[alloy_primitives::Bytes]) -> Result<(), WalError> {
        self.spend()?;
        self.records = records.to_vec();
        self.synced = self.records.len();
        Ok(())
    }
}
