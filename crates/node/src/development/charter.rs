//! The organizations of a network that begins, and the policies that it begins with: as a file says them
//! (`hanse genesis --consortium`), or as a network on one machine has them.

use super::{Creation, DevelopmentWallet};
use crate::{NodeError, consortium::word_of};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolConstructor;
use contracts::{
    anchors::Anchors,
    catalog::DataCatalog,
    engines::Engines,
    members::{IMembers, Members},
    policies::{IPolicies, Policies},
    upgrades::Upgrades,
};
use hanse_identity::{
    Authority, Certificate, MspId, Policy, Role, RoleSet, Root, Serial, Validity,
};
use hanse_primitives::Membership;
use hanse_rpc::Wallet;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Generated from the checked-in artifacts, so that Rust cannot drift from the contracts.
mod contracts {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

    pub(super) mod members {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Members,
            "../../contracts/artifacts/Members.json"
        );
    }

    pub(super) mod policies {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Policies,
            "../../contracts/artifacts/Policies.json"
        );
    }

    pub(super) mod anchors {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Anchors,
            "../../contracts/artifacts/Anchors.json"
        );
    }

    pub(super) mod engines {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Engines,
            "../../contracts/artifacts/Engines.json"
        );
    }

    pub(super) mod catalog {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            DataCatalog,
            "../../contracts/artifacts/DataCatalog.json"
        );
    }

    pub(super) mod upgrades {
        alloy_sol_types::sol!(
            #[derive(Debug)]
            Upgrades,
            "../../contracts/artifacts/Upgrades.json"
        );
    }
}

/// Blocks for which a proposal can be open, at most.
const LIFETIME_MAX: u64 = 1_000_000;

/// Blocks between a vote on the engine and its effect, at least.
const ENGINE_NOTICE: u64 = 1_000;

/// The policy that decides on the engine.
const ENGINE: &str = "engine";

/// The policy that decides which contracts get other code.
const UPGRADES: &str = "upgrades";

/// Bytes of a file with a consortium.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Policies that decide on changes, and what they are if nobody says otherwise.
const GOVERNING: [&str; 6] =
    ["governance", "membership", "policies", "validators", UPGRADES, ENGINE];

/// An organization that is there from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Founder {
    pub(crate) id: MspId,
    /// For people.
    pub(crate) name: String,
    /// What its accounts may be.
    pub(crate) roles: RoleSet,
    pub(crate) root: Root,
    /// Accounts that act for it.
    pub(crate) admins: Vec<Address>,
}

/// Who is there from the beginning, and by which policies they live.
#[derive(Clone, Debug)]
pub(crate) struct Charter {
    founders: Vec<Founder>,
    /// By name, as the contract has names.
    policies: BTreeMap<B256, Policy>,
    engine_notice: u64,
}

/// The contracts of a charter, once they have addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Law {
    pub(crate) membership: Membership,
    pub(crate) anchors: Address,
    pub(crate) catalog: Address,
    pub(crate) upgrades: Address,
}

impl Charter {
    /// A network that strangers may use (`is_open`), or one for members only. `said` are policies that are to be
    /// otherwise than by default.
    pub(crate) fn new(
        founders: Vec<Founder>,
        is_open: bool,
        said: BTreeMap<String, Policy>,
    ) -> Result<Self, NodeError> {
        let parse = |text: &str| Policy::parse(text).map_err(|e| NodeError::Failed(e.to_string()));
        let mut policies = BTreeMap::new();
        for name in GOVERNING {
            policies.insert(name.to_owned(), parse("MAJORITY(admin)")?);
        }
        let (send, deploy) = match is_open {
            true => ("ANYONE", "ANYONE"),
            false => ("'*.member'", "OR('*.admin', '*.platform')"),
        };
        policies.insert("send".to_owned(), parse(send)?);
        policies.insert("deploy".to_owned(), parse(deploy)?);
        policies.extend(said);
        if founders.is_empty() {
            return Err(NodeError::Config("a consortium has at least one organization".to_owned()));
        }
        let policies = policies.into_iter().map(|(name, policy)| Ok((word_of(&name)?, policy)));
        let policies = policies.collect::<Result<_, NodeError>>()?;
        Ok(Self { founders, policies, engine_notice: ENGINE_NOTICE })
    }

    /// The same, where a vote on the engine can take effect after so many blocks.
    pub(crate) const fn with_engine_notice(mut self, blocks: u64) -> Self {
        self.engine_notice = blocks;
        self
    }

    /// One organization, whose authority nobody keeps: to measure what the law costs.
    pub(crate) fn sole() -> Result<Self, NodeError> {
        let id = MspId::new("Brand")?;
        let validity = Validity::days(0, 36_500)?;
        let authority =
            Authority::create(&id, "Brand authority", validity, &Serial::new(&[1; 8])?)?;
        let founder = Founder {
            name: "Brand".to_owned(),
            roles: RoleSet::default().with(Role::Admin),
            root: authority.root().clone(),
            admins: DevelopmentWallet::new().accounts(),
            id,
        };
        Self::new(vec![founder], true, BTreeMap::new())
    }

    /// Reads a file.
    pub(crate) fn load(path: &Path) -> Result<Self, NodeError> {
        let failed = |error| NodeError::file("read", path, error);
        if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
            let why = format!("{} is too long for a consortium", path.display());
            return Err(NodeError::Config(why));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let wrong = |why: String| NodeError::Config(format!("{}: {why}", path.display()));
        let file: ConsortiumFile = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let founders = file.organizations.iter().map(|one| one.founder(folder));
        let founders = founders.collect::<Result<_, _>>()?;
        let policies = file.policies.iter().map(|(name, text)| {
            let policy = Policy::parse(text);
            Ok((name.clone(), policy.map_err(|error| wrong(format!("policy {name}: {error}")))?))
        });
        let policies = policies.collect::<Result<_, NodeError>>()?;
        let charter = Self::new(founders, file.open, policies)?;
        Ok(charter.with_engine_notice(file.engine_notice.unwrap_or(ENGINE_NOTICE)))
    }

    /// How many contracts [`Charter::creations`] makes.
    pub(super) const CONTRACTS: u64 = 5;

    /// The contracts, in the order in which they are to be created by `deployer` from `nonce` on. `others` are the
    /// network's own contracts besides, whose code it may replace as theirs; `engines` is where members vote on
    /// the engine, if they can.
    pub(super) fn creations(
        &self,
        deployer: Address,
        nonce: u64,
        others: impl IntoIterator<Item = Address>,
        engines: Option<Address>,
    ) -> Result<(Law, Vec<Creation>), NodeError> {
        let [members, policies, anchors, catalog, upgrades] =
            [0, 1, 2, 3, 4].map(|at| deployer.create(nonce + at));
        let membership = Membership { members, policies };
        let founding = Members::constructorCall {
            governor_: policies,
            founders: self.founders.iter().map(Founder::argument).collect(),
        };
        let topic = |target, policy| Ok(IPolicies::Topic { target, policy: word_of(policy)? });
        let governed = [(upgrades, UPGRADES)].into_iter().chain(engines.map(|at| (at, ENGINE)));
        let topics = governed.map(|(target, policy)| topic(target, policy));
        let topics = topics.collect::<Result<Vec<_>, NodeError>>()?;
        let deciding = Policies::constructorCall {
            members_: members,
            policies_: self
                .policies
                .iter()
                .map(|(name, policy)| IPolicies::NamedPolicy {
                    name: *name,
                    form: policy.to_form().into(),
                })
                .collect(),
            topics_: topics,
            lifetimeMax_: LIFETIME_MAX,
        };
        let cataloguing = DataCatalog::constructorCall { members_: members };
        let own = [members, policies, anchors, catalog];
        let replacing = Upgrades::constructorCall {
            members_: members,
            covered_: own.into_iter().chain(others).chain(engines).collect(),
        };
        let creations = vec![
            creation(&Members::BYTECODE, founding.abi_encode()),
            creation(&Policies::BYTECODE, deciding.abi_encode()),
            creation(&Anchors::BYTECODE, Vec::new()),
            creation(&DataCatalog::BYTECODE, cataloguing.abi_encode()),
            creation(&Upgrades::BYTECODE, replacing.abi_encode()),
        ];
        Ok((Law { membership, anchors, catalog, upgrades }, creations))
    }

    /// The contract of votes on the engine.
    pub(super) fn engines(&self, law: &Law) -> Creation {
        let arguments = Engines::constructorCall {
            members_: law.membership.members,
            notice_: self.engine_notice,
        };
        creation(&Engines::BYTECODE, arguments.abi_encode())
    }
}

fn creation(code: &Bytes, arguments: Vec<u8>) -> Creation {
    Creation { code: [code.as_ref(), &arguments].concat().into(), value: U256::ZERO }
}

impl Founder {
    fn argument(&self) -> IMembers::Founder {
        let certificate = self.root.certificate();
        IMembers::Founder {
            id: self.id.to_word(),
            name: self.name.clone(),
            roles: self.roles.bits(),
            root: Bytes::copy_from_slice(certificate.der()),
            notBefore: certificate.validity().not_before(),
            notAfter: certificate.validity().not_after(),
            admins: self.admins.clone(),
        }
    }
}

/// A consortium, as its founders write it down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConsortiumFile {
    /// Whether strangers may use the network.
    #[serde(default)]
    open: bool,
    /// Blocks between a vote on the engine and its effect, at least.
    engine_notice: Option<u64>,
    #[serde(rename = "organization")]
    organizations: Vec<OrganizationEntry>,
    #[serde(default)]
    policies: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OrganizationEntry {
    /// MSP id.
    id: String,
    name: Option<String>,
    roles: Vec<String>,
    /// PEM file of the root certificate; relative to the file.
    root: PathBuf,
    admins: Vec<Address>,
}

impl OrganizationEntry {
    fn founder(&self, folder: &Path) -> Result<Founder, NodeError> {
        let wrong = |why: String| NodeError::Config(format!("organization {}: {why}", self.id));
        let id = MspId::new(&self.id).map_err(|error| wrong(error.to_string()))?;
        let mut roles = RoleSet::default().with(Role::Admin);
        for name in &self.roles {
            let role: Role = name.parse().map_err(|error| wrong(format!("{name}: {error}")))?;
            roles = roles.with(role);
        }
        let path = folder.join(&self.root);
        let text = fs::read_to_string(&path).map_err(|e| NodeError::file("read", &path, e))?;
        let root = Certificate::from_pem(&text).map_err(|error| wrong(error.to_string()))?;
        let root = Root::new(&id, root).map_err(|error| wrong(error.to_string()))?;
        if self.admins.is_empty() {
            return Err(wrong("it needs an account that acts for it (admins)".to_owned()));
        }
        let name = self.name.clone().unwrap_or_else(|| self.id.clone());
        Ok(Founder { id, name, roles, root, admins: self.admins.clone() })
    }
}

#[cfg(test)]
mod tests;
