//! Where a contract keeps what, as the Solidity compiler tells it (`storageLayout`), and whether other code would find it
//! there. The rules are those that upgradeable contracts are known to need (OpenZeppelin's upgrades plugins check the
//! same): what is there stays where it is, with its type and its name; what is new comes behind it, or in a gap.
//!
//! What the compiler does not tell is not seen: slots that code computes by itself, as ERC-7201's, and which number a name
//! of an enum stands for.

mod compare;

pub(crate) use compare::{Comparison, compare};

use crate::{NodeError, compiled::Compiled};
use alloy_primitives::U256;
use serde::{Deserialize, Deserializer};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// What a contract keeps, and of what types.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Layout {
    storage: Vec<Place>,
    /// By their ids. The compiler writes null when there are none.
    #[serde(default, deserialize_with = "or_default")]
    types: BTreeMap<String, Type>,
}

impl Layout {
    /// Reads that of a compiled contract, `FILE` or `FILE:CONTRACT` ([`Compiled::read`]); or what `forge inspect … storage-layout
    /// --json` prints.
    ///
    /// # Errors
    /// [`NodeError::Input`] that says what is missing.
    pub(crate) fn read(place: &str) -> Result<Self, NodeError> {
        let compiled = Compiled::read(place, "storageLayout", |one| {
            let layout = one.get("storageLayout").filter(|layout| layout.is_object());
            layout.or_else(|| {
                one.get("storage").is_some_and(serde_json::Value::is_array).then_some(one)
            })
        })?;
        let layout = Self::deserialize(&compiled.part)
            .map_err(|error| error.to_string())
            .and_then(|layout| layout.check().map(|()| layout));
        layout.map_err(|why| compiled.wrong(&format!("storageLayout: {why}")))
    }

    /// Every type that is named is there.
    fn check(&self) -> Result<(), String> {
        let inside = self.types.values().flat_map(|one| {
            let named = [&one.base, &one.key, &one.value].into_iter().flatten();
            named.chain(one.members.iter().flatten().map(|member| &member.kind))
        });
        let mut named = self.storage.iter().map(|place| &place.kind).chain(inside);
        match named.find(|id| !self.types.contains_key(*id)) {
            Some(id) => Err(format!("there is no type {id}")),
            None => Ok(()),
        }
    }
}

/// A variable, or a member of a struct.
#[derive(Clone, Debug, Deserialize)]
struct Place {
    label: String,
    /// Bytes from the low end of the slot.
    offset: u32,
    #[serde(deserialize_with = "number")]
    slot: U256,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    encoding: Encoding,
    label: String,
    #[serde(deserialize_with = "number")]
    number_of_bytes: U256,
    /// Of an array.
    base: Option<String>,
    /// Of a mapping.
    key: Option<String>,
    value: Option<String>,
    /// Of a struct.
    members: Option<Vec<Place>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    Inplace,
    Mapping,
    DynamicArray,
    Bytes,
}

/// Numbers are written as text.
fn number<'de, D: Deserializer<'de>, N: FromStr<Err: Display>>(from: D) -> Result<N, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
