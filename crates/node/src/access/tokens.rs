use super::settings::{Role, known_role};
use crate::{
    NodeError,
    files::{Readers, place},
    member::Existing,
};
use alloy_primitives::{B256, hex, keccak256};
use hanse_identity::limits::DAY_SECONDS;
use parking_lot::RwLock;
use rand::{RngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Bytes of a file of tokens.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What every token begins with, so that scanners for leaked secrets find them.
const PREFIX: &str = "hanse_";

/// A token as it is kept: its hash, never itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Token {
    /// Whom it was given to.
    pub(crate) name: String,
    pub(crate) role: String,
    /// Keccak-256 of the token.
    pub(crate) hash: B256,
    /// When it ends, as `2027-01-31T00:00:00Z`; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
}

/// The file of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TokenFile {
    #[serde(default, rename = "token")]
    pub(crate) tokens: Vec<Token>,
}

/// A new secret, 256 bits of the operating system's randomness.
pub(crate) fn new_token() -> String {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    format!("{PREFIX}{}", hex::encode(bytes))
}

impl TokenFile {
    /// Reads a file; one that is not there has no tokens.
    pub(crate) fn load(path: &Path) -> Result<Self, NodeError> {
        let failed = |error| NodeError::file("read", path, error);
        let text = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                let why = format!("{} has more than {FILE_BYTES_MAX} bytes", path.display());
                return Err(NodeError::Config(why));
            }
            Ok(_) => fs::read_to_string(path).map_err(failed)?,
        };
        let file: Self = toml::from_str(&text)
            .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))?;
        for token in &file.tokens {
            token.end()?;
        }
        Ok(file)
    }

    /// Writes the file in one step, readable by its owner alone.
    pub(crate) fn save(&self, path: &Path) -> Result<(), NodeError> {
        let text = toml::to_string(self)
            .map_err(|error| NodeError::Failed(format!("tokens cannot be written: {error}")))?;
        place(path, &text, Readers::Owner, Existing::Overwrite)
    }
}

impl Token {
    /// When it ends.
    fn end(&self) -> Result<Option<SystemTime>, NodeError> {
        let Some(text) = &self.expires else { return Ok(None) };
        let time = humantime::parse_rfc3339_weak(text);
        time.map(Some).map_err(|error| {
            let name = &self.name;
            NodeError::Config(format!("the token of {name} expires at '{text}': {error}"))
        })
    }
}

/// The tokens that count now.
#[derive(Debug)]
pub(super) struct Tokens {
    path: Option<PathBuf>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    tokens: BTreeMap<B256, (Token, Option<SystemTime>)>,
    /// Of the file as it was read: when it was written, and its length.
    seen: Option<(SystemTime, u64)>,
}

impl Tokens {
    pub(super) fn open(
        path: Option<PathBuf>,
        roles: &BTreeMap<String, Role>,
    ) -> Result<Self, NodeError> {
        let state = path.as_deref().map_or_else(|| Ok(State::default()), |p| read(p, roles))?;
        Ok(Self { path, state: RwLock::new(state) })
    }

    /// Reads the file again if it has changed. A broken one changes nothing.
    pub(super) fn look(&self, roles: &BTreeMap<String, Role>) {
        let Some(path) = &self.path else { return };
        if self.state.read().seen == stamp(path) {
            return;
        }
        match read(path, roles) {
            Ok(state) => {
                tracing::info!(tokens = state.tokens.len(), "the tokens have changed");
                *self.state.write() = state;
            }
            Err(error) => {
                tracing::error!(%error, "the tokens stay as they were");
                self.state.write().seen = stamp(path);
            }
        }
    }

    /// The entry of a token that has not expired.
    pub(super) fn find(&self, token: &str, now: impl FnOnce() -> SystemTime) -> Option<Token> {
        // What is compared is a hash of what was shown, so that the time it takes says nothing of a token.
        let state = self.state.read();
        let (token, end) = state.tokens.get(&keccak256(token))?;
        match end {
            Some(end) if now() >= *end => None,
            _ => Some(token.clone()),
        }
    }
}

fn read(path: &Path, roles: &BTreeMap<String, Role>) -> Result<State, NodeError> {
    let seen = stamp(path);
    let mut tokens = BTreeMap::new();
    for token in TokenFile::load(path)?.tokens {
        known_role(roles, &token.role, &format!("the token of {}", token.name))?;
        let end = token.end()?;
        tokens.insert(token.hash, (token, end));
    }
    Ok(State { tokens, seen })
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// The moment so many days on, as a file of tokens has it.
pub(crate) fn after(days: u64, now: SystemTime) -> String {
    let end = now + Duration::from_secs(days.saturating_mul(DAY_SECONDS));
    humantime::format_rfc3339_seconds(end).to_string()
}

#[cfg(test)]
mod tests;
