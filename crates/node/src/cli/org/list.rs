//! `hanse org list`

use super::super::{
    reach::{NodeArgs, ask, say_json},
    say,
};
use crate::{
    NodeError,
    consortium::{Consortium, IMembers, date, msp_id, roles_text},
};
use hanse_identity::limits::DAY_SECONDS;
use serde_json::{Value, json};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    node: NodeArgs,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// One organization, with the last day of the root that lasts longest.
struct Line {
    organization: IMembers::Organization,
    accounts: usize,
    roots: usize,
    nodes: usize,
    until: u64,
    days_left: u64,
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    ask(async move {
        let mut consortium = args.node.connect().await?;
        let lines = read(&mut consortium).await?;
        if args.json {
            say_json(&Value::from_iter(lines.iter().map(Line::json)));
        } else {
            lines.iter().for_each(|line| say(&line.text()));
        }
        Ok(())
    })
}

async fn read(consortium: &mut Consortium) -> Result<Vec<Line>, NodeError> {
    let now = consortium.time().await?;
    let mut lines = Vec::new();
    for organization in consortium.organizations().await? {
        let certificates = consortium.certificates(organization.id).await?;
        let good = |kind| {
            certificates
                .iter()
                .filter(move |one| one.kind == kind && one.revokedIn == 0 && one.notAfter >= now)
        };
        let until = good(ROOT).map(|root| root.notAfter).max().unwrap_or_default();
        lines.push(Line {
            accounts: consortium.accounts(organization.id).await?.len(),
            roots: good(ROOT).count(),
            nodes: good(NODE).count(),
            until,
            days_left: until.saturating_sub(now) / DAY_SECONDS,
            organization,
        });
    }
    Ok(lines)
}

const ROOT: u8 = 0;
const NODE: u8 = 1;

impl Line {
    fn status(&self) -> &'static str {
        if self.organization.status == 1 { "active" } else { "removed" }
    }

    fn text(&self) -> String {
        let Self { organization, accounts, roots, nodes, until, days_left } = self;
        let root = match *roots {
            0 => "no root is valid".to_owned(),
            _ => format!("root until {} ({days_left} days)", date(*until)),
        };
        format!(
            "{:<12} {:<8} {} admins, {accounts} accounts, {nodes} nodes; {root}\n    {}: {}",
            msp_id(&organization.id),
            self.status(),
            organization.admins,
            organization.name.escape_debug(),
            roles_text(organization.roles),
        )
    }

    fn json(&self) -> Value {
        let Self { organization, accounts, roots, nodes, until, days_left } = self;
        json!({
            "id": msp_id(&organization.id), "name": organization.name, "status": self.status(),
            "roles": roles_text(organization.roles), "since": organization.since,
            "admins": organization.admins, "accounts": accounts, "roots": roots, "nodes": nodes,
            "rootUntil": until, "daysLeft": days_left,
        })
    }
}
