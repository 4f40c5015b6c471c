//! The development chain: chain id 1337, the ten accounts that every Ethereum tool knows, the
//! market's contracts in the genesis state, and parties to play with.

mod charter;
mod seats;

pub(crate) use charter::{Charter, Founder};
pub(crate) use seats::{Absence, Consensus, Seat};

use crate::NodeError;
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use alloy_sol_types::SolConstructor;
use charter::Law;
use hanse_commerce::orders::{CurrencyContract, EscrowContract};
use hanse_execution::{BuildLimits, Executor};
use hanse_ledger::{Ledger, Settings};
use hanse_primitives::{
    Attributes, BaseFee, ChainSpec, Contracts, Currency, HanseSettings, Party,
    RecoveredTransaction, Role,
};
use hanse_rpc::Wallet;
use seats::Creation;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Chain id of development chains, as geth's `--dev`.
pub(crate) const CHAIN_ID: u64 = 1337;

/// The mnemonic behind the well-known accounts; the same as anvil's and hardhat's.
pub(crate) const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Accounts of the mnemonic that exist at genesis.
const ACCOUNTS: u32 = 10;

/// Wei each of them has: 10,000 ether.
const BALANCE: u128 = 10_000 * 1_000_000_000_000_000_000;

/// Gas limit of a development block. 8 MiB of transactions end a block before it does.
const GAS_LIMIT: u64 = 10_000_000_000;

/// Currencies of the development market, with their names.
const CURRENCIES: [(&str, &str); 3] =
    [("GBP", "Pound Sterling"), ("EUR", "Euro"), ("USD", "US Dollar")];

/// How the development chain should behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Milliseconds between blocks; 0 seals on demand.
    pub block_time_ms: u64,
    /// How the base fee moves.
    pub base_fee: BaseFee,
}

/// The keys of the well-known accounts.
#[derive(Clone)]
pub struct DevelopmentWallet(Arc<Vec<PrivateKeySigner>>);

impl std::fmt::Debug for DevelopmentWallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DevelopmentWallet({} keys)", self.0.len())
    }
}

impl DevelopmentWallet {
    /// Derives the keys (BIP-44, `m/44'/60'/0'/0/i`).
    #[must_use]
    pub fn new() -> Self {
        let key = |index| {
            MnemonicBuilder::<English>::default()
                .phrase(MNEMONIC)
                .index(index)
                .and_then(|builder| builder.build())
                .expect("the well-known mnemonic and a small index are valid")
        };
        Self(Arc::new((0..ACCOUNTS).map(key).collect()))
    }

    /// The keys in the order of their index.
    #[must_use]
    pub fn keys(&self) -> &[PrivateKeySigner] {
        &self.0
    }
}

impl Default for DevelopmentWallet {
    fn default() -> Self {
        Self::new()
    }
}

impl Wallet for DevelopmentWallet {
    fn accounts(&self) -> Vec<Address> {
        self.0.iter().map(PrivateKeySigner::address).collect()
    }

    fn sign(&self, address: &Address, digest: &B256) -> Option<Signature> {
        let key = self.0.iter().find(|key| key.address() == *address)?;
        key.sign_hash_sync(digest).ok()
    }
}

/// Account of the bank that issues every currency of the development market.
pub(crate) const BANK: usize = 0;
/// Account of the merchant.
pub(crate) const MERCHANT: usize = 1;
/// Account of the carrier.
pub(crate) const CARRIER: usize = 2;

/// The genesis of a development chain, ready to be written to a file or run.
///
/// # Errors
/// When the temporary folder in which the contracts are constructed cannot be used.
pub(crate) fn genesis(options: Options) -> Result<Genesis, NodeError> {
    let consensus = Consensus::Solo { block_time_ms: options.block_time_ms };
    market(&consensus, options.base_fee, None)
}

/// The genesis of a network with the development market, whose blocks come about in any way.
///
/// # Errors
/// As [`genesis`].
pub(crate) fn market(
    consensus: &Consensus,
    base_fee: BaseFee,
    charter: Option<&Charter>,
) -> Result<Genesis, NodeError> {
    let wallet = DevelopmentWallet::new();
    let accounts = wallet.accounts();
    let mut genesis = bare_genesis(&accounts)?;
    let mut creations = creations(accounts[BANK]);
    let escrow = creations.len() - 1;
    // The law is at the same addresses whatever decides the blocks.
    let next = creations.len() as u64;
    // After the contract that knows the validators.
    let votes = charter.is_some() && consensus.has_validators();
    let engines = votes.then(|| deployer().create(next + Charter::CONTRACTS + 1));
    // So far the market's; and the validators' after the law, where somebody votes, now or later.
    let others = (0..next).chain([next + Charter::CONTRACTS]).map(|nonce| deployer().create(nonce));
    let founded =
        charter.map(|charter| charter.creations(deployer(), next, others, engines)).transpose()?;
    let (law, founding) = founded.unzip();
    let governor = law.as_ref().map(|law: &Law| law.membership.policies);
    creations.extend(founding.into_iter().flatten());
    let seats = creations.len();
    creations.extend(consensus.creation(governor));
    if let Some((charter, law)) = charter.zip(law.as_ref()).filter(|_| votes) {
        creations.push(charter.engines(law));
    }
    let created = construct(&genesis, &creations)?;
    let validators = created.get(seats).map(|(address, _)| *address);
    let contracts = Contracts {
        escrow: created.get(escrow).map(|(address, _)| *address),
        currencies: CURRENCIES
            .iter()
            .zip(&created)
            .map(|((code, _), (address, _))| {
                (code.parse::<Currency>().expect("the table holds ISO 4217 codes"), *address)
            })
            .collect(),
        membership: law.map(|law| law.membership),
        anchors: law.map(|law| law.anchors),
        data_catalog: law.map(|law| law.catalog),
        upgrades: law.map(|law| law.upgrades),
        engines,
    };
    genesis.alloc.extend(created);
    let settings = HanseSettings {
        network: "Hanse development network".to_owned(),
        consensus: consensus.engine(validators),
        consensus_changes: Vec::new(),
        base_fee,
        contracts,
        parties: [
            (BANK, "Baltic Bank", Role::Bank),
            (MERCHANT, "Kontor Gifts", Role::Merchant),
            (CARRIER, "Cog Carriers", Role::Carrier),
        ]
        .map(|(index, name, role)| Party { address: accounts[index], name: name.to_owned(), role })
        .to_vec(),
        development: true,
    };
    let value = serde_json::to_value(settings).expect("settings are plain data");
    genesis.config.extra_fields.insert("hanse".to_owned(), value);
    Ok(genesis)
}

/// The genesis without Hanse's settings and contracts: every fork up to Osaka at once.
fn bare_genesis(accounts: &[Address]) -> Result<Genesis, NodeError> {
    let mut config = json!({
        "chainId": CHAIN_ID, "terminalTotalDifficulty": 0, "terminalTotalDifficultyPassed": true,
    });
    let blocks = [
        "homestead",
        "eip150",
        "eip155",
        "eip158",
        "byzantium",
        "constantinople",
        "petersburg",
        "istanbul",
        "muirGlacier",
        "berlin",
        "london",
        "arrowGlacier",
        "grayGlacier",
        "mergeNetsplit",
    ];
    for fork in blocks {
        config[format!("{fork}Block")] = json!(0);
    }
    for fork in ["shanghai", "cancun", "prague", "osaka"] {
        config[format!("{fork}Time")] = json!(0);
    }
    let blobs = |target: u64, max: u64, fraction: u64| json!({"target": target, "max": max, "baseFeeUpdateFraction": fraction});
    // EIP-4844 and EIP-7691.
    config["blobSchedule"] = json!({
        "cancun": blobs(3, 6, 3_338_477),
        "prague": blobs(6, 9, 5_007_716),
        "osaka": blobs(6, 9, 5_007_716),
    });
    let mut alloc: BTreeMap<Address, GenesisAccount> = accounts
        .iter()
        .map(|address| {
            (*address, GenesisAccount { balance: U256::from(BALANCE), ..Default::default() })
        })
        .collect();
    alloc.extend(system_contracts());
    let genesis = json!({
        "config": config, "gasLimit": format!("{GAS_LIMIT:#x}"), "difficulty": "0x0",
        "timestamp": "0x0", "alloc": Value::Object(Default::default()),
    });
    let mut genesis: Genesis =
        serde_json::from_value(genesis).map_err(hanse_primitives::PrimitiveError::from)?;
    genesis.alloc = alloc;
    Ok(genesis)
}

/// The contracts that Ethereum's rules call in every block, with the code their EIPs give.
fn system_contracts() -> Vec<(Address, GenesisAccount)> {
    use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
    let contracts = [
        (eip4788::BEACON_ROOTS_ADDRESS, eip4788::BEACON_ROOTS_CODE.clone()),
        (eip2935::HISTORY_STORAGE_ADDRESS, eip2935::HISTORY_STORAGE_CODE.clone()),
        (
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone(),
        ),
        (
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone(),
        ),
    ];
    contracts
        .into_iter()
        .map(|(address, code)| {
            (address, GenesisAccount { code: Some(code), nonce: Some(1), ..Default::default() })
        })
        .collect()
}

/// Init code of each currency, then of the escrow.
fn creations(bank: Address) -> Vec<Creation> {
    let with = |code: &Bytes, arguments: Vec<u8>| Creation {
        code: [code.as_ref(), &arguments].concat().into(),
        value: U256::ZERO,
    };
    let mut creations: Vec<Creation> = CURRENCIES
        .iter()
        .map(|(code, name)| {
            let decimals =
                code.parse::<Currency>().expect("the table holds ISO 4217 codes").decimals();
            let arguments = CurrencyContract::constructorCall {
                name_: (*name).to_owned(),
                code: (*code).to_owned(),
                decimals_: decimals,
                issuer_: bank,
            };
            with(&CurrencyContract::BYTECODE, arguments.abi_encode())
        })
        .collect();
    creations.push(with(&EscrowContract::BYTECODE, Vec::new()));
    creations
}

/// Whose contracts they are on the scratch chain, which says their addresses.
fn deployer() -> Address {
    Address::from_word(keccak256("hanse development deployer"))
}

/// Runs constructors on a scratch chain and returns what they left, as genesis accounts.
fn construct(
    genesis: &Genesis,
    creations: &[Creation],
) -> Result<Vec<(Address, GenesisAccount)>, NodeError> {
    let scratch =
        tempfile::tempdir().map_err(|e| NodeError::io("cannot make a temporary folder", e))?;
    let deployer = deployer();
    let mut genesis = genesis.clone();
    let rich = GenesisAccount { balance: U256::from(BALANCE), ..Default::default() };
    genesis.alloc.insert(deployer, rich);
    let spec = Arc::new(ChainSpec::new(genesis)?);
    let ledger = Ledger::open(scratch.path(), &spec, Settings::default())?;
    let transactions = (0u64..).zip(creations).map(|(nonce, creation)| {
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA,
            max_fee_per_gas: 1_000_000_000,
            to: TxKind::Create,
            input: creation.code.clone(),
            value: creation.value,
            ..Default::default()
        };
        // Nobody signs on a scratch chain: the sender is stated, not recovered.
        let signed = transaction.into_signed(Signature::test_signature());
        RecoveredTransaction::new_unchecked(signed.into(), deployer)
    });
    let attributes = Attributes {
        timestamp: 1,
        parent_beacon_block_root: Some(B256::ZERO),
        ..Default::default()
    };
    let parent = spec.genesis_reference().hash;
    let executor = Executor::new(Arc::clone(&spec), ledger);
    let built = executor.build(parent, &attributes, transactions, &BuildLimits::default())?;
    if let Some((_, reason)) = built.skipped.first() {
        return Err(NodeError::Failed(format!("a contract cannot be constructed: {reason}")));
    }
    let changes = built.executed.changes();
    (0u64..)
        .zip(creations)
        .map(|(nonce, _)| {
            let address = deployer.create(nonce);
            let change = changes.account(&address);
            let change = change.filter(|change| change.info.is_some()).ok_or_else(|| {
                NodeError::Failed(format!("the constructor of contract {nonce} failed"))
            })?;
            let info = change.info.expect("filtered above");
            let storage = change
                .storage
                .iter()
                .map(|(slot, value)| (B256::from(*slot), B256::from(*value)))
                .collect();
            let account = GenesisAccount {
                nonce: Some(info.nonce),
                balance: info.balance,
                code: changes.code_by_hash(&info.code_hash).cloned(),
                storage: Some(storage),
                ..Default::default()
            };
            Ok((address, account))
        })
        .collect()
}
