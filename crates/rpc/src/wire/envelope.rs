use crate::{
    RpcError,
    limits::{ID_BYTES_MAX, METHOD_BYTES_MAX},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::{error::Category, value::RawValue};
use std::{borrow::Cow, fmt};

/// What a request without a readable id is answered with.
pub(crate) const NULL_ID: &str = "null";

/// One request, or the requests of a batch in order.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    Single(Result<Envelope<'a>, Malformed<'a>>),
    Batch(Vec<&'a RawValue>),
}

/// A well-formed request.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    /// As it was written; `None` asks for no answer.
    pub(crate) id: Option<&'a str>,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a RawValue>,
}

/// JSON that is no request, with the id to answer to.
#[derive(Debug)]
pub(crate) struct Malformed<'a> {
    pub(crate) id: &'a str,
    pub(crate) error: RpcError,
}

/// Reads a message. Nesting is not followed here, so that its depth does no harm.
///
/// # Errors
/// [`RpcError::Parse`] when the bytes are not JSON.
pub(crate) fn read(bytes: &[u8]) -> Result<Message<'_>, RpcError> {
    let text = std::str::from_utf8(bytes).map_err(|_| RpcError::Parse)?;
    if text.trim_start().starts_with('[') {
        let calls = serde_json::from_str(text).map_err(|_| RpcError::Parse)?;
        return Ok(Message::Batch(calls));
    }
    match serde_json::from_str::<Fields<'_>>(text) {
        Ok(fields) => Ok(Message::Single(fields.check())),
        Err(error) if error.classify() == Category::Data => {
            // It may be a data error before a syntax error; the syntax is the graver of the two.
            let _: &RawValue = serde_json::from_str(text).map_err(|_| RpcError::Parse)?;
            Ok(Message::Single(Err(INVALID)))
        }
        Err(_) => Err(RpcError::Parse),
    }
}

const INVALID: Malformed<'static> =
    Malformed { id: NULL_ID, error: RpcError::InvalidRequest("invalid request") };

impl<'a> Envelope<'a> {
    /// Reads one request of a batch.
    pub(crate) fn of(raw: &'a RawValue) -> Result<Self, Malformed<'a>> {
        serde_json::from_str::<Fields<'a>>(raw.get()).map_err(|_| INVALID)?.check()
    }
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn check(self) -> Result<Envelope<'a>, Malformed<'a>> {
        let id = self.id.map(RawValue::get);
        let refuse = |why| {
            Err(Malformed { id: id.unwrap_or(NULL_ID), error: RpcError::InvalidRequest(why) })
        };
        // An id is a string, a number or null (JSON-RPC 2.0, section 4).
        if id.is_some_and(|id| id.starts_with(['{', '[', 't', 'f']) || id.len() > ID_BYTES_MAX) {
            return Err(INVALID);
        }
        if self.jsonrpc.is_none_or(|version| version.0 != "2.0") {
            return refuse("invalid request: jsonrpc must be \"2.0\"");
        }
        let Some(Text(method)) = self.method else {
            return refuse("invalid request: method is missing");
        };
        if method.len() > METHOD_BYTES_MAX {
            if id.is_some() {
                return refuse("invalid request: method is too long");
            }
            // It is a notification for all that: it asks for no answer, and an error is one.
            return Ok(Envelope { id: None, method: Cow::Borrowed(""), params: None });
        }
        Ok(Envelope { id, method, params: self.params })
    }
}

/// Tells a `null` from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A string that is borrowed unless it holds escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}
