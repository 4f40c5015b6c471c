//! `hanse policy`

use super::{
    quiet_logs,
    reach::{NodeArgs, ask, say_json},
    say,
};
use crate::{
    NodeError,
    consortium::{Consortium, IPolicies, method, msp_id, name_of, place, policy_text, word_of},
};
use alloy_primitives::hex;
use clap::Subcommand;
use hanse_identity::{Approver, MspId, Policy, RoleSet};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Policies say who must agree (docs/protocol/policies.md). `hanse proposal new policy` changes one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the network's policies: those with names, who may call what, what needs endorsement, topics.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check an expression, and show the form that the chain keeps. Asks no node.
    Check {
        /// As "AND('Bank.admin', MAJORITY(admin))".
        expression: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say who meets a policy now.
    Who {
        /// The expression, or the name of one of the network's policies.
        expression: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let Args { command, node } = args;
    ask(async move {
        match command {
            Command::Check { expression, json } => check(&expression, json),
            Command::List { json } => list(&mut node.connect().await?, json).await,
            Command::Who { expression, json } => {
                who(&mut node.connect().await?, &expression, json).await
            }
        }
    })
}

fn parse(text: &str) -> Result<Policy, NodeError> {
    Policy::parse(text).map_err(|error| NodeError::Input(error.to_string()))
}

fn check(text: &str, is_json: bool) -> Result<(), NodeError> {
    let policy = parse(text)?;
    let form = format!("0x{}", hex::encode(policy.to_form()));
    if is_json {
        say_json(&json!({ "policy": policy.to_string(), "form": form }));
    } else {
        say(&policy.to_string());
        say(&form);
    }
    Ok(())
}

async fn list(consortium: &mut Consortium, is_json: bool) -> Result<(), NodeError> {
    let contract = consortium.membership.policies;
    let named = consortium.view(contract, &IPolicies::policiesCall {}).await?;
    let access = consortium.view(contract, &IPolicies::accessRulesCall {}).await?;
    let guards = consortium.view(contract, &IPolicies::guardsCall {}).await?;
    let topics = consortium.view(contract, &IPolicies::topicsCall {}).await?;
    let topics: Vec<_> = topics.targets.into_iter().zip(topics.names).collect();
    let names = &consortium.names;
    if is_json {
        let named = named.iter().map(|one| {
            json!({ "name": name_of(&one.name), "policy": policy_text(&one.form), "form": one.form })
        });
        let access = access.iter().map(|rule| {
            json!({
                "target": rule.target, "selector": (!rule.isWhole).then_some(rule.selector),
                "policy": policy_text(&rule.form),
            })
        });
        let guards = guards.iter().map(|guard| {
            json!({
                "target": guard.target, "slot": (!guard.isWhole).then_some(guard.slot),
                "policy": policy_text(&guard.form),
            })
        });
        let topics = topics
            .iter()
            .map(|(target, name)| json!({ "target": target, "policy": name_of(name) }));
        say_json(&json!({
            "policies": Value::from_iter(named), "access": Value::from_iter(access),
            "guards": Value::from_iter(guards), "topics": Value::from_iter(topics),
        }));
        return Ok(());
    }
    for one in &named {
        say(&format!("{:<12} {}", name_of(&one.name), policy_text(&one.form)));
    }
    for rule in &access {
        let what = method(rule.isWhole, rule.selector);
        say(&format!(
            "access       {what} of {}: {}",
            names.title(rule.target),
            policy_text(&rule.form)
        ));
    }
    for guard in &guards {
        let what = place(guard.isWhole, &guard.slot);
        say(&format!(
            "guard        {what} of {}: {}",
            names.title(guard.target),
            policy_text(&guard.form)
        ));
    }
    for (target, name) in &topics {
        say(&format!("topic        {}: {}", names.title(*target), name_of(name)));
    }
    Ok(())
}

/// The policy that is meant: an expression, or one of the network's by its name.
async fn meant(consortium: &mut Consortium, text: &str) -> Result<Policy, NodeError> {
    let unreadable = match Policy::parse(text) {
        Ok(policy) => return Ok(policy),
        Err(error) => NodeError::Input(error.to_string()),
    };
    let Ok(name) = word_of(text) else { return Err(unreadable) };
    let form = consortium.policy(name).await?;
    if form.is_empty() {
        return Err(unreadable);
    }
    Policy::from_form(&form).map_err(|error| NodeError::Failed(error.to_string()))
}

async fn who(consortium: &mut Consortium, text: &str, is_json: bool) -> Result<(), NodeError> {
    let policy = meant(consortium, text).await?;
    let (everybody, active) = people(consortium).await?;
    let alone: Vec<&Approver> = everybody
        .iter()
        .filter(|one| policy.evaluate(std::slice::from_ref(one), &active))
        .collect();
    let together = alone.is_empty().then(|| enough(&policy, &everybody, &active)).flatten();
    if is_json {
        let line = |one: &Approver| {
            json!({
                "account": one.account, "organization": one.organization.as_str(),
                "roles": one.roles.to_string(),
            })
        };
        say_json(&json!({
            "policy": policy.to_string(),
            "alone": Value::from_iter(alone.iter().map(|one| line(one))),
            "together": together.as_ref().map(|some| Value::from_iter(some.iter().map(line))),
        }));
        return Ok(());
    }
    say(&policy.to_string());
    let tell = |one: &Approver| {
        say(&format!("  {}  {} ({})", one.account, one.organization, one.roles));
    };
    if policy.evaluate(&[], &active) {
        say("everybody meets it, members or not");
    } else if !alone.is_empty() {
        say("each of these alone:");
        alone.into_iter().for_each(tell);
    } else if let Some(some) = together {
        say("nobody alone; these together, for instance:");
        some.iter().for_each(tell);
    } else {
        say("nobody, not even all together");
    }
    Ok(())
}

/// All accounts that are something now, and the active organizations.
async fn people(
    consortium: &mut Consortium,
) -> Result<(Vec<Approver>, BTreeSet<MspId>), NodeError> {
    let (mut everybody, mut active) = (Vec::new(), BTreeSet::new());
    for organization in consortium.organizations().await? {
        if organization.status != 1 {
            continue;
        }
        let id = MspId::from_word(&organization.id)?;
        active.insert(id.clone());
        let accounts = consortium.accounts(organization.id).await?;
        for standing in consortium.standings(&accounts).await? {
            if standing.organization != organization.id {
                continue;
            }
            let roles = RoleSet::from_bits(standing.roles).ok_or_else(|| {
                let id = msp_id(&organization.id);
                NodeError::Failed(format!(
                    "an account of {id} has roles that this program does not know"
                ))
            })?;
            everybody.push(Approver { account: standing.account, organization: id.clone(), roles });
        }
    }
    Ok((everybody, active))
}

/// Some who meet a policy together and of whom none can be missed; `None` when not even all do.
fn enough(
    policy: &Policy,
    everybody: &[Approver],
    active: &BTreeSet<MspId>,
) -> Option<Vec<Approver>> {
    let mut some = everybody.to_vec();
    if !policy.evaluate(&some, active) {
        return None;
    }
    let mut at = 0;
    while at < some.len() {
        let one = some.remove(at);
        if !policy.evaluate(&some, active) {
            some.insert(at, one);
            at += 1;
        }
    }
    Some(some)
}

#[cfg(test)]
mod tests;
