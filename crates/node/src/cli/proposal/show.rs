//! `hanse proposal list`, `hanse proposal show`

use super::{Sheet, SheetApproval, SheetCall, SheetPolicy, say, say_json};
use crate::{
    NodeError,
    consortium::{Consortium, IPolicies, msp_id, name_of, policy_text, roles_text, status},
};
use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Reads a proposal with what decides on it.
pub(super) async fn read(consortium: &mut Consortium, id: u64) -> Result<Sheet, NodeError> {
    let (policies, number) = (consortium.membership.policies, U256::from(id));
    let proposal = consortium.view(policies, &IPolicies::proposalCall { id: number }).await?;
    let accounts = consortium.view(policies, &IPolicies::approversCall { id: number }).await?;
    let approvals = consortium.standings(&accounts).await?;
    let carried = consortium.view(policies, &IPolicies::isCarriedCall { id: number }).await?;
    let mut needs = Vec::new();
    let mut topics: BTreeSet<B256> = BTreeSet::new();
    for call in &proposal.calls {
        let topic =
            consortium.view(policies, &IPolicies::topicCall { target: call.target }).await?;
        if topics.insert(topic) {
            let form = consortium.policy(topic).await?;
            needs.push(SheetPolicy { name: name_of(&topic), policy: policy_text(&form) });
        }
    }
    let calls = proposal.calls.iter().map(|call| SheetCall {
        target: call.target,
        data: call.data.clone(),
        does: consortium.names.tell(call.target, &call.data),
    });
    Ok(Sheet {
        id,
        chain_id: consortium.chain_id,
        policies,
        content: proposal.content,
        proposer: proposal.proposer,
        status: status(proposal.status).to_owned(),
        last_block: proposal.lastBlock,
        calls: calls.collect(),
        description: proposal.description,
        approvals: approvals
            .iter()
            .map(|one| SheetApproval {
                account: one.account,
                organization: match one.organization.is_zero() {
                    true => "no active organization".to_owned(),
                    false => msp_id(&one.organization),
                },
                roles: roles_text(one.roles),
            })
            .collect(),
        needs,
        carried: carried._0,
        missing: (!carried.missing.is_zero()).then(|| name_of(&carried.missing)),
    })
}

pub(super) async fn one(
    consortium: &mut Consortium,
    id: u64,
    is_json: bool,
) -> Result<(), NodeError> {
    let sheet = read(consortium, id).await?;
    if is_json {
        say_json(&serde_json::to_value(&sheet).expect("a sheet is plain data"));
        return Ok(());
    }
    say(&format!("proposal {id}: {}", sheet.description.escape_debug()));
    let Sheet { status, proposer, last_block, .. } = &sheet;
    say(&format!(
        "  {status}; proposed by {proposer}; can be carried out until block {last_block}"
    ));
    sheet.calls.iter().for_each(|call| say(&format!("  would {}", call.does)));
    for need in &sheet.needs {
        say(&format!("  needs the policy {}: {}", need.name, need.policy));
    }
    for approval in &sheet.approvals {
        let SheetApproval { account, organization, roles } = approval;
        say(&format!("  approved by {account} of {organization} ({roles})"));
    }
    say(&format!("  {}", sheet.verdict()));
    Ok(())
}

pub(super) async fn list(
    consortium: &mut Consortium,
    all: bool,
    is_json: bool,
) -> Result<(), NodeError> {
    let policies = consortium.membership.policies;
    let count = consortium.view(policies, &IPolicies::proposalCountCall {}).await?;
    let mut listed = Vec::new();
    for id in 0..count.saturating_to::<u64>() {
        let call = IPolicies::proposalCall { id: U256::from(id) };
        let proposal = consortium.view(policies, &call).await?;
        if all || status(proposal.status) == status(1) {
            listed.push((id, proposal));
        }
    }
    if is_json {
        say_json(&Value::from_iter(listed.iter().map(|(id, proposal)| json!({
            "id": id, "status": status(proposal.status), "proposer": proposal.proposer,
            "lastBlock": proposal.lastBlock, "description": proposal.description,
            "calls": proposal.calls.iter().map(|call| consortium.names.tell(call.target, &call.data))
                .collect::<Vec<_>>(),
        }))));
        return Ok(());
    }
    for (id, proposal) in &listed {
        let (state, text) = (status(proposal.status), proposal.description.escape_debug());
        say(&format!("{id:>4} {state:<10} until block {:<10} {text}", proposal.lastBlock));
        for call in &proposal.calls {
            say(&format!("       {}", consortium.names.tell(call.target, &call.data)));
        }
    }
    Ok(())
}
