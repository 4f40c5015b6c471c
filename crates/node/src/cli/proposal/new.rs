//! `hanse proposal new`

mod engine;

use super::{KeyArgs, say, say_json};
use crate::{
    NodeError,
    consortium::{
        Consortium, IDataCatalog, IMembers, IPolicies, IStaking, IUpgrades, IValidatorRegistry,
        word_of,
    },
};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent};
use clap::Subcommand;
use hanse_identity::{Certificate, Kind, MspId, Policy, Role, RoleSet};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Blocks for which a proposal is open if nobody says otherwise.
const LIFETIME: u64 = 100_000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    /// Why, for those who are to approve [default: what it does].
    #[arg(long, global = true, value_name = "TEXT")]
    description: Option<String>,
    /// Blocks in which it can be approved and carried out.
    #[arg(long, global = true, value_name = "BLOCKS", default_value_t = LIFETIME)]
    lifetime: u64,
    /// Print the calls as JSON, for `hanse proposal new calls`, and propose nothing.
    #[arg(long, global = true)]
    print: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Take an organization in.
    Admit {
        /// Its first root certificate, PEM; it says the organization's id.
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
        /// Its first admin.
        #[arg(long, value_name = "ADDRESS")]
        admin: Address,
        /// Its name, for people [default: its id].
        #[arg(long)]
        name: Option<String>,
        /// Roles that its accounts may have, comma-separated.
        #[arg(long, default_value = "none")]
        roles: RoleSet,
    },
    /// Remove an organization; its accounts and certificates lose their rights at once.
    Remove {
        /// Its id.
        organization: MspId,
        /// Dismiss its validator too: this account, or those of its accounts that vote.
        #[arg(long, value_name = "ADDRESS", num_args = 0..=1)]
        #[expect(clippy::option_option, reason = "a flag that may be followed by an address")]
        with_validator: Option<Option<Address>>,
    },
    /// Change the roles that an organization's accounts may have.
    Roles {
        /// Its id.
        organization: MspId,
        /// All of them, comma-separated.
        roles: RoleSet,
    },
    /// Give an organization that lost its keys another admin.
    Appoint {
        /// Its id.
        organization: MspId,
        /// The account.
        admin: Address,
    },
    /// Set a named policy, or remove it.
    Policy {
        /// Its name.
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// Say who may call a contract, or a method of it.
    Access {
        /// The contract: its address, or members, escrow, validators, anchors, catalog, upgrades, engines, or a
        /// currency.
        target: String,
        #[command(flatten)]
        form: Form,
        /// The method: its selector, or its signature as `ship(bytes32,bytes32)`; all without it.
        #[arg(long)]
        method: Option<String>,
    },
    /// Say whose endorsement changes of a contract need, or of a slot of its storage.
    Guard {
        /// The contract: its address or name.
        target: String,
        #[command(flatten)]
        form: Form,
        /// The slot; all of the contract without it.
        #[arg(long)]
        slot: Option<B256>,
    },
    /// Say which named policy decides on calls to a contract.
    Topic {
        /// The contract: its address or name.
        target: String,
        /// The policy's name; `governance` takes the topic away.
        policy: String,
    },
    /// Take a validator in, or dismiss it, where proposals decide on that.
    Validator {
        #[command(subcommand)]
        change: Seat,
    },
    /// Let another engine decide blocks, or give the same one other times.
    Engine(engine::Args),
    /// Retire an organization's entry in the catalog of data.
    Retire {
        /// Whose it is.
        organization: MspId,
        /// Its id.
        entry: String,
    },
    /// Make it a rule that all nodes carry out how long an entry of the catalog says that its data are kept.
    Retention {
        /// Whose entry it is.
        organization: MspId,
        /// Its id.
        entry: String,
        /// Lift the rule that came of it. What has gone by then does not come back.
        #[arg(long)]
        lift: bool,
    },
    /// Give a contract of the network other code, from a block on.
    Upgrade(Upgrade),
    /// Call an upgrade off that waits.
    CancelUpgrade {
        /// Its number.
        id: u64,
    },
    /// Anything else: a contract and the input of the call.
    Call {
        /// The contract: its address or name.
        target: String,
        /// The input, hexadecimal.
        data: Bytes,
    },
    /// Several calls in one proposal: a file with lists that --print printed, one after another.
    Calls {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Upgrade {
    /// The contract: its address or name.
    target: String,
    /// Where the new code has been deployed.
    #[arg(long, value_name = "ADDRESS")]
    source: Address,
    /// The first block with the new code [default: the one after the proposal is carried out].
    #[arg(long, value_name = "BLOCK", default_value_t = 0, hide_default_value = true)]
    from_block: u64,
    /// What the new code is called with once, by the system, in the same block.
    #[arg(long, value_name = "DATA", default_value = "0x", hide_default_value = true)]
    migration: Bytes,
}

#[derive(Debug, Subcommand)]
enum Seat {
    /// Let an account vote.
    Add {
        /// The account of its key.
        account: Address,
        /// Its name, for people.
        #[arg(long)]
        name: String,
    },
    /// Let an account vote no more.
    Remove {
        /// The account.
        account: Address,
    },
    /// Let an account that was removed come back, where validators vote by stake.
    Pardon {
        /// The account.
        account: Address,
    },
}

/// A policy, or none.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// The policy, as "AND('Bank.admin', MAJORITY(admin))".
    expression: Option<String>,
    /// None any more.
    #[arg(long)]
    remove: bool,
}

/// A call as --print prints it.
#[derive(Debug, Deserialize)]
struct Printed {
    target: Address,
    data: Bytes,
}

pub(super) async fn run(
    consortium: &mut Consortium,
    args: Args,
    key: &KeyArgs,
) -> Result<(), NodeError> {
    let calls = args.what.calls(consortium).await?;
    if args.print {
        say_json(&Value::from_iter(calls.iter().map(|call| {
            json!({
                "target": call.target, "data": call.data,
                "does": consortium.names.tell(call.target, &call.data),
            })
        })));
        return Ok(());
    }
    let told: Vec<String> =
        calls.iter().map(|call| consortium.names.tell(call.target, &call.data)).collect();
    let description = args.description.unwrap_or_else(|| told.join("; "));
    let policies = consortium.membership.policies;
    for (told, call) in told.iter().zip(&calls) {
        // The law calls: what it may not do now will hardly be allowed later. A later call may need an
        // earlier one, so nothing is forbidden here.
        if let Some(why) = consortium.problem(policies, call.target, &call.data).await? {
            say(&format!("note: as things are, '{told}' alone would fail: {why}"));
        }
    }
    let key = key.load()?;
    let most = consortium.view(policies, &IPolicies::lifetimeMaxCall {}).await?;
    let lifetime = if args.lifetime == LIFETIME { LIFETIME.min(most) } else { args.lifetime };
    let call = IPolicies::proposeCall { calls, description, lifetime };
    let done = consortium.transact(&key, policies, &call).await?;
    let id = done.logs.iter().filter(|log| log.address == policies).find_map(|log| {
        IPolicies::Proposed::decode_raw_log(log.topics.iter().copied(), &log.data).ok()
    });
    let id = id.ok_or_else(|| {
        NodeError::Failed(format!("{} does not say which proposal it made", done.hash))
    })?;
    let id = id.id.saturating_to::<u64>();
    say(&format!("block {}: proposal {id}", done.block));
    told.iter().for_each(|told| say(&format!("  {told}")));
    super::standing(consortium, id).await
}

impl Form {
    /// The bytes; none when the policy is to go.
    fn bytes(&self) -> Result<Bytes, NodeError> {
        match &self.expression {
            None => Ok(Bytes::new()),
            Some(text) => {
                let policy = Policy::parse(text);
                Ok(policy.map_err(|error| NodeError::Input(error.to_string()))?.to_form().into())
            }
        }
    }
}

impl What {
    async fn calls(&self, consortium: &mut Consortium) -> Result<Vec<IPolicies::Call>, NodeError> {
        match self {
            Self::Remove { organization, with_validator } => {
                let id = organization.to_word();
                let members = consortium.membership.members;
                let mut calls = vec![call(members, &IMembers::removeCall { id })];
                if let Some(account) = with_validator {
                    calls.extend(dismissals(consortium, organization, *account).await?);
                }
                Ok(calls)
            }
            Self::Validator { change } => {
                let (registry, _) = governed(consortium).await?;
                Ok(vec![change.call(registry, consortium.names.has_stakes)?])
            }
            Self::Retention { organization, entry, lift } => {
                let (owner, id) = (organization.to_word(), word_of(entry)?);
                let catalog = consortium.catalog()?;
                if *lift {
                    return Ok(vec![call(catalog, &IDataCatalog::liftCall { owner, id })]);
                }
                let known = consortium.data().await?;
                let known = known.iter().find(|one| (one.owner, one.id) == (owner, id));
                let known = known.ok_or_else(|| {
                    NodeError::Input(format!("{organization} has no entry {entry} in the catalog"))
                })?;
                let revision = known.revision;
                Ok(vec![call(catalog, &IDataCatalog::adoptCall { owner, id, revision })])
            }
            Self::Upgrade(upgrade) => Ok(vec![upgrade.call(consortium).await?]),
            Self::Engine(change) => Ok(vec![change.call(consortium).await?]),
            Self::Calls { file } => printed(file),
            other => Ok(vec![other.call(consortium)?]),
        }
    }

    /// The call of what needs one, and no question to the chain.
    fn call(&self, consortium: &Consortium) -> Result<IPolicies::Call, NodeError> {
        let (members, policies) = (consortium.membership.members, consortium.membership.policies);
        let find = |target: &str| consortium.names.find(target);
        Ok(match self {
            Self::Admit { root, admin, name, roles } => {
                call(members, &admission(root, *admin, name.as_deref(), *roles)?)
            }
            Self::Roles { organization, roles } => call(
                members,
                &IMembers::setRolesCall { id: organization.to_word(), roles: assignable(*roles) },
            ),
            Self::Appoint { organization, admin } => {
                call(members, &IMembers::appointCall { id: organization.to_word(), admin: *admin })
            }
            Self::Policy { name, form } => call(
                policies,
                &IPolicies::setPolicyCall { name: word_of(name)?, form: form.bytes()? },
            ),
            Self::Access { target, form, method } => call(
                policies,
                &IPolicies::setAccessCall {
                    target: find(target)?,
                    selector: method.as_deref().map(selector).transpose()?.unwrap_or_default(),
                    isWhole: method.is_none(),
                    form: form.bytes()?,
                },
            ),
            Self::Guard { target, form, slot } => call(
                policies,
                &IPolicies::setGuardCall {
                    target: find(target)?,
                    slot: slot.unwrap_or_default(),
                    isWhole: slot.is_none(),
                    form: form.bytes()?,
                },
            ),
            Self::Topic { target, policy } => {
                let name = word_of(policy)?;
                let is_default = policy == "governance";
                let policy_ = if is_default { B256::ZERO } else { name };
                call(policies, &IPolicies::setTopicCall { target: find(target)?, policy_ })
            }
            Self::Retire { organization, entry } => call(
                consortium.catalog()?,
                &IDataCatalog::retireCall { owner: organization.to_word(), id: word_of(entry)? },
            ),
            Self::CancelUpgrade { id } => {
                call(consortium.upgrades()?, &IUpgrades::cancelCall { id: U256::from(*id) })
            }
            Self::Call { target, data } => {
                IPolicies::Call { target: find(target)?, data: data.clone() }
            }
            Self::Remove { .. }
            | Self::Validator { .. }
            | Self::Retention { .. }
            | Self::Upgrade(_)
            | Self::Engine(_)
            | Self::Calls { .. } => {
                return Err(NodeError::Failed("the chain has to be asked for this".to_owned()));
            }
        })
    }
}

fn call(target: Address, call: &impl SolCall) -> IPolicies::Call {
    IPolicies::Call { target, data: call.abi_encode().into() }
}

/// Every member is one: that is not written down.
fn assignable(roles: RoleSet) -> u32 {
    roles.without(Role::Member).bits()
}

fn admission(
    root: &Path,
    admin: Address,
    name: Option<&str>,
    roles: RoleSet,
) -> Result<IMembers::admitCall, NodeError> {
    let text = fs::read_to_string(root).map_err(|e| NodeError::file("read", root, e))?;
    let wrong = |why: String| NodeError::Input(format!("{}: {why}", root.display()));
    let certificate = Certificate::from_pem(&text).map_err(|error| wrong(error.to_string()))?;
    if certificate.kind() != Kind::Root {
        return Err(wrong(format!(
            "this is a certificate of a {}, not a root",
            certificate.kind()
        )));
    }
    let id = certificate.organization();
    Ok(IMembers::admitCall {
        id: id.to_word(),
        name: name.map_or_else(|| id.to_string(), str::to_owned),
        roles: assignable(roles),
        root: Bytes::copy_from_slice(certificate.der()),
        notBefore: certificate.validity().not_before(),
        notAfter: certificate.validity().not_after(),
        admin,
    })
}

impl Upgrade {
    /// What is approved are the hashes of both codes, as the node has them now.
    async fn call(&self, consortium: &mut Consortium) -> Result<IPolicies::Call, NodeError> {
        let upgrades = consortium.upgrades()?;
        let target = consortium.names.find(&self.target)?;
        let schedule = IUpgrades::scheduleCall {
            target,
            oldCodeHash: consortium.code_hash(target).await?,
            source: self.source,
            newCodeHash: consortium.code_hash(self.source).await?,
            fromBlock: self.from_block,
            migration: self.migration.clone(),
        };
        Ok(call(upgrades, &schedule))
    }
}

impl Seat {
    fn call(&self, registry: Address, has_stakes: bool) -> Result<IPolicies::Call, NodeError> {
        let other = |text: &str| Err(NodeError::Config(text.to_owned()));
        match (self, has_stakes) {
            (Self::Add { account, name }, false) => {
                let (account, name_) = (*account, name.clone());
                Ok(call(registry, &IValidatorRegistry::admitCall { account, name_ }))
            }
            (Self::Add { .. }, true) => other("who stakes enough votes; nobody decides on that"),
            (Self::Remove { account }, _) => Ok(dismissal(registry, has_stakes, *account)),
            (Self::Pardon { account }, true) => {
                Ok(call(registry, &IStaking::pardonCall { validator: *account }))
            }
            (Self::Pardon { .. }, false) => other("take it in again with validator add"),
        }
    }
}

fn dismissal(registry: Address, has_stakes: bool, account: Address) -> IPolicies::Call {
    match has_stakes {
        true => call(registry, &IStaking::expelCall { validator: account }),
        false => call(registry, &IValidatorRegistry::dismissCall { account }),
    }
}

/// The registry of validators, if the policies' contract governs it.
async fn governed(
    consortium: &mut Consortium,
) -> Result<(Address, Vec<crate::consortium::Validator>), NodeError> {
    let (registry, validators) = consortium.validators().await?;
    let governor = consortium.view(registry, &IValidatorRegistry::governorCall {}).await.ok();
    if governor != Some(consortium.membership.policies) {
        return Err(NodeError::Config(
            "no proposal decides on this network's validators: no contract of policies governs theirs"
                .to_owned(),
        ));
    }
    Ok((registry, validators))
}

/// The dismissal of an organization's validators.
async fn dismissals(
    consortium: &mut Consortium,
    organization: &MspId,
    account: Option<Address>,
) -> Result<Vec<IPolicies::Call>, NodeError> {
    let (registry, validators) = governed(consortium).await?;
    let accounts = match account {
        Some(account) => vec![account],
        None => consortium.accounts(organization.to_word()).await?,
    };
    let voting = |account: &&Address| {
        validators.iter().any(|one| one.address == **account && !one.power.is_zero())
    };
    let calls: Vec<IPolicies::Call> = accounts
        .iter()
        .filter(voting)
        .map(|account| dismissal(registry, consortium.names.has_stakes, *account))
        .collect();
    if calls.is_empty() {
        let names = validators.iter().filter(|one| !one.power.is_zero());
        let names: Vec<String> =
            names.map(|one| format!("{} ({})", one.address, one.name.escape_debug())).collect();
        return Err(NodeError::Input(format!(
            "none of {organization}'s accounts votes; say which validator is meant: {}",
            names.join(", ")
        )));
    }
    Ok(calls)
}

fn selector(text: &str) -> Result<FixedBytes<4>, NodeError> {
    if let Ok(selector) = text.parse() {
        return Ok(selector);
    }
    if !text.contains('(') || !text.ends_with(')') || text.contains(char::is_whitespace) {
        return Err(NodeError::Input(format!(
            "'{}' is neither a selector nor a method like ship(bytes32,bytes32)",
            text.escape_debug()
        )));
    }
    Ok(FixedBytes::from_slice(&keccak256(text)[..4]))
}

fn printed(file: &Path) -> Result<Vec<IPolicies::Call>, NodeError> {
    let text = fs::read_to_string(file).map_err(|e| NodeError::file("read", file, e))?;
    let lists = serde_json::Deserializer::from_str(&text).into_iter::<Vec<Printed>>();
    let lists = lists.collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|error| NodeError::Input(format!("{}: {error}", file.display())))?;
    let calls = lists.into_iter().flatten();
    Ok(calls.map(|one| IPolicies::Call { target: one.target, data: one.data }).collect())
}
