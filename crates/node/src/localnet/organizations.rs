//! The organizations of a network on this machine: each member's authority in its folder, and the certificate
//! of its node.

use super::Member;
use crate::{
    NodeError,
    development::{Charter, DevelopmentWallet, Founder},
    driver,
    member::Existing,
    msp::{Holder, Msp},
};
use hanse_identity::{Kind, MspId, Request, Role, RoleSet};
use hanse_rpc::Wallet;
use std::collections::BTreeMap;

/// Days that an authority lasts.
const AUTHORITY_DAYS: u64 = 3_650;

/// Days that the certificate of a node lasts.
const NODE_DAYS: u64 = 365;

/// Blocks between a vote on the engine and its effect: few, so that one can be watched.
const ENGINE_NOTICE: u64 = 20;

/// The well-known account that acts for each of the first members: the page's wallet has its key.
const ADMINS: [usize; 4] = [1, 3, 2, 0];

/// What the organizations of the first members may be.
const ROLES: [&[Role]; 4] = [
    &[Role::Merchant, Role::Platform, Role::Shopper],
    &[Role::Merchant, Role::Shopper],
    &[Role::Carrier],
    &[Role::Bank, Role::Auditor, Role::Regulator],
];

/// Makes what is missing in the members' folders, and the charter that they found the network with.
pub(super) fn charter(members: &[Member], is_open: bool) -> Result<Charter, NodeError> {
    let founders = members.iter().enumerate().map(|(index, member)| {
        let msp = organize(member)?;
        let mut roots = msp.roots()?;
        let root = roots
            .pop()
            .ok_or_else(|| NodeError::Failed(format!("{} has no root certificate", member.name)))?;
        let wallet = DevelopmentWallet::new().accounts();
        let known = ADMINS.get(index).copied().unwrap_or(index);
        let roles = ROLES.get(index).copied().unwrap_or(&[]).iter().copied();
        Ok(Founder {
            id: msp.organization().clone(),
            name: member.name.clone(),
            roles: roles.chain([Role::Admin, Role::Validator, Role::Oracle]).collect::<RoleSet>(),
            root,
            admins: vec![wallet.get(known).copied().unwrap_or(member.account)],
        })
    });
    let founders = founders.collect::<Result<_, NodeError>>()?;
    let charter = Charter::new(founders, is_open, BTreeMap::new())?;
    Ok(charter.with_engine_notice(ENGINE_NOTICE))
}

/// The organization of a member, with a certificate for its node.
pub(super) fn organize(member: &Member) -> Result<Msp, NodeError> {
    let path = member.folder.organization();
    let now = driver::now_ms() / 1_000;
    let msp = match path.exists() {
        true => Msp::open(&path)?,
        false => Msp::create(&path, &msp_id(&member.name)?, now, AUTHORITY_DAYS, Existing::Keep)?,
    };
    if !member.folder.certificate().exists() {
        let holder = Holder::new(Kind::Node, "node")?;
        let request = Request::node("node", member.network.id)?;
        let validity = msp.validity(now, NODE_DAYS)?;
        let enrolled = msp.enroll(&holder, &request, None, validity, Existing::Overwrite)?;
        let path = member.folder.certificate();
        std::fs::write(&path, enrolled.certificate.to_pem())
            .map_err(|error| NodeError::file("write", &path, error))?;
    }
    Ok(msp)
}

/// The MSP id of a member: its name with a capital letter.
fn msp_id(name: &str) -> Result<MspId, NodeError> {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let id: String = first.into_iter().chain(letters).collect();
    Ok(MspId::new(&id)?)
}
