//! Accounts that sign, contracts by hand, and a chain on the real ledger.

use crate::Executor;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_ledger::{Ledger, Settings};
use hanse_primitives::{
    Attributes, Block, BlockHash, ChainSpec, Executed, RecoveredTransaction, SealedBlock,
    Transaction, recover,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const CHAIN_ID: u64 = 7_777;
pub(crate) const GWEI: u128 = 1_000_000_000;

/// Stores the second word of its input under the first, and logs the first.
pub(crate) const STORE: Address = Address::repeat_byte(0xa1);
/// Destroys itself in favour of its caller.
pub(crate) const DESTROY: Address = Address::repeat_byte(0xa2);
/// Creates a contract from its input.
pub(crate) const CREATE: Address = Address::repeat_byte(0xa3);
/// The same with CREATE2 and salt 0, so that an address can be used again.
pub(crate) const CREATE2: Address = Address::repeat_byte(0xa4);
/// Reverts.
pub(crate) const REVERT: Address = Address::repeat_byte(0xa5);
/// Runs into an invalid opcode.
pub(crate) const INVALID: Address = Address::repeat_byte(0xa6);

/// Init code of a contract with a slot set that destroys itself when it is called.
pub(crate) const CHILD: [u8; 16] = hex!("60016000556133ff6000526002601ef3");

/// Address of [`CHILD`] when [`CREATE2`] makes it.
pub(crate) fn child() -> Address {
    CREATE2.create2_from_code(B256::ZERO, CHILD)
}

pub(crate) fn signer(index: u8) -> PrivateKeySigner {
    let key = B256::with_last_byte(index + 1);
    PrivateKeySigner::from_bytes(&key).expect("a small number is a valid key")
}

/// A genesis with these forks, in which four signers are rich and the contracts are deployed.
pub(crate) fn genesis(config: Value) -> ChainSpec {
    let mut config = config;
    config["chainId"] = json!(CHAIN_ID);
    let rich = "0xd3c21bcecceda1000000";
    let mut alloc = json!({});
    for index in 0..4 {
        alloc[signer(index).address().to_string()] = json!({"balance": rich});
    }
    let contracts = [
        (STORE, "0x6020356000355560003560006000a100"),
        (DESTROY, "0x33ff"),
        (CREATE, "0x36600060003736600034f05000"),
        (CREATE2, "0x3660006000376000366000 34f55000"),
        (REVERT, "0x60006000fd"),
        (INVALID, "0xfe"),
    ];
    for (address, code) in contracts {
        let code = code.replace(' ', "");
        alloc[address.to_string()] =
            json!({"balance": "0x10", "code": code, "storage": {"0x07": "0x09"}});
    }
    let genesis = json!({
        "config": config, "difficulty": "0x20000", "gasLimit": "0x1c9c380", "alloc": alloc,
    });
    ChainSpec::parse(genesis.to_string().as_bytes()).expect("the genesis is valid")
}

/// All forks from genesis on, on a chain of our own.
pub(crate) fn hanse() -> ChainSpec {
    genesis(json!({
        "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0,
        "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 0, "shanghaiTime": 0,
        "cancunTime": 0, "pragueTime": 0, "osakaTime": 0,
        "hanse": {"consensus": {"engine": "solo"}},
    }))
}

/// Proof-of-work rules of Istanbul, on a foreign chain.
pub(crate) fn istanbul() -> ChainSpec {
    genesis(json!({
        "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0,
    }))
}

/// The rules before Byzantium, with a state root in each receipt.
pub(crate) fn spurious() -> ChainSpec {
    genesis(json!({
        "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
    }))
}

/// A new fork every other block, from Frontier to the second blob fork.
pub(crate) fn all_forks() -> ChainSpec {
    genesis(json!({
        "homesteadBlock": 2, "eip150Block": 4, "eip155Block": 6, "eip158Block": 6,
        "byzantiumBlock": 8, "constantinopleBlock": 10, "petersburgBlock": 12, "istanbulBlock": 14,
        "berlinBlock": 16, "londonBlock": 18, "mergeNetsplitBlock": 20, "shanghaiTime": 220,
        "cancunTime": 240, "pragueTime": 260, "osakaTime": 280, "bpo1Time": 300, "bpo2Time": 320,
        "terminalTotalDifficulty": 1,
        "blobSchedule": {
            "cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477},
            "prague": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716},
            "osaka": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716},
            "bpo1": {"target": 10, "max": 15, "baseFeeUpdateFraction": 8_346_193},
            "bpo2": {"target": 14, "max": 21, "baseFeeUpdateFraction": 11_684_671},
        },
    }))
}

/// What a test wants a transaction to be; the rest is filled in.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) from: u8,
    pub(crate) nonce: u64,
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) fee: u128,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without a chain id.
    Bare,
    Legacy,
    AccessList,
    Dynamic,
    /// Signs the third signer's account over to [`STORE`], at this nonce.
    SetCode(u64),
}

impl Draft {
    pub(crate) fn transfer(from: u8, nonce: u64, to: Address, value: u64) -> Self {
        Self {
            from,
            nonce,
            to: TxKind::Call(to),
            value: U256::from(value),
            input: Bytes::new(),
            gas_limit: 200_000,
            fee: 100 * GWEI,
            kind: Kind::Legacy,
        }
    }

    pub(crate) fn call(from: u8, nonce: u64, to: Address, input: impl Into<Bytes>) -> Self {
        Self { input: input.into(), ..Self::transfer(from, nonce, to, 0) }
    }

    pub(crate) fn sign(&self) -> RecoveredTransaction {
        let Self { nonce, to, value, gas_limit, .. } = self.clone();
        let (input, gas_price, chain_id) = (self.input.clone(), self.fee, CHAIN_ID);
        let access_list = alloy_eips::eip2930::AccessList::default();
        let callee = to.to().copied().unwrap_or_default();
        let (max_fee_per_gas, max_priority_fee_per_gas) = (self.fee, GWEI.min(self.fee));
        match self.kind {
            Kind::Bare | Kind::Legacy => {
                let chain_id = (self.kind == Kind::Legacy).then_some(chain_id);
                self.seal(TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input })
            }
            Kind::AccessList => self.seal(TxEip2930 {
                chain_id,
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                access_list,
                input,
            }),
            Kind::Dynamic => self.seal(TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                input,
            }),
            Kind::SetCode(authority_nonce) => {
                let offer = Authorization {
                    chain_id: U256::from(CHAIN_ID),
                    address: STORE,
                    nonce: authority_nonce,
                };
                let signature = signer(2).sign_hash_sync(&offer.signature_hash());
                let signed = offer.into_signed(signature.expect("signing in memory works"));
                self.seal(TxEip7702 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas,
                    max_priority_fee_per_gas,
                    to: callee,
                    value,
                    access_list,
                    authorization_list: vec![signed],
                    input,
                })
            }
        }
    }

    fn seal<T>(&self, transaction: T) -> RecoveredTransaction
    where
        T: SignableTransaction<alloy_primitives::Signature>,
        Transaction: From<alloy_consensus::Signed<T>>,
    {
        let hash = transaction.signature_hash();
        let signature = signer(self.from).sign_hash_sync(&hash).expect("signing in memory works");
        recover(transaction.into_signed(signature).into()).expect("the signature is valid")
    }
}

/// A chain on a ledger in a folder that goes away with it.
pub(crate) struct World {
    pub(crate) executor: Executor,
    pub(crate) ledger: Ledger,
    _folder: TempDir,
}

impl World {
    pub(crate) fn new(spec: &ChainSpec) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let settings = Settings { sync: false, ..Settings::default() };
        let ledger = Ledger::open(folder.path(), spec, settings).expect("the ledger opens");
        let executor = Executor::new(Arc::new(spec.clone()), ledger.clone());
        Self { executor, ledger, _folder: folder }
    }

    pub(crate) fn head(&self) -> BlockHash {
        self.ledger.head().hash
    }

    pub(crate) fn keep(&self, executed: Executed, root: hanse_ledger::PendingRoot) {
        let hash = executed.block().hash();
        self.ledger.insert(executed, Some(root)).expect("the block is kept");
        self.ledger.set_head(hash).expect("the block becomes the head");
    }

    /// Attributes of the next block, ten seconds on.
    pub(crate) fn attributes(&self) -> Attributes {
        let head = self.ledger.block(self.head()).expect("the ledger is readable");
        let header = head.expect("the head is there").block().header().clone();
        let timestamp = header.timestamp + 10;
        let spec = self.executor.spec();
        Attributes {
            timestamp,
            fee_recipient: Address::repeat_byte(0xfe),
            prev_randao: B256::with_last_byte(3),
            parent_beacon_block_root: spec.blob_params_at(timestamp).map(|_| B256::ZERO),
            ..Attributes::default()
        }
    }

    /// Builds a block from these transactions and makes it the head.
    pub(crate) fn grow(&self, transactions: &[RecoveredTransaction]) -> crate::Built {
        let limits = crate::BuildLimits::default();
        let built = self
            .executor
            .build(self.head(), &self.attributes(), transactions, &limits)
            .expect("the block is built");
        self.keep(built.executed.clone(), built.root.clone());
        built
    }
}

/// The same block with something changed, sealed anew.
pub(crate) fn altered(block: &SealedBlock, change: impl FnOnce(&mut Block)) -> SealedBlock {
    let mut block = block.block().clone();
    change(&mut block);
    SealedBlock::new(block)
}

/// A word of input.
pub(crate) fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}
