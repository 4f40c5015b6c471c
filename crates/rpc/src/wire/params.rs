use super::FromJson;
use crate::{RpcError, limits::PARAMETERS_MAX};
use serde::{
    Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// The positional parameters of a call, not yet looked into.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Params<'a> {
    values: [Option<&'a RawValue>; PARAMETERS_MAX],
    count: usize,
}

impl<'a> Params<'a> {
    /// Splits `params`; none at all is an empty list.
    ///
    /// # Errors
    /// [`RpcError::InvalidParams`] when they are not a list, or more than `count_max`.
    pub(crate) fn split(params: Option<&'a RawValue>, count_max: usize) -> Result<Self, RpcError> {
        let Some(params) = params else { return Ok(Self::default()) };
        if !params.get().starts_with('[') {
            return Err(RpcError::InvalidParams(Cow::Borrowed("non-array args")));
        }
        let mut deserializer = serde_json::Deserializer::from_str(params.get());
        let split =
            deserializer.deserialize_seq(ParamsVisitor).map_err(|_| too_many(PARAMETERS_MAX))?;
        if split.count > count_max { Err(too_many(count_max)) } else { Ok(split) }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// [`RpcError::InvalidParams`] when it is not, or is wrong.
    pub(crate) fn required<T: FromJson<'a>>(&self, at: usize) -> Result<T, RpcError> {
        self.optional(at)?.ok_or_else(|| missing(at))
    }

    /// A parameter that may be missing or null.
    ///
    /// # Errors
    /// [`RpcError::InvalidParams`] when it is wrong.
    pub(crate) fn optional<T: FromJson<'a>>(&self, at: usize) -> Result<Option<T>, RpcError> {
        match self.raw(at) {
            None => Ok(None),
            Some(raw) if raw.get() == "null" => Ok(None),
            Some(raw) => T::from_json(raw).map(Some).map_err(|why| RpcError::argument(at, why)),
        }
    }

    /// A parameter as it was written.
    pub(crate) fn raw(&self, at: usize) -> Option<&'a RawValue> {
        self.values.get(at).copied().flatten()
    }
}

fn missing(at: usize) -> RpcError {
    RpcError::InvalidParams(Cow::Owned(format!("missing value for required argument {at}")))
}

fn too_many(most: usize) -> RpcError {
    RpcError::InvalidParams(Cow::Owned(format!("too many arguments, want at most {most}")))
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = Params<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut params = Params::default();
        while let Some(value) = list.next_element::<&RawValue>()? {
            let Some(place) = params.values.get_mut(params.count) else {
                return Err(serde::de::Error::custom("too many arguments"));
            };
            *place = Some(value);
            params.count += 1;
        }
        Ok(params)
    }
}
