//! `hanse engine`

use super::{
    quiet_logs,
    reach::{NodeArgs, ask, say_json},
    say,
};
use crate::{
    NodeError,
    consortium::{Consortium, EngineTold, IEngines, times, voters},
};
use clap::Subcommand;
use serde_json::json;

/// How blocks are decided, and how members have changed that (`hanse proposal new engine`).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what holds now, what comes, and all changes that members have decided on.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let Args { command: Command::List { json }, node } = args;
    ask(async move { list(&mut node.connect().await?, json).await })
}

async fn list(consortium: &mut Consortium, is_json: bool) -> Result<(), NodeError> {
    let engine = consortium.engine().await?;
    let votes = consortium.names.contracts.engines;
    let (notice, changes) = match votes {
        Some(contract) => {
            let notice = consortium.view(contract, &IEngines::noticeCall {}).await?;
            (Some(notice), consortium.engine_changes().await?)
        }
        None => (None, Vec::new()),
    };
    if is_json {
        say_json(&json!({
            "decides": engine.decides, "now": engine.now, "next": engine.next,
            "votes": votes, "notice": notice, "changes": changes,
        }));
        return Ok(());
    }
    say(&format!("block {} is the next", engine.decides));
    for (label, told) in [("now", &engine.now), ("next", &engine.next)] {
        if let Some(told) = told {
            say(&format!("{label:<8}{}", line(told)));
        }
    }
    match notice {
        None => say("members do not vote on the engine here"),
        Some(notice) => {
            say(&format!(
                "notice  a change takes effect {notice} blocks after the vote, at the earliest"
            ));
        }
    }
    for (index, change) in changes.iter().enumerate() {
        say(&format!(
            "vote {index}  from block {}: {}, {}; {}",
            change.from,
            voters(change.kind),
            change.validators,
            times(&change.timing)
        ));
    }
    Ok(())
}

fn line(told: &EngineTold) -> String {
    let contract = told.contract.map(|contract| format!(", {contract}")).unwrap_or_default();
    let timing = told.times.map(|told| format!("; {}", times(&told.into()))).unwrap_or_default();
    format!("{} from block {}{contract}{timing}", told.engine, told.from)
}
