//! `hanse org export`

use super::super::{
    reach::{NodeArgs, ask},
    say,
};
use crate::{
    NodeError,
    exit::{self, Contents},
};
use hanse_identity::MspId;
use std::path::PathBuf;

/// Takes along what an organization has on the chain, in open formats and with proofs, or checks what was
/// taken along, without asking anybody.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("way").required(true).args(["directory", "check"]))]
pub(super) struct Args {
    /// The organization.
    #[arg(long, value_name = "ID", required_unless_present = "check")]
    organization: Option<MspId>,
    /// An empty folder to write to; it is made if it is not there.
    #[arg(long, value_name = "DIR", requires = "genesis")]
    directory: Option<PathBuf>,
    /// A folder to check.
    #[arg(long, value_name = "DIR", conflicts_with = "organization")]
    check: Option<PathBuf>,
    /// Genesis file of the chain: what is trusted.
    #[arg(long, value_name = "FILE", env = "HANSE_CHAIN")]
    genesis: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    if let Some(folder) = &args.check {
        let contents = exit::check(folder, args.genesis.as_deref())?;
        say(&format!("all is proven: {}", text(&contents)));
        say(&format!(
            "trusted is the genesis {}; compare it with one that you know",
            contents.genesis
        ));
        return Ok(());
    }
    ask(async move {
        let Args {
            organization: Some(organization),
            directory: Some(folder),
            genesis: Some(genesis),
            node,
            ..
        } = args
        else {
            return Err(NodeError::Config(
                "--organization, --directory and --genesis are needed".to_owned(),
            ));
        };
        let mut consortium = node.connect().await?;
        let contents = exit::export(&mut consortium, &organization, &genesis, &folder).await?;
        say(&format!("{organization}: {}", text(&contents)));
        say(&format!("in {}; check it with hanse org export --check", folder.display()));
        Ok(())
    })
}

fn text(contents: &Contents) -> String {
    let Contents { transactions, events, accounts, orders, block, .. } = contents;
    format!(
        "{transactions} transactions with {events} events, {accounts} accounts and {orders} orders, up to block {block}"
    )
}
