//! `hanse upgrade`

use super::{
    quiet_logs,
    reach::{NodeArgs, ask, say_json},
    say,
};
use crate::{
    NodeError,
    compiled::{Code, Match},
    consortium::{Consortium, IUpgrades, reason, upgrade_failure, upgrade_status},
    layout::{Comparison, Layout, compare},
};
use alloy_primitives::{Address, Bytes, keccak256};
use clap::Subcommand;
use serde_json::{Value, json};

/// The network replaces the code of its contracts by proposals (`hanse proposal new upgrade`); address, storage and
/// balance stay.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List all upgrades: what waits, what was done, what failed and why.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that new code finds what the old code has stored, by what the compiler says of both. Asks no node.
    ///
    /// Each is FILE or FILE:CONTRACT: an artifact of forge with its storageLayout, one of Hanse's own
    /// (contracts/artifacts), or the standard output of solc.
    Check {
        /// The old code.
        old: String,
        /// The new code.
        new: String,
        /// Variables may have other names at their places.
        #[arg(long)]
        allow_renames: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that the code at an address is that of a compiled contract; say what its constructor made immutable.
    Code {
        /// FILE or FILE:CONTRACT, as of `check`.
        compiled: String,
        /// Where it is said to be: an address, or the name of one of the network's contracts.
        contract: String,
    },
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    match args.command {
        Command::Check { old, new, allow_renames, json } => check(&old, &new, allow_renames, json),
        Command::Code { compiled, contract } => ask(async move {
            let code = Code::read(&compiled)?;
            let mut consortium = args.node.connect().await?;
            let contract = consortium.names.find(&contract)?;
            is_there(&mut consortium, &code, contract).await
        }),
        Command::List { json } => {
            ask(async move { list(&mut args.node.connect().await?, json).await })
        }
    }
}

fn check(old: &str, new: &str, allow_renames: bool, is_json: bool) -> Result<(), NodeError> {
    let mut found = compare(&Layout::read(old)?, &Layout::read(new)?);
    if !allow_renames {
        found.broken.append(&mut found.renamed);
    }
    let Comparison { broken, renamed, added, enums } = &found;
    if is_json {
        let compatible = broken.is_empty();
        say_json(&json!({
            "compatible": compatible, "broken": broken, "renamed": renamed, "added": added,
            "enums": enums,
        }));
    } else {
        broken.iter().for_each(|text| say(&format!("broken   {text}")));
        renamed.iter().for_each(|text| say(&format!("renamed  {text}")));
        added.iter().for_each(|text| say(&format!("added    {text}")));
        let ask = "its members must be the same in the same order, new ones last";
        enums.iter().for_each(|name| say(&format!("look     {name}: {ask}")));
        if broken.is_empty() {
            say(
                "the new code finds what the compiler says the old code stores; slots that code computes by itself \
                 (as ERC-7201's) are not seen",
            );
        }
    }
    match broken.len() {
        0 => Ok(()),
        count => Err(NodeError::Failed(format!(
            "the new code would lose or mistake what is stored, in {count} places"
        ))),
    }
}

async fn is_there(
    consortium: &mut Consortium,
    code: &Code,
    contract: Address,
) -> Result<(), NodeError> {
    let deployed: Bytes = consortium.call("eth_getCode", &json!([contract, "latest"])).await?;
    match code.compare(&deployed) {
        Match::Same(immutables) => {
            say(&format!("{contract} has this code; its hash is {}", keccak256(&deployed)));
            for (at, value) in immutables {
                say(&format!("  immutable at byte {at}: {value}"));
            }
            Ok(())
        }
        Match::Other(at) => Err(NodeError::Failed(format!(
            "{contract} has another code: it differs from byte {at} on (of {})",
            deployed.len()
        ))),
    }
}

async fn list(consortium: &mut Consortium, is_json: bool) -> Result<(), NodeError> {
    let all = consortium.all_upgrades().await?;
    let told: Vec<Value> = (0..).zip(&all).map(|(id, one)| upgrade_json(id, one)).collect();
    if is_json {
        say_json(&Value::from(told));
        return Ok(());
    }
    for (id, one) in all.iter().enumerate() {
        let (state, target) = (upgrade_status(one.status), consortium.names.title(one.target));
        let when = match one.settledIn {
            0 => format!("from block {}", one.fromBlock),
            block => format!("in block {block}"),
        };
        say(&format!(
            "{id:>4} {state:<10} {when:<16} {target}: {} → {}",
            one.oldCodeHash, one.newCodeHash
        ));
        say(&format!("       code of {}", one.source));
        if !one.migration.is_empty() {
            say(&format!("       then called with {}", one.migration));
        }
        if one.failure != 0 {
            say(&format!("       {}", failure_text(one)));
        }
    }
    Ok(())
}

fn failure_text(one: &IUpgrades::Upgrade) -> String {
    let what = upgrade_failure(one.failure);
    if one.reason.is_empty() {
        return what.to_owned();
    }
    let said = reason(&one.reason).unwrap_or_else(|| one.reason.to_string());
    format!("{what}: {}", said.escape_debug())
}

fn upgrade_json(id: u64, one: &IUpgrades::Upgrade) -> Value {
    json!({
        "id": id, "status": upgrade_status(one.status), "target": one.target,
        "source": one.source, "oldCodeHash": one.oldCodeHash, "newCodeHash": one.newCodeHash,
        "fromBlock": one.fromBlock, "scheduledIn": one.scheduledIn,
        "settledIn": (one.settledIn != 0).then_some(one.settledIn), "migration": one.migration,
        "failure": (one.failure != 0).then(|| failure_text(one)),
    })
}
