//! What commands for members share: the node that is asked, the key that signs, and how answers are said.

use super::{block_on, keys, say};
use crate::{NodeError, client::Endpoint, consortium::Consortium, validator::ValidatorKey};
use alloy_signer_local::PrivateKeySigner;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The node that is asked.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Node")]
pub(super) struct NodeArgs {
    /// The node that is asked.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "HANSE_RPC",
        default_value = "http://127.0.0.1:8545"
    )]
    rpc: Endpoint,
    /// File with the token that the node knows the caller by [default: that in HANSE_TOKEN].
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The key of the account that acts.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Key")]
pub(super) struct KeyArgs {
    /// Key of the account that acts: a file of `hanse keys new`, or one with 64 hex digits, as nodes have them
    /// [default: the digits in HANSE_KEY].
    #[arg(long, global = true, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File whose first line is the password of key files.
    #[arg(long, global = true, value_name = "FILE", env = "HANSE_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

impl NodeArgs {
    /// Asks the node what it serves.
    pub(super) async fn connect(&self) -> Result<Consortium, NodeError> {
        let token = match &self.token_file {
            Some(path) => {
                let text =
                    fs::read_to_string(path).map_err(|e| NodeError::file("read", path, e))?;
                Some(text.trim().to_owned())
            }
            None => std::env::var("HANSE_TOKEN").ok(),
        };
        Consortium::connect(self.rpc.clone(), token).await
    }
}

impl KeyArgs {
    /// The key.
    pub(super) fn load(&self) -> Result<PrivateKeySigner, NodeError> {
        if let Some(path) = &self.key {
            return self.read(path);
        }
        let text = std::env::var("HANSE_KEY").map_err(|_| {
            NodeError::Config(
                "--key FILE is missing: it says who acts (or set HANSE_KEY)".to_owned(),
            )
        })?;
        text.trim()
            .parse()
            .map_err(|_| NodeError::Config("HANSE_KEY is no key of 64 hex digits".to_owned()))
    }

    /// Another key, with the same password.
    pub(super) fn read(&self, path: &Path) -> Result<PrivateKeySigner, NodeError> {
        let text = fs::read_to_string(path).map_err(|e| NodeError::file("read", path, e))?;
        if !text.trim_start().starts_with('{') {
            return Ok(ValidatorKey::load(path)?.wallet().clone());
        }
        let password = self.password_file.as_deref().ok_or_else(|| {
            NodeError::Config(format!("{} needs --password-file FILE", path.display()))
        })?;
        PrivateKeySigner::decrypt_keystore(path, keys::password(password)?)
            .map_err(|error| NodeError::Input(format!("{}: {error}", path.display())))
    }
}

/// Runs a command that asks a node.
pub(super) fn ask(command: impl Future<Output = Result<(), NodeError>>) -> Result<(), NodeError> {
    block_on(async move { command.await.map(|()| None) })
}

/// Says an answer as JSON.
pub(super) fn say_json(value: &Value) {
    say(&format!("{value:#}"));
}

/// Reads a file whose lines are JSON.
pub(super) fn lines<T: for<'de> serde::Deserialize<'de>>(path: &Path) -> Result<Vec<T>, NodeError> {
    let text = fs::read_to_string(path).map_err(|e| NodeError::file("read", path, e))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            NodeError::Input(format!("{}, line {}: {error}", path.display(), at + 1))
        })
    };
    lines.map(read).collect()
}
