use hanse_consensus::{BuildError, ChainError};
use hanse_execution::ExecutionError;
use hanse_ledger::LedgerError;
use hanse_primitives::PrimitiveError;
use std::path::Path;
use thiserror::Error;

/// Whatever ends a command. Printed to people, so each says what was wrong and what to do.
#[derive(Debug, Error)]
pub enum NodeError {
    /// A flag, an environment variable or a line of the configuration file: the operator's.
    #[error("{0}")]
    Config(String),
    /// A file that the operator named is not what it should be.
    #[error("{0}")]
    Input(String),
    /// The data set cannot be read.
    #[error("cannot read the data set: {0}")]
    Dataset(String),
    /// Genesis or block bytes that do not decode.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
    /// A block that does not keep the rules, or our own EVM failed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A peer's address or key, or the port that peers connect to.
    #[error(transparent)]
    Network(#[from] hanse_network::NetworkError),
    /// The engine could not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The engine could not move the chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A node that we are a client of.
    #[error("{0}")]
    Client(String),
    /// The system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with path or address.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What the command was to show does not hold.
    #[error("{0}")]
    Failed(String),
}

impl NodeError {
    /// An error of the system while doing `what`.
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// The same for a file.
    pub(crate) fn file(verb: &str, path: &Path, source: std::io::Error) -> Self {
        Self::io(format!("cannot {verb} {}", path.display()), source)
    }
}
