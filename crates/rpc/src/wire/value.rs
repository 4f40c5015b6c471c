//! Values of parameters. Errors are the second half of "invalid argument 0: ...".

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a parameter can be read as.
pub(crate) trait FromJson<'a>: Sized {
    /// # Errors
    /// What is wrong with it, for people.
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>>;
}

/// Anything that serde reads: calls, filters, overrides, trace options.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'a, T: DeserializeOwned> FromJson<'a> for Object<T> {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        serde_json::from_str(raw.get()).map(Self).map_err(|error| Cow::Owned(explain(&error)))
    }
}

/// The reader's sentence without its place, which counts from the start of the parameter and would
/// only mislead.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).to_owned()
}

/// The text between the quotes; borrowed unless there are escapes.
pub(crate) fn string(raw: &RawValue) -> Result<Cow<'_, str>, Cow<'static, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(text).map(Cow::Owned).map_err(|_| "invalid string".into()),
        None => Err("expected a string".into()),
    }
}

/// The digits of a `0x` string. A second prefix is refused here, since decoders pass over one.
pub(crate) fn digits(text: &str) -> Result<&str, Cow<'static, str>> {
    if text.is_empty() {
        return Err("empty hex string".into());
    }
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .ok_or("hex string without 0x prefix")?;
    if digits.starts_with("0x") { Err("invalid hex string".into()) } else { Ok(digits) }
}

fn fixed<const N: usize>(raw: &RawValue, what: &str) -> Result<[u8; N], Cow<'static, str>> {
    let text = string(raw)?;
    let digits = digits(&text)?;
    if digits.len() != N * 2 {
        return Err(
            format!("hex string has length {}, want {} for {what}", digits.len(), N * 2).into()
        );
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| "invalid hex string")?;
    Ok(bytes)
}

/// A quantity: hex without leading zeros.
fn quantity(text: &str, bits: usize) -> Result<&str, Cow<'static, str>> {
    let digits = digits(text)?;
    if digits.is_empty() {
        return Err("hex string \"0x\"".into());
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err("hex number with leading zero digits".into());
    }
    if digits.len() > bits / 4 {
        return Err(format!("hex number > {bits} bits").into());
    }
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(digits)
    } else {
        Err("invalid hex string".into())
    }
}

/// A quantity of 64 bits from its text.
pub(crate) fn parse_u64(text: &str) -> Result<u64, Cow<'static, str>> {
    u64::from_str_radix(quantity(text, 64)?, 16).map_err(|_| "invalid hex string".into())
}

impl<'a> FromJson<'a> for u64 {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        parse_u64(&string(raw)?)
    }
}

impl<'a> FromJson<'a> for U256 {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        let text = string(raw)?;
        Self::from_str_radix(quantity(&text, 256)?, 16).map_err(|_| "invalid hex string".into())
    }
}

impl<'a> FromJson<'a> for Address {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        fixed::<20>(raw, "an address").map(Self::from)
    }
}

impl<'a> FromJson<'a> for B256 {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        fixed::<32>(raw, "a hash").map(Self)
    }
}

impl<'a> FromJson<'a> for Bytes {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        let text = string(raw)?;
        let digits = digits(&text)?;
        if digits.len() % 2 == 1 {
            return Err("hex string of odd length".into());
        }
        hex::decode(digits).map(Self::from).map_err(|_| "invalid hex string".into())
    }
}

impl<'a> FromJson<'a> for bool {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        match raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("expected true or false".into()),
        }
    }
}

impl<'a> FromJson<'a> for String {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        string(raw).map(Cow::into_owned)
    }
}

impl<'a> FromJson<'a> for &'a RawValue {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        Ok(raw)
    }
}

impl<'a, T: FromJson<'a>> FromJson<'a> for Vec<T> {
    fn from_json(raw: &'a RawValue) -> Result<Self, Cow<'static, str>> {
        let items: Vec<&'a RawValue> =
            serde_json::from_str(raw.get()).map_err(|_| "expected a list")?;
        items.into_iter().map(T::from_json).collect()
    }
}
