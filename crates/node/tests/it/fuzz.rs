//! The fuzz targets of `fuzz/`, compiled here too and run over their seeds and over random bytes, so
//! that they cannot stop working unnoticed.

#[path = "../../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is a crate of its own")]
mod targets;

use proptest::test_runner::{Config, TestRunner};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Random inputs that each target is given here; more come from `make fuzz`.
const RANDOM_INPUTS: u32 = 64;

/// The same for the targets that open a ledger each time, which wait for the disk.
const RANDOM_LEDGERS: u32 = 8;

/// Bytes of a seed: a small one is mutated to more purpose than a large one.
const SEED_BYTES_MAX: u64 = 16 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = folder().join("seeds").join(target);
    let entries = fs::read_dir(&folder).expect("every target has seeds");
    let paths = entries.map(|entry| entry.expect("an entry of seeds/").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    paths.map(|path| (name(&path), fs::read(&path).expect("a seed can be read"))).collect()
}

#[test]
fn every_seed_is_taken_or_refused_as_its_name_says() {
    for (name, make) in targets::TARGETS {
        let (target, seeds) = (make(), seeds(name));
        assert!(seeds.keys().any(|seed| seed.starts_with("good")), "{name} has a good seed");
        for (seed, bytes) in seeds {
            assert!(bytes.len() as u64 <= SEED_BYTES_MAX, "{name}/{seed}");
            assert_eq!(target(&bytes), seed.starts_with("good"), "{name}/{seed}");
        }
    }
}

/// Random bytes alone hardly get anywhere, so half of them are a seed with a few bytes changed.
#[test]
fn random_bytes_break_no_promise() {
    use proptest::{collection::vec, prelude::*};
    for (name, make) in targets::TARGETS {
        let (target, seeds) = (make(), seeds(name));
        let seeds: Vec<Vec<u8>> = seeds.into_values().collect();
        let cases = match name {
            "ledger" | "snapshots" => RANDOM_LEDGERS,
            _ => RANDOM_INPUTS,
        };
        let config = Config { failure_persistence: None, ..Config::with_cases(cases) };
        let edits = vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
        let inputs = (any::<prop::sample::Index>(), edits, vec(any::<u8>(), 0..200));
        let outcome = TestRunner::new(config).run(&inputs, |(seed, edits, noise)| {
            target(&noise);
            let mut changed = seed.get(&seeds).clone();
            for (at, byte) in edits.iter().filter(|_| !changed.is_empty()).collect::<Vec<_>>() {
                let at = at.index(changed.len());
                changed[at] = *byte;
            }
            target(&changed);
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

/// The programs for libFuzzer are not compiled here. They are the same few lines, so that nothing in
/// them can stop working.
#[test]
fn every_target_has_its_program() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("fuzz/ has a manifest");
    for (name, _) in targets::TARGETS {
        let path = format!("targets/{name}.rs");
        let program = fs::read_to_string(folder().join(&path)).expect("every target has a program");
        let expected = format!(
            "#![no_main]\n//! See `hanse_fuzz::{name}`.\n\nuse std::sync::LazyLock;\n\n\
             static TARGET: LazyLock<hanse_fuzz::Target> = LazyLock::new(hanse_fuzz::{name});\n\n\
             libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {{\n    TARGET(bytes);\n}});\n"
        );
        assert_eq!(program, expected, "{path}");
        assert!(manifest.contains(&format!("path = \"{path}\"")), "{name} is in fuzz/Cargo.toml");
    }
}

/// Writes the seeds that are bytes. A change of the EVM's rules or of a format makes them stale:
/// `cargo test -p hanse-node --test it write_seeds -- --ignored`.
#[test]
#[ignore = "writes to fuzz/seeds"]
fn write_seeds() {
    for (target, seeds) in targets::seeds() {
        for (name, bytes) in seeds {
            let path = folder().join("seeds").join(target).join(name);
            fs::write(path, bytes).expect("fuzz/seeds can be written");
        }
    }
}
