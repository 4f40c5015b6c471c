use super::*;
use std::fs;

fn entry<'a>(action: &'a str, details: &'a str) -> AuditEntry<'a> {
    AuditEntry {
        identity: "ops",
        role: "operator",
        remote: "127.0.0.1:9".parse().ok(),
        action,
        details,
        outcome: "asked",
    }
}

fn written() -> (tempfile::TempDir, PathBuf, Head) {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("audit.log");
    let log = AuditLog::open(&path).expect("new");
    for at in 0..5 {
        log.append(&entry("hanse_setFault", &format!("[\"pause\",{at}]"))).expect("recorded");
    }
    let head = log.head();
    (directory, path, head)
}

#[test]
fn entries_are_there_after_a_restart_and_follow_each_other() {
    let (_directory, path, head) = written();
    assert_eq!(head.entries, 5);
    let log = AuditLog::open(&path).expect("whole");
    assert_eq!(log.head(), head);
    log.note("node started", &"x".repeat(5_000)).expect("recorded");
    let mut seen = Vec::new();
    let file = File::open(&path).expect("readable");
    let (end, _) = check(&path, &file, |line| seen.push(line.clone())).expect("whole");
    assert_eq!((end, seen.len()), (log.head(), 6));
    assert_eq!(seen[5].previous, head.hash);
    assert!(seen[5].details.starts_with("5000 bytes with the hash 0x"), "{}", seen[5].details);
}

#[test]
fn a_changed_a_missing_and_a_swapped_entry_are_found_by_their_number() {
    let (_directory, path, _) = written();
    let text = fs::read_to_string(&path).expect("readable");
    let lines: Vec<&str> = text.lines().collect();
    let changed = text.replace("\"pause\\\",3", "\"pause\\\",7");
    assert_ne!(changed, text);
    let missing = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    let swapped = [lines[0], lines[2], lines[1], lines[3]].join("\n") + "\n";
    let inserted = format!("{}\n{}\n{text}", lines[0], "{}");
    for (tampered, number) in [(changed, 4), (missing, 3), (swapped, 2), (inserted, 2)] {
        fs::write(&path, &tampered).expect("written");
        let error = AuditLog::open(&path).expect_err("it was changed").to_string();
        assert!(error.contains(&format!("entry {number} ")), "{error}");
    }
}

#[test]
fn a_line_that_a_crash_cut_off_goes_and_the_record_goes_on() {
    let (_directory, path, head) = written();
    let whole = fs::read(&path).expect("readable");
    for cut in [1, 10, 100] {
        let mut torn = whole.clone();
        torn.extend_from_slice(&whole[..cut]);
        fs::write(&path, torn).expect("written");
        let log = AuditLog::open(&path).expect("whole lines stay");
        assert_eq!(log.head(), head);
    }
    let log = AuditLog::open(&path).expect("whole");
    log.append(&entry("hanse_setFault", "[]")).expect("recorded");
    assert_eq!(AuditLog::open(&path).expect("whole").head().entries, 6);
}
