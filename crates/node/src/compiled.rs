//! Compiled contracts, in what compilers and tools write; and whether the code at an address is that of one.

use crate::NodeError;
use alloy_primitives::{Bytes, hex};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

/// Bytes of a file with compiled contracts.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A part of what is known of a contract.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    path: String,
    pub(crate) part: Value,
}

impl Compiled {
    /// Reads `FILE` or `FILE:CONTRACT`: an artifact of forge or of ours, or the compiler's standard output, of which the contract
    /// has to be named where several have the part. `part` finds it in a contract; `name` is what it is called.
    ///
    /// # Errors
    /// [`NodeError::Input`] that says what is missing.
    pub(crate) fn read(
        place: &str,
        name: &str,
        part: impl Fn(&Value) -> Option<&Value>,
    ) -> Result<Self, NodeError> {
        let (path, contract) = match place.rsplit_once(':') {
            Some((path, contract)) if !Path::new(place).exists() => (path, Some(contract)),
            _ => (place, None),
        };
        let found = Self { path: path.to_owned(), part: Value::Null };
        let path = Path::new(path);
        let failed = |error| NodeError::file("read", path, error);
        if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(found.wrong("it is too long for compiled contracts"));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let value: Value =
            serde_json::from_str(&text).map_err(|error| found.wrong(&error.to_string()))?;
        let part = find(&value, name, contract, part).map_err(|why| found.wrong(&why))?.clone();
        Ok(Self { part, ..found })
    }

    /// Something about the file that will not do.
    pub(crate) fn wrong(&self, why: &str) -> NodeError {
        NodeError::Input(format!("{}: {why}", self.path))
    }
}

fn find<'a>(
    value: &'a Value,
    name: &str,
    contract: Option<&str>,
    part: impl Fn(&'a Value) -> Option<&'a Value>,
) -> Result<&'a Value, String> {
    let missing = || {
        format!(
            "it has no {name}; have the compiler write it (forge: extra_output in foundry.toml; solc: \
             outputSelection)"
        )
    };
    if let Some(found) = part(value) {
        return Ok(found);
    }
    let files = value.get("contracts").and_then(Value::as_object).ok_or_else(missing)?;
    let all = files.values().filter_map(Value::as_object).flatten();
    let wanted = all.filter(|(name, _)| contract.is_none_or(|contract| contract == *name));
    let found: Vec<_> =
        wanted.filter_map(|(name, one)| Some((name.as_str(), part(one)?))).collect();
    match (&found[..], contract) {
        ([(_, part)], _) => Ok(part),
        ([], None) => Err(missing()),
        ([], Some(contract)) => Err(format!("it has no {name} of a contract {contract}")),
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            Err(format!("it has several contracts; say which, as FILE:NAME: {}", names.join(", ")))
        }
    }
}

/// The code that a compiler made, but for what the constructor writes into it.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    bytes: Bytes,
    /// Where that is, ascending.
    immutables: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Span {
    start: usize,
    length: usize,
}

/// What was found at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// The code, with these values in place of the immutables: where, and what.
    Same(Vec<(usize, Bytes)>),
    /// Another code, from this byte on.
    Other(usize),
}

impl Code {
    /// Reads that of a compiled contract ([`Compiled::read`]).
    ///
    /// # Errors
    /// [`NodeError::Input`] that says what is missing.
    pub(crate) fn read(place: &str) -> Result<Self, NodeError> {
        let compiled = Compiled::read(place, "deployedBytecode", |one| {
            let code = one.get("deployedBytecode").map(|_| one);
            code.or_else(|| one.get("evm").filter(|evm| evm.get("deployedBytecode").is_some()))
        })?;
        Self::of(&compiled.part).map_err(|why| compiled.wrong(&why))
    }

    fn of(part: &Value) -> Result<Self, String> {
        let code = &part["deployedBytecode"];
        // Ours is the code alone, with the list beside it; others have an object.
        let text = code.as_str().or_else(|| code["object"].as_str()).ok_or("it has no code")?;
        let bytes = hex::decode(text).map_err(
            |_| "its code is no hexadecimal number; it may have to be linked with libraries first",
        )?;
        if bytes.is_empty() {
            return Err("it has no code; an interface is none".to_owned());
        }
        let lists = match (&part["immutables"], &code["immutableReferences"]) {
            (list @ Value::Array(_), _) => vec![list],
            (_, Value::Object(lists)) => lists.values().collect(),
            _ => Vec::new(),
        };
        let mut immutables = Vec::new();
        for list in lists {
            let spans = Vec::<Span>::deserialize(list);
            immutables.extend(spans.map_err(|error| format!("immutableReferences: {error}"))?);
        }
        immutables.sort_unstable();
        let fits =
            |span: &Span| span.start.checked_add(span.length).is_some_and(|end| end <= bytes.len());
        match immutables.iter().all(fits) {
            true => Ok(Self { bytes: bytes.into(), immutables }),
            false => Err("immutableReferences: one is outside of the code".to_owned()),
        }
    }

    /// Whether this is the code at an address.
    pub(crate) fn compare(&self, deployed: &[u8]) -> Match {
        let mut expected = self.bytes.to_vec();
        let mut values = Vec::new();
        for Span { start, length } in self.immutables.iter().copied() {
            let Some(value) = deployed.get(start..start + length) else { break };
            expected[start..start + length].copy_from_slice(value);
            values.push((start, Bytes::copy_from_slice(value)));
        }
        let differs = expected.iter().zip(deployed).position(|(one, other)| one != other);
        match differs {
            Some(at) => Match::Other(at),
            None if expected.len() != deployed.len() => {
                Match::Other(expected.len().min(deployed.len()))
            }
            None => Match::Same(values),
        }
    }
}

#[cfg(test)]
mod tests;
