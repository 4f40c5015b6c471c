//! `hanse localnet`

use super::{AbsenceArgs, block_on, interrupted, quiet_logs, say};
use crate::{
    NodeError,
    localnet::{Choice, Member, NODES_MAX, Network, Plan},
    member::absolute,
};
use std::{net::IpAddr, path::PathBuf};

/// Runs a network on this machine: one folder and one process a member, as members have them on
/// machines of their own. Ctrl-C stops it; the same command goes on where it was.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Nodes that decide the blocks.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    validators: u16,
    /// How blocks come about.
    #[arg(long, value_name = "ENGINE", default_value = "bft")]
    consensus: Choice,
    /// Ether of stake of each member, comma-separated, under proof of stake.
    #[arg(long, value_name = "STAKES", value_delimiter = ',')]
    stakes: Vec<u64>,
    /// IP address of each member for its peers, comma-separated [default: 127.0.0.1 each].
    #[arg(long, value_name = "IPS", value_delimiter = ',')]
    hosts: Vec<IpAddr>,
    /// Run only this member; the others run elsewhere.
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    #[command(flatten)]
    absence: AbsenceArgs,
    /// Least milliseconds between blocks.
    #[arg(long = "block-time", value_name = "MS", default_value_t = 0)]
    block_time: u64,
    /// For members only: who is enrolled by no organization sends no transactions.
    #[arg(long)]
    closed: bool,
    /// Folder of the network.
    #[arg(long, value_name = "DIR", default_value = "hanse-localnet")]
    directory: PathBuf,
    /// The first port for JSON-RPC over HTTP; each member has the next one.
    #[arg(long = "http.port", value_name = "PORT", default_value_t = 8545)]
    http_port: u16,
    /// The first port for JSON-RPC over WebSocket.
    #[arg(long = "ws.port", value_name = "PORT", default_value_t = 8645)]
    ws_port: u16,
    /// The first port for the web page.
    #[arg(long = "web.port", value_name = "PORT", default_value_t = 8080)]
    web_port: u16,
    /// The first port for peers.
    #[arg(long = "network.port", value_name = "PORT", default_value_t = 30303)]
    network_port: u16,
    /// Write the folders and start nothing.
    #[arg(long)]
    prepare: bool,
}

/// The members that are to run here.
fn chosen(members: Vec<Member>, name: Option<&str>) -> Result<Vec<Member>, NodeError> {
    let Some(name) = name else { return Ok(members) };
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let problem = format!("there is no member '{name}'; there are {}", names.join(", "));
    let one = members.into_iter().find(|member| member.name == name);
    Ok(vec![one.ok_or(NodeError::Config(problem))?])
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    let plan = Plan {
        directory: absolute(&args.directory)?,
        nodes: args.validators,
        choice: args.consensus,
        stakes: args.stakes,
        hosts: args.hosts,
        absence: args.absence.settle()?,
        block_time_ms: args.block_time,
        closed: args.closed,
        http_port: args.http_port,
        ws_port: args.ws_port,
        web_port: args.web_port,
        network_port: args.network_port,
        stride: 1,
    };
    let members = chosen(plan.prepare()?, args.member.as_deref())?;
    if args.prepare {
        say(&Network::describe(&members));
        return Ok(());
    }
    let mut network = Network::start(members)?;
    say(&Network::describe(&network.members));
    say(&format!("logs are in {}/*/node.log; Ctrl-C stops the network", plan.directory.display()));
    block_on(async move {
        tokio::select! {
            outcome = interrupted() => outcome?,
            () = network.watch(say) => return Err(NodeError::Failed("no node is left".to_owned())),
        }
        network.stop().await.map(|()| None)
    })
}
