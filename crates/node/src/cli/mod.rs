//! The command line: one file a subcommand.

mod absence;
mod access;
mod audit;
mod bench;
mod data;
mod db;
mod demo;
mod endorse;
mod engine;
mod export;
mod genesis;
mod import;
mod init;
mod keys;
mod localnet;
mod node;
mod org;
mod policy;
mod proposal;
mod reach;
mod upgrade;
mod verify;

pub(crate) use data::entry_json;

use crate::{Config, NodeError, config::LogFormat};
use absence::AbsenceArgs;
use clap::{Parser, Subcommand};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};
use tempfile::TempDir;

/// A consortium commerce ledger: Ethereum-compatible, tamper-evident, ready to run.
#[derive(Debug, Parser)]
#[command(name = "hanse", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node.
    Node(Box<node::Args>),
    /// Run a development node and take real invoices through it, from payment to payout.
    Demo(demo::Args),
    /// Put a node under load and measure it.
    Bench(bench::Args),
    /// Run a network of several nodes on this machine.
    Localnet(localnet::Args),
    /// Check, without trusting the server that is asked, what is in a final block.
    Verify(verify::Args),
    /// Create the ledger of a chain in an empty folder.
    Init(init::Args),
    /// Write the development chain's genesis file, or check one.
    Genesis(genesis::Args),
    /// Give tokens to those who may call a node, and take them back.
    Access(access::Args),
    /// Read and check the record of what was done to a node.
    Audit(audit::Args),
    /// Make and read keys.
    Keys(keys::Args),
    /// Look after an organization: its authority and the certificates of its nodes, people and servers.
    Org(org::Args),
    /// Propose what the network is to decide, approve, carry out.
    Proposal(proposal::Args),
    /// Read the network's policies, check an expression, ask who meets it.
    Policy(policy::Args),
    /// See which contracts get other code, and check that new code keeps what the old one stored.
    Upgrade(upgrade::Args),
    /// Read by which engine blocks are decided, and how members have changed that.
    Engine(engine::Args),
    /// Endorse transactions to guarded contracts.
    Endorse(endorse::Args),
    /// Read the catalog of the data that the network has, and look after one's own entries.
    Data(data::Args),
    /// Read RLP blocks from a file, execute them and add them to the ledger.
    Import(import::Args),
    /// Write the ledger's blocks to a file, as RLP.
    Export(export::Args),
    /// Look after the ledger on disk: verify, rollback, stats.
    Db(db::Args),
}

/// Which ledger a command works on.
#[derive(Debug, clap::Args)]
struct LedgerArgs {
    /// Genesis file of the chain (geth's format).
    #[arg(long, value_name = "FILE", env = "HANSE_CHAIN")]
    chain: PathBuf,
    /// Folder of the ledger.
    #[arg(long, value_name = "DIR", env = "HANSE_DATADIR")]
    datadir: PathBuf,
}

impl LedgerArgs {
    fn config(&self) -> Config {
        Config {
            chain: Some(self.chain.clone()),
            datadir: Some(self.datadir.clone()),
            ..Config::default()
        }
    }
}

/// Runs the command line of this process.
///
/// # Errors
/// [`NodeError`], whose text is for the person at the terminal.
pub fn run(cli: Cli) -> Result<(), NodeError> {
    match cli.command {
        Command::Node(args) => node::run(*args),
        Command::Demo(args) => demo::run(args),
        Command::Bench(args) => bench::run(&args),
        Command::Localnet(args) => localnet::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Init(args) => init::run(&args),
        Command::Genesis(args) => genesis::run(&args),
        Command::Access(args) => access::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Org(args) => org::run(&args),
        Command::Proposal(args) => proposal::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Upgrade(args) => upgrade::run(args),
        Command::Engine(args) => engine::run(args),
        Command::Endorse(args) => endorse::run(args),
        Command::Data(args) => data::run(args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Db(args) => db::run(&args),
    }
}

/// Sets logs up: to standard error, so that standard output stays for answers.
fn logs(format: LogFormat, filter: &str) -> Result<(), NodeError> {
    use tracing_subscriber::{EnvFilter, fmt};
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| NodeError::Config(format!("log filter '{filter}': {error}")))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => {
            builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
        }
        LogFormat::Json => builder.json().try_init(),
    };
    set.map_err(|error| NodeError::Config(format!("logs cannot be set up: {error}")))
}

/// Logs of a short command: warnings only, or what `RUST_LOG` asks for.
fn quiet_logs() -> Result<(), NodeError> {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".to_owned());
    logs(LogFormat::Text, &filter)
}

/// Writes an answer to standard output. Whoever closed the other end does not want it.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Runs a command that serves or calls on a runtime of its own. The folder that the command hands
/// back is deleted when nothing can use it any more.
fn block_on(
    command: impl Future<Output = Result<Option<TempDir>, NodeError>>,
) -> Result<(), NodeError> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(command);
    drop(runtime);
    outcome.map(drop)
}

fn runtime() -> Result<tokio::runtime::Runtime, NodeError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("hanse")
        .build()
        .map_err(|e| NodeError::io("cannot start the runtime", e))
}

/// Completes at Ctrl-C or SIGTERM.
async fn interrupted() -> Result<(), NodeError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e| NodeError::io("cannot listen for signals", e);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome.map_err(failed),
        _ = terminate.recv() => Ok(()),
    }
}
