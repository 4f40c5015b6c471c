//! A small chain in a temporary folder, which the targets that need a ledger stand on.

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
    transaction::RlpEcdsaEncodableTx,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_execution::{BuildLimits, Built, Executor};
use hanse_ledger::{Ledger, Settings, StateView};
use hanse_primitives::{Attributes, ChainSpec, Header, Transaction, recover};
use hanse_txpool::{Account, Accounts};
use std::sync::Arc;
use tempfile::TempDir;

/// The genesis of this chain, which is a seed of the genesis target as well.
const GENESIS: &[u8] = include_bytes!("../seeds/genesis/good-world.json");

/// A contract of the genesis that emits a log of its call's first word, and returns that word.
pub(super) const EMITTER: Address = address!("00000000000000000000000000000000000000ee");

/// Gas that a call may spend: enough to get anywhere, too little to be slow.
const CALL_GAS_MAX: u64 = 300_000;

pub(super) struct World {
    pub(super) spec: Arc<ChainSpec>,
    pub(super) ledger: Ledger,
    pub(super) executor: Executor,
    _folder: TempDir,
}

/// The account that has everything.
pub(super) fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("any number this small is a key")
}

/// Memory that a ledger of a few blocks needs.
pub(super) fn settings() -> Settings {
    const MIB: usize = 1024 * 1024;
    Settings {
        trie_bytes_max: MIB,
        state_bytes_max: MIB,
        block_bytes_max: MIB,
        store_cache_bytes: 1024 * 1024,
        sync: false,
        ..Settings::default()
    }
}

pub(super) fn spec() -> ChainSpec {
    ChainSpec::parse(GENESIS).expect("the seed is a genesis")
}

impl World {
    /// Genesis and two blocks on it.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let spec = Arc::new(spec());
        let ledger = Ledger::open(folder.path(), &spec, settings()).expect("the folder is empty");
        let executor = Executor::new(spec.clone(), ledger.clone()).with_call_gas_max(CALL_GAS_MAX);
        let world = Self { spec, ledger, executor, _folder: folder };
        world.adopt(&world.build(&[transfer(0), emit(1)]));
        world.adopt(&world.build(&[create(2), set_code(3)]));
        world
    }

    pub(super) fn head(&self) -> Header {
        let head = self.ledger.head();
        let block = self.ledger.block(head.hash).expect("the ledger can be read");
        block.expect("the head is there").block().header().clone()
    }

    /// A block on the head.
    pub(super) fn build(&self, transactions: &[Transaction]) -> Built {
        let parent = self.head();
        let attributes = Attributes {
            timestamp: parent.timestamp + 1,
            parent_beacon_block_root: Some(B256::ZERO),
            ..Attributes::default()
        };
        let transactions = transactions.iter().cloned();
        let recovered = transactions.map(|one| recover(one).expect("we have signed it"));
        let hash = self.ledger.head().hash;
        let built = self.executor.build(hash, &attributes, recovered, &BuildLimits::default());
        let built = built.expect("the head can be built on");
        assert!(built.skipped.is_empty(), "{:?}", built.skipped);
        built
    }

    pub(super) fn adopt(&self, built: &Built) {
        let hash = built.executed.block().hash();
        self.ledger
            .insert(built.executed.clone(), Some(built.root.clone()))
            .and_then(|()| self.ledger.set_head(hash))
            .and_then(|_| self.ledger.finalize(hash, Bytes::from_static(&[0])))
            .expect("a block on the head can be adopted");
    }

    pub(super) fn accounts(&self) -> Arc<dyn Accounts> {
        let state = self.ledger.state(self.ledger.head().hash).expect("the head has a state");
        Arc::new(StateAccounts(state))
    }
}

struct StateAccounts(StateView);

impl Accounts for StateAccounts {
    fn account(&self, address: &Address) -> Result<Account, String> {
        let found = self.0.account(address).map_err(|error| error.to_string())?;
        let info = found.unwrap_or_default();
        Ok(Account { nonce: info.nonce, balance: info.balance, has_code: false })
    }
}

const FEE: u128 = 10_000_000_000;
const GAS: u64 = 200_000;

fn sign<T>(transaction: T) -> Transaction
where
    T: SignableTransaction<Signature> + RlpEcdsaEncodableTx,
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = key().sign_hash_sync(&transaction.signature_hash());
    transaction.into_signed(signature.expect("a key in memory signs")).into()
}

fn access_list() -> AccessList {
    AccessList(vec![AccessListItem { address: EMITTER, storage_keys: vec![B256::ZERO] }])
}

/// Moves ether, in the oldest form of transaction.
pub(super) fn transfer(nonce: u64) -> Transaction {
    let to = TxKind::Call(Address::repeat_byte(0xaa));
    let (chain_id, value) = (Some(7), U256::from(1));
    let (gas_limit, gas_price, input) = (GAS, FEE, Bytes::new());
    sign(TxLegacy { chain_id, nonce, gas_limit, gas_price, to, value, input })
}

/// Makes a contract emit a log.
pub(super) fn emit(nonce: u64) -> Transaction {
    sign(TxEip2930 {
        chain_id: 7,
        nonce,
        gas_limit: GAS,
        gas_price: FEE,
        to: TxKind::Call(EMITTER),
        access_list: access_list(),
        input: B256::repeat_byte(3).0.into(),
        ..TxEip2930::default()
    })
}

/// Creates a contract of one byte.
pub(super) fn create(nonce: u64) -> Transaction {
    sign(TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: GAS,
        max_fee_per_gas: FEE,
        max_priority_fee_per_gas: 1,
        to: TxKind::Create,
        // PUSH1 1; PUSH0; RETURN
        input: Bytes::from_static(&[0x60, 1, 0x5f, 0xf3]),
        ..TxEip1559::default()
    })
}

/// Lets an account delegate to the emitter.
pub(super) fn set_code(nonce: u64) -> Transaction {
    let other = PrivateKeySigner::from_bytes(&B256::repeat_byte(2));
    let other = other.expect("any number this small is a key");
    let authorization = Authorization { chain_id: U256::from(7), address: EMITTER, nonce: 0 };
    let signature = other.sign_hash_sync(&authorization.signature_hash());
    let signed = authorization.into_signed(signature.expect("a key in memory signs"));
    sign(TxEip7702 {
        chain_id: 7,
        nonce,
        gas_limit: GAS,
        max_fee_per_gas: FEE,
        max_priority_fee_per_gas: 1,
        to: other.address(),
        authorization_list: vec![signed],
        ..TxEip7702::default()
    })
}

/// A blob transaction as blocks carry it.
pub(super) fn blob(nonce: u64) -> Transaction {
    let mut hash = B256::repeat_byte(5);
    hash.0[0] = 1; // the version of a KZG commitment's hash (EIP-4844)
    sign(TxEip4844 {
        chain_id: 7,
        nonce,
        gas_limit: GAS,
        max_fee_per_gas: FEE,
        max_priority_fee_per_gas: 1,
        to: EMITTER,
        blob_versioned_hashes: vec![hash],
        max_fee_per_blob_gas: FEE,
        ..TxEip4844::default()
    })
}
