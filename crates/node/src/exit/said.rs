//! What the node said and no proof vouches for: names, certificates, proposals, policies, the catalog of data.

use super::{Kit, json_lines};
use crate::{
    NodeError,
    cli::entry_json,
    consortium::{
        Consortium, IMembers, IPolicies, msp_id, name_of, policy_text, roles_text, status,
    },
};
use alloy_primitives::U256;
use hanse_identity::{Certificate, MspId};
use serde_json::{Value, json};

const ROOT: u8 = 0;

pub(super) async fn write(
    consortium: &mut Consortium,
    organization: &MspId,
    kit: &mut Kit,
) -> Result<(), NodeError> {
    let organizations = consortium.organizations().await?;
    let id = organization.to_word();
    let lines: Vec<Value> = organizations
        .iter()
        .map(|one| {
            json!({
                "id": msp_id(&one.id), "name": one.name, "active": one.status == 1,
                "roles": roles_text(one.roles), "since": one.since, "admins": one.admins,
                "own": one.id == id,
            })
        })
        .collect();
    kit.write("said/organizations.jsonl", json_lines(&lines).as_bytes())?;
    certificates(consortium, organization, kit).await?;
    let proposals = proposals(consortium).await?;
    kit.write("said/proposals.jsonl", json_lines(&proposals).as_bytes())?;
    let policies =
        consortium.view(consortium.membership.policies, &IPolicies::policiesCall {}).await?;
    let policies: Vec<Value> = policies
        .iter()
        .map(|one| json!({ "name": name_of(&one.name), "policy": policy_text(&one.form), "form": one.form }))
        .collect();
    kit.write("said/policies.jsonl", json_lines(&policies).as_bytes())?;
    if consortium.names.contracts.data_catalog.is_some() {
        let entries: Vec<Value> = consortium.data().await?.iter().map(entry_json).collect();
        kit.write("said/data.jsonl", json_lines(&entries).as_bytes())?;
    }
    Ok(())
}

/// The organization's certificates; roots are on the chain whole, of others only fingerprints.
async fn certificates(
    consortium: &mut Consortium,
    organization: &MspId,
    kit: &mut Kit,
) -> Result<(), NodeError> {
    let mut lines = Vec::new();
    for one in consortium.certificates(organization.to_word()).await? {
        let kind = match one.kind {
            ROOT => "root",
            1 => "node",
            _ => "client",
        };
        lines.push(json!({
            "fingerprint": one.fingerprint, "kind": kind, "subject": one.subject,
            "notBefore": one.notBefore, "notAfter": one.notAfter,
            "revokedIn": (one.revokedIn != 0).then_some(one.revokedIn),
        }));
        if one.kind != ROOT {
            continue;
        }
        let call = IMembers::rootBytesCall { fingerprint: one.fingerprint };
        let der = consortium.view(consortium.membership.members, &call).await?;
        let certificate = Certificate::parse(&der).map_err(|error| {
            NodeError::Failed(format!("the root {} on the chain: {error}", one.fingerprint))
        })?;
        kit.write(&format!("roots/{}.pem", one.fingerprint), certificate.to_pem().as_bytes())?;
    }
    kit.write("said/certificates.jsonl", json_lines(&lines).as_bytes())
}

async fn proposals(consortium: &mut Consortium) -> Result<Vec<Value>, NodeError> {
    let contract = consortium.membership.policies;
    let count = consortium.view(contract, &IPolicies::proposalCountCall {}).await?;
    let mut lines = Vec::new();
    for id in 0..count.saturating_to::<u64>() {
        let number = U256::from(id);
        let one = consortium.view(contract, &IPolicies::proposalCall { id: number }).await?;
        let approvers = consortium.view(contract, &IPolicies::approversCall { id: number }).await?;
        let calls = one.calls.iter().map(|call| {
            json!({
                "target": call.target, "data": call.data,
                "does": consortium.names.tell(call.target, &call.data),
            })
        });
        lines.push(json!({
            "id": id, "proposer": one.proposer, "status": status(one.status),
            "lastBlock": one.lastBlock, "description": one.description, "content": one.content,
            "calls": calls.collect::<Vec<_>>(), "approvers": approvers,
        }));
    }
    Ok(lines)
}
