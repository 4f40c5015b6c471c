//! What a contract refused, in a sentence.

use super::{
    bindings::{
        catalog::IDataCatalog::IDataCatalogErrors, engines::IEngines::IEnginesErrors,
        members::IMembers::IMembersErrors, policies::IPolicies::IPoliciesErrors,
        registry::IValidatorRegistry::IValidatorRegistryErrors, staking::IStaking::IStakingErrors,
        upgrades::IUpgrades::IUpgradesErrors,
    },
    words::{date, msp_id, name_of, policy_text, roles_text},
};
use crate::client::Refusal;
use alloy_primitives::{Address, hex};
use alloy_sol_types::{ContractError, GenericContractError, SolInterface};
use hanse_commerce::orders::{ICurrency::ICurrencyErrors, IEscrow::IEscrowErrors};

/// What a node refused, as a sentence. Whatever contract was called may have put it together, so nothing is in
/// it that a terminal would obey.
pub(super) fn sentence(refusal: &Refusal) -> String {
    let data = refusal.data().and_then(|data| hex::decode(data).ok());
    let told = data.and_then(|data| reason(&data)).unwrap_or_else(|| refusal.to_string());
    told.chars()
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .collect()
}

/// What bytes that a contract reverted with say; `None` when they say nothing that is known.
pub(crate) fn reason(data: &[u8]) -> Option<String> {
    if let Ok(error) = IPoliciesErrors::abi_decode(data) {
        return Some(of_policies(error));
    }
    if let Ok(error) = IMembersErrors::abi_decode(data) {
        return Some(of_members(error));
    }
    if let Ok(error) = IDataCatalogErrors::abi_decode(data) {
        return Some(of_catalog(error));
    }
    if let Ok(error) = IUpgradesErrors::abi_decode(data) {
        return Some(of_upgrades(error));
    }
    if let Ok(error) = IEnginesErrors::abi_decode(data) {
        return Some(of_engines(error));
    }
    if let Ok(error) = IValidatorRegistryErrors::abi_decode(data) {
        return Some(of_registry(error));
    }
    if let Ok(error) = IStakingErrors::abi_decode(data) {
        return Some(format!("the contract of stakes refuses: {error:?}"));
    }
    if let Ok(error) = IEscrowErrors::abi_decode(data) {
        return Some(format!("the escrow refuses: {error:?}"));
    }
    if let Ok(error) = ICurrencyErrors::abi_decode(data) {
        return Some(format!("the currency refuses: {error:?}"));
    }
    match GenericContractError::abi_decode(data) {
        Ok(ContractError::Revert(revert)) => Some(format!("the contract says: {}", revert.reason)),
        Ok(ContractError::Panic(panic)) => Some(format!("the contract broke off: {panic}")),
        _ => None,
    }
}

/// Every contract that the network governs has this error.
fn not_governor(caller: Address) -> String {
    format!("{caller} may not do this: only a carried proposal may")
}

fn of_policies(error: IPoliciesErrors) -> String {
    use IPoliciesErrors as E;
    match error {
        E::NotGovernor(e) => not_governor(e.caller),
        E::NotAdmin(e) => format!("{} is no admin of an active organization", e.caller),
        E::NotMember(e) => {
            format!("{} is no member with a valid enrollment, so it approves nothing", e.caller)
        }
        E::InvalidForm(e) => format!("this is no policy: {} at byte {}", e.why, e.offset),
        E::InvalidName(e) => format!("'{}' is no name, or stands there twice", name_of(&e.name)),
        E::UnknownPolicy(e) => format!("there is no policy '{}'", name_of(&e.name)),
        E::MustRemain(e) => format!(
            "'{}' must remain: what governs cannot be taken away, nor become something that nobody could meet",
            name_of(&e.name)
        ),
        E::UnknownProposal(e) => format!("there is no proposal {}", e.id),
        E::NotOpen(e) => {
            format!("proposal {} is not open: it is {}", e.id, super::calls::status(e.status))
        }
        E::NotProposer(e) => {
            format!("only who proposed {} takes it back, and {} did not", e.id, e.caller)
        }
        E::InvalidProposal(e) => {
            format!("this cannot be proposed: its {} are out of bounds", e.why)
        }
        E::InvalidRule(e) => format!("there is no such rule: {}", e.name),
        E::AlreadyApproved(e) => format!("{} has approved {} already", e.account, e.id),
        E::NotApproved(e) => format!("{} has not approved {}", e.account, e.id),
        E::InvalidSignature(e) => format!("the signature is not one of {} for this", e.account),
        E::PolicyNotMet(e) => format!(
            "the approvals do not meet the policy '{}', which is {}",
            name_of(&e.policy),
            policy_text(&e.form)
        ),
        E::CallFailed(e) => {
            let why = reason(&e.reason).unwrap_or_else(|| match e.reason.is_empty() {
                true => "there is no contract, or it does not say why".to_owned(),
                false => e.reason.to_string(),
            });
            format!("call {} of the proposal fails: {why}", e.index)
        }
        E::TooMany(e) => format!("there are too many {}", e.what),
        E::Forbidden(e) => format!(
            "{} may not call method {} of {} by the network's rules",
            e.sender, e.selector, e.target
        ),
    }
}

fn of_members(error: IMembersErrors) -> String {
    use IMembersErrors as E;
    match error {
        E::NotGovernor(e) => not_governor(e.caller),
        E::NotAdmin(e) => format!("{} is no admin of an active organization", e.caller),
        E::InvalidOrganization(e) => {
            format!(
                "'{}' cannot be an organization: its id, its name or its admin will not do",
                msp_id(&e.id)
            )
        }
        E::InvalidRoles(e) => format!("there are no such roles: {:#x}", e.roles),
        E::UnknownOrganization(e) => format!("there is no organization '{}'", msp_id(&e.id)),
        E::OrganizationNotActive(e) => format!("'{}' has been removed", msp_id(&e.id)),
        E::OrganizationExists(e) => format!("'{}' is a member already", msp_id(&e.id)),
        E::RoleNotGranted(e) => format!(
            "the network has not given '{}' these roles: {}",
            msp_id(&e.organization),
            roles_text(e.roles)
        ),
        E::Belongs(e) => format!("{} belongs to '{}'", e.account, msp_id(&e.organization)),
        E::NotEnrolled(e) => format!("{} is not enrolled", e.account),
        E::LastAdmin(e) => format!(
            "an admin does not take the role from itself; another admin of '{}' can",
            msp_id(&e.organization)
        ),
        E::NoConsent(e) => {
            format!("{} has not signed this enrollment (or may not be enrolled)", e.account)
        }
        E::InvalidPeriod(e) => format!(
            "from {} to {} is no period that counts now",
            date(e.notBefore),
            date(e.notAfter)
        ),
        E::InvalidCertificate(e) => format!("the certificate's {} will not do", e.field),
        E::CertificateExists(e) => format!("certificate {} is known already", e.fingerprint),
        E::UnknownCertificate(e) => {
            format!("your organization has no certificate {} there", e.fingerprint)
        }
        E::CertificateIsRevoked(e) => format!("certificate {} has been revoked", e.fingerprint),
        E::TooMany(e) => format!("there are too many {}", e.what),
    }
}

fn of_catalog(error: IDataCatalogErrors) -> String {
    use IDataCatalogErrors as E;
    match error {
        E::NotAdmin(e) => {
            format!("{} is no admin of the organization whose data these are", e.caller)
        }
        E::InvalidEntry(e) => format!("the entry's {} will not do", e.field),
        E::EntryExists(e) => {
            format!("'{}' has an entry '{}' already", msp_id(&e.owner), name_of(&e.id))
        }
        E::UnknownEntry(e) => format!("'{}' has no entry '{}'", msp_id(&e.owner), name_of(&e.id)),
        E::EntryIsRetired(e) => {
            format!("entry '{}' of '{}' is retired", name_of(&e.id), msp_id(&e.owner))
        }
        E::NotGovernor(e) => {
            format!("{} does not decide on rules: that takes a proposal", e.caller)
        }
        E::OtherRevision(e) => format!(
            "entry '{}' of '{}' has been changed since and is at revision {}",
            name_of(&e.id),
            msp_id(&e.owner),
            e.revision
        ),
        E::NothingToDrop(e) => format!(
            "entry '{}' of '{}' is not of data on the chain, names no contract, or keeps them for ever",
            name_of(&e.id),
            msp_id(&e.owner)
        ),
        E::UnknownRule(e) => {
            format!("no rule has come of entry '{}' of '{}'", name_of(&e.id), msp_id(&e.owner))
        }
        E::TooManyRules(_) => "there are as many rules as there may be".to_owned(),
    }
}

fn of_upgrades(error: IUpgradesErrors) -> String {
    use IUpgradesErrors as E;
    match error {
        E::NotGovernor(e) => not_governor(e.caller),
        E::NotSystem(e) => format!("{} may not do this: only the nodes' own call may", e.caller),
        E::NotCovered(e) => format!(
            "{} never agreed that the network may replace its code: it is neither of the network's own contracts, nor has it enlisted",
            e.target
        ),
        E::AlreadyCovered(e) => format!("{} has agreed to that already", e.target),
        E::WrongCode(e) => format!(
            "{} has not the code that was looked at: it is {}, not {}",
            e.account, e.found, e.expected
        ),
        E::InvalidUpgrade(e) => format!("this cannot be an upgrade: its {} will not do", e.field),
        E::AlreadyWaiting(e) => format!("upgrade {} of the same contract waits", e.id),
        E::NotWaiting(e) => format!("upgrade {} does not wait any more", e.id),
        E::UnknownUpgrade(e) => format!("there is no upgrade {}", e.id),
        E::TooMany(e) => format!("there are too many {}", e.what),
    }
}

fn of_engines(error: IEnginesErrors) -> String {
    use IEnginesErrors as E;
    match error {
        E::NotGovernor(e) => not_governor(e.caller),
        E::InvalidNotice(e) => format!("{} blocks are no notice", e.notice),
        E::TooSoon(e) => format!(
            "a change of the engine takes effect in block {} at the earliest, not in {}",
            e.earliest, e.from
        ),
        E::ChangeWaits(e) => format!(
            "another change of the engine waits for block {}: take that one back first, or wait for it",
            e.from
        ),
        E::NothingWaits(_) => "no change of the engine waits".to_owned(),
        E::IsFixed(e) => format!(
            "the change in block {} is too near to be taken back: nodes may have acted on it",
            e.from
        ),
        E::NotFollowable(e) => format!(
            "nobody could follow a change to {}: {}",
            e.validators,
            match e.why.as_str() {
                "engine" => "that is no engine",
                "code" => "there is no contract",
                "kind" => "it knows no validators of that kind",
                "count" => "it names nobody who votes, or more than 64",
                "seats" => "those whom it names are not in order, or have no power",
                "proposers" => "nobody whom it names makes blocks",
                _ => "it is none of ours",
            }
        ),
        E::InvalidTime(e) => {
            format!("{} must be {} to {}", e.what.escape_debug(), e.least, e.most)
        }
    }
}

fn of_registry(error: IValidatorRegistryErrors) -> String {
    use IValidatorRegistryErrors as E;
    match error {
        E::NotGovernor(e) => format!("{} is not who decides on the validators", e.caller),
        E::Governed(e) => format!("{} decides on the validators, by proposals", e.governor),
        E::WrongStanding(e) => {
            format!("that cannot be done with {}, where it stands", e.account)
        }
        E::NoPlace(_) => "all places of validators are taken".to_owned(),
        E::LastValidator(_) => "no validator would be left".to_owned(),
        other => format!("the registry of validators refuses: {other:?}"),
    }
}
