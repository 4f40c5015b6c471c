//! `hanse bench` end to end, on small loads.

use serde_json::Value;
use std::process::{Command, Output};

const HANSE: &str = env!("CARGO_BIN_EXE_hanse");

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(HANSE);
    // A variable of the tester's must not choose what is measured.
    command.env_remove("HANSE_BENCH_FUNDER_KEY");
    command.arg("bench").args(arguments).output().expect("the program can be started")
}

/// The figures of a run that must succeed.
fn figures(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--json"]].concat());
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}\n{error}");
    let last = out.lines().last().expect("a last line");
    serde_json::from_str(last).expect("the last line is JSON")
}

/// What a run that must fail says.
fn complaint(arguments: &[&str]) -> String {
    let output = bench(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_a_choice_it_measures_the_three_usual_loads() {
    let figures = figures(&["--transactions", "300", "--senders", "10"]);
    assert_eq!(figures["ok"], true, "{figures}");
    let rows = figures["rows"].as_array().expect("rows");
    let loads: Vec<&str> = rows.iter().filter_map(|row| row["load"].as_str()).collect();
    assert_eq!(loads, ["value one by one", "value by 100", "currency by 100"]);
    for row in rows {
        assert_eq!(row["included"], 300, "{row}");
        assert_eq!(row["receiptsRead"], 300, "{row}");
        for figure in ["includedPerSecond", "nodeCpuMicros", "peakMemoryBytes", "diskBytes"] {
            assert!(row[figure].as_f64().is_some_and(|figure| figure > 0.0), "{figure}: {row}");
        }
        // A block is only shown once the disk has it: there is no block without a wait.
        assert!(row["syncShare"].as_f64().is_some_and(|share| share > 0.0), "{row}");
        assert!(row["blocks"].as_u64().is_some_and(|blocks| blocks > 0), "{row}");
        assert!(row["inclusionMs"]["p50"].as_f64() <= row["inclusionMs"]["max"].as_f64(), "{row}");
    }
}

#[test]
fn orders_come_to_their_end() {
    let figures = figures(&["--kind", "order", "--transactions", "90", "--senders", "9"]);
    assert_eq!(figures["rows"][0]["included"], 90, "{figures}");
}

#[test]
fn states_and_nodes_are_compared_in_one_run() {
    let peer = format!("{HANSE} node --dev --http.port {{port}} --ws.disable --web.disable");
    let figures = figures(&[
        "--kind=value",
        "--transactions=200",
        "--senders=10",
        "--accounts=500,1000",
        "--against",
        &peer,
    ]);
    assert_eq!(figures["rows"].as_array().map(Vec::len), Some(4), "{figures}");
    // Two against the peer, then each node against itself.
    assert_eq!(figures["ratios"].as_array().map(Vec::len), Some(4), "{figures}");
}

#[test]
fn an_open_loop_keeps_its_pace() {
    let figures = figures(&["--rate", "200", "--transactions", "100", "--senders", "10"]);
    let row = &figures["rows"][0];
    assert_eq!(row["batch"], 1);
    // The last of them is due after 495 ms.
    assert!(row["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.495), "{row}");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let cases: [(&[&str], &str); 8] = [
        (&["--transactions", "0"], "--transactions"),
        (&["--kind", "order", "--senders", "2"], "--senders"),
        (&["--batch", "0"], "--batch"),
        (&["--rpc-url", "https://localhost"], "https"),
        (&["--pid", "1"], "--rpc-url"),
        (&["--against", "anvil"], "{port}"),
        (&["--against", "/nowhere/node {port}"], "/nowhere/node"),
        // Port 1 is reserved (tcpmux), and nobody listens there.
        (&["--rpc-url", "http://127.0.0.1:1"], "127.0.0.1:1"),
    ];
    for (arguments, reason) in cases {
        let said = complaint(arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}

#[test]
fn a_peer_that_ends_by_itself_is_shown_with_its_last_words() {
    let said = complaint(&[
        "--transactions=10",
        "--kind=value",
        "--against",
        &format!("{HANSE} node --http.port {{port}}"),
    ]);
    assert!(said.contains("which chain?"), "{said}");
}
