//! `hanse audit`

use super::{quiet_logs, runtime, say};
use crate::{
    NodeError,
    anchor::{Anchor, last_anchor, read_anchor},
    audit::{self, Line},
    client::{Client, Endpoint},
};
use alloy_primitives::{Address, B256, Bytes};
use hanse_primitives::ChainSpec;
use serde_json::json;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Checks the record of administrative calls of a node, entry by entry, and prints it. With --rpc it also
/// checks that the record has what the node has anchored on the ledger.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the ledger, which has the record.
    #[arg(long, value_name = "DIR", env = "HANSE_DATADIR")]
    datadir: PathBuf,
    /// Print the entries as they are in the file, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Say only whether it is whole, and where it ends.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// JSON-RPC of a node of another member, to be asked for the anchor.
    #[arg(long, value_name = "URL", requires_all = ["chain", "account"])]
    rpc: Option<Endpoint>,
    /// Genesis file of the chain, which says where anchors are.
    #[arg(long, value_name = "FILE", env = "HANSE_CHAIN")]
    chain: Option<PathBuf>,
    /// The validator's account, in whose name the node anchors.
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let anchor = match (&args.rpc, &args.chain, args.account) {
        (Some(rpc), Some(chain), Some(account)) => Some(anchored(rpc, chain, account)?),
        _ => None,
    };
    let wanted = anchor.flatten();
    let mut found: Option<B256> = None;
    let path = args.datadir.join(audit::FILE);
    let file = File::open(&path).map_err(|error| NodeError::file("open", &path, error))?;
    let (head, _) = audit::check(&path, &file, |line| {
        if wanted.is_some_and(|anchor| anchor.entries == line.entry) {
            found = Some(line.hash);
        }
        args.show(line);
    })?;
    if !args.json {
        say(&format!("{} entries, whole; the last has the hash {}", head.entries, head.hash));
    }
    match (anchor, wanted) {
        (None, _) => Ok(()),
        (Some(_), None) => {
            say("nothing is anchored on the ledger yet");
            Ok(())
        }
        (Some(_), Some(anchor)) => compare(&path, anchor, found),
    }
}

impl Args {
    fn show(&self, line: &Line) {
        if self.json {
            say(&serde_json::to_string(line).unwrap_or_default());
        } else if !self.quiet {
            let remote = line.remote.as_deref().unwrap_or("here");
            let Line { entry, time, identity, role, action, details, outcome, .. } = line;
            say(&format!(
                "{entry} {time} {identity} ({role}) from {remote}: {action} {details} -> {outcome}"
            ));
        }
    }
}

fn compare(path: &Path, anchor: Anchor, found: Option<B256>) -> Result<(), NodeError> {
    let Anchor { head, entries } = anchor;
    match found {
        Some(hash) if hash == head => {
            say(&format!("the ledger has {entries} of them, with the same hash"));
            Ok(())
        }
        Some(hash) => Err(NodeError::Input(format!(
            "{}: entry {entries} has the hash {hash}, the ledger says {head}: somebody has written \
             this file anew",
            path.display()
        ))),
        None => Err(NodeError::Input(format!(
            "{}: the ledger knows {entries} entries, which this file does not have: somebody has \
             cut it off",
            path.display()
        ))),
    }
}

/// What an account has anchored last.
fn anchored(rpc: &Endpoint, chain: &Path, account: Address) -> Result<Option<Anchor>, NodeError> {
    let json = std::fs::read(chain).map_err(|error| NodeError::file("read", chain, error))?;
    let spec = ChainSpec::parse(&json)?;
    let contract = spec.hanse().and_then(|hanse| hanse.contracts.anchors).ok_or_else(|| {
        NodeError::Input(format!("{} knows no contract of anchors", chain.display()))
    })?;
    let params = json!([{"to": contract, "data": last_anchor(account)}, "finalized"]);
    let mut client = Client::new(rpc.clone());
    let answer: Bytes = runtime()?.block_on(client.call("eth_call", &params))?;
    read_anchor(&answer)
}
