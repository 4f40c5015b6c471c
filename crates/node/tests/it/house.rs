//! The floors, the owners of heavy libraries, and the call sites that types alone cannot guard.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Floor of each room.
const FLOORS: [(&str, u8); 12] = [
    ("primitives", 0),
    ("identity", 1),
    ("light", 1),
    ("consensus", 2),
    ("ledger", 2),
    ("network", 2),
    ("execution", 4),
    ("txpool", 4),
    ("commerce", 5),
    ("rpc", 6),
    ("node", 7),
    // A workshop beside the product: nothing may depend on it.
    ("simulator", 8),
];

/// Heavy libraries and the one room that may use each.
const OWNERS: [(&str, &str); 16] = [
    ("revm", "execution"),
    ("alloy-evm", "execution"),
    ("revm-inspectors", "execution"),
    ("fjall", "ledger"),
    ("rustls", "network"),
    ("tokio-rustls", "network"),
    ("ring", "network"),
    ("rcgen", "identity"),
    ("x509-parser", "identity"),
    ("pem", "identity"),
    ("axum", "rpc"),
    ("tower-http", "rpc"),
    ("rust-embed", "rpc"),
    ("clap", "node"),
    ("tracing-subscriber", "node"),
    ("metrics-exporter-prometheus", "node"),
];

/// Lines of a product file beyond which it wants a reason.
const FILE_LINES_MAX: usize = 600;

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in crates/").to_owned()
}

/// Names in the `[dependencies]` table of each room.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let mut rooms = BTreeMap::new();
    for entry in fs::read_dir(crates()).expect("crates/ can be read") {
        let path = entry.expect("an entry of crates/").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("every room has one");
        let table: toml::Table = manifest.parse().expect("a manifest is TOML");
        let names = table.get("dependencies").and_then(toml::Value::as_table);
        let names = names.map(|names| names.keys().cloned().collect()).unwrap_or_default();
        rooms.insert(name, names);
    }
    rooms
}

/// Product files of every room: no tests, no benches.
fn product_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![crates()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of crates/ can be read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !["tests", "benches", "target", "testing"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && name != "tests.rs" && name != "testing.rs" {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_room_uses_only_floors_below_its_own() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    for (room, names) in dependencies() {
        let floor = floors.get(room.as_str()).expect("a new room gets a floor in this table");
        for used in names.iter().filter_map(|name| name.strip_prefix("hanse-")) {
            let below = floors[used];
            assert!(below < *floor, "{room} (floor {floor}) must not use {used} (floor {below})");
        }
    }
}

#[test]
fn every_heavy_library_has_one_owner() {
    let rooms = dependencies();
    for (library, owner) in OWNERS {
        let users: Vec<&String> = rooms
            .iter()
            .filter(|(_, names)| names.iter().any(|name| name == library))
            .map(|(room, _)| room)
            .collect();
        assert_eq!(users, [owner], "{library}");
    }
}

#[test]
fn only_execution_vouches_for_blocks() {
    let vouching: Vec<String> = product_files()
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).expect("a source file can be read");
            text.contains("Executed::vouch(")
        })
        .map(|path| path.strip_prefix(crates()).expect("under crates/").display().to_string())
        .filter(|path| !path.starts_with("primitives/"))
        .collect();
    let by_execution = vouching.iter().filter(|path| path.starts_with("execution/")).count();
    let by_ledger = vouching.iter().filter(|path| path.starts_with("ledger/")).count();
    // The ledger reads back what it was given: bytes that it wrote itself and checks by their sum.
    assert_eq!(vouching.len(), by_execution + by_ledger, "{vouching:?}");
    assert!(by_execution == 1 && by_ledger <= 1, "{vouching:?}");
}

#[test]
fn files_are_small_enough_to_see() {
    let long: Vec<String> = product_files()
        .into_iter()
        .filter_map(|path| {
            let lines =
                fs::read_to_string(&path).expect("a source file can be read").lines().count();
            (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}
