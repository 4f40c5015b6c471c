//! What engines say to each other, and transactions between nodes.

use super::{
    Seeds, Target,
    world::{World, create, emit, transfer},
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_consensus::{Signer, testing};
use hanse_node::transactions_of;
use hanse_primitives::{SealedBlock, SigningDomain, Validator, ValidatorSet, ValidatorSignature};
use hanse_txpool::{Pool, PoolSettings, Rules};

/// A message between validators. True when what it is signed with checks out: each signature of a vote,
/// proposal or certificate, each final block with its certificate.
///
/// What can be read is written as the same bytes.
#[must_use]
pub fn votes() -> Target {
    let (domain, set) = (domain(), validators());
    Box::new(move |bytes| testing::judge_votes(bytes, &domain, &set))
}

/// A message between miners. True when it can be read; it is written as the same bytes.
#[must_use]
pub fn work() -> Target {
    Box::new(testing::judge_work)
}

/// A peer's transactions, offered to a pool. True when the pool takes all of them.
///
/// The list has one encoding, and the pool answers for each of its entries.
#[must_use]
pub fn gossip() -> Target {
    let world = World::new();
    let head = world.head();
    let rules = Rules::next(&world.spec, &head, head.timestamp + 1);
    let accounts = world.accounts();
    Box::new(move |bytes| {
        let Some(raw) = transactions_of(bytes) else { return false };
        assert_eq!(list(&raw), bytes, "a list has one encoding");
        let pool = Pool::new(PoolSettings::default(), rules.clone(), accounts.clone());
        let outcomes = pool.submit(&raw, 0);
        assert_eq!(outcomes.len(), raw.len());
        outcomes.iter().all(Result::is_ok)
    })
}

fn list(raw: &[Bytes]) -> Vec<u8> {
    let mut bytes = Vec::new();
    alloy_rlp::encode_list::<_, Bytes>(raw, &mut bytes);
    bytes
}

#[derive(Debug)]
struct Voter(PrivateKeySigner);

impl Signer for Voter {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign(&self, digest: B256) -> ValidatorSignature {
        self.0.sign_hash_sync(&digest).expect("a key in memory signs any digest").into()
    }
}

fn voters() -> Vec<Voter> {
    let key = |number| PrivateKeySigner::from_bytes(&B256::repeat_byte(number));
    (1..=4).map(|number| Voter(key(number).expect("a number this small is a key"))).collect()
}

fn validators() -> ValidatorSet {
    let validator =
        |voter: &Voter| Validator { address: voter.address(), power: 1, proposes: true };
    ValidatorSet::new(voters().iter().map(validator).collect())
}

fn domain() -> SigningDomain {
    SigningDomain::new(1337, B256::repeat_byte(9))
}

fn block() -> SealedBlock {
    World::new().build(&[transfer(4)]).executed.block().clone()
}

/// Every message between validators, signed by three of four; and some by too few.
pub(super) fn vote_seeds() -> Seeds {
    let voters = voters();
    let signers: Vec<&dyn Signer> = voters.iter().map(|voter| voter as _).collect();
    let good = testing::messages_of_votes(&domain(), &signers[..3], &block());
    let few = testing::messages_of_votes(&domain(), &signers[..2], &block());
    let few = few.into_iter().filter(|(name, _)| ["polka", "round", "response"].contains(name));
    let good = good.into_iter().map(|(name, bytes)| (format!("good-{name}"), bytes));
    good.chain(few.map(|(name, bytes)| (format!("few-{name}"), bytes))).collect()
}

/// Every message between miners.
pub(super) fn work_seeds() -> Seeds {
    let messages = testing::messages_of_work(&block()).into_iter();
    messages.map(|(name, bytes)| (format!("good-{name}"), bytes)).collect()
}

/// Lists of transactions of which all, some, or none may be taken.
pub(super) fn gossip_seeds() -> Seeds {
    let raw = |transaction: hanse_primitives::Transaction| Bytes::from(transaction.encoded_2718());
    vec![
        ("good-none".to_owned(), list(&[])),
        ("good-some".to_owned(), list(&[raw(transfer(4)), raw(emit(5)), raw(create(6))])),
        ("used-nonce".to_owned(), list(&[raw(transfer(0)), raw(transfer(4))])),
        ("no-transaction".to_owned(), list(&[Bytes::from_static(b"nothing")])),
    ]
}
