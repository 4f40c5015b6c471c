//! A chain of headers whose validators are what the test says, with real signatures and tries.

use crate::{
    Checkpoint, EngineName, LightError, Network, Record, SetProof, Span, validators_in_state,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use hanse_primitives::{
    BlockHash, CommitCertificate, CommitSignature, Header, Height, Validator, ValidatorSet,
    ValidatorSignature,
};
use std::{cell::Cell, collections::BTreeMap};

pub(super) const CONTRACT: Address = Address::repeat_byte(0xcc);

/// The contract after a change by vote.
pub(super) const LATER: Address = Address::repeat_byte(0xdd);

/// The contract of those votes.
pub(super) const VOTES: Address = Address::repeat_byte(0xee);

/// A change of the engine by vote.
#[derive(Clone, Debug)]
pub(super) struct Vote {
    /// The block that it was decided in.
    pub(super) decided: u64,
    /// The first that the later contract decides.
    pub(super) from: u64,
    /// Whom the earlier contract names from then on.
    pub(super) stale: Powers,
}

/// Power by key, of those who decide one height.
pub(super) type Powers = BTreeMap<usize, u64>;

pub(super) struct World {
    pub(super) network: Network,
    keys: Vec<PrivateKeySigner>,
    /// Who decides height `at + 1`.
    sets: Vec<Powers>,
    vote: Option<Vote>,
    pub(super) headers: Vec<Header>,
    pub(super) certificates: Vec<CommitCertificate>,
    /// How many proofs of a set were asked for.
    pub(super) proofs: Cell<usize>,
}

/// The slots of a contract with these seats.
fn storage(seats: &[(Address, u64)]) -> BTreeMap<U256, U256> {
    let mut slots = BTreeMap::from([(U256::from(2), U256::from(seats.len()))]);
    let base: U256 = keccak256(B256::from(U256::from(2))).into();
    for (at, (address, power)) in seats.iter().enumerate() {
        let word = U256::from_be_slice(address.as_slice()) | (U256::from(*power) << 160);
        slots.insert(base.wrapping_add(U256::from(2 * at)), word);
    }
    slots
}

/// The slots of the contract of votes.
fn changes(vote: Option<&Vote>) -> BTreeMap<U256, U256> {
    let Some(vote) = vote else { return BTreeMap::new() };
    let base: U256 = keccak256(B256::ZERO).into();
    let contract = U256::from_be_slice(LATER.as_slice());
    let word = contract | (U256::from(vote.from) << 160) | (U256::from(2) << 224);
    BTreeMap::from([
        (U256::ZERO, U256::ONE),
        (base, word),
        (base + U256::ONE, U256::from(7)), // times
    ])
}

/// Root of a trie with hashed keys, and the nodes on the way to some of them.
fn trie<'a>(
    entries: impl IntoIterator<Item = (B256, Vec<u8>)>,
    wanted: impl IntoIterator<Item = &'a B256>,
) -> (B256, Vec<Bytes>) {
    let path = |key: &B256| Nibbles::unpack(keccak256(key));
    let entries: BTreeMap<Nibbles, Vec<u8>> =
        entries.into_iter().map(|(key, value)| (path(&key), value)).collect();
    let retainer = ProofRetainer::new(wanted.into_iter().map(path).collect());
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    for (key, value) in &entries {
        builder.add_leaf(*key, value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    (root, nodes.into_iter().map(|(_, node)| node).collect())
}

/// State root of a state with such a contract, and the proof of its seats.
pub(super) fn state(seats: &[(Address, u64)]) -> (B256, SetProof) {
    let slots = storage(seats).into_iter();
    let (storage_root, storage) = storage_trie(slots.collect(), None);
    let account = TrieAccount { nonce: 1, storage_root, ..TrieAccount::default() };
    let key = keccak256(CONTRACT);
    let retainer = ProofRetainer::new(vec![Nibbles::unpack(key)]);
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(account));
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    let account = nodes.into_iter().map(|(_, node)| node).collect();
    (root, SetProof { account, storage, engine_votes: None })
}

/// Root of a storage, and the nodes on the way to some slots of it; to all, if none are named.
fn storage_trie(slots: BTreeMap<U256, U256>, wanted: Option<&[U256]>) -> (B256, Vec<Bytes>) {
    let all: Vec<B256> = match wanted {
        Some(wanted) => wanted.iter().map(|slot| B256::from(*slot)).collect(),
        None => slots.keys().map(|slot| B256::from(*slot)).collect(),
    };
    if slots.is_empty() {
        return (alloy_trie::EMPTY_ROOT_HASH, Vec::new());
    }
    trie(slots.into_iter().map(|(slot, value)| (slot.into(), alloy_rlp::encode(value))), &all)
}

/// State root of a state with three contracts, and the proof of the seats of one of them.
fn state_with_votes(
    early: &[(Address, u64)],
    later: &[(Address, u64)],
    vote: Option<&Vote>,
    proven: Address,
) -> (B256, SetProof) {
    let mut read = Vec::new();
    let slots = changes(vote);
    // Whether it waits or holds, these are the slots that are asked for.
    read.push(U256::ZERO);
    if vote.is_some() {
        read.push(keccak256(B256::ZERO).into());
    }
    let votes = storage_trie(slots, Some(&read));
    let (early, later) = (storage_trie(storage(early), None), storage_trie(storage(later), None));
    let path = |address: Address| Nibbles::unpack(keccak256(address));
    let leaf = |address, root: B256| {
        let account = TrieAccount { nonce: 1, storage_root: root, ..TrieAccount::default() };
        (path(address), alloy_rlp::encode(account))
    };
    let entries =
        BTreeMap::from([leaf(CONTRACT, early.0), leaf(LATER, later.0), leaf(VOTES, votes.0)]);
    let retainer = ProofRetainer::new(vec![path(proven), path(VOTES)]);
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    for (key, value) in &entries {
        builder.add_leaf(*key, value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    let account = nodes.into_iter().map(|(_, node)| node).collect();
    let storage = if proven == CONTRACT { early.1 } else { later.1 };
    (root, SetProof { account, storage, engine_votes: Some(votes.1) })
}

impl World {
    /// Heights `1 ..= sets.len()`, each decided by its set.
    pub(super) fn new(sets: Vec<Powers>) -> Self {
        Self::with(sets, None)
    }

    /// The same, where members have voted for another engine.
    pub(super) fn voted(sets: Vec<Powers>, vote: Vote) -> Self {
        Self::with(sets, Some(vote))
    }

    fn with(sets: Vec<Powers>, vote: Option<Vote>) -> Self {
        let most = sets.iter().flat_map(BTreeMap::keys).max().copied().unwrap_or(0);
        let key = |at: usize| {
            PrivateKeySigner::from_bytes(&keccak256([u8::try_from(at).unwrap()])).unwrap()
        };
        let keys: Vec<PrivateKeySigner> = (0..=most).map(key).collect();
        let mut world = Self {
            network: Network {
                chain_id: 7,
                genesis: B256::ZERO,
                engines: Vec::new(),
                engine_votes: vote.as_ref().map(|_| VOTES),
            },
            keys,
            sets,
            vote,
            headers: Vec::new(),
            certificates: Vec::new(),
            proofs: Cell::new(0),
        };
        let genesis = Header { state_root: world.state_after(0).0, ..Header::default() };
        world.network.genesis = genesis.hash_slow();
        world.network.engines =
            vec![Span { from: 1, engine: EngineName::Bft, contract: Some(CONTRACT) }];
        world.headers.push(genesis);
        for number in 1..=world.sets.len() {
            let header = world.header_on(world.headers[number - 1].hash_slow(), number as u64);
            let signers: Vec<usize> = world.sets[number - 1].keys().copied().collect();
            world.certificates.push(world.certify(&header, 0, &signers));
            world.headers.push(header);
        }
        world
    }

    /// A header whose state names the set of the next height.
    pub(super) fn header_on(&self, parent_hash: BlockHash, number: u64) -> Header {
        let state_root = self.state_after(number).0;
        Header { parent_hash, number, state_root, timestamp: number, ..Header::default() }
    }

    /// How many keys there are.
    pub(super) fn keys_known(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn address(&self, key: usize) -> Address {
        self.keys[key].address()
    }

    pub(super) fn seats(&self, powers: &Powers) -> Vec<(Address, u64)> {
        let mut seats: Vec<(Address, u64)> =
            powers.iter().map(|(key, power)| (self.address(*key), *power)).collect();
        seats.sort_unstable();
        seats
    }

    fn state_after(&self, number: u64) -> (B256, SetProof) {
        let Some(vote) = &self.vote else {
            return state(&self.seats(self.set_at(number)));
        };
        let decides = number + 1;
        self.proof_of(number, if decides >= vote.from { LATER } else { CONTRACT })
    }

    /// The state after a block, and the proof of what one of its contracts says of the next.
    pub(super) fn proof_of(&self, number: u64, contract: Address) -> (B256, SetProof) {
        let vote = self.vote.as_ref().expect("members have voted");
        let is_over = number + 1 >= vote.from;
        let early = if is_over { &vote.stale } else { self.set_at(number) };
        let later = self.set_at(number.max(vote.from - 1));
        let known = Some(vote).filter(|vote| vote.decided <= number);
        state_with_votes(&self.seats(early), &self.seats(later), known, contract)
    }

    fn set_at(&self, number: u64) -> &Powers {
        &self.sets[usize::try_from(number).unwrap().min(self.sets.len() - 1)]
    }

    pub(super) fn certify(
        &self,
        header: &Header,
        round: u32,
        signers: &[usize],
    ) -> CommitCertificate {
        let mut certificate = CommitCertificate {
            height: Height(header.number),
            round,
            block: header.hash_slow(),
            signatures: Vec::new(),
        };
        let digest = certificate.vote().digest(&self.network.domain());
        let sign = |key: &usize| CommitSignature {
            validator: self.address(*key),
            signature: ValidatorSignature::from(self.keys[*key].sign_hash_sync(&digest).unwrap()),
        };
        certificate.signatures = signers.iter().map(sign).collect();
        certificate.signatures.sort_by_key(|one| one.validator);
        certificate
    }

    pub(super) fn set(&self, powers: &Powers) -> ValidatorSet {
        let voter = |(address, power)| Validator { address, power, proposes: true };
        ValidatorSet::new(self.seats(powers).into_iter().map(voter).collect())
    }

    /// What an honest node says of a block.
    pub(super) fn checkpoint(&self, number: u64) -> Checkpoint {
        let at = usize::try_from(number).unwrap();
        let set = self.set(&self.sets[at.min(self.sets.len() - 1)]);
        Checkpoint::new(self.network.clone(), number, self.headers[at].hash_slow(), &set)
    }
}

impl Record for World {
    type Error = LightError;

    fn finalized(&self) -> u64 {
        self.certificates.len() as u64
    }

    fn header(&self, number: u64) -> Result<Header, LightError> {
        Ok(self.headers[usize::try_from(number).unwrap()].clone())
    }

    fn certificate(&self, number: u64) -> Result<CommitCertificate, LightError> {
        Ok(self.certificates[usize::try_from(number).unwrap() - 1].clone())
    }

    fn validators(&self, number: u64) -> Result<ValidatorSet, LightError> {
        let powers = &self.sets[usize::try_from(number).unwrap() - 1];
        let slots = storage(&self.seats(powers));
        let read = |slot| Ok(slots.get(&slot).copied().unwrap_or_default());
        validators_in_state(number, read).map(|(set, _)| set)
    }

    fn prove_validators(&self, number: u64) -> Result<SetProof, LightError> {
        self.proofs.set(self.proofs.get() + 1);
        Ok(self.state_after(number - 1).1)
    }
}
