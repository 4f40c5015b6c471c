//! What a call does, in a sentence.

use super::{
    bindings::{
        catalog::IDataCatalog, engines::IEngines, members::IMembers::IMembersCalls,
        policies::IPolicies, registry::IValidatorRegistry::IValidatorRegistryCalls,
        staking::IStaking::IStakingCalls, upgrades::IUpgrades::IUpgradesCalls,
    },
    words::{msp_id, name_of, policy_text, roles_text},
};
use crate::NodeError;
use IPolicies::IPoliciesCalls;
use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use alloy_sol_types::SolInterface;
use hanse_primitives::{ChainSpec, Contracts, Engine, Membership};

/// The contracts of a network by their names.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) contracts: Contracts,
    pub(crate) membership: Membership,
    /// Who knows the validators.
    pub(crate) registry: Option<Address>,
    /// Whether they vote by stake.
    pub(crate) has_stakes: bool,
}

impl Names {
    /// The contracts that a genesis names.
    pub(crate) fn of(spec: &ChainSpec) -> Result<Self, NodeError> {
        let contracts = spec.hanse().map(|hanse| hanse.contracts.clone()).unwrap_or_default();
        let membership = contracts.membership.ok_or_else(|| {
            let text = "this chain has no organizations: its genesis names none";
            NodeError::Config(text.to_owned())
        })?;
        let engine = spec.hanse().map(|hanse| &hanse.consensus);
        let registry = engine.and_then(Engine::validators).map(|settings| settings.contract);
        let has_stakes = matches!(engine, Some(Engine::Pos(_)));
        Ok(Self { contracts, membership, registry, has_stakes })
    }

    fn all(&self) -> Vec<(String, Address)> {
        let named = [
            ("members", Some(self.membership.members)),
            ("policies", Some(self.membership.policies)),
            ("validators", self.registry),
            ("escrow", self.contracts.escrow),
            ("anchors", self.contracts.anchors),
            ("catalog", self.contracts.data_catalog),
            ("upgrades", self.contracts.upgrades),
            ("engines", self.contracts.engines),
        ];
        let named = named.into_iter().filter_map(|(name, at)| Some((name.to_owned(), at?)));
        let currencies = self.contracts.currencies.iter().map(|(name, at)| (name.to_string(), *at));
        named.chain(currencies).collect()
    }

    /// A contract by its name, where it has one.
    pub(crate) fn title(&self, address: Address) -> String {
        let found = self.all().into_iter().find(|(_, known)| *known == address);
        found.map_or_else(|| address.to_string(), |(name, _)| name)
    }

    /// The contract that somebody means, by its name or address.
    pub(crate) fn find(&self, text: &str) -> Result<Address, NodeError> {
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        let all = self.all();
        let found = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, address)| *address).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            let (text, names) = (text.escape_debug(), names.join(", "));
            NodeError::Input(format!("'{text}' is no address, and no contract here: {names}"))
        })
    }

    /// What a call does, to people; the call itself where that is not known. Only contracts that are known
    /// are spoken for: others may have methods of the same names that do something else.
    pub(crate) fn tell(&self, to: Address, input: &Bytes) -> String {
        let known = if to == self.membership.members {
            IMembersCalls::abi_decode(input).ok().and_then(of_members)
        } else if to == self.membership.policies {
            IPoliciesCalls::abi_decode(input).ok().and_then(|call| self.of_policies(call))
        } else if self.contracts.data_catalog == Some(to) {
            IDataCatalog::IDataCatalogCalls::abi_decode(input).ok().and_then(of_catalog)
        } else if self.contracts.upgrades == Some(to) {
            IUpgradesCalls::abi_decode(input).ok().and_then(|call| self.of_upgrades(call))
        } else if self.contracts.engines == Some(to) {
            IEngines::IEnginesCalls::abi_decode(input).ok().and_then(of_engines)
        } else if self.registry == Some(to) {
            match self.has_stakes {
                true => IStakingCalls::abi_decode(input).ok().and_then(of_staking),
                false => IValidatorRegistryCalls::abi_decode(input).ok().and_then(of_registry),
            }
        } else {
            None
        };
        known.unwrap_or_else(|| format!("call {} with {input}", self.title(to)))
    }

    fn of_policies(&self, call: IPoliciesCalls) -> Option<String> {
        use IPoliciesCalls as C;
        Some(match call {
            C::setPolicy(c) if c.form.is_empty() => {
                format!("remove the policy {}", name_of(&c.name))
            }
            C::setPolicy(c) => {
                format!("set the policy {} to {}", name_of(&c.name), policy_text(&c.form))
            }
            C::setAccess(c) => {
                let (method, target) = (method(c.isWhole, c.selector), self.title(c.target));
                match c.form.is_empty() {
                    true => format!("remove the rule for {method} of {target}"),
                    false => {
                        format!("let {method} of {target} be called by {}", policy_text(&c.form))
                    }
                }
            }
            C::setGuard(c) => {
                let (place, target) = (place(c.isWhole, &c.slot), self.title(c.target));
                match c.form.is_empty() {
                    true => format!("remove the guard of {place} of {target}"),
                    false => {
                        format!("let changes of {place} of {target} need {}", policy_text(&c.form))
                    }
                }
            }
            C::setTopic(c) => {
                let name =
                    if c.policy_.is_zero() { "governance".to_owned() } else { name_of(&c.policy_) };
                format!("let the policy {name} decide on {}", self.title(c.target))
            }
            _ => return None,
        })
    }

    fn of_upgrades(&self, call: IUpgradesCalls) -> Option<String> {
        match call {
            IUpgradesCalls::schedule(c) => {
                let (target, source) = (self.title(c.target), c.source);
                let (old, new) = (c.oldCodeHash, c.newCodeHash);
                let from = match c.fromBlock {
                    0 => "from the next block on".to_owned(),
                    block => format!("from block {block} on"),
                };
                let then = match c.migration.is_empty() {
                    true => String::new(),
                    false => format!(", and call it once with {}", c.migration),
                };
                Some(format!(
                    "replace the code of {target} ({old}) by that of {source} ({new}) {from}{then}"
                ))
            }
            IUpgradesCalls::cancel(c) => Some(format!("call off upgrade {}", c.id)),
            _ => None,
        }
    }
}

/// How a proposal stands.
pub(crate) const fn status(number: u8) -> &'static str {
    match number {
        1 => "open",
        2 => "executed",
        3 => "expired",
        4 => "withdrawn",
        _ => "unknown",
    }
}

/// How an upgrade stands.
pub(crate) const fn upgrade_status(number: u8) -> &'static str {
    match number {
        0 => "waiting",
        1 => "applied",
        2 => "failed",
        3 => "cancelled",
        _ => "unknown",
    }
}

/// Why an upgrade failed.
pub(crate) const fn upgrade_failure(number: u8) -> &'static str {
    match number {
        1 => "the contract has not the code any more that was to be replaced",
        2 => "the new code is not there any more",
        3 => "the new code refused the migration",
        4 => "the network's law would not have answered its nodes any more",
        _ => "unknown",
    }
}

fn of_members(call: IMembersCalls) -> Option<String> {
    use IMembersCalls as C;
    Some(match call {
        C::admit(c) => format!(
            "admit {} ({}) with roles {}, admin {}",
            msp_id(&c.id),
            c.name.escape_debug(),
            roles_text(c.roles),
            c.admin
        ),
        C::setRoles(c) => format!("let {} have the roles {}", msp_id(&c.id), roles_text(c.roles)),
        C::remove(c) => format!("remove {}", msp_id(&c.id)),
        C::appoint(c) => format!("make {} an admin of {}", c.admin, msp_id(&c.id)),
        _ => return None,
    })
}

fn of_catalog(call: IDataCatalog::IDataCatalogCalls) -> Option<String> {
    use IDataCatalog::IDataCatalogCalls as C;
    let entry = |owner, id| format!("the entry {} of {}", name_of(id), msp_id(owner));
    match call {
        C::retire(c) => Some(format!("retire {} in the catalog of data", entry(&c.owner, &c.id))),
        C::adopt(c) => Some(format!(
            "make it a rule for all nodes how long {} (revision {}) says that its data are kept",
            entry(&c.owner, &c.id),
            c.revision
        )),
        C::lift(c) => {
            Some(format!("lift the rule for nodes that came of {}", entry(&c.owner, &c.id)))
        }
        _ => None,
    }
}

fn of_engines(call: IEngines::IEnginesCalls) -> Option<String> {
    use IEngines::IEnginesCalls as C;
    match call {
        C::change(c) => Some(format!(
            "let blocks from {} on be decided by {}, whom {} names: {}",
            c.from,
            voters(c.kind),
            c.validators,
            times(&c.timing)
        )),
        C::cancel(_) => Some("take back the change of the engine that waits".to_owned()),
        _ => None,
    }
}

/// `IEngines.Kind`: validators with equal votes.
pub(crate) const BFT: u8 = 1;

/// `IEngines.Kind`: validators with votes by stake.
pub(crate) const POS: u8 = 2;

/// Who decides under an engine, for people.
pub(crate) const fn voters(kind: u8) -> &'static str {
    match kind {
        BFT => "validators with equal votes (bft)",
        POS => "validators with votes by stake (pos)",
        _ => "nobody",
    }
}

/// The times of an engine, for people.
pub(crate) fn times(timing: &IEngines::Timing) -> String {
    format!(
        "at least {} ms between blocks, an empty one after {} ms; {} ms for a proposal, {} ms for votes, {} ms \
         more each round",
        timing.blockTimeMs,
        timing.emptyBlockTimeMs,
        timing.proposeTimeoutMs,
        timing.voteTimeoutMs,
        timing.timeoutStepMs
    )
}

fn of_registry(call: IValidatorRegistryCalls) -> Option<String> {
    use IValidatorRegistryCalls as C;
    match call {
        C::admit(c) => {
            Some(format!("let {} ({}) vote as a validator", c.account, c.name_.escape_debug()))
        }
        C::dismiss(c) => Some(format!("dismiss the validator {}", c.account)),
        _ => None,
    }
}

fn of_staking(call: IStakingCalls) -> Option<String> {
    use IStakingCalls as C;
    match call {
        C::expel(c) => Some(format!("take the vote from the validator {}", c.validator)),
        C::pardon(c) => Some(format!("let the expelled validator {} come back", c.validator)),
        _ => None,
    }
}

/// Methods that a rule is about, for people.
pub(crate) fn method(is_whole: bool, selector: FixedBytes<4>) -> String {
    if is_whole { "all methods".to_owned() } else { format!("method {selector}") }
}

/// What a guard is about, for people.
pub(crate) fn place(is_whole: bool, slot: &B256) -> String {
    if is_whole { "all".to_owned() } else { format!("slot {slot}") }
}
