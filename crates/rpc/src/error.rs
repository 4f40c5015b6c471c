use alloy_primitives::Bytes;
use hanse_execution::{CallError, TraceError};
use hanse_ledger::LedgerError;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::borrow::Cow;
use thiserror::Error;

/// Why a request got no result. [`RpcError::code`] is what JSON-RPC calls `code`, the text is its
/// `message`. All but [`RpcError::Internal`] are the caller's fault or a matter of load.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RpcError {
    /// The bytes are not JSON.
    #[error("parse error")]
    Parse,
    /// The JSON is not a request of JSON-RPC 2.0.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// No such method, or this server does not offer it.
    #[error("the method {0} does not exist/is not available")]
    MethodNotFound(String),
    /// The method needs a connection that can carry notifications.
    #[error("notifications not supported")]
    NotificationsUnsupported,
    /// A parameter is missing or wrong.
    #[error("{0}")]
    InvalidParams(Cow<'static, str>),
    /// The request asks for more than the server grants.
    #[error("{0}")]
    LimitExceeded(String),
    /// The answer would be larger than the server grants.
    #[error("response too large")]
    ResponseTooLarge,
    /// The server is at its limits, or the request took too long; it may be repeated later.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The request is well formed and cannot be answered: unknown block, refused transaction, ...
    #[error("{0}")]
    Server(String),
    /// As [`RpcError::Server`], with a code of its own and perhaps data.
    #[error("{message}")]
    Coded {
        /// The code.
        code: i64,
        /// For people.
        message: String,
        /// What a call reverted with, or a transaction's hash.
        data: Option<Bytes>,
    },
    /// Our own fault. The text says no more than the caller may know; the log has the rest.
    #[error("internal error: {0}")]
    Internal(String),
}

impl RpcError {
    /// The code for what the caller's role does not offer (EIP-1474: the method is not supported).
    pub(crate) const NOT_PERMITTED: i64 = -32_004;

    /// The code for history that this node does not keep (execution-apis: pruned history unavailable).
    pub(crate) const PRUNED: i64 = 4444;

    /// The error code of JSON-RPC.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest(_) => -32600,
            Self::MethodNotFound(_) | Self::NotificationsUnsupported => -32601,
            Self::InvalidParams(_) => -32602,
            Self::Internal(_) => -32603,
            Self::Server(_) => -32000,
            Self::Unavailable(_) => -32002,
            Self::ResponseTooLarge => -32003,
            Self::LimitExceeded(_) => -32005,
            Self::Coded { code, .. } => *code,
        }
    }

    /// The `data` of the error.
    #[must_use]
    pub const fn data(&self) -> Option<&Bytes> {
        match self {
            Self::Coded { data, .. } => data.as_ref(),
            _ => None,
        }
    }

    /// A parameter is wrong, at a position that counts from 0.
    pub(crate) fn argument(position: usize, why: impl std::fmt::Display) -> Self {
        Self::InvalidParams(Cow::Owned(format!("invalid argument {position}: {why}")))
    }

    /// A block that the request names is not there.
    pub(crate) fn header_not_found() -> Self {
        Self::Server("header not found".to_owned())
    }

    /// A failure of our own: told to the log in full and to the caller in brief.
    pub(crate) fn internal(what: &'static str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::Internal(what.to_owned())
    }
}

impl From<LedgerError> for RpcError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::UnknownBlock(_) | LedgerError::UnknownHeight(_) => {
                Self::header_not_found()
            }
            LedgerError::Pruned(_) | LedgerError::StateUnavailable(_) => Self::Coded {
                code: Self::PRUNED,
                message: format!("pruned history unavailable: {error}"),
                data: None,
            },
            error if error.is_caller_fault() => Self::Server(error.to_string()),
            error => Self::internal("the ledger failed", &error),
        }
    }
}

impl From<CallError> for RpcError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Store(error) => error.into(),
            CallError::Internal(error) => Self::internal("the EVM failed", &error),
            error => Self::Coded {
                code: error.code(),
                message: error.to_string(),
                data: error.data().cloned(),
            },
        }
    }
}

impl From<TraceError> for RpcError {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Call(error) => error.into(),
            error => Self::Server(error.to_string()),
        }
    }
}

impl Serialize for RpcError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &self.code())?;
        map.serialize_entry("message", &self.to_string())?;
        if let Some(data) = self.data() {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}
