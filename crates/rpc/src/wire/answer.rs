use super::NULL_ID;
use crate::RpcError;
use serde::Serialize;

/// The JSON of a result. What a method answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply(Vec<u8>);

impl Reply {
    /// Encodes a value.
    ///
    /// # Errors
    /// [`RpcError::Internal`] when the value refuses to be encoded, which ours do not.
    pub(crate) fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, RpcError> {
        let mut bytes = Vec::with_capacity(128);
        serde_json::to_writer(&mut bytes, value)
            .map_err(|error| RpcError::internal("a result cannot be encoded", &error))?;
        Ok(Self(bytes))
    }

    pub(crate) fn null() -> Self {
        Self(b"null".to_vec())
    }

    /// JSON that is already written.
    pub(crate) const fn raw(json: Vec<u8>) -> Self {
        Self(json)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Appends `{"jsonrpc":"2.0","id":...,"result":...}`.
pub(crate) fn write_result(out: &mut Vec<u8>, id: &str, reply: &Reply) {
    out.reserve(reply.0.len() + id.len() + 40);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(br#","result":"#);
    out.extend_from_slice(&reply.0);
    out.push(b'}');
}

/// Appends `{"jsonrpc":"2.0","id":...,"error":...}`.
pub(crate) fn write_error(out: &mut Vec<u8>, id: &str, error: &RpcError) {
    let error = Reply::new(error).unwrap_or_else(|_| Reply::null());
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(if id.is_empty() { NULL_ID.as_bytes() } else { id.as_bytes() });
    out.extend_from_slice(br#","error":"#);
    out.extend_from_slice(&error.0);
    out.push(b'}');
}

/// A notification of a subscription.
pub(crate) fn write_notification(subscription: &str, reply: &Reply) -> Vec<u8> {
    let mut out = Vec::with_capacity(reply.0.len() + subscription.len() + 96);
    out.extend_from_slice(
        br#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":""#,
    );
    out.extend_from_slice(subscription.as_bytes());
    out.extend_from_slice(br#"","result":"#);
    out.extend_from_slice(&reply.0);
    out.extend_from_slice(b"}}");
    out
}
