//! A process that is killed in the middle of what it does.
//!
//! The test runs itself again as a child that commits, writes checkpoints, prunes and takes blocks back for
//! as long as it lives, and says on its standard output what has returned. It is killed after a
//! random time; then the ledger must have everything that was said.

use crate::chain::settings;
use alloy_primitives::Bytes;
use hanse_ledger::{
    Horizon, Ledger,
    limits::PRUNE_KEEP_BLOCKS,
    testing::{Dice, address, execute, random_changes, spec, transaction},
};
use hanse_primitives::{BlockHash, Height};
use std::{
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

const FOLDER: &str = "HANSE_TEST_CRASH_FOLDER";
const ACCOUNTS: u64 = 5;

fn say(line: &str) {
    let mut out = stdout().lock();
    writeln!(out, "said {line}").unwrap();
    out.flush().unwrap();
}

/// Adds the block that belongs at the next height: it follows from the height alone.
fn commit(ledger: &Ledger) -> (Height, BlockHash) {
    let parent = ledger.header(ledger.head().height).unwrap().unwrap();
    let number = parent.number + 1;
    let changes = random_changes(&mut Dice(number));
    let transactions = vec![transaction(2 * number), transaction(2 * number + 1)];
    let (executed, root) = execute(ledger, &parent, transactions, changes, number);
    let hash = executed.block().hash();
    ledger.insert(executed, Some(root)).unwrap();
    ledger.set_head(hash).unwrap();
    ledger.finalize(hash, Bytes::from(hash.to_vec())).unwrap();
    (Height(number), hash)
}

#[test]
#[ignore = "it is the child of the test below, and never returns"]
fn child() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let mut settings = settings();
    settings.checkpoint_bytes = 16 * 1024;
    let ledger = Ledger::open(Path::new(&folder), &spec(ACCOUNTS), settings).unwrap();
    let mut dice = Dice(ledger.head().height.0 + u64::from(std::process::id()));
    loop {
        for _ in 0..dice.below(60) {
            let (height, hash) = commit(&ledger);
            say(&format!("commit {height} {hash}"));
        }
        if dice.below(2) == 0 {
            // All that may go, or what concerns one contract.
            let far = Height(u64::MAX);
            ledger
                .prune(&match dice.below(2) {
                    0 => Horizon { all: far, ..Horizon::default() },
                    _ => Horizon {
                        contracts: [(address(dice.below(9)), far)].into(),
                        ..Horizon::default()
                    },
                })
                .unwrap();
        }
        if dice.below(3) == 0 {
            let target = ledger.head().height.0.saturating_sub(dice.below(30));
            say(&format!("begin {target}"));
            ledger.rollback(Height(target)).unwrap();
            say(&format!("end {target}"));
        }
    }
}

/// What the child has said: where the chain must end.
#[derive(Clone, Copy, Debug)]
struct Said {
    height: u64,
    /// A rollback to this height may or may not have happened.
    maybe: Option<u64>,
}

fn run_and_kill(folder: &Path, lifetime: Duration, said: &mut Said) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["crash::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        BufReader::new(out).lines().map_while(Result::ok).collect::<Vec<_>>()
    });
    thread::sleep(lifetime);
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    for line in reader.join().unwrap() {
        let Some(at) = line.find("said ") else { continue };
        let words: Vec<_> = line[at + 5..].split(' ').collect();
        let height = words.get(1).and_then(|height| height.parse().ok());
        match (words[0], height) {
            ("commit", Some(height)) => *said = Said { height, maybe: None },
            ("begin", Some(height)) => said.maybe = Some(height),
            ("end", Some(height)) => *said = Said { height, maybe: None },
            _ => {} // the last line may be torn
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_said() {
    let folder = TempDir::new().unwrap();
    let mut dice = Dice(u64::from(std::process::id()));
    // So many that some may be pruned.
    let first = PRUNE_KEEP_BLOCKS + 40;
    let ledger = Ledger::open(folder.path(), &spec(ACCOUNTS), settings()).unwrap();
    (0..first).for_each(|_| _ = commit(&ledger));
    drop(ledger);
    let mut said = Said { height: first, maybe: None };
    let (mut highest, mut pruned) = (0, 0);
    for round in 0..8 {
        run_and_kill(folder.path(), Duration::from_millis(200 + dice.below(700)), &mut said);
        let ledger = Ledger::open(folder.path(), &spec(ACCOUNTS), settings()).unwrap();
        let height = ledger.finalized().height.0;
        assert_eq!(ledger.finalized(), ledger.head());
        // One commit may be durable whose return was never said.
        let committed = height == said.height || height == said.height + 1;
        assert!(committed || said.maybe == Some(height), "round {round}: {height}, but {said:?}");
        highest = highest.max(height);
        if dice.below(2) == 0 {
            ledger.prune(&Horizon::default()).unwrap(); // what was interrupted
        }
        let report = ledger.verify(&mut |_| {}).unwrap();
        assert!(report.problems.is_empty(), "round {round}: {:?}", report.problems);
        assert_eq!(report.blocks, height + 1);
        pruned = pruned.max(report.pruned);
        if height > 0 {
            let hash = ledger.hash(Height(height)).unwrap().unwrap();
            assert_eq!(ledger.seal(Height(height)).unwrap().unwrap(), hash.to_vec());
        }
        let (height, _) = commit(&ledger);
        said = Said { height: height.0, maybe: None };
    }
    assert!(highest > first + 10, "the child did something: {highest}");
    assert!(pruned > 0, "something was pruned");
}
