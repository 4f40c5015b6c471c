//! Finds a layout in what compilers and tools write.

use super::Layout;
use crate::NodeError;
use serde_json::Value;
use std::{fs, path::Path};

/// Bytes of a file with compiled contracts.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Reads `FILE` or `FILE:CONTRACT`: an artifact of forge or of ours, what `forge inspect … storage-layout --json` prints, or
/// the compiler's standard output, of which the contract has to be named where it has several.
///
/// # Errors
/// [`NodeError::Input`] that says what is missing.
pub(crate) fn read(place: &str) -> Result<Layout, NodeError> {
    let (path, contract) = match place.rsplit_once(':') {
        Some((path, contract)) if !Path::new(place).exists() => (path, Some(contract)),
        _ => (place, None),
    };
    let path = Path::new(path);
    let failed = |error| NodeError::file("read", path, error);
    let wrong = |why: String| NodeError::Input(format!("{}: {why}", path.display()));
    if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(wrong("it is too long for compiled contracts".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let layout = find(&value, contract).map_err(wrong)?;
    Layout::deserialize_from(layout).map_err(|error| wrong(format!("storageLayout: {error}")))
}

impl Layout {
    fn deserialize_from(value: &Value) -> Result<Self, serde_json::Error> {
        let layout: Self = serde::Deserialize::deserialize(value)?;
        layout.check().map_err(serde::de::Error::custom)?;
        Ok(layout)
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

fn find<'a>(value: &'a Value, contract: Option<&str>) -> Result<&'a Value, String> {
    const MISSING: &str = "it has no storageLayout; have the compiler write it (forge: extra_output = \
                           [\"storageLayout\"] in foundry.toml; solc: outputSelection)";
    if let Some(layout) = value.get("storageLayout").filter(|layout| layout.is_object()) {
        return Ok(layout);
    }
    if value.get("storage").is_some_and(Value::is_array) {
        return Ok(value);
    }
    let files = value.get("contracts").and_then(Value::as_object).ok_or(MISSING)?;
    let all = files.values().filter_map(Value::as_object).flatten();
    let laid_out = all.filter_map(|(name, one)| {
        let layout = one.get("storageLayout").filter(|layout| layout.is_object())?;
        Some((name.as_str(), layout))
    });
    let found: Vec<_> =
        laid_out.filter(|(name, _)| contract.is_none_or(|contract| contract == *name)).collect();
    match (&found[..], contract) {
        ([(_, layout)], _) => Ok(layout),
        ([], None) => Err(MISSING.to_owned()),
        ([], Some(contract)) => Err(format!("it has no storageLayout of a contract {contract}")),
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            Err(format!("it has several contracts; say which, as FILE:NAME: {}", names.join(", ")))
        }
    }
}
