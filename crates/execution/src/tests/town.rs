//! A chain of two organizations with the real contracts in its genesis, for what permissions and upgrades do on it.

use super::world::{CHAIN_ID, Draft, STORE, World, hanse, signer};
use crate::{Doorkeeper, Overrides};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_sol_types::{Eip712Domain, SolCall, SolConstructor, SolStruct, eip712_domain};
use hanse_primitives::{ChainSpec, Contracts, HanseSettings, Membership, RecoveredTransaction};
use law::{
    escrow::{Currency, Escrow},
    members::{IMembers, Members},
    policies::{IPolicies, Policies},
    upgrades::Upgrades,
};

pub(super) mod law {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

    pub(crate) mod members {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Members,
            "../../contracts/artifacts/Members.json"
        );
    }

    pub(crate) mod policies {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Policies,
            "../../contracts/artifacts/Policies.json"
        );
    }

    pub(crate) mod upgrades {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Upgrades,
            "../../contracts/artifacts/Upgrades.json"
        );
    }

    pub(crate) mod escrow {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Escrow,
            "../../contracts/artifacts/Escrow.json"
        );
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Currency,
            "../../contracts/artifacts/Currency.json"
        );
    }

    alloy_sol_types::sol! {
        struct Enrollment {
            bytes32 organization;
            address account;
            uint32 roles;
            uint64 validUntil;
            bytes32 certificate;
            uint256 nonce;
        }
    }
}

/// Calls whoever its first word names, with the rest of its input; fails as the callee does.
pub(super) const FORWARD: Address = Address::repeat_byte(0xb1);
const FORWARD_CODE: &str =
    "0x602036038060206000376000600091600060006000355af16025573d600060003e3d6000fd5b00";

pub(super) const ADMIN: u8 = 1;
pub(super) const MERCHANT: u8 = 2;
pub(super) const CARRIER: u8 = 3;
pub(super) const BANK: u8 = 4;
pub(super) const PLATFORM: u8 = 9;

/// Signer of the account with a role in the first organization; [`STRANGER`] is enrolled nowhere.
pub(super) const fn holder(role: u8) -> u8 {
    16 + role
}
pub(super) const STRANGER: u8 = 15;

/// A form for whoever has a role in an organization, or in any.
pub(super) fn principal(organization: &str, role: u8) -> Vec<u8> {
    [&[2], id(organization).as_slice(), &[role, 1]].concat()
}

fn one_of(forms: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(forms.len()).expect("a few");
    [vec![1, count, 1], forms.concat()].concat()
}

pub(super) fn id(text: &str) -> B256 {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    B256::from(bytes)
}

/// A chain of two organizations, with the contracts in its genesis.
pub(super) struct Town {
    pub(super) world: World,
    pub(super) membership: Membership,
    pub(super) places: Places,
    nonces: std::cell::RefCell<std::collections::BTreeMap<u8, u64>>,
}

fn domain(name: &'static str, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: name, version: "1", chain_id: CHAIN_ID, verifying_contract: contract,
    }
}

/// Where the contracts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) membership: Membership,
    pub(super) upgrades: Address,
    pub(super) escrow: Address,
    pub(super) currency: Address,
}

/// The chain's genesis, with what its settings say of the law; somebody who does not care for it has them say nothing.
pub(super) fn spec(
    law: &[(Address, alloy_genesis::GenesisAccount)],
    membership: Option<Membership>,
    upgrades: Option<Address>,
) -> ChainSpec {
    let mut genesis = hanse().genesis().clone();
    genesis.alloc.extend(law.iter().cloned());
    for index in 4..40 {
        let account = alloy_genesis::GenesisAccount {
            balance: U256::from(10).pow(U256::from(24)),
            ..Default::default()
        };
        genesis.alloc.insert(signer(index).address(), account);
    }
    let code: Bytes = FORWARD_CODE.parse().expect("hex");
    let forward = alloy_genesis::GenesisAccount { code: Some(code), ..Default::default() };
    genesis.alloc.insert(FORWARD, forward);
    let settings = HanseSettings {
        contracts: Contracts { membership, upgrades, ..Contracts::default() },
        ..hanse().hanse().expect("it is ours").clone()
    };
    let value = serde_json::to_value(settings).expect("plain data");
    genesis.config.extra_fields.insert("hanse".to_owned(), value);
    ChainSpec::new(genesis).expect("valid")
}

/// Runs the constructors on another chain, and takes what they left.
pub(super) fn law() -> (Vec<(Address, alloy_genesis::GenesisAccount)>, Places) {
    let world = World::new(&hanse());
    let deployer = signer(0).address();
    let membership = Membership { members: deployer.create(0), policies: deployer.create(1) };
    let [upgrades, escrow, currency] = [2, 3, 4].map(|nonce| deployer.create(nonce));
    let places = Places { membership, upgrades, escrow, currency };
    let founder = |name: &str, roles: u32, admin: u8| IMembers::Founder {
        id: id(name),
        name: name.to_owned(),
        roles,
        root: Bytes::copy_from_slice(name.as_bytes()),
        notBefore: 0,
        notAfter: u64::from(u32::MAX),
        admins: vec![signer(admin).address()],
    };
    let members = Members::constructorCall {
        governor_: membership.policies,
        founders: vec![founder("Brand", 0x7fe, 0), founder("Carrier", 1 << CARRIER, 1)],
    };
    let majority = vec![3, ADMIN, 1, 2];
    let any_admin = principal("", ADMIN);
    let policy = |name: &str, form: &[u8]| IPolicies::NamedPolicy {
        name: id(name),
        form: Bytes::copy_from_slice(form),
    };
    let mut named: Vec<_> = ["governance", "membership", "validators", "engine"]
        .map(|name| policy(name, &majority))
        .to_vec();
    named.push(policy("policies", &any_admin));
    named.push(policy("upgrades", &any_admin));
    named.push(policy("send", &principal("", 0)));
    named.push(policy("deploy", &one_of(&[any_admin, principal("", PLATFORM)])));
    let policies = Policies::constructorCall {
        members_: membership.members,
        policies_: named,
        topics_: vec![IPolicies::Topic { target: upgrades, policy: id("upgrades") }],
        lifetimeMax_: 100,
    };
    let covered_ = vec![membership.members, membership.policies, escrow, STORE];
    let replaced = Upgrades::constructorCall { members_: membership.members, covered_ };
    let money = Currency::constructorCall {
        name_: "Pound Sterling".to_owned(),
        code: "GBP".to_owned(),
        decimals_: 2,
        issuer_: deployer,
    };
    let creations = [
        [Members::BYTECODE.as_ref(), &members.abi_encode()].concat(),
        [Policies::BYTECODE.as_ref(), &policies.abi_encode()].concat(),
        [Upgrades::BYTECODE.as_ref(), &replaced.abi_encode()].concat(),
        Escrow::BYTECODE.to_vec(),
        [Currency::BYTECODE.as_ref(), &money.abi_encode()].concat(),
    ];
    let mut accounts = Vec::new();
    for (nonce, code) in (0..).zip(creations) {
        let draft = Draft {
            to: TxKind::Create,
            gas_limit: 16_000_000,
            ..Draft::call(0, nonce, Address::ZERO, code)
        };
        let built = world.grow(&[draft.sign()]);
        assert!(built.executed.receipts()[0].status(), "contract {nonce} is constructed");
        let address = deployer.create(nonce);
        let change = built.executed.changes().account(&address).expect("it is there").clone();
        let info = change.info.expect("it is there");
        let storage =
            change.storage.iter().map(|(at, to)| (B256::from(*at), B256::from(*to))).collect();
        let account = alloy_genesis::GenesisAccount {
            nonce: Some(info.nonce),
            code: built.executed.changes().code_by_hash(&info.code_hash).cloned(),
            storage: Some(storage),
            ..Default::default()
        };
        accounts.push((address, account));
    }
    (accounts, places)
}

impl Town {
    /// With rules for [`STORE`]: the method `aaaaaaaa` is the carrier's, the rest the merchants' of any
    /// organization; and an account of the first organization for each role.
    pub(super) fn new() -> (Self, Vec<(Address, alloy_genesis::GenesisAccount)>) {
        let (accounts, places) = law();
        let Places { membership, upgrades, .. } = places;
        let world = World::new(&spec(&accounts, Some(membership), Some(upgrades)));
        let town = Self { world, membership, places, nonces: Default::default() };
        town.set(Policies::setAccessCall {
            target: STORE,
            selector: FixedBytes::ZERO,
            isWhole: true,
            form: principal("", MERCHANT).into(),
        });
        town.set(Policies::setAccessCall {
            target: STORE,
            selector: FixedBytes([0xaa; 4]),
            isWhole: false,
            form: principal("Brand", CARRIER).into(),
        });
        for role in 0..11 {
            town.enroll(0, "Brand", holder(role), 1 << role & !1, 0);
        }
        (town, accounts)
    }

    pub(super) fn nonce(&self, from: u8) -> u64 {
        *self.nonces.borrow().get(&from).unwrap_or(&0)
    }

    /// Puts a transaction into a block of its own; false when it has no place in one.
    pub(super) fn send(&self, draft: &Draft) -> Result<bool, String> {
        let built = self.world.grow(&[draft.sign()]);
        if let Some((_, reason)) = built.skipped.first() {
            return Err(reason.to_string());
        }
        *self.nonces.borrow_mut().entry(draft.from).or_default() += 1;
        Ok(built.executed.receipts()[0].status())
    }

    pub(super) fn call(&self, from: u8, to: Address, input: impl Into<Bytes>) -> Draft {
        Draft { gas_limit: 3_000_000, ..Draft::call(from, self.nonce(from), to, input) }
    }

    /// Decides on the policies as the first organization's admin alone can here.
    pub(super) fn set(&self, call: impl SolCall) {
        self.decide(vec![IPolicies::Call {
            target: self.membership.policies,
            data: call.abi_encode().into(),
        }]);
    }

    /// Decides as the first organization's admin can alone.
    pub(super) fn decide(&self, calls: Vec<IPolicies::Call>) {
        let policies = self.membership.policies;
        let id = self.ask::<Policies::proposalCountCall>(policies, &Policies::proposalCountCall {});
        let description = "a test".to_owned();
        let propose = Policies::proposeCall { calls, description, lifetime: 10 };
        assert_eq!(self.send(&self.call(0, policies, propose.abi_encode())), Ok(true));
        let execute = Policies::executeCall { id }.abi_encode();
        let execute = self.call(0, policies, execute);
        let estimated = self.estimate(&execute);
        assert_eq!(self.send(&execute), Ok(true), "{estimated:?}");
    }

    pub(super) fn ask<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let request = TransactionRequest {
            to: Some(TxKind::Call(to)),
            input: Bytes::from(call.abi_encode()).into(),
            ..Default::default()
        };
        let overrides = Overrides::default();
        let answer = self.world.executor.call(self.world.head(), &request, &overrides);
        C::abi_decode_returns(&answer.expect("an answer").output).expect("decodable")
    }

    pub(super) fn enroll(
        &self,
        admin: u8,
        organization: &str,
        account: u8,
        roles: u32,
        until: u64,
    ) {
        let members = self.membership.members;
        let enrollment = law::Enrollment {
            organization: id(organization),
            account: signer(account).address(),
            roles,
            validUntil: until,
            certificate: B256::ZERO,
            nonce: self.ask(members, &Members::noncesCall { account: signer(account).address() }),
        };
        let digest = enrollment.eip712_signing_hash(&domain("Hanse Members", members));
        let consent = signer(account).sign_hash_sync(&digest).expect("signed");
        let enroll = Members::enrollCall {
            account: enrollment.account,
            roles,
            validUntil: until,
            certificate_: B256::ZERO,
            notBefore: 0,
            consent: consent.as_bytes().to_vec().into(),
        };
        assert_eq!(self.send(&self.call(admin, members, enroll.abi_encode())), Ok(true));
    }

    pub(super) fn doorkeeper(&self) -> Doorkeeper {
        let ledger = &self.world.ledger;
        let head = ledger.block(self.world.head()).expect("readable").expect("the head is there");
        let view = ledger.state(self.world.head()).expect("the state of the head");
        self.world.executor.doorkeeper(head.block().header().clone(), view)
    }

    pub(super) fn admits(&self, transaction: &RecoveredTransaction) -> Result<(), String> {
        let answer = self.doorkeeper().permits(transaction).expect("readable");
        answer.map_err(|forbidden| forbidden.to_string())
    }

    /// What `eth_estimateGas` says of it.
    pub(super) fn estimate(&self, draft: &Draft) -> Result<u64, String> {
        let request = TransactionRequest {
            from: Some(signer(draft.from).address()),
            to: Some(draft.to),
            value: Some(draft.value),
            input: draft.input.clone().into(),
            ..Default::default()
        };
        let (head, overrides) = (self.world.head(), Overrides::default());
        self.world.executor.estimate_gas(head, &request, &overrides).map_err(|e| e.to_string())
    }
}

/// Input for [`STORE`] that begins with four equal bytes.
pub(super) fn store(byte: u8) -> Vec<u8> {
    let mut input = [0; 64];
    input[..4].fill(byte);
    input[63] = byte;
    input.to_vec()
}

pub(super) fn through_forward(target: Address, input: &[u8]) -> Vec<u8> {
    [target.into_word().as_slice(), input].concat()
}
