//! `hanse access`

use super::{quiet_logs, say};
use crate::{
    NodeError,
    access::{Token, TokenFile, after, new_token},
    driver,
};
use alloy_primitives::keccak256;
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// Looks after the tokens by which callers of a node say who they are (`[access] tokens` of its settings). A
/// running node takes notice within seconds.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file of tokens.
    #[arg(long, value_name = "FILE", default_value = "tokens.toml", global = true)]
    tokens: PathBuf,
    #[command(subcommand)]
    command: Command,
}

/// Days that a token can be good for: a hundred years.
const DAYS_MAX: u64 = 36_500;

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token and print it. It is shown this once: the file has only its hash.
    Grant {
        /// Whom it is for; names are not given twice.
        name: String,
        /// What it may do: operator, member, reader, or a role of the node's settings.
        #[arg(long)]
        role: String,
        /// Days until it ends [default: it does not].
        #[arg(
            long,
            value_name = "DAYS",
            value_parser = clap::value_parser!(u64).range(1..=DAYS_MAX)
        )]
        days: Option<u64>,
    },
    /// Take a token back.
    Revoke {
        /// Whom it was given to.
        name: String,
    },
    /// Say who has tokens.
    List,
}

pub(super) fn run(args: &Args) -> Result<(), NodeError> {
    quiet_logs()?;
    match &args.command {
        Command::Grant { name, role, days } => grant(&args.tokens, name, role, *days),
        Command::Revoke { name } => revoke(&args.tokens, name),
        Command::List => list(&args.tokens),
    }
}

fn grant(path: &Path, name: &str, role: &str, days: Option<u64>) -> Result<(), NodeError> {
    let mut file = TokenFile::load(path)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(NodeError::Input(
            "a name has at least one character, and no line breaks".into(),
        ));
    }
    if file.tokens.iter().any(|token| token.name == name) {
        let why = format!("{name} has a token; take it back first with hanse access revoke");
        return Err(NodeError::Input(why));
    }
    let secret = new_token();
    file.tokens.push(Token {
        name: name.to_owned(),
        role: role.to_owned(),
        hash: keccak256(&secret),
        expires: days.map(|days| after(days, driver::now())),
    });
    file.save(path)?;
    say(&secret);
    Ok(())
}

fn revoke(path: &Path, name: &str) -> Result<(), NodeError> {
    let mut file = TokenFile::load(path)?;
    let before = file.tokens.len();
    file.tokens.retain(|token| token.name != name);
    if file.tokens.len() == before {
        let why = format!("{} has no token of {name}", path.display());
        return Err(NodeError::Input(why));
    }
    file.save(path)
}

fn list(path: &Path) -> Result<(), NodeError> {
    for Token { name, role, expires, .. } in TokenFile::load(path)?.tokens {
        let expires = expires.as_deref().unwrap_or("never");
        say(&format!("{name}\t{role}\texpires {expires}"));
    }
    Ok(())
}
