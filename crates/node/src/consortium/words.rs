//! Words of the chain as people write them.

use crate::NodeError;
use alloy_primitives::{B256, hex};
use hanse_identity::{MspId, Policy, RoleSet};
use std::time::{Duration, UNIX_EPOCH};

/// An organization's id, or what stands in its place.
pub(crate) fn msp_id(word: &B256) -> String {
    MspId::from_word(word).map_or_else(|_| name_of(word), |id| id.to_string())
}

/// A name in a word: ASCII, left-aligned. What is none is shown as digits.
pub(crate) fn name_of(word: &B256) -> String {
    let end = word.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let text = &word[..end];
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            text.to_owned()
        }
        _ => word.to_string(),
    }
}

/// A name as a word.
pub(crate) fn word_of(name: &str) -> Result<B256, NodeError> {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !first || name.len() > 31 || !name.bytes().all(rest) {
        let text = name.escape_debug();
        return Err(NodeError::Input(format!(
            "'{text}' is no name: a letter, then up to 30 letters, digits, - or _"
        )));
    }
    Ok(B256::right_padding_from(name.as_bytes()))
}

/// Roles by their names.
pub(crate) fn roles_text(bits: u32) -> String {
    RoleSet::from_bits(bits).map_or_else(|| format!("{bits:#x}"), |roles| roles.to_string())
}

/// A policy as an expression.
pub(crate) fn policy_text(form: &[u8]) -> String {
    match Policy::from_form(form) {
        Ok(policy) => policy.to_string(),
        Err(_) => format!("0x{}", hex::encode(form)),
    }
}

/// The second (UTC), for people.
pub(crate) fn date(seconds: u64) -> String {
    // What has no end is written with the greatest number there is.
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(time) if seconds < 253_402_300_800 => {
            humantime::format_rfc3339_seconds(time).to_string()
        }
        _ => "never".to_owned(),
    }
}

/// A second, as people say it: a number, or a date (UTC) with or without a time.
pub(crate) fn moment(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(seconds);
    }
    let full = if text.len() == 10 { format!("{text}T23:59:59Z") } else { text.to_owned() };
    let time = humantime::parse_rfc3339_weak(&full).map_err(|error| {
        format!("'{text}' is neither seconds since 1970 nor a date like 2027-12-31: {error}")
    })?;
    time.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).map_err(|e| e.to_string())
}
